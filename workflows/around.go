package workflows

import (
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
)

// aroundFile says that a workflow is due some time before or after a date of each record.
type aroundFile struct {
	// Field is the date or datetime that the workflow goes by.
	Field *yamldoc.Node `yaml:"field,required" schema:"text"`
	// Before is how long before the date; whole days are days of the calendar.
	Before *yamldoc.Node `yaml:"before" schema:"duration"`
	// After is how long after it.
	After *yamldoc.Node `yaml:"after" schema:"duration"`
	// At is the time of day at which the workflow is due; midnight for a date if not said.
	At *yamldoc.Node `yaml:"at" schema:"clock"`
	// Zone is the IANA name of the time zone in which the day and the time of day are meant; UTC if not said.
	Zone *yamldoc.Node `yaml:"zone" schema:"zone"`

	at     *yamldoc.Node
	broken bool // Decode has complained
}

// UnmarshalYAMLDoc remembers where the trigger stands.
func (a *aroundFile) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	type plain aroundFile
	diags := yamldoc.Decode(n, (*plain)(a))
	a.at, a.broken = n, len(diags) > 0
	return diags
}

// maxShift is how far from its date a workflow may be due.
const maxShift = 10 * 366 * 24 * time.Hour

// around reads a trigger that goes by a date of the record.
func (l *loader) around(w *engine.Workflow, t triggerFile) {
	for key, there := range map[string]bool{"changed": len(t.Changed) > 0, "related": t.Related != nil} {
		if there {
			l.complain(t.at.Get(key).Errorf("%s does not go with around", key))
		}
	}
	f := t.Around
	if f.broken {
		return
	}
	before := len(l.diags)
	a := &engine.Around{Zone: l.zone(f.Zone), Field: l.dateField(w.Module, f.Field)}
	l.shift(a, f)
	l.timeOfDay(a, f)
	if len(l.diags) > before {
		return
	}
	for _, other := range w.Triggers {
		if other.Around != nil && other.Around.Field == a.Field && other.Around.Shift == a.Shift {
			l.complain(f.at.Errorf("the workflow has a trigger at this distance from %s already", a.Field.Name))
			return
		}
	}
	w.Triggers = append(w.Triggers, engine.Trigger{Module: w.Module.Name, Around: a})
}

// dateField finds the field that a trigger goes by; nil after a complaint.
func (l *loader) dateField(module *engine.Module, n *yamldoc.Node) *engine.Field {
	if !l.knownField(n, module) {
		return nil
	}
	field := module.Fields[n.Text()]
	if field.Type != engine.TypeDate && field.Type != engine.TypeDateTime {
		l.complain(n.Errorf("around goes by a date or datetime; %s is of type %s", field.Name, field.Type))
		return nil
	}
	return field
}

// shift reads how far from the date the workflow is due.
func (l *loader) shift(a *engine.Around, f *aroundFile) {
	n, word := f.After, "after"
	if f.Before != nil {
		n, word = f.Before, "before"
	}
	if (f.Before == nil) == (f.After == nil) {
		l.complain(f.at.Errorf("around has one of before and after, such as before: 3d; for the day itself after: 0d"))
		return
	}
	var shift time.Duration
	if complaints := yamldoc.Decode(n, &shift); len(complaints) > 0 {
		l.complain(complaints...)
		return
	}
	if shift > maxShift {
		l.complain(n.Errorf("%s is at most 3660d, found %s", word, n.Text()))
	}
	if a.Shift = shift; f.Before != nil {
		a.Shift = -shift
	}
	a.Source = n.Text() + " " + word + " " + f.Field.Text()
}

// timeOfDay reads the time of day.
func (l *loader) timeOfDay(a *engine.Around, f *aroundFile) {
	if f.At == nil {
		return
	}
	at, err := time.Parse("15:04", f.At.Text())
	switch {
	case err != nil:
		l.complain(f.At.Errorf("expected a time of day such as 09:00, found %q", f.At.Text()))
	case a.Shift%(24*time.Hour) != 0:
		l.complain(f.At.Errorf("at goes with whole days before or after the date: " +
			"the hours say when it is due already"))
	}
	a.Fixed, a.At = true, at.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
	a.Source += " at " + f.At.Text()
}
