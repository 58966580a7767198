package links

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"

	"postern/engine"
	"postern/internal/forms"
)

// wish is what a visitor wants done by one press of a button.
type wish struct {
	name     string        // the action's, or "edit"
	set      engine.Fields // of the record
	expect   engine.Fields // what must still stand when it is done; at least what set replaces
	made     []forms.Making
	undoable bool
}

// take adds what an action sets. The store holds all of it against the record once more, in the same change that writes
// it.
func (w *wish) take(action *engine.Action, record engine.Record) {
	w.undoable = action.Undo > 0
	maps.Copy(w.expect, lookedAt(action, record))
	for name, value := range action.Set {
		w.set[name], w.expect[name] = value, record.Fields[name]
	}
}

// wishOf is what a form wants done, under the name of an action or "edit".
func wishOf(form *forms.Form, name string) wish {
	return wish{name: name, set: form.Set, expect: form.Expect, made: form.Made}
}

// key is the hash of what is to be done: the same thing asked for again has the same one, whatever the record has
// become meanwhile. A file is known by its content.
func (w wish) key(link engine.ID) ([]byte, error) {
	wanted, err := json.Marshal(w.set) // the keys of a map come sorted
	if err != nil {
		return nil, fmt.Errorf("name the act: %w", err)
	}
	parts := []string{link.String(), w.name, string(wanted)}
	for _, m := range w.made {
		parts = append(parts, m.Entry, m.Said, string(m.Sum[:]))
	}
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil), nil
}

// before is what the wish replaces, to be set back; nil where it cannot be. What it makes stays made, so that half of
// it would remain.
func (w wish) before() engine.Fields {
	if !w.undoable || len(w.made) > 0 {
		return nil
	}
	old := engine.Fields{}
	for name := range w.set {
		old[name] = w.expect[name]
	}
	return old
}

// entries are what the receipt shows of the records that are made; nil for none.
func (w wish) entries() engine.Fields {
	var said engine.Fields
	for _, m := range w.made {
		if said == nil {
			said = engine.Fields{}
		}
		said[m.Entry] = m.Said
	}
	return said
}

// files are those that were sent.
func (w wish) files() (sent []engine.File) {
	for _, m := range w.made {
		if m.File != nil {
			sent = append(sent, *m.File)
		}
	}
	return sent
}

// creation is the record that is made of an entry, on the occasion of the visitor's act.
func creation(m forms.Making, about engine.Ref, key engine.ID, origin engine.Origin) engine.Create {
	fields := engine.Fields{}
	maps.Copy(fields, m.Creates.Set)
	fields[m.Creates.Field], fields[m.Creates.By] = m.Value, about.ID
	made := engine.Create{Module: m.Creates.Module.Name, Fields: fields, About: about, Origin: origin}
	if made.KeyField = m.Creates.Module.ExternalID; made.KeyField != "" {
		made.Key = key.String()
	}
	return made
}
