package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// matcher finds the workflows an event may start, before anything is decoded.
type matcher struct {
	book   *Book
	byName map[string]*Workflow
	index  map[string]*shelf      // of record events, by module + "." + verb
	others map[string][]candidate // of all other events, by type

	awaits map[string]bool // modules whose records a wait step may depend on
	asks   map[string]bool // modules of whose updates some workflow asks what changed
	watch  Watcher         // nil for nobody
}

// candidate is a workflow with those of its triggers that listen to one module and verb.
type candidate struct {
	workflow *Workflow
	triggers []Trigger
}

func newMatcher(book *Book) *matcher {
	m := &matcher{
		book: book, byName: map[string]*Workflow{}, index: map[string]*shelf{}, others: map[string][]candidate{},
		awaits: map[string]bool{}, asks: map[string]bool{},
	}
	for _, workflow := range book.Workflows {
		if workflow.asksWhatChanged() {
			m.asks[workflow.Module.Name] = true
		}
		for _, step := range workflow.Tasks {
			for _, module := range step.Awaits {
				m.awaits[module] = true
			}
		}
		m.byName[workflow.Name] = workflow
		m.add(workflow)
	}
	return m
}

// add puts a workflow where the events of its triggers find it.
func (m *matcher) add(workflow *Workflow) {
	byType := map[string][]Trigger{}
	for _, t := range workflow.Triggers {
		if t.Event != "" {
			byType[t.Event] = append(byType[t.Event], t)
		}
	}
	for eventType, triggers := range byType {
		c := candidate{workflow: workflow, triggers: triggers}
		if !isRecordType(eventType) {
			m.others[eventType] = append(m.others[eventType], c)
			continue
		}
		key := workflow.Module.Name + "." + verbOf(eventType)
		if m.index[key] == nil {
			m.index[key] = newShelf()
		}
		m.index[key].add(c)
	}
}

// wants tells whether the book needs the event at an address decoded.
func (m *matcher) wants(at Address) bool {
	if at.Domain == DomainPostern {
		eventType := at.Noun + "." + at.Verb
		return eventType == WorkflowStart || len(m.others[eventType]) > 0
	}
	module := m.book.Modules[at.Noun]
	return module == nil || module.Keep || m.awaits[at.Noun] || m.index[at.Noun+"."+at.Verb] != nil
}

// check holds a decoded record event against its module's description.
func (m *matcher) check(event *Event) error {
	module := m.book.Modules[event.Ref().Module]
	if module == nil {
		return fmt.Errorf("module %q is not described under modules/", event.Ref().Module)
	}
	for _, name := range event.Change.Changed {
		if _, there := event.Change.Record[name]; !there && event.Type == RecordUpdated {
			return fmt.Errorf("data.changed names %q, which data.record does not have", name)
		}
	}
	if event.Source == Source {
		return nil // we wrote it; a field that no longer fits its type is no reason to miss it
	}
	if _, err := module.View(event.Change.Record); err != nil {
		return fmt.Errorf("data.record: %w", err)
	}
	return m.checkAlone(event, module)
}

// checkAlone refuses an event that only makes sense beside a kept copy where none is kept: its workflows
// would see empty fields, or no change, without a word.
func (m *matcher) checkAlone(event *Event, module *Module) error {
	change := event.Change
	switch {
	case module.Keep:
		return nil
	case change.Partial:
		return fmt.Errorf("data.partial needs a copy of the record, and none of %s are kept: "+
			"send the whole record, or put keep: true into its module file", module.Name)
	case event.Type == RecordUpdated && change.Old == nil && len(change.Changed) == 0 && m.asks[module.Name]:
		return fmt.Errorf("the event does not say what changed, and no copies of %s are kept to find out: "+
			"send data.old or data.changed, or put keep: true into its module file", module.Name)
	}
	return nil
}

