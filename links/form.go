package links

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"postern/engine"
	"postern/internal/labels"
)

// seenName is the form's hidden field with the marks of the values that the page showed. No field of a record
// can be named so.
const seenName = "~seen"

// form is the part of a record that a visitor may change, and what they want of it.
type form struct {
	entries  []*entry
	set      engine.Fields // what the visitor wants changed
	expect   engine.Fields // what must still stand when it is
	conflict bool          // somebody else changed meanwhile what the visitor wants changed
}

// entry is one field of a form.
type entry struct {
	field   *engine.Field // narrowed to what the landing allows
	stored  any           // the record's value
	current string        // the same as the form writes it
	typed   string        // what the visitor wants
	touched bool          // whether that is another than the page showed
	clash   bool          // whether the record's value is another than the page showed, too
	problem string        // why the typed value is refused
}

// fill makes the form of a landing with the record's values.
func fill(landing *engine.Landing, record engine.Record) *form {
	f := &form{set: engine.Fields{}, expect: engine.Fields{}}
	for _, edit := range landing.Edit {
		field := edit.Allowed()
		stored := record.Fields[field.Name]
		current := formText(field, stored)
		f.entries = append(f.entries, &entry{field: field, stored: stored, current: current, typed: current})
	}
	return f
}

// take reads what was sent. Fields that are not the form's are not looked at; one that was not sent stays.
func (f *form) take(values url.Values, texts labels.Texts) {
	seen := strings.Split(values.Get(seenName), ".")
	for i, e := range f.entries {
		shown := ""
		if i < len(seen) {
			shown = seen[i]
		}
		e.take(values[e.field.Name], shown)
		if e.touched {
			f.want(e, texts)
		}
	}
}

// take holds what was sent against what the page had shown: only a difference is a wish. What is required and
// was left empty is looked at all the same.
func (e *entry) take(sent []string, shown string) {
	typed, given := posted(e.field, sent)
	missing := typed == "" && e.field.Required
	if !given || (mark(e.field.Name, typed) == shown && !missing) {
		return
	}
	e.typed, e.touched = typed, true
	e.clash = typed != e.current && mark(e.field.Name, e.current) != shown
}

// want adds an entry's wish to what is to be done, or says why it cannot be.
func (f *form) want(e *entry, texts labels.Texts) {
	value, err := plain(e.field, e.typed)
	if err != nil {
		e.problem = complaint(e.field, e.typed, texts)
		return
	}
	f.set[e.field.Name], f.expect[e.field.Name] = value, e.stored
	f.conflict = f.conflict || e.clash
}

// ready tells whether there is something to do and nothing in the way.
func (f *form) ready() bool { return len(f.set) > 0 && !f.faulty() && !f.conflict }

// faulty tells whether something that was typed is refused.
func (f *form) faulty() bool {
	return slices.ContainsFunc(f.entries, func(e *entry) bool { return e.problem != "" })
}

// taken marks the fields whose value another record has already.
func (f *form) taken(texts labels.Texts) {
	for _, e := range f.entries {
		if e.touched && e.field.Unique {
			e.problem = texts.Say("error.taken")
		}
	}
}

// seen is the mark of every value that the form shows now.
func (f *form) seen() string {
	marks := make([]string, len(f.entries))
	for i, e := range f.entries {
		marks[i] = mark(e.field.Name, e.current)
	}
	return joinMarks(marks)
}

// mark is a short hash of a field's value: enough to see that it is no longer the same.
func mark(name, value string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + value))
	return hex.EncodeToString(sum[:8])
}

// joinMarks puts marks in the order of the form's fields into one hidden field.
func joinMarks(marks []string) string { return strings.Join(marks, ".") }

// posted is what the form sent for a field, in the writing of formText. Fields with boxes to tick come with an
// empty value in front, so that none ticked differs from not sent.
func posted(field *engine.Field, sent []string) (string, bool) {
	if len(sent) == 0 {
		return "", false
	}
	switch field.Type {
	case engine.TypeMultiPicklist:
		chosen := slices.DeleteFunc(slices.Clone(sent), func(s string) bool { return s == "" })
		return strings.Join(chosen, "\n"), true
	case engine.TypeBoolean:
		return sent[len(sent)-1], true
	case engine.TypeText:
		return strings.ReplaceAll(sent[0], "\r\n", "\n"), len(sent) == 1
	}
	return strings.TrimSpace(sent[0]), len(sent) == 1
}

// plain turns a form's text into the value a record keeps, checked against the field.
func plain(field *engine.Field, text string) (any, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		return nil, errMalformed
	}
	switch field.Type {
	case engine.TypeMultiPicklist:
		if text == "" {
			return field.Plain(nil)
		}
		var chosen []any
		for item := range strings.SplitSeq(text, "\n") {
			chosen = append(chosen, item)
		}
		return field.Plain(chosen)
	case engine.TypeBoolean:
		return field.Plain(text == ticked)
	case engine.TypeDateTime:
		if len(text) == len(inputMoment) {
			text += ":00Z"
		}
	case engine.TypeInteger, engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		text = strings.Replace(text, ",", ".", 1) // as most of the world writes decimals
		if strings.Trim(text, "+-.0123456789") != "" {
			return nil, errMalformed
		}
	}
	return field.Plain(text)
}

// complaint says in the visitor's language what the field wants.
func complaint(field *engine.Field, text string, texts labels.Texts) string {
	switch {
	case text == "":
		return texts.Say("error.required")
	case field.Max > 0 && len([]rune(text)) > field.Max:
		return texts.Say("error.long", "Max", field.Max)
	}
	switch field.Type {
	case engine.TypePicklist, engine.TypeMultiPicklist:
		return texts.Say("error.option")
	case engine.TypeInteger:
		return texts.Say("error.whole")
	case engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		return texts.Say("error.number")
	case engine.TypeDate, engine.TypeDateTime:
		return texts.Say("error.date")
	case engine.TypeEmail:
		return texts.Say("error.email")
	}
	return texts.Say("error.text")
}
