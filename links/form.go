package links

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
)

// form is the part of a record that a visitor may change, what else they may enter, and what they want of it.
type form struct {
	entries  []*entry
	asked    bool          // whether it is filled in anew each time: what an action asks for
	set      engine.Fields // what the visitor wants changed
	expect   engine.Fields // what must still stand when it is
	made     []making      // what the visitor wants made
	conflict bool          // somebody else changed meanwhile what the visitor wants changed
}

// entry is one field of a form.
type entry struct {
	edit    *engine.Edit
	field   *engine.Field  // narrowed to what the landing allows
	zone    *time.Location // by whose clocks moments are written
	stored  any            // the record's value
	current string         // the same as the form writes it
	typed   string         // what the visitor wants
	sent    *arrival       // the file that they sent; nil for none
	touched bool           // whether that is another than the page showed
	clash   bool           // whether the record's value is another than the page showed, too
	problem string         // why the typed value is refused
}

// fill makes the form of a landing with the record's values; moments are by the clocks of the zone.
func fill(edits []*engine.Edit, record engine.Record, zone *time.Location) *form {
	f := newForm(edits, record, zone)
	for _, e := range f.entries {
		if e.edit.Creates == nil {
			e.current = entryText(e)
			e.typed = e.current
		}
	}
	return f
}

// entryText is an entry's value as its control writes it: a number on a scale as the scale has it.
func entryText(e *entry) string {
	text := formText(e.field, e.stored, e.zone)
	if e.edit.Scale == nil {
		return text
	}
	for _, step := range e.edit.Scale.Steps() {
		if engine.Same(json.Number(step), text) {
			return step
		}
	}
	return text
}

// blank makes the form of what an action asks for: it begins empty, so that each act is typed by somebody.
func blank(edits []*engine.Edit, record engine.Record, zone *time.Location) *form {
	f := newForm(edits, record, zone)
	f.asked = true
	return f
}

func newForm(edits []*engine.Edit, record engine.Record, zone *time.Location) *form {
	f := &form{set: engine.Fields{}, expect: engine.Fields{}}
	for _, edit := range edits {
		e := &entry{edit: edit, field: edit.Allowed(), zone: zone}
		if edit.Creates == nil {
			e.stored = record.Fields[e.field.Name]
		}
		f.entries = append(f.entries, e)
	}
	return f
}

// take reads what was sent. Fields that are not the form's are not looked at; one that was not sent stays.
func (f *form) take(from sent, texts labels.Texts) {
	seen := strings.Split(from.values.Get(pages.SeenName), ".")
	for i, e := range f.entries {
		shown := mark(e.field.Name, "")
		switch {
		case f.asked || e.edit.Creates != nil: // always shown empty
		case i < len(seen):
			shown = seen[i]
		default:
			shown = ""
		}
		if e.edit.Upload != nil {
			e.sent = from.files[e.field.Name]
			e.touched = e.sent != nil
		} else {
			e.take(from.values[e.field.Name], shown)
		}
		// What an action asks for and what a record is made of has to be typed or chosen each time.
		fresh := f.asked || e.edit.Creates != nil
		if fresh && e.sent == nil && strings.TrimSpace(e.typed) == "" {
			e.touched = false
		}
		switch {
		case e.touched:
			f.want(e, texts)
		case e.field.Required && fresh:
			e.problem = texts.Say("error.required")
		}
	}
}

// take holds what was sent against what the page had shown: only a difference is a wish. What is required and
// was left empty is looked at all the same.
func (e *entry) take(sent []string, shown string) {
	typed, given := posted(e.field, sent)
	if e.edit.Scale != nil && len(sent) > 1 { // with an empty value in front, too
		typed, given = sent[len(sent)-1], true
	}
	missing := typed == "" && e.field.Required && e.field.Type != engine.TypeBoolean
	if !given || (mark(e.field.Name, typed) == shown && !missing) {
		return
	}
	e.typed, e.touched = typed, true
	e.clash = typed != e.current && mark(e.field.Name, e.current) != shown
}

// want adds an entry's wish to what is to be done, or says why it cannot be.
func (f *form) want(e *entry, texts labels.Texts) {
	if e.sent != nil && e.sent.problem != "" {
		e.problem = texts.Say(e.sent.problem, e.sent.blanks...)
		return
	}
	made, err := e.value()
	if err != nil {
		e.problem = complaint(e, texts)
		return
	}
	if e.edit.Creates != nil {
		f.made = append(f.made, made)
		return
	}
	f.set[e.field.Name], f.expect[e.field.Name] = made.value, e.stored
	f.conflict = f.conflict || e.clash
}

// value is what the entry gives, held against every field that is to take it.
func (e *entry) value() (m making, err error) {
	m = making{entry: e.field.Name, creates: e.edit.Creates, said: e.typed}
	if e.sent != nil {
		m.file, m.sum, m.said = &e.sent.file, e.sent.sum, e.sent.file.Name
		m.value, err = e.sent.file.Value()
	} else {
		m.value, err = plain(e.field, e.typed, e.zone)
	}
	if moment, ok := m.value.(string); ok && e.field.Type == engine.TypeDateTime {
		m.said = moment // the receipt tells it by the clocks of whoever reads it
	}
	if err == nil && e.edit.Scale != nil && !e.edit.Scale.Has(m.value) {
		err = pages.ErrMalformed
	}
	if err != nil || e.edit.Creates == nil {
		return m, err
	}
	if into := e.edit.Creates.Module.Fields[e.edit.Creates.Field]; into != nil {
		m.value, err = into.Plain(m.value)
	}
	return m, err
}

// wish is what the form wants done, under the name of an action or "edit".
func (f *form) wish(name string) wish {
	return wish{name: name, set: f.set, expect: f.expect, made: f.made}
}

// ready tells whether there is something to do and nothing in the way.
func (f *form) ready() bool { return len(f.set)+len(f.made) > 0 && !f.faulty() && !f.conflict }

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
// empty value in front, so that none pages.Ticked differs from not sent.
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

// plain turns a form's text into the value a record keeps, checked against the field. A moment without a zone is meant
// by the clocks of the given one.
func plain(field *engine.Field, text string, zone *time.Location) (any, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		return nil, pages.ErrMalformed
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
		return field.Plain(text == pages.Ticked)
	case engine.TypeDateTime:
		if at, ok := momentOf(text, zone); ok {
			text = at.UTC().Format(time.RFC3339)
		}
	case engine.TypeInteger, engine.TypeNumber, engine.TypeDecimal, engine.TypeCurrency:
		text = strings.Replace(text, ",", ".", 1) // as most of the world writes decimals
		if strings.Trim(text, "+-.0123456789") != "" {
			return nil, pages.ErrMalformed
		}
	}
	return field.Plain(text)
}
