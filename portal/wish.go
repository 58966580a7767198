package portal

import (
	"encoding/json"
	"maps"
	"slices"
	"unicode"
	"unicode/utf8"

	"postern/engine"
)

// wishes are what a viewer wants written, checked.
type wishes struct {
	module string
	asked  engine.Fields // as it came
	set    engine.Fields // in the plain form that a record keeps
	files  []engine.File // that values of set name
}

// made checks what is given to a new record and adds what the access sets besides.
func (d *Desk) made(v Viewer, access *engine.Access, given engine.Fields) (*wishes, error) {
	w := &wishes{module: access.Module.Name, asked: given, set: engine.Fields{}}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(access.Create.Fields, name) {
			return nil, malformed(CodeField, readable(access, name)).about(PartSet, name)
		}
		if err := d.want(v, w, access.Module.Fields[name], given[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range access.Create.Fields {
		if access.Module.Fields[name].Required && (w.set[name] == nil || w.set[name] == "") {
			return nil, unfit(CodeRequired, name, "error.required")
		}
	}
	besides, err := access.Create.Values(access.Module, v.Me, v.Now, v.zone())
	if err != nil { // the subject's own record lacks what the new one needs
		return nil, unfit(CodeRows, "", "error."+CodeRows).about(PartSet, "")
	}
	maps.Copy(w.set, besides)
	return w, nil
}

// changed checks what is to be changed of a record, and leaves out what is so already.
func (d *Desk) changed(v Viewer, access *engine.Access, record engine.Record, set engine.Fields) (*wishes, error) {
	w := &wishes{module: access.Module.Name, asked: set, set: engine.Fields{}}
	if len(set) == 0 {
		return nil, malformed(CodeEmpty, "").about(PartSet, "")
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !slices.Contains(access.Update, name) {
			return nil, malformed(CodeField, readable(access, name)).about(PartSet, name)
		}
		if slices.Contains(access.Fresh, name) && !v.Fresh() {
			return nil, ErrFresh
		}
		if err := d.want(v, w, access.Module.Fields[name], set[name]); err != nil {
			return nil, err
		}
		if isSo(access.Module.Fields[name], w.set[name], record.Fields[name]) {
			delete(w.set, name)
		}
	}
	return w, nil
}

// isSo tells whether a field holds a value already, however the CRM writes it: times have two forms.
func isSo(field *engine.Field, wanted, held any) bool {
	if engine.Same(wanted, held) {
		return true
	}
	plain, err := field.Plain(held)
	return err == nil && field.Type == engine.TypeDateTime && engine.Same(wanted, plain)
}

// want adds one value to what is to be written, if it fits the field.
func (d *Desk) want(v Viewer, w *wishes, field *engine.Field, value any) error {
	if field.Type == engine.TypeFile {
		return d.wantFile(v, w, field, value)
	}
	if !fitsKind(field, value) {
		return malformed(CodeValue, field.Name)
	}
	plain, err := field.Plain(value)
	if err != nil {
		return misfit(field, value)
	}
	w.set[field.Name] = plain
	return nil
}

// fitsKind tells whether a value is of the JSON kind that the field takes: one value, or a list of texts for several
// options.
func fitsKind(field *engine.Field, value any) bool {
	switch value := value.(type) {
	case nil, bool, json.Number:
		return true
	case string:
		return utf8.ValidString(value) && !hasControls(value)
	case []any:
		ofTexts := !slices.ContainsFunc(value, func(item any) bool {
			text, isText := item.(string)
			return !isText || !utf8.ValidString(text) || hasControls(text)
		})
		return field.Type == engine.TypeMultiPicklist && ofTexts
	}
	return false
}

func hasControls(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return true
		}
	}
	return false
}

// misfit says to people what a field wants.
func misfit(field *engine.Field, value any) *Refusal {
	text, _ := engine.PlainText(value)
	switch {
	case text == "" && (value == nil || value == ""):
		return unfit(CodeRequired, field.Name, "error.required")
	case field.IsText() && field.Max > 0 && utf8.RuneCountInString(text) > field.Max:
		return unfit(CodeLong, field.Name, "error.long", "Max", field.Max)
	case len(text) > engine.MaxText:
		return unfit(CodeLong, field.Name, "error.long", "Max", engine.MaxText)
	}
	switch field.Type {
	case engine.TypePicklist, engine.TypeMultiPicklist:
		return unfit(CodeOption, field.Name, "error.option")
	case engine.TypeInteger:
		return unfit(CodeValue, field.Name, "error.whole")
	case engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		return unfit(CodeValue, field.Name, "error.number")
	case engine.TypeDate, engine.TypeDateTime:
		return unfit(CodeValue, field.Name, "error.date")
	case engine.TypeEmail:
		return unfit(CodeValue, field.Name, "error.email")
	}
	return unfit(CodeValue, field.Name, "error.text")
}

// taken names the field whose value another record has already, if it is clear which and the viewer may know.
func taken(access *engine.Access, unique []string) *Refusal {
	if len(unique) != 1 {
		return unfit(CodeTaken, "", "error.taken").about(PartSet, "")
	}
	return unfit(CodeTaken, readable(access, unique[0]), "error.taken")
}
