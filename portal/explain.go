package portal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"postern/engine"
)

// Explanation says in plain words what somebody may see and do in a portal, and why they may sign in or not. It is for
// operators and holds nothing of any record but values of the subject's that rows compare with.
type Explanation struct {
	Portal  string   `json:"portal"`
	Subject string   `json:"subject"`
	Role    string   `json:"role"`
	Refused []string `json:"refused,omitempty"` // why they may not sign in
	Modules []May    `json:"modules"`           // by name; any other is forbidden
}

// May is what somebody may see and do with the records of a module.
type May struct {
	Module  string            `json:"module"`
	Rows    string            `json:"rows"`          // which records
	Why     string            `json:"why,omitempty"` // the rows of the policy, where those say less
	Read    []string          `json:"read"`
	Filter  []string          `json:"filter,omitempty"`
	Sort    []string          `json:"sort,omitempty"`
	Update  []string          `json:"update,omitempty"`
	While   string            `json:"while,omitempty"` // which of them may be changed and deleted; "" for all
	Fresh   []string          `json:"fresh,omitempty"` // of update: right after a sign-in only
	Create  bool              `json:"create"`
	Give    []string          `json:"give,omitempty"` // fields of a new record
	Set     map[string]string `json:"set,omitempty"`  // what a new record is set to
	Delete  bool              `json:"delete"`
	Related []string          `json:"related,omitempty"`
}

// Verdict says whether one record is seen, and by which comparisons.
type Verdict struct {
	Record string   `json:"record"`
	Seen   bool     `json:"seen"`
	By     []string `json:"by,omitempty"` // what settles it: what does not hold, or what does
}

// ExplainFrom explains a portal to an operator by the records that a CRM has: what a subject may do and, unless record
// is zero, whether they see that record. The error says which record is not there, ErrNotFound, or why it could not be
// read.
func ExplainFrom(
	ctx context.Context, crm engine.Getter, p *engine.Portal, subject, record engine.Ref, now time.Time,
) (Explanation, *Verdict, error) {
	found, err := readOne(ctx, crm, subject)
	if err != nil {
		return Explanation{}, nil, err
	}
	if subject.Module != p.Subject.Module.Name {
		return Explanation{}, nil, fmt.Errorf("%s signs in to %s, no record of %s does: %w",
			p.Subject.Module.Name, p.Name, subject.Module, ErrNotFound)
	}
	me := &engine.Env{
		Ref: subject, Module: p.Subject.Module, Modules: p.Modules, Record: found.Fields,
		Routes: map[string]engine.Record{}, Now: now,
	}
	role := p.RoleOf(me.Record)
	if err := engine.Trace(ctx, crm, me, append(p.Subject.Active.Routes(), role.MeRoutes()...)); err != nil {
		return Explanation{}, nil, fmt.Errorf("read what %s leads to: %w", subject, err)
	}
	explained := Explain(p, me, now)
	if record.IsZero() {
		return explained, nil, nil
	}
	verdict, err := judgeFrom(ctx, crm, p, me, record, now)
	return explained, verdict, err
}

// judgeFrom is Judge for a record that a CRM has.
func judgeFrom(
	ctx context.Context, crm engine.Getter, p *engine.Portal, me *engine.Env, ref engine.Ref, now time.Time,
) (*Verdict, error) {
	row := engine.Row{Record: engine.Record{Ref: ref}, Modules: p.Modules}
	if access := p.RoleOf(me.Record).Modules[ref.Module]; access != nil {
		found, err := readOne(ctx, crm, ref)
		if err != nil {
			return nil, err
		}
		env := &engine.Env{
			Ref: ref, Module: access.Module, Modules: p.Modules, Record: found.Fields,
			Routes: map[string]engine.Record{},
		}
		if err := engine.Trace(ctx, crm, env, access.Rows.Routes()); err != nil {
			return nil, fmt.Errorf("read what %s leads to: %w", ref, err)
		}
		row.Record, row.Routes = found, env.Routes
		if searcher, ok := crm.(engine.Searcher); ok {
			row.Related = func(to engine.Ref) bool { return areRelated(ctx, searcher, access, p.Modules, ref, to) }
		}
	}
	verdict := Judge(p, me, row, now)
	return &verdict, nil
}

