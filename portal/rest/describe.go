package rest

import (
	"encoding/json"
	"slices"
	"time"

	"postern/engine"
	"postern/portal"
)

// moduleBody describes a module as far as the viewer may know of it.
type moduleBody struct {
	Module  string        `json:"module"`
	Label   string        `json:"label"`
	Fields  []fieldBody   `json:"fields"`
	Create  bool          `json:"create"`
	Update  bool          `json:"update"`
	Delete  bool          `json:"delete"`
	Related []relatedBody `json:"related"`
}

type fieldBody struct {
	Name     string       `json:"name"`
	Label    string       `json:"label"`
	Type     string       `json:"type"`
	Options  []optionBody `json:"options,omitempty"`
	To       []string     `json:"to,omitempty"` // modules that a reference leads to and that the role has access to
	Max      int          `json:"max,omitempty"`
	Required bool         `json:"required,omitempty"`
	Read     bool         `json:"read"`
	Filter   bool         `json:"filter"`
	Sort     bool         `json:"sort"`
	Create   bool         `json:"create"`
	Update   bool         `json:"update"`
	Fresh    bool         `json:"fresh,omitempty"` // a change needs a sign-in of the last minutes
}

type optionBody struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

type relatedBody struct {
	Module string `json:"module"`
	Label  string `json:"label"`
}

func newModule(v portal.Viewer, view portal.ModuleView) moduleBody {
	language := v.Language
	body := moduleBody{
		Module: view.Name, Label: view.Label.In(language), Fields: []fieldBody{}, Related: []relatedBody{},
		Create: view.Access.Create != nil, Update: len(view.Access.Update) > 0, Delete: view.Access.Delete,
	}
	for _, name := range fieldNames(view.Access) {
		body.Fields = append(body.Fields, newField(v, view, name))
	}
	for _, relative := range view.Access.Related {
		body.Related = append(body.Related, relatedBody{
			Module: relative.Module, Label: v.Portal.Modules[relative.Module].Label.In(language),
		})
	}
	return body
}

// fieldNames are the fields that a role may know of: those it reads, then those it gives to a new record, and what a
// list may be sorted or filtered by.
func fieldNames(access *engine.Access) []string {
	names := slices.Clone(access.Read)
	add := func(more []string) {
		for _, name := range more {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if access.Create != nil {
		add(access.Create.Fields)
	}
	add(access.Filter)
	add(access.Sort)
	return names
}

func newField(v portal.Viewer, view portal.ModuleView, name string) fieldBody {
	access, field, language := view.Access, view.Fields[name], v.Language
	body := fieldBody{
		Name: name, Type: string(field.Type), Label: field.Label.In(language), Max: field.Max,
		Read: slices.Contains(access.Read, name), Filter: slices.Contains(access.Filter, name),
		Sort: slices.Contains(access.Sort, name), Update: slices.Contains(access.Update, name),
		Create: access.Create != nil && slices.Contains(access.Create.Fields, name),
		Fresh:  slices.Contains(access.Fresh, name),
	}
	body.Required = field.Required && (body.Create || body.Update)
	if body.Label == "" {
		body.Label = name
	}
	for _, option := range field.Options {
		body.Options = append(body.Options, optionBody{option, field.ChoiceLabel(option, language)})
	}
	for _, module := range field.To {
		if v.Access(module) != nil {
			body.To = append(body.To, module)
		}
	}
	return body
}

// typed is a plain value of a field in the kind of JSON that its type has: null for nothing, but "" for a text. What
// does not fit the type is told as the text that stands there.
func typed(field *engine.Field, value any) any {
	if field == nil {
		return value
	}
	text, single := engine.PlainText(value)
	if !single {
		return value
	}
	switch {
	case field.Type == engine.TypeFile:
		return fileOf(text)
	case text == "" && field.IsText():
		return ""
	case text == "" && field.Type == engine.TypeMultiPicklist:
		return []any{}
	case text == "":
		return nil
	}
	module := engine.Module{Fields: map[string]*engine.Field{field.Name: field}}
	view, err := module.ViewOf(engine.Fields{field.Name: value})
	if err != nil {
		return text
	}
	switch field.Type {
	case engine.TypeDateTime:
		if at, ok := view[field.Name].(time.Time); ok {
			return at.UTC() // as RFC 3339 has it, however the CRM writes it
		}
	case engine.TypeBoolean, engine.TypeMultiPicklist, engine.TypeInteger:
		return view[field.Name]
	case engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		if number := json.Number(text); json.Valid([]byte(number)) {
			return number // every digit as it is kept
		}
		return view[field.Name]
	}
	return text
}

// fileBody is a file that a field holds.
type fileBody struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Type string `json:"type"`
}

// fileOf reads what a file field holds; null if that is no file of ours.
func fileOf(text string) any {
	var file fileBody
	if text == "" || json.Unmarshal([]byte(text), &file) != nil {
		return nil
	}
	return file
}
