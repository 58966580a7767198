// Package forms turns fields into what a page draws and what people read, and what a page sends back into values: of a
// record's form, or of one that is filled in anew. What was not touched stays out of it, and what somebody else changed
// meanwhile is told.
package forms

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/internal/upload"
)

// Form is the part of a record that a visitor may change, what else they may enter, and what they want of it.
type Form struct {
	entries  []*entry
	asked    bool          // whether it is filled in anew each time: what an action asks for
	Set      engine.Fields // what the visitor wants changed
	Expect   engine.Fields // what must still stand when it is
	Made     []Making      // what the visitor wants made
	Conflict bool          // somebody else changed meanwhile what the visitor wants changed
}

// Making is a record to be made of one entry.
type Making struct {
	Entry   string
	Creates *engine.Creation
	Value   any          // as the record keeps it
	Said    string       // as the receipt shows it
	File    *engine.File // that was sent; nil for what was typed
	Sum     [sha256.Size]byte
}

// errMalformed says that no value can be made of a text.
var errMalformed = errors.New("it is no value of the field")

// entry is one field of a form.
type entry struct {
	edit    *engine.Edit
	field   *engine.Field   // narrowed to what the landing allows
	zone    *time.Location  // by whose clocks moments are written
	stored  any             // the record's value
	current string          // the same as the form writes it
	typed   string          // what the visitor wants
	sent    *upload.Arrival // the file that they sent; nil for none
	touched bool            // whether that is another than the page showed
	clash   bool            // whether the record's value is another than the page showed, too
	problem string          // why the typed value is refused
	barred  bool            // whether it can be neither seen nor changed now
}

// Fill makes the form of a landing with the record's values; moments are by the clocks of the zone.
func Fill(edits []*engine.Edit, record engine.Record, zone *time.Location) *Form {
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
	text := FormText(e.field, e.stored, e.zone)
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

// Blank makes the form of what an action asks for: it begins empty, so that each act is typed by somebody.
func Blank(edits []*engine.Edit, record engine.Record, zone *time.Location) *Form {
	f := newForm(edits, record, zone)
	f.asked = true
	return f
}

// Suggest fills in a field of a form that begins empty: it is sent with the form unless somebody takes it out. A
// field that is not the form's is passed over.
func (f *Form) Suggest(name, value string) {
	for _, e := range f.entries {
		if e.field.Name == name {
			e.typed = value
		}
	}
}

func newForm(edits []*engine.Edit, record engine.Record, zone *time.Location) *Form {
	f := &Form{Set: engine.Fields{}, Expect: engine.Fields{}}
	for _, edit := range edits {
		e := &entry{edit: edit, field: edit.Allowed(), zone: zone}
		if edit.Creates == nil {
			e.stored = record.Fields[e.field.Name]
		}
		f.entries = append(f.entries, e)
	}
	return f
}

// Bar takes fields out of what the form shows. One that is typed all the same, into a page of before, is kept: Barred
// tells of it.
func (f *Form) Bar(names ...string) {
	for _, e := range f.entries {
		e.barred = e.barred || slices.Contains(names, e.field.Name)
	}
}

// Barred tells whether something else was typed into a field that is barred.
func (f *Form) Barred() bool {
	return slices.ContainsFunc(f.entries, func(e *entry) bool { return e.barred && e.touched })
}

// Take reads what was sent. Fields that are not the form's are not looked at; one that was not sent stays.
func (f *Form) Take(from upload.Sent, texts labels.Texts) {
	seen := strings.Split(from.Values.Get(pages.SeenName), ".")
	for i, e := range f.entries {
		shown := Mark(e.field.Name, "")
		switch {
		case f.asked || e.edit.Creates != nil: // always shown empty
		case i < len(seen):
			shown = seen[i]
		default:
			shown = ""
		}
		if e.edit.Upload != nil {
			e.sent = from.Files[e.field.Name]
			e.touched = e.sent != nil
		} else {
			e.take(from.Values[e.field.Name], shown)
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
	if !given || (Mark(e.field.Name, typed) == shown && !missing) {
		return
	}
	e.typed, e.touched = typed, true
	e.clash = typed != e.current && Mark(e.field.Name, e.current) != shown
}

// want adds an entry's wish to what is to be done, or says why it cannot be.
func (f *Form) want(e *entry, texts labels.Texts) {
	if e.sent != nil && e.sent.Problem != "" {
		e.problem = texts.Say(e.sent.Problem, e.sent.Blanks...)
		return
	}
	made, err := e.value()
	if err != nil {
		e.problem = complaint(e, texts)
		return
	}
	if e.edit.Creates != nil {
		f.Made = append(f.Made, made)
		return
	}
	f.Set[e.field.Name], f.Expect[e.field.Name] = made.Value, e.stored
	f.Conflict = f.Conflict || e.clash
}

// value is what the entry gives, held against every field that is to take it.
func (e *entry) value() (m Making, err error) {
	m = Making{Entry: e.field.Name, Creates: e.edit.Creates, Said: e.typed}
	if e.sent != nil {
		m.File, m.Sum, m.Said = &e.sent.File, e.sent.Sum, e.sent.File.Name
		if m.Value = e.sent.Value; e.sent.Value == "" {
			m.Value, err = e.sent.File.Value()
		}
	} else {
		m.Value, err = plain(e.field, e.typed, e.zone)
	}
	if moment, ok := m.Value.(string); ok && e.field.Type == engine.TypeDateTime {
		m.Said = moment // the receipt tells it by the clocks of whoever reads it
	}
	if err == nil && e.edit.Scale != nil && !e.edit.Scale.Has(m.Value) {
		err = errMalformed
	}
	if err != nil || e.edit.Creates == nil {
		return m, err
	}
	if into := e.edit.Creates.Module.Fields[e.edit.Creates.Field]; into != nil {
		m.Value, err = into.Plain(m.Value)
	}
	return m, err
}

// Ready tells whether there is something to do and nothing in the way.
func (f *Form) Ready() bool { return len(f.Set)+len(f.Made) > 0 && !f.Faulty() && !f.Conflict }

// Faulty tells whether something that was typed is refused.
func (f *Form) Faulty() bool {
	return slices.ContainsFunc(f.entries, func(e *entry) bool { return e.problem != "" })
}

// Taken marks the fields whose value another record has already.
func (f *Form) Taken(texts labels.Texts) {
	for _, e := range f.entries {
		if e.touched && e.field.Unique {
			e.problem = texts.Say("error.taken")
		}
	}
}

// Refuse marks what was typed into a field as refused, for a reason that is only known when it is done. It tells
// whether the form has the field.
func (f *Form) Refuse(name, why string) bool {
	for _, e := range f.entries {
		if e.field.Name == name {
			e.problem = why
			return true
		}
	}
	return false
}

// Problem is why what was typed into a field is refused; "" if it is not.
func (f *Form) Problem(name string) string {
	for _, e := range f.entries {
		if e.field.Name == name {
			return e.problem
		}
	}
	return ""
}

// Seen is the mark of every value that the form shows now.
func (f *Form) Seen() string {
	marks := make([]string, len(f.entries))
	for i, e := range f.entries {
		marks[i] = Mark(e.field.Name, e.current)
	}
	return JoinMarks(marks)
}

// Mark is a short hash of a field's value: enough to see that it is no longer the same.
func Mark(name, value string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + value))
	return hex.EncodeToString(sum[:8])
}

// JoinMarks puts marks in the order of the form's fields into one hidden field.
func JoinMarks(marks []string) string { return strings.Join(marks, ".") }
