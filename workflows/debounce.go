package workflows

import (
	"strings"
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// debounceFile gathers the events of a burst into one run.
type debounceFile struct {
	// For is how long no other event may come before the run begins.
	For *yamldoc.Node `yaml:"for,required" schema:"duration"`
	// Max is how long after the first event the run begins all the same; ten times for if not said.
	Max *yamldoc.Node `yaml:"max" schema:"duration"`
	// Key is an expression: events for which it gives the same are gathered together. By default it is record.id.
	Key *yamldoc.Node `yaml:"key" schema:"if"`

	at     *yamldoc.Node
	broken bool // Decode has complained
}

// UnmarshalYAMLDoc remembers where it stands.
func (d *debounceFile) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	type plain debounceFile
	diags := yamldoc.Decode(n, (*plain)(d))
	d.at, d.broken = n, len(diags) > 0
	return diags
}

// The bounds of debounce.
const (
	minDebounce = time.Second
	maxDebounce = 30 * 24 * time.Hour
)

// debounce reads how the events of a burst are gathered.
func (l *loader) debounce(w *engine.Workflow, f *debounceFile) {
	if f == nil || f.broken {
		return
	}
	for _, t := range w.Triggers {
		if !strings.HasPrefix(t.Event, "record.") {
			l.complain(f.at.Errorf("debounce gathers changes of records; " +
				"this workflow is started by something else too"))
			return
		}
	}
	d := &engine.Debounce{For: l.debounceTime(f.For, "for")}
	d.Max = min(10*d.For, maxDebounce)
	if f.Max != nil {
		d.Max = l.debounceTime(f.Max, "max")
	}
	if d.Max < d.For {
		l.complain(f.Max.Errorf("max is counted from the first event and cannot be shorter than for: %s", f.For.Text()))
	}
	if f.Key != nil && f.Key.Text() != "record.id" {
		d.Key = l.program(f.Key, l.types.scope(w, nil), exprsafe.Any)
		if d.Key != nil && (len(d.Key.Routes()) > 0 || len(engine.QueriesOf(d.Key)) > 0) {
			l.complain(f.Key.Errorf("the key is told as an event comes in, from the record itself: " +
				"it reads no other record"))
		}
	}
	w.Debounce = d
}

func (l *loader) debounceTime(n *yamldoc.Node, key string) (d time.Duration) {
	if complaints := yamldoc.Decode(n, &d); len(complaints) > 0 {
		l.complain(complaints...)
		return minDebounce
	}
	if d < minDebounce || d > maxDebounce {
		l.complain(n.Errorf("%s is from 1s to 30d, found %s", key, n.Text()))
		return min(max(d, minDebounce), maxDebounce)
	}
	return d
}
