package forms

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/internal/upload"
)

const (
	// radios is how many options are shown side by side; more of them go into a list that opens.
	radios = 4
	// oneLine is the longest text that gets a field of one line.
	oneLine = 200
)

// Control is an entry as the page draws it.
type Control struct {
	ID    string `json:"-"`
	Name  string `json:"name"`
	Label string `json:"label"`
	// Kind is that of the drawing: input, area, radio, scale, select, checks, box or file.
	Kind         string   `json:"kind"`
	Type         string   `json:"type,omitempty"`         // of an input, as HTML names it
	InputMode    string   `json:"input_mode,omitempty"`   // which keyboard a phone shows
	Autocomplete string   `json:"autocomplete,omitempty"` // which of their own details a browser may offer; "" for none
	Value        string   `json:"value"`                  // as FormText writes it
	Options      []Option `json:"options,omitempty"`
	Max          int      `json:"max,omitempty"`    // longest text; 0 for no limit that HTML could keep
	Accept       string   `json:"accept,omitempty"` // which files a browser offers, as HTML lists them
	Required     bool     `json:"required,omitempty"`
	Hint         string   `json:"hint,omitempty"`
	Problem      string   `json:"problem,omitempty"`   // why what was typed is refused
	Meanwhile    string   `json:"meanwhile,omitempty"` // what somebody else changed the value to meanwhile
}

// Option is one choice of a control. An empty value with a label is the choice of none.
type Option struct {
	ID     string `json:"-"`
	Value  string `json:"value"`
	Label  string `json:"label"`
	Chosen bool   `json:"chosen,omitempty"`
}

// DescribedBy are the ids of the lines that belong to the control, for assistive technology.
func (c Control) DescribedBy() string {
	var ids []string
	for suffix, text := range map[string]string{"-hint": c.Hint, "-problem": c.Problem, "-meanwhile": c.Meanwhile} {
		if text != "" {
			ids = append(ids, c.ID+suffix)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// Body is a form as a page draws it.
type Body struct {
	Controls []Control `json:"controls,omitempty"`
	Seen     string    `json:"seen,omitempty"`
	Faults   []Control `json:"-"`
	Files    bool      `json:"files,omitempty"` // it can only be sent as multipart/form-data
	Sends    bool      `json:"-"`               // what is entered goes out rather than into the record as it is
}

// Body draws the form.
func (f *Form) Body(texts labels.Texts, now time.Time) Body {
	body := Body{Seen: f.Seen()}
	for _, e := range f.entries {
		if e.barred && !e.touched {
			continue
		}
		body.Controls = append(body.Controls, e.control(texts, now))
		body.Files = body.Files || e.edit.Upload != nil
		body.Sends = body.Sends || e.edit.Creates != nil || e.edit.Scale != nil
	}
	body.Faults = faults(body.Controls)
	return body
}

// faults are the controls whose text is refused, for the list above the form.
func faults(drawn []Control) []Control {
	return slices.DeleteFunc(slices.Clone(drawn), func(c Control) bool { return c.Problem == "" })
}

// control draws an entry: what its type is to HTML, what is said beside it.
func (e *entry) control(texts labels.Texts, now time.Time) Control {
	c := Control{
		ID: "field-" + e.field.Name, Name: e.field.Name, Label: FieldLabel(e.field, texts.Language), Value: e.typed,
		Required: e.field.Required, Max: e.field.Max, Problem: e.problem, Kind: "input", Type: "text",
	}
	if e.clash {
		c.Meanwhile = texts.Say("form.meanwhile", "Value", ValueOr(DisplayText(e.field, e.stored, texts), texts))
	}
	if e.edit.Scale != nil {
		c.Kind, c.Options = "scale", e.options(texts)
		c.Hint = texts.Say("form.scale", "From", e.edit.Scale.From, "To", e.edit.Scale.To)
		return c
	}
	if e.edit.Upload != nil {
		return e.drawFile(c, texts)
	}
	switch e.field.Type {
	case engine.TypePicklist:
		c.Kind, c.Options = "select", e.options(texts)
		if len(c.Options) <= radios {
			c.Kind = "radio"
		}
	case engine.TypeMultiPicklist:
		c.Kind, c.Options = "checks", e.options(texts)
	case engine.TypeBoolean:
		c.Kind = "box"
	case engine.TypeInteger:
		c.InputMode = "numeric"
	case engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		c.InputMode = "decimal"
	case engine.TypeDate:
		c.Type = "date"
	case engine.TypeDateTime:
		c.Type, c.Hint = "datetime-local", texts.Say("form.zone", "Zone", texts.ZoneNames(now))
	case engine.TypeEmail:
		c.Type, c.Autocomplete = "email", "email"
	case engine.TypePhone:
		c.Type, c.Autocomplete = "tel", "tel"
	case engine.TypeURL:
		c.Type, c.Autocomplete = "url", "url"
	case engine.TypeText:
		if c.Max == 0 || c.Max > oneLine || strings.Contains(e.typed, "\n") {
			c.Kind = "area"
		}
		if c.Max > 0 {
			c.Hint = texts.Say("form.longest", "Max", c.Max)
		}
	}
	return c
}

// drawFile draws the choice of a file. A browser forgets what was chosen when a page comes back.
func (e *entry) drawFile(c Control, texts labels.Texts) Control {
	c.Kind, c.Value, c.Max = "file", "", 0
	takes := e.edit.Upload
	types := upload.Listed(upload.TypeNames(takes.Types))
	c.Hint = texts.Say("upload.hint", "Max", upload.SizeText(takes.Max), "Types", types)
	if e.sent != nil && e.problem == "" {
		c.Problem = texts.Say("upload.again")
	}
	c.Accept = upload.Accept(takes.Types)
	return c
}

// options are what the visitor may choose, and the record's own value where that is another, so that it can
// stay.
func (e *entry) options(texts labels.Texts) []Option {
	chosen := strings.Split(e.typed, "\n")
	values := slices.Clone(e.field.Options)
	if e.edit.Scale != nil {
		values = e.edit.Scale.Steps()
	}
	for value := range strings.SplitSeq(e.current, "\n") {
		if value != "" && !slices.Contains(values, value) {
			values = append([]string{value}, values...)
		}
	}
	if e.field.Type == engine.TypePicklist && !e.field.Required && e.current == "" {
		values = append([]string{""}, values...)
	}
	options := make([]Option, len(values))
	for i, value := range values {
		options[i] = Option{
			ID: "field-" + e.field.Name + "-" + strconv.Itoa(i), Value: value,
			Label:  ValueOr(e.field.ChoiceLabel(value, texts.Language), texts),
			Chosen: slices.Contains(chosen, value),
		}
	}
	return options
}

// Optional tells whether the control is to be marked as one that may stay empty. One to choose from needs no mark.
func (c Control) Optional() bool {
	return !c.Required && (c.Kind == "input" || c.Kind == "area" || c.Kind == "file" || c.Kind == "scale")
}

// Ticked tells whether the box of a yes-or-no field is pages.Ticked.
func (c Control) Ticked() bool { return c.Value == pages.Ticked }

// ValueOr is a value for reading, or the words for none.
func ValueOr(text string, texts labels.Texts) string {
	if text == "" {
		return texts.Say("value.empty")
	}
	return text
}
