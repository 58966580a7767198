package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// checkPortals warns, once all of the book is known, of what a policy probably did not mean to give away.
func (l *loader) checkPortals() {
	for _, p := range l.portals {
		p.warnUnheard()
		for _, name := range slices.Sorted(maps.Keys(p.roles)) {
			whole := p.roles[name].whole
			for _, module := range slices.Sorted(maps.Keys(whole)) {
				if access := p.portal.Roles[name].Modules[module]; access != nil {
					p.warnRows(whole[module].Rows, access)
					p.warnLogin(whole[module].Update, access)
					p.warnSecrets(whole[module].Read, access.Module)
					p.warnReach(whole[module], p.portal.Roles[name], access)
				}
			}
		}
	}
}

// warnRows tells of rows that are the same for everybody, or that hang on something softer than a reference.
func (p *plannedPortal) warnRows(at *yamldoc.Node, a *engine.Access) {
	asks, refers := asksMe(a.Rows, a.Module)
	switch {
	case a.Rows.IsEverything():
		p.complain(at.Warningf("rows-of-all", "everybody who signs in sees all of %s", a.Module.Name))
	case a.Rows.IsNothing(), asks && refers:
	case asks:
		p.complain(at.Warningf("rows-by-value", "rows compares values that two people may share, or change: compare "+
			"an id or a reference with me.id%s", p.wayToMe(a.Module)))
	default:
		p.complain(at.Warningf("rows-of-all", "rows never asks who is signed in, so everybody sees the same records "+
			"of %s%s", a.Module.Name, p.wayToMe(a.Module)))
	}
}

// warnLogin tells of a role that may change what others sign in with, and so become them.
func (p *plannedPortal) warnLogin(update []*yamldoc.Node, a *engine.Access) {
	if a.Module != p.portal.Subject.Module || onlySelf(a.Rows) {
		return
	}
	for _, n := range update {
		if n.Text() == p.portal.Subject.Login {
			p.complain(n.Warningf("login-of-others", "rows gives more than their own record: who changes the %s of "+
				"somebody else may sign in as them", n.Text()))
		}
	}
}

// warnReach tells of a field of theirs by which rows choose records, and which they may write themselves: who changes
// their own account sees what belongs to another one.
func (p *plannedPortal) warnReach(f *plannedAccess, role *engine.Role, a *engine.Access) {
	if a.Module != p.portal.Subject.Module {
		return
	}
	fields := slices.Clone(f.Update)
	if f.Create != nil {
		fields = append(fields, f.Create.Fields...)
	}
	for _, n := range fields {
		for _, module := range slices.Sorted(maps.Keys(role.Modules)) {
			if takesFromMe(role.Modules[module].Rows, n.Text()) {
				p.complain(n.Warningf("reach-of-self", "rows of %s choose by me.%s: who changes it sees the records "+
					"of others", module, n.Text()))
				break
			}
		}
	}
}

// takesFromMe tells whether a predicate compares with a field of me, or with what it leads to.
func takesFromMe(rows engine.Predicate, field string) bool {
	return slices.ContainsFunc(rows.Values, func(o engine.Operand) bool {
		first, _, _ := strings.Cut(o.Path, ".")
		return o.From == engine.FromMe && first == field
	}) || slices.ContainsFunc(rows.Of, func(part engine.Predicate) bool { return takesFromMe(part, field) })
}

// onlySelf tells whether a predicate holds for no other record than me.
func onlySelf(rows engine.Predicate) bool {
	if rows.Op == engine.OpAnd {
		return slices.ContainsFunc(rows.Of, onlySelf)
	}
	return rows.IsNothing() || rows.Op == engine.OpEqual && rows.Path == "id" && rows.Values[0].From == engine.FromMe &&
		rows.Values[0].Path == "id"
}

// asksMe tells whether a predicate compares with a value of me, and whether it so compares an id, a reference or a
// relation.
func asksMe(rows engine.Predicate, module *engine.Module) (asks, refers bool) {
	for _, part := range rows.Of {
		partAsks, partRefers := asksMe(part, module)
		asks, refers = asks || partAsks, refers || partRefers
	}
	mine := slices.ContainsFunc(rows.Values, func(o engine.Operand) bool { return o.From == engine.FromMe })
	if !mine {
		return asks, refers
	}
	name := rows.Path[strings.LastIndexByte(rows.Path, '.')+1:]
	own := module.Fields[rows.Path]
	refers = refers || rows.Op == engine.OpRelated || name == "id" || name != rows.Path ||
		own != nil && (own.Type == engine.TypeReference || own.Type == engine.TypeOwner)
	return true, refers
}

// wayToMe names a reference of a module that leads to who is signed in, or to what they refer to.
func (p *plannedPortal) wayToMe(module *engine.Module) string {
	subject := p.portal.Subject.Module
	for _, name := range module.Names {
		if slices.Contains(module.Fields[name].To, subject.Name) {
			return fmt.Sprintf(", such as record.%s == me.id", name)
		}
	}
	for _, name := range module.Names {
		for _, mine := range subject.Names {
			for _, to := range module.Fields[name].To {
				if slices.Contains(subject.Fields[mine].To, to) && module.Fields[name].Type == engine.TypeReference {
					return fmt.Sprintf(", such as record.%s == me.%s", name, mine)
				}
			}
		}
	}
	return ""
}

// warnSecrets tells of fields that are shown and that open something elsewhere.
func (p *plannedPortal) warnSecrets(read []*yamldoc.Node, module *engine.Module) {
	for _, n := range read {
		if n.Text() == module.ExternalID {
			p.complain(n.Warningf("secret-shown", "%s is the external id of %s: whoever knows it opens landings",
				n.Text(), module.Name))
		}
		for _, name := range slices.Sorted(maps.Keys(p.factors)) {
			if p.factors[name].asksFor(n.Text(), module) {
				p.complain(n.Warningf("secret-shown", "%s is the security code that factor %s asks for",
					n.Text(), name))
			}
		}
	}
}

// asksFor tells whether the value that a factor asks for is a field of a module.
func (f *plannedFactor) asksFor(name string, module *engine.Module) bool {
	if f.field == nil || f.plain.Kind != engine.FactorSecurityCode {
		return false
	}
	for _, compiled := range f.compiled {
		if compiled != nil && compiled.Field != nil && compiled.Field.Field == module.Fields[name] {
			return true
		}
	}
	return len(f.compiled) == 0 && strings.HasSuffix(f.field.Text(), "."+name)
}
