package workflows

import (
	"slices"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// access compiles what a role may do with a module; nil after a complaint that leaves nothing to compile.
func (p *plannedPortal) access(f *plannedAccess) *engine.Access {
	a := &engine.Access{Module: p.book.Modules[f.at.Text()]}
	if f.Rows != nil {
		a.Rows = p.rows(f.Rows, a.Module)
	}
	switch {
	case f.Rows == nil:
		p.complain(f.at.Errorf("which records of %s? Say rows: a condition on record and me, or true for all of them",
			a.Module.Name))
		return nil
	case f.Read == nil:
		p.complain(f.at.Errorf("read names the fields of %s that are shown", a.Module.Name))
		return nil
	}
	a.Read = p.names(f.Read, a.Module)
	a.Filter = p.shownOnly(f.Filter, a, "filtered by: whoever filters by a field finds out what it holds")
	a.Sort = p.shownOnly(f.Sort, a, "sorted by: whoever sorts by a field finds out what it holds")
	a.Update = p.names(f.Update, a.Module)
	for _, n := range f.Update {
		p.checkUpdate(n, a)
	}
	for _, n := range f.Fresh {
		if a.Module.Fields[n.Text()] != nil && !slices.Contains(a.Update, n.Text()) {
			p.complain(n.Errorf("fresh is for fields that may be changed; %s is not under update", n.Text()))
		}
	}
	a.Fresh = p.names(f.Fresh, a.Module)
	p.checkFresh(f, a)
	if f.Create != nil {
		a.Create = p.making(f.Create, a, f.at)
	}
	if f.Delete != nil {
		p.complain(yamldoc.Decode(f.Delete, &a.Delete)...)
	}
	p.checkWhile(f, a)
	return a
}

// checkWhile compiles until when records may be changed. It is asked of each record that is shown, so it follows no
// references.
func (p *plannedPortal) checkWhile(f *plannedAccess, a *engine.Access) {
	if f.While == nil {
		return
	}
	a.While = p.rows(f.While, a.Module)
	if len(a.While.Routes()) > 0 || a.While.AsksRelations() {
		p.complain(f.While.Errorf("while looks at fields of the record itself; what hangs on other records stands " +
			"under rows"))
	}
}

// rows compiles which records an access is for.
func (p *plannedPortal) rows(at *yamldoc.Node, module *engine.Module) engine.Predicate {
	if !at.IsScalar() || at.Kind() == yamldoc.Null {
		p.complain(at.Errorf("expected a condition such as record.account_id == me.account_id, found %s", at.Kind()))
		return engine.Nothing()
	}
	rows, doubts, fail := exprsafe.CompileRows(at.Text(), p.rowScope(module))
	if fail != nil {
		p.complain(located(at, fail))
		return engine.Nothing()
	}
	for _, doubt := range doubts {
		p.complain(p.doubted(at, "never", doubt))
	}
	return rows
}

// rowScope is what an expression for rows, or a value of create, may see.
func (p *plannedPortal) rowScope(module *engine.Module) *exprsafe.Scope {
	return &exprsafe.Scope{
		Names: map[string]exprsafe.Type{
			exprsafe.RecordName: p.types.object(module), exprsafe.MeName: p.types.object(p.portal.Subject.Module),
		},
		Catalogue: catalogue{types: &p.types, module: module},
	}
}

// names are the names of known fields, each once.
func (p *plannedPortal) names(nodes []*yamldoc.Node, module *engine.Module) (names []string) {
	for _, n := range nodes {
		switch {
		case !p.knownField(n, module):
		case slices.Contains(names, n.Text()):
			p.complain(n.Errorf("%s is named twice", n.Text()))
		default:
			names = append(names, n.Text())
		}
	}
	return names
}

// shownOnly are fields to filter or sort by: some of those that are shown, by default all that hold single values.
func (p *plannedPortal) shownOnly(nodes []*yamldoc.Node, a *engine.Access, why string) []string {
	if nodes == nil {
		return slices.DeleteFunc(slices.Clone(a.Read), func(name string) bool {
			return a.Module.Fields[name].Type == engine.TypeMultiPicklist
		})
	}
	for _, n := range nodes {
		switch field := a.Module.Fields[n.Text()]; {
		case field == nil: // names complains
		case !slices.Contains(a.Read, n.Text()):
			p.complain(n.Errorf("%s is not under read, so it cannot be %s", n.Text(), why))
		case field.Type == engine.TypeMultiPicklist:
			p.complain(n.Errorf("%s holds several values, which have no order and are not compared", n.Text()))
		}
	}
	return p.names(nodes, a.Module)
}

// checkUpdate sees that a field may be given into the hands of who is signed in.
func (p *plannedPortal) checkUpdate(n *yamldoc.Node, a *engine.Access) {
	subject := p.portal.Subject
	switch name := n.Text(); {
	case a.Module.Fields[name] == nil: // names complains
	case !slices.Contains(a.Read, name):
		p.complain(n.Errorf("%s is not under read; nobody changes what they cannot see", name))
	case a.Module == subject.Module && p.decide[name]:
		p.complain(n.Errorf("%s says who may sign in, or as what, which people must not change themselves", name))
	case name == a.Module.ExternalID:
		p.complain(n.Errorf("%s is the external id of %s, which opens landings", name, a.Module.Name))
	}
}

// checkFresh warns of a login that an unattended browser is enough to change.
func (p *plannedPortal) checkFresh(f *plannedAccess, a *engine.Access) {
	login := p.portal.Subject.Login
	if a.Module != p.portal.Subject.Module || !slices.Contains(a.Update, login) || slices.Contains(a.Fresh, login) {
		return
	}
	for _, n := range f.Update {
		if n.Text() == login {
			p.complain(n.Warningf("login-not-fresh", "whoever finds an open browser may change %s, with which its "+
				"owner signs in: add fresh: [%[1]s]", login))
		}
	}
}
