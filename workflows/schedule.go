package workflows

import (
	"errors"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// scheduleFile says when a workflow is due: exactly one of cron, every and at.
type scheduleFile struct {
	// Cron are five fields: minute, hour, day of the month, month, day of the week.
	Cron *yamldoc.Node `yaml:"cron" schema:"cron"`
	// Every is a duration from 1m to 366d, counted from midnight, so that it never drifts.
	Every *yamldoc.Node `yaml:"every" schema:"duration"`
	// At is a day and a time of day: the workflow is due once.
	At *yamldoc.Node `yaml:"at" schema:"moment"`
	// Zone is the IANA name of the time zone in which the schedule is meant; UTC if not said.
	Zone *yamldoc.Node `yaml:"zone" schema:"zone"`
	// Missed is what becomes of times that passed while Postern was not running.
	Missed *yamldoc.Node `yaml:"missed" schema:"engine.Missed"`
	// Each starts a run for each record of a module. Without it there is one run, about no record.
	Each *eachFile `yaml:"each"`

	at     *yamldoc.Node
	broken bool // Decode has complained
}

// eachFile says for which records a schedule starts runs.
type eachFile struct {
	// Module is the kind of record.
	Module *yamldoc.Node `yaml:"module,required" schema:"module"`
	// Where is a condition: only records for which it holds.
	Where *yamldoc.Node `yaml:"where" schema:"if"`
}

// UnmarshalYAMLDoc remembers where the schedule stands.
func (s *scheduleFile) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	type plain scheduleFile
	diags := yamldoc.Decode(n, (*plain)(s))
	s.at, s.broken = n, len(diags) > 0
	return diags
}

// scheduled reads a trigger that is a schedule.
func (l *loader) scheduled(w *engine.Workflow, t triggerFile) {
	f := t.Schedule
	for _, key := range []string{"module", "changed", "related"} {
		switch n := t.at.Get(key); {
		case n != nil && key == "module":
			l.complain(n.Errorf("a schedule names the module within each: { schedule: { …, each: { module: %s } } }",
				n.Text()))
		case n != nil:
			l.complain(n.Errorf("%s does not go with schedule", key))
		}
	}
	if f.broken {
		return
	}
	s := &engine.Schedule{Zone: l.zone(f.Zone), Missed: l.missed(f.Missed)}
	if !l.scheduleTimes(s, f) || !l.scheduleModule(w, s, f) {
		return
	}
	for _, other := range w.Triggers {
		if other.Schedule != nil && other.Schedule.Key() == s.Key() {
			l.complain(f.at.Errorf("the workflow has this schedule already"))
			return
		}
	}
	w.Triggers = append(w.Triggers, engine.Trigger{Module: w.Module.Name, Schedule: s})
}

func (l *loader) missed(n *yamldoc.Node) engine.Missed {
	if n == nil {
		return engine.MissedOnce
	}
	choices := []string{string(engine.MissedOnce), string(engine.MissedSkip), string(engine.MissedAll)}
	if !slices.Contains(choices, n.Text()) {
		l.complain(n.Unknown("choice of missed", choices))
	}
	return engine.Missed(n.Text())
}

// scheduleTimes reads when the schedule is due; false after a complaint.
func (l *loader) scheduleTimes(s *engine.Schedule, f *scheduleFile) bool {
	var kinds []string
	for _, key := range []string{"cron", "every", "at"} {
		if f.at.Get(key) != nil {
			kinds = append(kinds, key)
		}
	}
	if len(kinds) != 1 {
		l.complain(f.at.Errorf("a schedule has one of cron, every and at, this one has %s", listed(kinds)))
		return false
	}
	before := len(l.diags)
	switch kinds[0] {
	case "cron":
		s.Source, s.Cron = strings.Join(strings.Fields(f.Cron.Text()), " "), l.cron(f.Cron)
	case "every":
		s.Source, s.Every = "every "+f.Every.Text(), l.every(f.Every)
	case "at":
		s.Source, s.At = "at "+f.At.Text(), l.moment(f.At)
	}
	return len(l.diags) == before
}

func (l *loader) cron(n *yamldoc.Node) *engine.Cron {
	cron, err := engine.ParseCron(n.Text())
	var wrong *engine.CronError
	if !errors.As(err, &wrong) {
		return cron
	}
	complaint := n.Errorf("%s", wrong.Message)
	complaint.Line, complaint.Column = n.AtByte(wrong.Offset)
	if wrong.Hint != "" {
		complaint = complaint.WithHint("did you mean \"" + wrong.Hint + "\"?")
	}
	l.complain(complaint)
	return nil
}

func (l *loader) every(n *yamldoc.Node) (every time.Duration) {
	if complaints := yamldoc.Decode(n, &every); len(complaints) > 0 {
		l.complain(complaints...)
		return 0
	}
	switch {
	case every < engine.MinEvery || every > engine.MaxEvery:
		l.complain(n.Errorf("every is from 1m to 366d, found %s", n.Text()))
	case every%time.Second != 0:
		l.complain(n.Errorf("every is a number of whole seconds, found %s", n.Text()))
	}
	return every
}

// moment reads a day and a time of day, as clocks show them.
func (l *loader) moment(n *yamldoc.Node) time.Time {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.Parse(layout, n.Text()); err == nil {
			return at
		}
	}
	l.complain(n.Errorf("expected a day and a time such as 2026-12-24T09:00, found %q", n.Text()))
	return time.Time{}
}

// scheduleModule finds what the runs of a schedule are about.
func (l *loader) scheduleModule(w *engine.Workflow, s *engine.Schedule, f *scheduleFile) bool {
	if f.Each == nil {
		return l.sameModule(w, f.at, &engine.Module{Name: engine.ScheduleModule, Fields: map[string]*engine.Field{}})
	}
	if f.Each.Module == nil || !l.sameModule(w, f.Each.Module, l.knownModule(f.Each.Module)) {
		return false
	}
	s.Each = &engine.Each{Module: w.Module.Name}
	if where := f.Each.Where; where != nil {
		s.Each.Where = l.program(where, l.types.scope(w, nil), exprsafe.Bool)
		return s.Each.Where != nil
	}
	return true
}
