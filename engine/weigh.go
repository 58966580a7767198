package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Parted is a Program that can be taken apart, for who wants to see why it gives what it gives. The conditions of a
// book can.
type Parted interface {
	// Parts are what stands between the operators of a condition, in order; itself alone where there are none.
	Parts() []Program
}

// Weighing is what an event is to a workflow.
type Weighing struct {
	Workflow *Workflow
	Reason   string // why it does not begin: by its triggers, its condition, or what it remembers; "" if it does
	Weighed  bool   // whether the condition was looked at
	Holds    bool
	Parts    []Part // of the condition, if it was looked at
}

// Part is a part of a condition with its value.
type Part struct {
	Source string
	Value  any
	Err    error // why it has none
}

// Weigh holds an event against every workflow of the book that is about its module, as the intake and the lanes do,
// and begins none.
func (r *Rehearsal) Weigh(ctx context.Context, event *Event) (all []Weighing, err error) {
	for _, w := range r.engine.Book().Workflows {
		if w.Module == nil || w.Module.Name != event.Ref().Module {
			continue
		}
		weighing := Weighing{Workflow: w, Reason: w.unfit(event)}
		if weighing.Reason == "" && !w.Active.At(r.clock.Now()) {
			weighing.Reason = "it is not active at this time"
		}
		if weighing.Reason == "" && w.sawNoChange(event) {
			weighing.Reason = "none of the fields of only_on_change changed: " + strings.Join(w.OnlyOnChange, ", ")
		}
		if weighing.Reason == "" && w.If != nil {
			if err := r.weigh(ctx, event, &weighing); err != nil {
				return nil, fmt.Errorf("weigh workflow %s: %w", w.Name, err)
			}
		}
		all = append(all, weighing)
	}
	return all, nil
}

// weigh evaluates the condition and its parts.
func (r *Rehearsal) weigh(ctx context.Context, event *Event, w *Weighing) error {
	condition := w.Workflow.If
	env, err := r.engine.environment(ctx, newRun(w.Workflow, event), w.Workflow)
	if err == nil {
		env.Now, env.Work, env.Secret = r.clock.Now(), NewWork(StretchWork), r.engine.Secrets
		err = r.engine.follow(ctx, env, condition.Routes())
	}
	if err == nil {
		err = r.engine.ask(ctx, env, QueriesOf(condition))
	}
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return err
	}
	if err == nil {
		w.Weighed = true
		w.Holds, err = True(condition, env)
	}
	switch {
	case err != nil:
		w.Reason = err.Error()
	case !w.Holds:
		w.Reason = NotMet
	}
	parted, ok := condition.(Parted)
	if !ok || !w.Weighed {
		return nil
	}
	for _, p := range parted.Parts() {
		value, err := p.Eval(env)
		w.Parts = append(w.Parts, Part{Source: p.Source(), Value: value, Err: err})
	}
	return nil
}

// unfit says why no trigger of the workflow fits an event; "" if one does.
func (w *Workflow) unfit(event *Event) string {
	if event.Type == WorkflowStart {
		order, err := event.startOrder()
		switch {
		case err != nil:
			return err.Error()
		case order.Workflow != w.Name:
			return "the event starts another workflow"
		}
		return ""
	}
	var types []string
	for _, t := range w.Triggers {
		if t.Matches(event) {
			return ""
		}
		switch {
		case t.Event == event.Type && len(t.Changed) > 0:
			return fmt.Sprintf("it looks for a change of %s; %s", strings.Join(t.Changed, ", "), changedIn(event))
		case t.Event == event.Type && t.Related != "":
			return fmt.Sprintf("it looks for %s at the other end; there is %s", t.Related, event.Change.Related)
		case t.Event != "":
			types = append(types, t.Event)
		}
	}
	if len(types) == 0 {
		return "no event starts it"
	}
	slices.Sort(types)
	return "it begins on " + strings.Join(slices.Compact(types), ", ")
}

func changedIn(event *Event) string {
	if len(event.Change.Changed) == 0 {
		return "the event names none"
	}
	return "changed is " + strings.Join(event.Change.Changed, ", ")
}
