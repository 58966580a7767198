package main

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"postern/engine"
	"postern/internal/yamldoc"
	"postern/workflows"
)

// starters are the files that new begins with. What stands in [[ ]] is filled in; {{ }} is the book's own.
//
//go:embed starters
var starters embed.FS

func starter(name string) *template.Template {
	text, _ := starters.ReadFile("starters/" + name) // embedded under its name
	return template.Must(template.New(name).Delims("[[", "]]").
		Parse(string(text)))
}

// put writes a new file of the book, and says so.
func (b *beginning) put(name string, text *template.Template, data any) error {
	var filled bytes.Buffer
	if err := text.Execute(&filled, data); err != nil {
		return fmt.Errorf("fill in %s: %w", name, err)
	}
	if err := errors.Join(b.write(name, filled.Bytes()), putSchemas(b.book)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(b.out, "%s written\n", filepath.Join(b.book, filepath.FromSlash(name)))
	return err
}

// write writes a new file of the book, with the line that names its schema where it has one.
func (b *beginning) write(name string, text []byte) error {
	if kind := workflows.KindOf(name); kind != "" {
		text = append([]byte(schemaLine(name, kind)), text...)
	}
	path := filepath.Join(b.book, filepath.FromSlash(name))
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, forAll)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := file.Write(text); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), file.Close())
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// subject is what a new file is about, as the starters speak of it.
type subject struct {
	Name    string
	Module  *engine.Module
	Text    string // what the record is, to people: {{ expressions }} in it
	Heading string // the same as it stands in YAML

	Recipient string // the route to whom a message goes; "" if the record leads to nobody
	To        string // that one's address
	Field     string // the record's field that both begin with
	Away      string // the module of whom a message goes to, if that is another record
	Email     string // the field of that record with the address
	Landing   string // what the message's link opens; "" for no link

	Book string // the folder

	Show   string // fields, for a list
	Edit   string // a field that a visitor may change; "" for none
	Choice *choiceOf

	book *engine.Book
}

// choiceOf is a button that sets a picklist, as it stands in YAML.
type choiceOf struct{ Field, Value, Label string }

func newSubject(name string, book *engine.Book, module *engine.Module) *subject {
	words := []string{cmp.Or(module.Label.In("en"), module.Name)}
	for _, field := range module.Title {
		words = append(words, "{{ record."+field+" }}")
	}
	if len(module.Title) == 0 {
		words = append(words, "{{ record.id }}")
	}
	text := strings.Join(words, " ")
	return &subject{Name: name, Module: module, Text: text, Heading: yamldoc.Word(text), book: book}
}

// address finds whom the record leads to: itself, or a record that a reference leads to.
func (s *subject) address() {
	modules := s.book.Modules
	if email := fieldOf(s.Module, engine.TypeEmail); email != "" {
		s.Recipient, s.To, s.Field = "record."+email, "record."+email, email
		return
	}
	for _, name := range s.Module.Names {
		to := s.Module.Fields[name].To
		if len(to) == 0 {
			continue
		}
		all := !slices.ContainsFunc(to, func(m string) bool { return fieldOf(modules[m], engine.TypeEmail) == "" })
		if email := fieldOf(modules[to[0]], engine.TypeEmail); all {
			s.Recipient, s.To, s.Field, s.Away, s.Email = "record."+name, "record."+name+"."+email, name, to[0], email
			return
		}
	}
}

// landing finds a landing for the message's link.
func (s *subject) landing() {
	for name, landing := range s.book.Landings {
		if landing.Module == s.Module && (s.Landing == "" || name < s.Landing) {
			s.Landing = name
		}
	}
}

// form chooses what a landing shows and lets people do.
func (s *subject) form() {
	s.Show = strings.Join(s.Module.Names[:min(4, len(s.Module.Names))], ", ")
	for _, name := range s.Module.Names {
		field := s.Module.Fields[name]
		names := field.Unique || slices.Contains(s.Module.Title, name)
		long := field.Type == engine.TypeText && (field.Max == 0 || field.Max >= 2000)
		switch {
		case s.Edit == "" && long && !names:
			s.Edit = name
		case s.Choice == nil && field.Type == engine.TypePicklist && len(field.Options) > 0:
			last := field.Options[len(field.Options)-1]
			s.Choice = &choiceOf{name, yamldoc.Word(last), yamldoc.Word("Set to " + field.ChoiceLabel(last, "en"))}
		}
	}
}

// fieldOf is the first field of a type; "" for none.
func fieldOf(module *engine.Module, kind engine.FieldType) string {
	if module == nil {
		return ""
	}
	for _, name := range module.Names {
		if module.Fields[name].Type == kind {
			return name
		}
	}
	return ""
}
