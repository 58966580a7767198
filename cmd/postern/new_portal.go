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

// newPortal begins a portal with the mails to its people, or writes what one lacks of these that is there.
func (b *beginning) newPortal(name string) error {
	book, err := b.load(name)
	if err != nil {
		return err
	}
	p := book.Portals[name]
	if p == nil {
		if p, err = b.newPolicy(name, book); err != nil {
			return err
		}
		return mailing{b, book, p}.all()
	}
	if module := p.Subject.Module.Name; b.module != "" && b.module != module {
		return fmt.Errorf("portal %s is there already, and is for %s", name, module)
	}
	if _, err := fmt.Fprintf(b.out, "portal %s is there already, and stays\n", name); err != nil {
		return err
	}
	return mailing{b, book, p}.all()
}

// newPolicy writes the file of a portal.
func (b *beginning) newPolicy(name string, book *engine.Book) (*engine.Portal, error) {
	about, err := b.aboutIn(name, book)
	if err != nil {
		return nil, err
	}
	if name == "api" {
		return nil, errors.New("a portal cannot be named api, which is the address of the API")
	}
	module := about.Module
	email := fieldOf(module, engine.TypeEmail)
	if email == "" {
		return nil, fmt.Errorf("%s has no email address to sign in with; --module names the people who sign in",
			module.Name)
	}
	p := policy{
		Name: name, Label: strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "-", " "), Module: module,
		Login: email, Show: heads(module),
		Active: fmt.Sprintf("me.%s != \"\"   # better a field that says who may: me.portal", email),
	}
	if allowed := fieldOf(module, engine.TypeBoolean); allowed != "" {
		p.Active = "me." + allowed
	}
	for _, other := range slices.Sorted(maps.Keys(book.Modules)) {
		if other == module.Name {
			continue
		}
		if found, ok := theirsIn(book.Modules[other], module); ok {
			p.Theirs = append(p.Theirs, found)
		}
	}
	return &engine.Portal{
		Name: name, Subject: engine.Subject{Module: module}, SignIn: engine.SignIn{Methods: engine.SignInMethods()},
	}, b.put("portal/"+name+".yaml", starter("portal.yaml"), p)
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
