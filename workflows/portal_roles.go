package workflows

import (
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// roleFile is a role, under roles.
type roleFile struct {
	// Extends is another role, of which this one has everything that it does not say itself.
	Extends *yamldoc.Node `yaml:"extends" schema:"text"`
	// Modules are what the role may do with the records of each module. A module that is not named is forbidden; one
	// with nothing behind it takes away what the role extends.
	Modules []yamldoc.Entry `yaml:",rest" schema:"accessFile|nothing"`
}

// accessFile is what a role may do with the records of a module.
type accessFile struct {
	// Rows is a condition on record and me: which records the role may see at all. What is not said here by a field of
	// the record is forbidden; rows: true is every record.
	Rows *yamldoc.Node `yaml:"rows" schema:"if"`
	// Read are the fields that are shown, in this order; the first ones head a list.
	Read []*yamldoc.Node `yaml:"read,one" schema:"text"`
	// Filter are the fields that may be filtered and searched by; by default all of read.
	Filter []*yamldoc.Node `yaml:"filter,one" schema:"text"`
	// Sort are the fields that may be sorted by; by default all of read.
	Sort []*yamldoc.Node `yaml:"sort,one" schema:"text"`
	// Update are the fields that may be changed.
	Update []*yamldoc.Node `yaml:"update,one" schema:"text"`
	// Fresh are those of update that need a sign-in of the last ten minutes.
	Fresh []*yamldoc.Node `yaml:"fresh,one" schema:"text"`
	// Create is how records are made; without it none are. Nothing behind it takes away what the role extends.
	Create *makingFile `yaml:"create" schema:"makingFile|nothing"`
	// While is a condition on me and fields of the record itself, such as not record.invoiced: a record is changed and
	// deleted only while it is so. By default always.
	While *yamldoc.Node `yaml:"while" schema:"if"`
	// Delete lets records be deleted.
	Delete *yamldoc.Node `yaml:"delete" schema:"bool"`
	// Related are lists beside a record: a module one of whose references leads here, or its name with the reference; ~
	// in place of that where the CRM relates the records.
	Related relatives `yaml:"related" schema:"relatives"`
}

// makingFile is what stands under create.
type makingFile struct {
	// Fields are what may be given.
	Fields []*yamldoc.Node `yaml:"fields,one" schema:"text"`
	// Set is what a new record is set to besides, whatever is given: a constant, or "{{ me.account_id }}".
	Set []yamldoc.Entry `yaml:"set" schema:"word"`
}

// relatives are lists beside a record.
type relatives struct {
	given bool
	lists []relative
}

// relative is one of them: by nothing where nothing is said.
type relative struct{ module, by *yamldoc.Node }

// UnmarshalYAMLDoc reads names of modules, or names with the reference that leads here.
func (r *relatives) UnmarshalYAMLDoc(n *yamldoc.Node) (diags yamldoc.Diagnostics) {
	r.given = true
	switch n.Kind() {
	case yamldoc.Mapping:
		for key, value := range n.Entries() {
			r.lists = append(r.lists, relative{key, value})
		}
	case yamldoc.List:
		for _, item := range n.Items() {
			if item.Kind() == yamldoc.Mapping {
				diags = append(diags, r.UnmarshalYAMLDoc(item)...)
				continue
			}
			r.lists = append(r.lists, relative{item, nil})
		}
	default:
		r.lists = []relative{{n, nil}}
	}
	return diags
}

// plannedRole is a role as its file has it, and then with what it extends.
type plannedRole struct {
	at      *yamldoc.Node // its name
	extends *yamldoc.Node
	own     map[string]*plannedAccess // nil: taken away
	order   []string                  // of the modules, as the files list them
	whole   map[string]*plannedAccess // with what it extends, once that is known
	without map[string]bool           // modules that it, or what it extends, takes away
	merging bool
}

// plannedAccess is one entry of a role.
type plannedAccess struct {
	at       *yamldoc.Node // the module's name
	noCreate bool          // create: ~
	accessFile
}

// readRoles reads all roles, merges what extends another and compiles them.
func (p *plannedPortal) readRoles(at *yamldoc.Node, entries []yamldoc.Entry) {
	for _, entry := range entries {
		if !engine.PlainToken(entry.Key.Text()) {
			p.complain(entry.Key.Errorf("a role's name may hold only letters, digits, - and _"))
			continue
		}
		p.roles[entry.Key.Text()] = p.readRole(entry)
	}
	if p.roles[engine.RoleDefault] == nil {
		p.complain(at.Errorf("there is no role %s, which is for all who have no other", engine.RoleDefault))
	}
	for _, name := range slices.Sorted(maps.Keys(p.roles)) {
		role := &engine.Role{Name: name, Modules: map[string]*engine.Access{}}
		whole := p.merge(name)
		for _, module := range slices.Sorted(maps.Keys(whole)) {
			if access := p.access(whole[module]); access != nil {
				role.Modules[module] = access
			}
		}
		for _, module := range slices.Sorted(maps.Keys(role.Modules)) {
			role.Modules[module].Related = p.related(role, role.Modules[module], whole[module].Related.lists)
		}
		role.Order = slices.DeleteFunc(slices.Clone(p.roles[name].order), func(module string) bool {
			return role.Modules[module] == nil
		})
		p.portal.Roles[name] = role
	}
	p.checkOptions()
}

func (p *plannedPortal) readRole(entry yamldoc.Entry) *plannedRole {
	role := &plannedRole{at: entry.Key, own: map[string]*plannedAccess{}}
	if entry.Value.Kind() == yamldoc.Null {
		return role // who has it may sign in, and sees nothing
	}
	var f roleFile
	p.complain(yamldoc.Decode(entry.Value, &f)...)
	role.extends = f.Extends
	for _, m := range f.Modules {
		if p.knownModule(m.Key) == nil {
			continue
		}
		if m.Value.Kind() == yamldoc.Null {
			role.own[m.Key.Text()] = nil
			continue
		}
		role.order = append(role.order, m.Key.Text())
		planned := &plannedAccess{at: m.Key, noCreate: takesAway(m.Value, "create")}
		p.complain(yamldoc.Decode(m.Value, &planned.accessFile)...)
		role.own[m.Key.Text()] = planned
	}
	return role
}

// takesAway tells whether a key is there with nothing behind it.
func takesAway(n *yamldoc.Node, name string) bool {
	for key, value := range n.Entries() {
		if key.Text() == name {
			return value.Kind() == yamldoc.Null
		}
	}
	return false
}

// merge is a role with what it extends.
func (p *plannedPortal) merge(name string) map[string]*plannedAccess {
	role := p.roles[name]
	if role.whole != nil {
		return role.whole
	}
	whole := map[string]*plannedAccess{}
	role.without = map[string]bool{}
	if role.extends != nil {
		switch from := p.roles[role.extends.Text()]; {
		case from == nil:
			p.complain(unknown(role.extends, "role", role.extends.Text(), slices.Sorted(maps.Keys(p.roles))))
		case from == role || from.merging:
			p.complain(role.extends.Errorf("%s extends itself", name))
		default:
			role.merging = true
			maps.Copy(whole, p.merge(role.extends.Text()))
			maps.Copy(role.without, from.without)
			role.order = joined(from.order, role.order)
			role.merging = false
		}
	}
	for module, own := range role.own {
		role.without[module] = own == nil
		switch {
		case own == nil:
			delete(whole, module)
		case whole[module] == nil:
			whole[module] = own
		default:
			whole[module] = own.over(whole[module])
		}
	}
	role.whole = whole
	return whole
}

// joined is a list with what another has besides.
func joined(list, more []string) []string {
	all := slices.Clone(list)
	for _, name := range more {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// over is an access with what it does not say itself from another: of the lists that follow from another list, what
// that one still has.
func (a *plannedAccess) over(from *plannedAccess) *plannedAccess {
	merged := *a
	if merged.Read == nil {
		merged.Read = from.Read
	}
	for _, list := range []struct{ own, from, of *[]*yamldoc.Node }{
		{&merged.Filter, &from.Filter, &merged.Read},
		{&merged.Sort, &from.Sort, &merged.Read},
		{&merged.Update, &from.Update, &merged.Read},
		{&merged.Fresh, &from.Fresh, &merged.Update},
	} {
		if *list.own == nil {
			*list.own = among(*list.from, *list.of)
		}
	}
	if merged.Rows == nil {
		merged.Rows = from.Rows
	}
	if merged.While == nil {
		merged.While = from.While
	}
	if merged.Create == nil && !merged.noCreate {
		merged.Create = from.Create
	}
	if merged.Delete == nil {
		merged.Delete = from.Delete
	}
	if !merged.Related.given {
		merged.Related = from.Related
	}
	return &merged
}

// among are the names of a list that another one has too; nil if the list is.
func among(list, of []*yamldoc.Node) []*yamldoc.Node {
	return slices.DeleteFunc(slices.Clone(list), func(n *yamldoc.Node) bool {
		return !slices.ContainsFunc(of, func(other *yamldoc.Node) bool { return other.Text() == n.Text() })
	})
}

// checkOptions warns of roles that nobody can have.
func (p *plannedPortal) checkOptions() {
	field := p.portal.Subject.Module.Fields[p.portal.Subject.Role]
	extended := map[string]bool{}
	for _, role := range p.roles {
		if role.extends != nil {
			extended[role.extends.Text()] = true
		}
	}
	for name, role := range p.roles {
		switch {
		case name == engine.RoleDefault || extended[name]:
		case field == nil:
			p.complain(role.at.Warningf("role-of-nobody",
				"nobody has the role %s: name the field that holds a role, under subject", name))
		case len(field.Options) > 0 && !slices.Contains(field.Options, name):
			p.complain(role.at.Warningf("role-of-nobody", "nobody has the role %s: the options of %s are %s",
				name, field.Name, strings.Join(field.Options, ", ")))
		}
	}
}