// areRelated asks a CRM whether it relates two records; not, if it cannot tell.
func areRelated(
	ctx context.Context, crm engine.Searcher, a *engine.Access, modules map[string]*engine.Module, ref, to engine.Ref,
) bool {
	found, err := crm.Search(ctx, engine.Search{
		Module: a.Module, Modules: modules, Limit: 1,
		Where: engine.Predicate{Of: []engine.Predicate{
			{Op: engine.OpEqual, Path: "id", Values: []engine.Operand{{Value: ref.ID}}},
			{Op: engine.OpRelated, Module: to.Module, Values: []engine.Operand{{Value: to.ID}}},
		}},
	})
	return err == nil && len(found.Records) > 0
}

func readOne(ctx context.Context, crm engine.Getter, ref engine.Ref) (engine.Record, error) {
	found, err := crm.Get(ctx, ref)
	switch {
	case err != nil:
		return engine.Record{}, fmt.Errorf("read %s: %w", ref, err)
	case len(found) == 0:
		return engine.Record{}, fmt.Errorf("%s is not there: %w", ref, ErrNotFound)
	}
	return found[0], nil
}

// Explain explains a portal to whoever wants to know what a subject may do there. Me is the subject's record with what
// the routes of the role and of the portal's condition lead to.
func Explain(p *engine.Portal, me *engine.Env, now time.Time) Explanation {
	role := p.RoleOf(me.Record)
	e := Explanation{
		Portal: p.Name, Subject: me.Ref.String(), Role: role.Name, Refused: refused(p, me, now), Modules: []May{},
	}
	for _, name := range slices.Sorted(maps.Keys(role.Modules)) {
		e.Modules = append(e.Modules, may(p, role.Modules[name], me, now))
	}
	return e
}

// refused says why somebody may not sign in; nothing if they may.
func refused(p *engine.Portal, me *engine.Env, now time.Time) (why []string) {
	switch active, err := engine.True(p.Subject.Active, me); {
	case err != nil:
		why = append(why, "active cannot be told: "+err.Error())
	case !active:
		why = append(why, "active is false: "+p.Subject.Active.Source())
	}
	if !p.Subject.Open(me.Record, now) {
		why = append(why, "today is not between the days from which and until which they may")
	}
	if me.Record.Text(p.Subject.Login) == "" {
		why = append(why, p.Subject.Login+" is empty, so there is nothing to sign in with")
	}
	return why
}

// may explains one access.
func may(p *engine.Portal, a *engine.Access, me *engine.Env, now time.Time) May {
	bound := a.Rows.Bind(me, now, p.Subject.Zone)
	m := May{
		Module: a.Module.Name, Rows: bound.String(), Read: a.Read, Filter: a.Filter, Sort: a.Sort, Update: a.Update,
		Fresh: a.Fresh, Delete: a.Delete, Create: a.Create != nil,
	}
	if policy := a.Rows.String(); policy != m.Rows {
		m.Why = policy
	}
	if !a.While.IsEverything() {
		m.While = a.While.Bind(me, now, p.Subject.Zone).String()
	}
	if a.Create != nil {
		m.Give, m.Set = a.Create.Fields, map[string]string{}
		for name, operand := range a.Create.Set {
			m.Set[name] = operand.String()
		}
	}
	for _, list := range a.Related {
		m.Related = append(m.Related, list.Module)
	}
	return m
}

// Judge says whether a subject sees a record, and why. Row is the record with what the routes of the rows lead to.
func Judge(p *engine.Portal, me *engine.Env, row engine.Row, now time.Time) Verdict {
	role := p.RoleOf(me.Record)
	v := Verdict{Record: row.Record.Ref.String()}
	access := role.Modules[row.Record.Module]
	if access == nil {
		v.By = []string{"role " + role.Name + " has no access to " + row.Record.Module}
		return v
	}
	bound := access.Rows.Bind(me, now, p.Subject.Zone)
	if bound.IsNothing() {
		v.By = []string{"rows compares with values that " + me.Ref.String() + " does not have: " + access.Rows.String()}
		return v
	}
	if bound.IsEverything() {
		v.Seen, v.By = true, []string{"rows is true for every record"}
		return v
	}
	holds, by := bound.Decides(row)
	v.Seen = holds
	for _, comparison := range by {
		said := comparison.String()
		if !holds {
			said += ": that is not so"
		}
		v.By = append(v.By, said)
	}
	return v
}
