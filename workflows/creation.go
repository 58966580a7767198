package workflows

import (
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// creation is an entry that becomes a record of its own.
func (p *page) creation(edit *engine.Edit, entry yamldoc.Entry, f editFile) {
	name := entry.Key.Text()
	var c creationFile
	c.Module = f.Creates
	if f.Creates.Kind() == yamldoc.Mapping {
		c.Module = nil
		p.complain(yamldoc.Decode(f.Creates, &c)...)
	}
	switch {
	case !fieldName.MatchString(name):
		p.complain(entry.Key.Errorf("the name of an entry may hold only letters, digits and _, " +
			"and begins with no digit"))
	case p.landing.Module.Fields[name] != nil:
		p.complain(entry.Key.Errorf("%s is a field of %s: an entry that creates a record has a name of its own",
			name, p.landing.Module.Name))
	}
	if c.Module == nil || c.Module.Kind() == yamldoc.Invalid {
		return
	}
	module := p.knownModule(c.Module)
	if module == nil {
		return
	}
	p.moduleFiles(module, p.files)
	if module.ExternalID == "" && !p.options.KeepAll {
		p.complain(c.Module.Errorf("records of %s are made in another CRM: name a unique text field under external_id "+
			"in %s, by which one is known again when the CRM's answer was lost",
			module.Name, p.origin["module "+module.Name]))
	}
	target := p.target(module, c, f)
	by := p.leadsBack(module, c)
	made := &engine.Creation{Module: module, By: by, Set: p.plainValues(c.Set, module)}
	if target == nil || by == "" {
		return
	}
	made.Field = target.Name
	p.checkMade(made, c)
	field := *target
	field.Name, field.Required, field.Unique = name, false, false
	if f.Type != nil {
		field.Type = engine.FieldType(f.Type.Text())
	}
	if field.Type != engine.TypeFile {
		p.fileOnly(f)
	}
	if len(edit.Label) > 0 {
		field.Label = edit.Label
	}
	edit.Field, edit.Creates = &field, made
}

// target is the field that takes the entry: the one that is named, else the only one of the entry's type that is
// required, else the only one of that type.
func (p *page) target(module *engine.Module, c creationFile, f editFile) *engine.Field {
	kind := engine.TypeText
	if f.Type != nil {
		kind = engine.FieldType(f.Type.Text())
		if !slices.Contains(typeNames(), f.Type.Text()) {
			p.complain(f.Type.Unknown("field type", typeNames()))
			return nil
		}
	}
	switch kind {
	case engine.TypeReference, engine.TypeOwner:
		p.complain(f.Type.Errorf("a visitor cannot enter what is of type %s", kind))
		return nil
	}
	if c.Field != nil {
		if !p.knownField(c.Field, module) {
			return nil
		}
		field := module.Fields[c.Field.Text()]
		if f.Type == nil {
			f.Type = c.Field // for the complaint below
			kind = field.Type
		}
		if !takes(field, kind) {
			p.complain(f.Type.Errorf("%s of %s is of type %s, which takes no entry of type %s",
				field.Name, module.Name, field.Type, kind))
			return nil
		}
		return field
	}
	var found []*engine.Field
	for _, fits := range []func(*engine.Field) bool{
		func(field *engine.Field) bool { return field.Type == kind && field.Required },
		func(field *engine.Field) bool { return field.Type == kind },
		func(field *engine.Field) bool { return takes(field, kind) },
	} {
		if found = fittingFields(module, c, fits); len(found) > 0 {
			break
		}
	}
	return p.onlyOne(module, c, found, "field", "takes an entry of type "+string(kind))
}

// leadsBack is the reference of a new record that leads to the landing's; "" after a complaint.
func (p *page) leadsBack(module *engine.Module, c creationFile) string {
	leads := func(field *engine.Field) bool { return slices.Contains(field.To, p.landing.Module.Name) }
	if c.By != nil {
		switch {
		case !p.knownField(c.By, module):
		case !leads(module.Fields[c.By.Text()]):
			p.complain(c.By.Errorf("%s of %s does not lead to %s", c.By.Text(), module.Name, p.landing.Module.Name))
		default:
			return c.By.Text()
		}
		return ""
	}
	field := p.onlyOne(module, c, fittingFields(module, c, leads), "by", "leads to "+p.landing.Module.Name)
	if field == nil {
		return ""
	}
	return field.Name
}

// takes tells whether a field can hold an entry of a type. A file in a text field is told of by its name.
func takes(field *engine.Field, kind engine.FieldType) bool {
	if kind == engine.TypeFile {
		return field.Type == engine.TypeFile || field.Type == engine.TypeText
	}
	return field.Type == kind
}

// fittingFields are the fields of a module that fit and are not set already.
func fittingFields(module *engine.Module, c creationFile, fits func(*engine.Field) bool) (found []*engine.Field) {
	for _, name := range module.Names {
		set := slices.ContainsFunc(c.Set, func(e yamldoc.Entry) bool { return e.Key.Text() == name })
		if field := module.Fields[name]; fits(field) && !set {
			found = append(found, field)
		}
	}
	return found
}

// onlyOne is the only field that was found; nil after a complaint that there are others, or none.
func (p *page) onlyOne(
	module *engine.Module, c creationFile, found []*engine.Field, key, what string,
) *engine.Field {
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		p.complain(c.Module.Errorf("no field of %s %s", module.Name, what))
		return nil
	}
	var names []string
	for _, field := range found {
		names = append(names, field.Name)
	}
	p.complain(c.Module.Errorf("more than one field of %s %s: say %s", module.Name, what, key).
		WithHint("one of: " + strings.Join(names, ", ")))
	return nil
}

// checkMade sees that a new record will have what its module requires.
func (p *page) checkMade(made *engine.Creation, c creationFile) {
	for _, name := range made.Module.Names {
		_, set := made.Set[name]
		if made.Module.Fields[name].Required && !set && name != made.Field && name != made.By {
			p.complain(c.Module.Errorf("%s needs a value for %s: add it under set", made.Module.Name, name))
		}
	}
}
