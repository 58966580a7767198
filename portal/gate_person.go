package portal

import (
	"context"
	"time"

	"postern/engine"
)

// person is who a name or a session is of, as the CRM has them now.
type person struct {
	portal  *engine.Portal
	record  engine.Record // zero for a name that is nobody's
	account Account
	opens   bool // they may sign in now
	shared  bool // another record has the same name, so that nobody gets in by it
}

// known tells whether there is such a person at all.
func (p person) known() bool { return !p.record.Ref.IsZero() }

// name is what they sign in with.
func (p person) name() string { return p.record.Fields.Text(p.portal.Subject.Login) }

// nobody stands for a name that is not known, so that looking it up costs as much as one that is.
const nobody = "nobody"

// byName finds whose name it is, in whatever spelling. A name that two records have is nobody's.
func (g *Gate) byName(ctx context.Context, portal *engine.Portal, name string) (person, error) {
	who := person{portal: portal}
	subject := portal.Subject
	wanted := normal(name)
	found, err := g.with.CRM.Search(ctx, engine.Search{
		Module: subject.Module, Modules: portal.Modules, Limit: 2,
		Where: engine.Predicate{
			Op: engine.OpFold, Path: subject.Login, Values: []engine.Operand{{Value: wanted}},
		},
	})
	if err != nil {
		return who, unavailable(err)
	}
	ref := engine.Ref{Module: subject.Module.Name, ID: nobody}
	switch {
	case wanted == "" || len(found.Records) == 0:
	case len(found.Records) > 1:
		who.shared = true
		g.with.Logger.WarnContext(ctx, "two records have one name to sign in with: nobody gets in by it",
			"portal", portal.Name, "records", []string{
				found.Records[0].Ref.String(), found.Records[1].Ref.String(),
			})
	default:
		who.record = found.Records[0]
		ref = who.record.Ref
	}
	return g.completed(ctx, who, ref)
}

// byRef reads a subject; engine.ErrNoRecord where there is no such record.
func (g *Gate) byRef(ctx context.Context, portal *engine.Portal, ref engine.Ref) (person, error) {
	who := person{portal: portal}
	if ref.Module != portal.Subject.Module.Name {
		return who, engine.ErrNoRecord
	}
	records, err := g.with.CRM.Get(ctx, ref)
	if err != nil {
		return who, unavailable(err)
	}
	if len(records) == 0 {
		return who, engine.ErrNoRecord
	}
	who.record = records[0]
	return g.completed(ctx, who, ref)
}

// completed adds what is kept of a person, and whether they may sign in.
func (g *Gate) completed(ctx context.Context, who person, ref engine.Ref) (person, error) {
	account, err := g.with.Store.Account(ctx, who.portal.Name, ref)
	if err != nil {
		return who, err
	}
	who.account = account
	if who.opens = who.known() && account.Disabled.IsZero(); who.opens {
		who.opens, err = g.opens(ctx, who)
	}
	return who, err
}

// opens tells whether the record of a person lets them in: the flag, and the days.
func (g *Gate) opens(ctx context.Context, who person) (bool, error) {
	subject, now := who.portal.Subject, g.with.Clock.Now()
	if !subject.Open(who.record.Fields, now) {
		return false, nil
	}
	env, err := g.me(ctx, who, now, subject.Active.Routes())
	if err != nil {
		return false, err
	}
	value, err := subject.Active.Eval(env)
	if err != nil { // of this record alone: it lets nobody in
		g.with.Logger.WarnContext(ctx, "whether somebody may sign in cannot be told", "portal", who.portal.Name,
			"record", who.record.Ref.String(), "error", err)
		return false, nil
	}
	active, _ := value.(bool)
	return active, nil
}

// me is a person as what predicates and expressions call me, with what routes lead to.
func (g *Gate) me(ctx context.Context, who person, now time.Time, routes []string) (*engine.Env, error) {
	env := &engine.Env{
		Ref: who.record.Ref, Module: who.portal.Subject.Module, Modules: who.portal.Modules,
		Record: who.record.Fields, Now: now,
	}
	if len(routes) == 0 {
		return env, nil
	}
	if err := engine.Trace(ctx, g.with.CRM, env, routes); err != nil {
		return nil, unavailable(err)
	}
	return env, nil
}

// language is the language of a person; "" where their record says none.
func (p person) language() string { return p.portal.LanguageOf(p.record.Fields) }

// role is what they may do. Where the portal has none for them, they may do nothing.
func (p person) role() *engine.Role {
	if role := p.portal.RoleOf(p.record.Fields); role != nil {
		return role
	}
	return &engine.Role{Name: engine.RoleDefault}
}
