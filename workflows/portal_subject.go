package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// subject reads who may sign in.
func (p *plannedPortal) subject(f *subjectFile) {
	s := &p.portal.Subject
	if f.Login != nil && p.knownField(f.Login, s.Module) {
		s.Login = f.Login.Text()
		p.checkLogin(f.Login, s.Module.Fields[s.Login])
	}
	if f.Active != nil {
		p.active(f.Active)
	}
	dates := []engine.FieldType{engine.TypeDate, engine.TypeDateTime}
	s.From = p.ownField(f.From, "from", dates)
	s.Until = p.ownField(f.Until, "until", dates)
	words := []engine.FieldType{engine.TypeText, engine.TypePicklist}
	s.Language = p.ownField(f.Language, "language", words)
	s.Role = p.ownField(f.Role, "role", append(words, engine.TypeReference, engine.TypeOwner))
	for _, name := range []string{s.From, s.Until, s.Role} {
		p.decide[name] = name != ""
	}
}

func (p *plannedPortal) checkLogin(at *yamldoc.Node, field *engine.Field) {
	switch {
	case field.Type != engine.TypeEmail && field.Type != engine.TypeText:
		p.complain(at.Errorf("%s is of type %s; people sign in with a field of type email or text",
			field.Name, field.Type))
	case !field.Unique:
		p.complain(at.Warningf("login-not-unique", "%s may be the same on two records, and neither of them could "+
			"sign in: say unique: true in %s", field.Name, p.origin["module "+p.portal.Subject.Module.Name]))
	}
}

// active compiles the condition on who may sign in.
func (p *plannedPortal) active(at *yamldoc.Node) {
	if !at.IsScalar() || at.Kind() == yamldoc.Null {
		p.complain(at.Errorf("expected a condition such as me.portal, found %s", at.Kind()))
		return
	}
	program, fail := exprsafe.Compile(at.Text(), p.me(), exprsafe.Bool)
	if fail != nil {
		p.complain(located(at, fail))
		return
	}
	for _, doubt := range program.Doubts() {
		p.complain(p.doubted(at, "option", doubt))
	}
	if len(program.Uses().Secrets) > 0 {
		p.complain(at.Errorf("active takes no secrets"))
	}
	for _, name := range program.Uses().Names {
		if root, field, _ := strings.Cut(name, "."); root == exprsafe.MeName {
			p.decide[field] = true
		}
	}
	if len(program.Uses().Names) == 0 {
		p.complain(at.Warningf("active-for-all",
			"active asks nothing of the record: everybody may sign in who is in %s", p.portal.Subject.Module.Name))
	}
	for _, route := range program.Routes() {
		if strings.Count(route, ".") >= engine.MaxHops {
			p.complain(at.Errorf("%s follows more than %d references", route, engine.MaxHops))
		}
	}
	p.portal.Subject.Active = newProgram(asMe{program}, at.Text(), p.book.Modules)
}

// doubted is what is probably a slip.
func (p *plannedPortal) doubted(at *yamldoc.Node, code string, doubt *exprsafe.Error) yamldoc.Diagnostic {
	d := located(at, doubt)
	d.Severity, d.Code = yamldoc.Warning, code
	return d
}

// asMe evaluates an expression that calls the record of its environment me.
type asMe struct{ *exprsafe.Program }

// EvalWithin evaluates with the record as me.
func (a asMe) EvalWithin(env map[string]any, limit int) (any, int, error) {
	env = maps.Clone(env)
	env[exprsafe.MeName] = env[exprsafe.RecordName]
	return a.Program.EvalWithin(env, limit)
}

// ownField reads me.field; "" where there is none, or after a complaint.
func (p *plannedPortal) ownField(at *yamldoc.Node, key string, types []engine.FieldType) string {
	if at == nil {
		return ""
	}
	module := p.portal.Subject.Module
	root, name, _ := strings.Cut(at.Text(), ".")
	switch {
	case root != exprsafe.MeName || name == "":
		d := at.Errorf("expected a field of who signs in, such as me.%s, found %q", example(module, types), at.Text())
		if module.Fields[at.Text()] != nil {
			d.Hint = fmt.Sprintf("did you mean %q?", exprsafe.MeName+"."+at.Text())
		}
		p.complain(d)
		return ""
	case strings.Contains(name, "."):
		p.complain(at.Errorf("%s is a field of their own record, without following references", key))
		return ""
	case module.Fields[name] == nil:
		d := unknown(at, "field", name, module.Names)
		d.Line, d.Column = at.AtByte(len(root) + 1)
		p.complain(d)
		return ""
	}
	if t := module.Fields[name].Type; !slices.Contains(types, t) {
		var names []string
		for _, fitting := range types {
			names = append(names, string(fitting))
		}
		p.complain(at.Errorf("%s is of type %s; %s needs one of type %s", name, t, key, strings.Join(names, ", ")))
		return ""
	}
	return name
}

// example is a field of a module that is of one of the types.
func example(module *engine.Module, types []engine.FieldType) string {
	for _, name := range module.Names {
		if slices.Contains(types, module.Fields[name].Type) {
			return name
		}
	}
	return "field"
}
