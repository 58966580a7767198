package corebosimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Modules are the kinds of records, by name, that workflows are held against. Without them nobody can
// tell a number from a text.
type Modules map[string]*module

// module is a kind of record as its describer has it.
type module struct {
	name     string
	label    string
	prefix   string // what its ids begin with, before the x; "" if not known
	title    []string
	language string
	names    []string
	fields   map[string]*field
	manyToo  map[string]bool // modules it has many-to-many relations with
}

// field is one of its fields.
type field struct {
	name, label string
	kind        engine.FieldType
	to          []string
	options     []string
	required    bool
	longest     int
	fixed       bool // only the CRM writes it
}

// description is what describe answers, as far as it matters here.
type description struct {
	Name        string             `json:"name"`
	Label       string             `json:"label"`
	IDPrefix    string             `json:"idPrefix"`
	LabelFields string             `json:"labelFields"`
	Fields      []describedField   `json:"fields"`
	Related     map[string]related `json:"-"`
	RawRelated  json.RawMessage    `json:"relatedModules"`
}

type related struct {
	Module string `json:"related_module"`
	Kind   string `json:"relationtype"`
}

type describedField struct {
	Name      string `json:"name"`
	Label     string `json:"label"`
	Mandatory bool   `json:"mandatory"`
	Editable  bool   `json:"editable"`
	Data      string `json:"typeofdata"`
	Type      struct {
		Name     string   `json:"name"`
		RefersTo []string `json:"refersTo"`
		Options  []struct {
			Value string `json:"value"`
		} `json:"picklistValues"`
	} `json:"type"`
}

// ReadModules reads answers of the web service's describe: one or several in a file, with or without the
// envelope around them.
func ReadModules(files []File) (Modules, error) {
	modules := Modules{}
	for _, file := range files {
		decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(file.Text, []byte("\ufeff"))))
		for decoder.More() {
			var v json.RawMessage
			if err := decoder.Decode(&v); err != nil {
				return nil, fmt.Errorf("%s: %w", file.Name, noJSON(err, decoder))
			}
			modules.find(v, 0)
		}
	}
	if len(modules) == 0 {
		return nil, errors.New("there is no module in it: expected what describe answers, with name and fields")
	}
	return modules, nil
}

// find takes in every description within a value.
func (m Modules) find(v json.RawMessage, depth int) {
	const deepest = 5 // list, envelope, result by module
	if depth > deepest {
		return
	}
	var d description
	if json.Unmarshal(v, &d) == nil && d.Name != "" && len(d.Fields) > 0 {
		m[d.Name] = d.module()
		return
	}
	var items []json.RawMessage
	var entries map[string]json.RawMessage
	if json.Unmarshal(v, &items) == nil {
		for _, item := range items {
			m.find(item, depth+1)
		}
	} else if json.Unmarshal(v, &entries) == nil {
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			m.find(entries[key], depth+1)
		}
	}
}

var (
	fieldName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	lengthForm = regexp.MustCompile(`~LE~([0-9]+)`)
)

func (d description) module() *module {
	m := &module{
		name: d.Name, label: d.Label, prefix: d.IDPrefix, fields: map[string]*field{}, manyToo: map[string]bool{},
	}
	for _, f := range d.Fields {
		if f.Name == "id" || !fieldName.MatchString(f.Name) {
			continue
		}
		described := &field{
			name: f.Name, label: f.Label, kind: typeOf(f.Type.Name), to: f.Type.RefersTo,
			required: f.Mandatory && f.Editable, fixed: !f.Editable,
		}
		if length := lengthForm.FindStringSubmatch(f.Data); length != nil {
			described.longest, _ = strconv.Atoi(length[1]) // digits beyond an int say nothing
		}
		if described.kind == engine.TypeOwner {
			described.to = []string{"Users"}
		}
		for _, option := range f.Type.Options {
			if described.kind == engine.TypePicklist || described.kind == engine.TypeMultiPicklist {
				described.options = append(described.options, option.Value)
			}
		}
		m.names, m.fields[f.Name] = append(m.names, f.Name), described
		if f.Name == "template_language" {
			m.language = f.Name
		}
	}
	for name := range strings.SplitSeq(d.LabelFields, ",") {
		if m.fields[strings.TrimSpace(name)] != nil {
			m.title = append(m.title, strings.TrimSpace(name))
		}
	}
	var relations map[string]related // an empty one is a list, as PHP has it
	if json.Unmarshal(d.RawRelated, &relations) == nil {
		for _, r := range relations {
			if r.Kind == "N:N" {
				m.manyToo[r.Module] = true
			}
		}
	}
	return m
}

