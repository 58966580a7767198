package workflows

import (
	"fmt"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// making compiles how a record is made.
func (p *plannedPortal) making(f *makingFile, a *engine.Access, at *yamldoc.Node) *engine.Making {
	m := &engine.Making{Fields: p.names(f.Fields, a.Module), Set: map[string]engine.Operand{}}
	for _, n := range f.Fields {
		if a.Module == p.portal.Subject.Module && p.decide[n.Text()] {
			p.complain(n.Errorf("%s says who may sign in, or as what, which people must not choose themselves",
				n.Text()))
		}
	}
	for _, entry := range f.Set {
		name := entry.Key.Text()
		if !p.knownField(entry.Key, a.Module) {
			continue
		}
		if slices.Contains(m.Fields, name) {
			p.complain(entry.Key.Errorf("%s is under fields and under set; what is set cannot be given", name))
		}
		if operand, ok := p.setting(entry.Value, a.Module.Fields[name], a.Module); ok {
			m.Set[name] = operand
		}
	}
	for _, name := range a.Module.Names {
		_, set := m.Set[name]
		if a.Module.Fields[name].Required && !set && !slices.Contains(m.Fields, name) {
			p.complain(at.Errorf("%s is never without %s, which create neither takes under fields nor sets",
				a.Module.Name, name))
		}
	}
	return m
}

// setting compiles a value that a new record is set to.
func (p *plannedPortal) setting(n *yamldoc.Node, field *engine.Field, module *engine.Module) (engine.Operand, bool) {
	if !n.IsScalar() || n.Kind() == yamldoc.Null {
		p.complain(n.Errorf("expected a value or \"{{ me.id }}\", found %s", n.Kind()))
		return engine.Operand{}, false
	}
	source := strings.TrimSpace(n.Text())
	inner, opened := strings.CutPrefix(source, "{{")
	inner, closed := strings.CutSuffix(inner, "}}")
	switch {
	case !strings.Contains(source, "{{"):
		plain, err := field.Plain(n.Text())
		if err != nil {
			p.complain(n.Errorf("%v", err))
		}
		return engine.Operand{Value: plain}, err == nil
	case !opened || !closed || strings.Contains(inner, "{{"):
		p.complain(n.Errorf("only a value alone stands here: {{ me.route }}, {{ today() }}, {{ now() }} or a constant"))
		return engine.Operand{}, false
	}
	given, fail := exprsafe.CompileGiven(inner, p.rowScope(module))
	if fail != nil {
		d := *fail
		d.Offset += strings.Index(n.Text(), "{{") + len("{{")
		p.complain(located(n, &d))
		return engine.Operand{}, false
	}
	return given.Operand, p.fitsField(n, field, given)
}

// fitsField holds a value against the field that it is for.
func (p *plannedPortal) fitsField(n *yamldoc.Node, field *engine.Field, given exprsafe.Given) bool {
	want := p.types.field(field).Kind
	switch {
	case given.Type.Kind != want && want != exprsafe.Text:
		p.complain(n.Errorf("%s is of type %s, this gives %s", field.Name, field.Type, given.Type.Kind))
	case len(field.To) > 0 && len(given.Leads) > 0 &&
		!slices.ContainsFunc(given.Leads, func(to string) bool { return slices.Contains(field.To, to) }):
		p.complain(n.Errorf("%s leads to %s, this is the id of a record of %s", field.Name,
			strings.Join(field.To, " or "), strings.Join(given.Leads, " or ")))
	default:
		return true
	}
	return false
}

// related compiles the lists beside a record.
func (p *plannedPortal) related(role *engine.Role, a *engine.Access, lists []relative) (all []engine.Relative) {
	for _, list := range lists {
		module := p.knownModule(list.module)
		switch {
		case module == nil:
			continue
		case role.Modules[module.Name] == nil && p.roles[role.Name].without[module.Name]:
			continue
		case role.Modules[module.Name] == nil:
			p.complain(list.module.Errorf(
				"the role has no access to %s, so there is nothing to list: add it to the role", module.Name))
			continue
		}
		if by, ok := p.relatedBy(list, module, a.Module); ok {
			all = append(all, engine.Relative{Module: module.Name, By: by})
		}
	}
	return all
}

// relatedBy is the reference of a module that leads to another one; "" where the CRM relates the records.
func (p *plannedPortal) relatedBy(list relative, module, to *engine.Module) (string, bool) {
	leading := catalogue{types: &p.types, module: to}.Leading(module.Name)
	switch {
	case list.by == nil && len(leading) == 1:
		return leading[0], true
	case list.by == nil && len(leading) == 0:
		p.complain(list.module.Errorf("no field of %s leads to %s; if the CRM relates them write { %[1]s: ~ }",
			module.Name, to.Name))
		return "", false
	case list.by == nil:
		p.complain(list.module.Errorf("several fields of %s lead to %s (%s): write { %[1]s: %[4]s }",
			module.Name, to.Name, strings.Join(leading, ", "), leading[0]))
		return "", false
	case list.by.Kind() == yamldoc.Null:
		return "", true
	case !slices.Contains(leading, list.by.Text()):
		d := list.by.Errorf("%s of %s does not lead to %s", list.by.Text(), module.Name, to.Name)
		if near, ok := yamldoc.Suggest(list.by.Text(), leading); ok {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		p.complain(d)
		return "", false
	}
	return list.by.Text(), true
}
