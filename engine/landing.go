package engine

import "time"

// MaxExpires is the longest life of a link.
const MaxExpires = 90 * 24 * time.Hour

// Landing is the page and the rules behind a link: what its file under landings/ says.
type Landing struct {
	Name    string
	Version string            // hash over Files
	Files   map[string]string // path → text of every file Version covers, enough to load it again
	Module  *Module
	Title   map[string]Template // by language; nil map for the record's label
	Show    []string
	Edit    []*Edit
	Actions []*Action
	Expires time.Duration // how long a link to it lives
	Uses    int           // how many effects one link may have
}

// Edit is a field that a visitor may change.
type Edit struct {
	Field   *Field
	Options []string // those of a picklist or multipicklist a visitor may choose; all of the field's if empty
	Max     int      // longest text in characters; the field's limit if 0
}

// Allowed returns the field narrowed to what the visitor may enter. Its type stays, and so do its own limits.
func (e *Edit) Allowed() *Field {
	field := *e.Field
	if len(e.Options) > 0 {
		field.Options = e.Options
	}
	if e.Max > 0 && e.Max < field.longest() {
		field.Max = e.Max
	}
	return &field
}

// Action is one change that a visitor may make by confirming it.
type Action struct {
	Name  string
	Label Labels // of its button
	Set   Fields // plain values
}

// Action finds an action by name; nil if there is none.
func (l *Landing) Action(name string) *Action {
	for _, a := range l.Actions {
		if a.Name == name {
			return a
		}
	}
	return nil
}