// asksWhatChanged tells whether the workflow's start depends on what an update changed.
func (w *Workflow) asksWhatChanged() bool {
	for _, t := range w.Triggers {
		if t.Event == RecordUpdated && len(t.Changed) > 0 {
			return true
		}
	}
	sensitive, ok := w.If.(Sensitive)
	return ok && len(sensitive.Uses().Changes) > 0
}

// match returns the runs that the event starts, one for a workflow. It does no I/O: a condition that
// needs the CRM makes its run pending, and so does one that costs too much here. One environment
// serves all.
func (m *matcher) match(event *Event, env *Env) []job {
	candidates := m.index[env.Module.Name+"."+verbOf(event.Type)].candidates(env, m.watch != nil)
	var jobs []job
	for _, c := range candidates {
		if !c.startsOn(event, env.Now) {
			continue
		}
		if c.workflow.Debounce != nil {
			if j, ok := gather(c.workflow, event, env); ok {
				jobs = append(jobs, j)
			}
			continue
		}
		run := newRun(c.workflow, event)
		begins := run.judge(c.workflow, env)
		m.sawStart(run, c.workflow, begins)
		if begins {
			jobs = append(jobs, job{run: run, workflow: c.workflow, env: env})
		}
	}
	return jobs
}

// startsOn tells whether one of the triggers fits the event.
func (c candidate) startsOn(event *Event, now time.Time) bool {
	return c.workflow.Active.At(now) &&
		slices.ContainsFunc(c.triggers, func(t Trigger) bool { return t.Matches(event) })
}

// newRun is a run of a workflow on the occasion of an event.
func newRun(w *Workflow, event *Event) *Run {
	return &Run{
		Key:      RunKey(w.Name, event.Source, event.ID),
		Workflow: w.Name, Version: w.Version, Record: event.Ref(), Event: event, State: RunReady,
	}
}

// matchOther returns the runs that an event starts which does not tell a change of a record. The record is read, and
// the conditions are decided, in their lanes. The error is why an order to start a workflow is none.
func (m *matcher) matchOther(event *Event, now time.Time) ([]job, error) {
	var found []*Workflow
	switch event.Type {
	case WorkflowStart:
		order, err := event.startOrder()
		if err != nil {
			return nil, err
		}
		w, err := m.book.StartableAt(order, event.Ref(), now)
		if err != nil {
			return nil, err
		}
		found = append(found, w)
	default:
		for _, c := range m.others[event.Type] {
			if c.startsOn(event, now) {
				found = append(found, c.workflow)
			}
		}
	}
	var jobs []job
	for _, w := range found {
		run := newRun(w, event)
		if w.If != nil || w.remembers() {
			run.State = RunPending
		}
		jobs = append(jobs, job{run: run, workflow: w})
	}
	return jobs, nil
}

// judge decides the workflow's condition as far as it can be without the CRM; false drops the run.
func (r *Run) judge(workflow *Workflow, env *Env) bool {
	if workflow.sawNoChange(r.Event) {
		return false
	}
	if workflow.remembers() {
		r.State = RunPending
	}
	if workflow.If == nil {
		return true
	}
	if len(workflow.If.Routes()) > 0 || len(QueriesOf(workflow.If)) > 0 {
		r.State = RunPending
		return true
	}
	holds, err := True(workflow.If, env)
	if errors.Is(err, ErrWork) {
		r.State = RunPending // its lane has more time
		return true
	}
	if err != nil {
		r.State, r.Reason, r.Progress.From = RunFailed, err.Error(), RunPending
		return true
	}
	return holds
}

// sawNoChange tells whether the event itself says that none of the fields of only_on_change differ. Any other one is
// held against what the workflow remembers.
func (w *Workflow) sawNoChange(event *Event) bool {
	return len(w.OnlyOnChange) > 0 && event.Type == RecordUpdated && len(event.Change.Changed) > 0 &&
		!slices.ContainsFunc(w.OnlyOnChange, func(name string) bool {
			return slices.Contains(event.Change.Changed, name)
		})
}

// verbOf is what happened: the part of an event's type after the dot.
func verbOf(eventType string) string {
	_, verb, _ := strings.Cut(eventType, ".")
	return verb
}
