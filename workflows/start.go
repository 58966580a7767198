package workflows

import (
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// activeFile says on which days a workflow starts runs.
type activeFile struct {
	// From is the first day.
	From *yamldoc.Node `yaml:"from" schema:"day"`
	// Until is the last day.
	Until *yamldoc.Node `yaml:"until" schema:"day"`
	// Zone is the IANA name of the time zone of the days; UTC if not said.
	Zone *yamldoc.Node `yaml:"zone" schema:"text"`
}

// active reads the days; both belong to it.
func (l *loader) active(w *engine.Workflow, f activeFile) {
	zone := l.zone(f.Zone)
	w.Active.From = l.date(f.From, zone)
	if last := l.date(f.Until, zone); !last.IsZero() {
		w.Active.Until = last.AddDate(0, 0, 1)
	}
	if a := w.Active; !a.From.IsZero() && !a.Until.IsZero() && !a.From.Before(a.Until) {
		l.complain(f.Until.Errorf("until is the last day and lies before from"))
	}
}

// date reads a day; zero where there is none.
func (l *loader) date(n *yamldoc.Node, zone *time.Location) time.Time {
	if n == nil {
		return time.Time{}
	}
	day, err := time.ParseInLocation(time.DateOnly, n.Text(), zone)
	if err != nil {
		l.complain(n.Errorf("expected a day such as 2026-03-01, found %q", n.Text()))
	}
	return day
}

// first reads whether the workflow succeeds once: true, or once for each value of a key.
func (l *loader) first(w *engine.Workflow, n *yamldoc.Node) {
	if n == nil {
		return
	}
	if n.Kind() != yamldoc.Mapping {
		var yes bool
		if complaints := yamldoc.Decode(n, &yes); len(complaints) > 0 {
			l.complain(n.Errorf("first is true, or has a key: first: { key: record.parent_id }"))
			return
		}
		if yes {
			w.First = &engine.First{}
		}
		return
	}
	var f struct {
		Key *yamldoc.Node `yaml:"key,required"`
	}
	l.complain(yamldoc.Decode(n, &f)...)
	if f.Key == nil {
		return
	}
	w.First = &engine.First{Key: l.program(f.Key, l.types.scope(w, nil), exprsafe.Any)}
}

// checkFirst refuses what could let two runs be the first.
func (l *loader) checkFirst(w *engine.Workflow, f workflowFile) {
	if w.First == nil {
		return
	}
	gate, first := "record.id", "record.id"
	if f.Concurrency.Key != nil {
		gate = f.Concurrency.Key.Text()
	}
	if w.First.Key != nil {
		first = w.First.Key.Source()
	}
	if gate != first {
		l.complain(f.First.Errorf("two runs could be the first at the same time: add concurrency: { key: %s }", first))
	}
}

// onlyOnChange reads the fields one of which must differ from when the workflow last began for the record.
func (l *loader) onlyOnChange(w *engine.Workflow, names []*yamldoc.Node) {
	for _, name := range names {
		if l.knownField(name, w.Module) {
			w.OnlyOnChange = append(w.OnlyOnChange, name.Text())
		}
	}
}

// inputs reads what a start by hand hands over: fields, written as those of a module.
func (l *loader) inputs(w *engine.Workflow, entries []yamldoc.Entry, at *yamldoc.Node) {
	if len(entries) == 0 {
		return
	}
	w.Inputs = &engine.Module{Name: "inputs", Fields: map[string]*engine.Field{}}
	for _, entry := range entries {
		l.field(w.Inputs, entry)
	}
	for _, t := range w.Triggers {
		if t.Manual {
			return
		}
	}
	l.complain(at.Errorf("inputs are handed over by a start by hand: add the trigger { manual: true, module: … }"))
}
