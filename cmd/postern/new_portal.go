package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/engine"
)

// policy is what a new portal is about, as its starter speaks of it.
type policy struct {
	Name   string
	Label  string // what people call it
	Module *engine.Module
	Login  string
	Active string
	Show   string
	Theirs []theirs
}

// theirs are records that concern who is signed in.
type theirs struct{ Module, Field, Mine, Show string }

// newPortal begins a portal.
func (b *beginning) newPortal(name string) error {
	about, err := b.about(name)
	if err != nil {
		return err
	}
	if name == "api" {
		return errors.New("a portal cannot be named api, which is the address of the API")
	}
	module := about.Module
	email := fieldOf(module, engine.TypeEmail)
	if email == "" {
		return fmt.Errorf("%s has no email address to sign in with; --module names the people who sign in", module.Name)
	}
	p := policy{
		Name: name, Label: strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", " "), Module: module,
		Login: email, Show: heads(module),
		Active: fmt.Sprintf("me.%s != \"\"   # better a field that says who may: me.portal", email),
	}
	if allowed := fieldOf(module, engine.TypeBoolean); allowed != "" {
		p.Active = "me." + allowed
	}
	for _, other := range slices.Sorted(maps.Keys(about.book.Modules)) {
		if other == module.Name {
			continue
		}
		if found, ok := theirsIn(about.book.Modules[other], module); ok {
			p.Theirs = append(p.Theirs, found)
		}
	}
	return b.put("portal/"+name+".yaml", starter("portal.yaml"), p)
}

// theirsIn is how the records of a module concern a record of another: by a reference to it.
func theirsIn(module, subject *engine.Module) (theirs, bool) {
	for _, name := range module.Names {
		field := module.Fields[name]
		if field.Type == engine.TypeReference && slices.Contains(field.To, subject.Name) {
			return theirs{Module: module.Name, Field: name, Mine: "id", Show: heads(module)}, true
		}
	}
	return theirs{}, false
}

// heads are the first fields of a module, for a list.
func heads(module *engine.Module) string {
	names := slices.DeleteFunc(slices.Clone(module.Names), func(name string) bool { return name == module.ExternalID })
	return strings.Join(names[:min(4, len(names))], ", ")
}