// typeOf is our type for one that describe names. What it names otherwise, a time of day among it, is text.
func typeOf(name string) engine.FieldType {
	switch name {
	case "boolean":
		return engine.TypeBoolean
	case "integer":
		return engine.TypeInteger
	case "double":
		return engine.TypeDecimal
	case "file", "image":
		return engine.TypeFile
	case "currency", "date", "datetime", "picklist", "multipicklist", "reference", "owner", "email", "phone", "url":
		return engine.FieldType(name)
	}
	return engine.TypeText
}

// numeric tells whether a field holds a number.
func (f *field) numeric() bool {
	switch f.kind {
	case engine.TypeInteger, engine.TypeDecimal, engine.TypeNumber, engine.TypeCurrency:
		return true
	}
	return false
}

// Files gives the module files, by path. A reference to a module that nobody describes leads nowhere and becomes text.
func (m Modules) Files() map[string]string {
	files := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if engine.PlainToken(name) {
			files["modules/"+name+".yaml"] = m.writeModule(m[name])
		}
	}
	return files
}

func (m Modules) writeModule(mod *module) string {
	root := mapping(pair("module", mod.name))
	if mod.label != "" && mod.label != mod.name {
		root.add(pair("label", mod.label))
	}
	if len(mod.title) > 0 {
		title := list()
		for _, name := range mod.title {
			title.items = append(title.items, scalar(name))
		}
		root.add(entry{"title", title})
	}
	if mod.language != "" {
		root.add(pair("language", mod.language))
	}
	fields := mapping()
	for _, name := range mod.names {
		fields.add(entry{name, m.writeField(mod.fields[name])})
	}
	root.add(entry{"fields", fields})
	return root.write()
}

func (m Modules) writeField(f *field) *node {
	kind, to := f.kind, m.known(f.to)
	n := mapping()
	if kind == engine.TypeReference && len(to.items) == 0 {
		kind = engine.TypeText
		n.note("A reference to " + strings.Join(f.to, ", ") + ", which the descriptions did not hold.")
	}
	n.add(pair("type", string(kind)))
	if len(to.items) > 0 {
		n.add(entry{"to", to})
	}
	if f.label != "" {
		n.add(pair("label", f.label))
	}
	if len(f.options) > 0 {
		options := list()
		for _, option := range f.options {
			options.items = append(options.items, scalar(option))
		}
		n.add(entry{"options", options})
	}
	if f.required {
		n.add(entry{"required", literal("true")})
	}
	if f.longest > 0 && kind == engine.TypeText {
		n.add(entry{"max", literal(strconv.Itoa(f.longest))})
	}
	return n
}

// known are the modules among the names that are described.
func (m Modules) known(names []string) *node {
	to := list()
	for _, name := range names {
		if m[name] != nil {
			to.items = append(to.items, scalar(name))
		}
	}
	return to
}

// moduleFile is a module file that a book has already, as far as it matters here.
type moduleFile struct {
	Module string          `yaml:"module"`
	Title  []string        `yaml:"title,one"`
	Fields []yamldoc.Entry `yaml:"fields"`
	Rest   []yamldoc.Entry `yaml:",rest"`
}

type fieldFile struct {
	Type     string          `yaml:"type"`
	To       []string        `yaml:"to,one"`
	Required bool            `yaml:"required"`
	Max      int             `yaml:"max"`
	Rest     []yamldoc.Entry `yaml:",rest"`
}

// AddFiles adds modules from the module files of a book, by path, which a description does not replace.
// What is wrong in them is the business of lint.
func (m Modules) AddFiles(files map[string][]byte) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		doc, diags := yamldoc.Parse(name, files[name])
		if diags.Err() != nil {
			continue
		}
		var f moduleFile
		_ = yamldoc.Decode(doc.Root(), &f)
		if f.Module == "" || m[f.Module] != nil {
			continue
		}
		mod := &module{name: f.Module, title: f.Title, fields: map[string]*field{}, manyToo: map[string]bool{}}
		for _, e := range f.Fields {
			var ff fieldFile
			if e.Value.Kind() == yamldoc.Text {
				ff.Type = e.Value.Text()
			} else {
				_ = yamldoc.Decode(e.Value, &ff)
			}
			mod.names = append(mod.names, e.Key.Text())
			mod.fields[e.Key.Text()] = &field{
				name: e.Key.Text(), kind: engine.FieldType(ff.Type), to: ff.To, required: ff.Required, longest: ff.Max,
			}
		}
		m[f.Module] = mod
	}
}
