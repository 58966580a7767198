package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// matcher finds the workflows an event may start, by module and verb before anything is decoded.
type matcher struct {
	book  *Book
	index map[string][]candidate // by module + "." + verb

	awaits map[string]bool // modules whose records a wait step may depend on
	asks   map[string]bool // modules of whose updates some workflow asks what changed
}

// candidate is a workflow with those of its triggers that listen to one module and verb.
type candidate struct {
	workflow *Workflow
	triggers []Trigger
}

func newMatcher(book *Book) *matcher {
	m := &matcher{book: book, index: map[string][]candidate{}, awaits: map[string]bool{}, asks: map[string]bool{}}
	for _, workflow := range book.Workflows {
		if workflow.asksWhatChanged() {
			m.asks[workflow.Module.Name] = true
		}
		for _, step := range workflow.Tasks {
			for _, module := range step.Awaits {
				m.awaits[module] = true
			}
		}
		byKey := map[string][]Trigger{}
		for _, t := range workflow.Triggers {
			key := t.Module + "." + verbOf(t.Event)
			byKey[key] = append(byKey[key], t)
		}
		for key, triggers := range byKey {
			m.index[key] = append(m.index[key], candidate{workflow: workflow, triggers: triggers})
		}
	}
	return m
}

// wants tells whether anybody needs the event at an address decoded.
func (m *matcher) wants(at Address) bool {
	module := m.book.Modules[at.Noun]
	return module == nil || module.Keep || m.awaits[at.Noun] || len(m.index[at.Noun+"."+at.Verb]) > 0
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
	var jobs []job
	for _, c := range m.index[env.Module.Name+"."+verbOf(event.Type)] {
		if !slices.ContainsFunc(c.triggers, func(t Trigger) bool { return t.Matches(event) }) {
			continue
		}
		run := &Run{
			Key:      RunKey(c.workflow.Name, event.Source, event.ID),
			Workflow: c.workflow.Name, Version: c.workflow.Version, Record: event.Ref(), Event: event, State: RunReady,
		}
		if run.judge(c.workflow, env) {
			jobs = append(jobs, job{run: run, workflow: c.workflow, env: env})
		}
	}
	return jobs
}

// judge decides the workflow's condition as far as it can be without the CRM; false drops the run.
func (r *Run) judge(workflow *Workflow, env *Env) bool {
	if workflow.If == nil {
		return true
	}
	if len(workflow.If.Routes()) > 0 {
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

// verbOf is what happened: the part of an event's type after the dot.
func verbOf(eventType string) string {
	_, verb, _ := strings.Cut(eventType, ".")
	return verb
}
