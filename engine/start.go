package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ScheduleModule is the module of runs that are about no record: they are about Schedule/<workflow>. No book
// may describe it.
const ScheduleModule = "Schedule"

// WorkflowStart is the type of the event that starts a workflow by hand: who sends it is an operator, a button of
// the CRM, or the start task. Its subject is the record, its data a StartOrder.
const WorkflowStart = "workflow.start"

// StartOrder is the data of a WorkflowStart event.
type StartOrder struct {
	Workflow string `json:"workflow"`
	Inputs   Fields `json:"inputs,omitempty"`
	By       string `json:"by,omitempty"` // who ordered it: the actor of the run
}

// Event is the event that carries the order, once for one id of its source.
func (o StartOrder) Event(source, id string, ref Ref, now time.Time) (*Event, error) {
	data, err := plainJSON(o)
	if err != nil {
		return nil, fmt.Errorf("inputs of %s: %w", o.Workflow, err)
	}
	return &Event{ID: id, Source: source, Type: WorkflowStart, Subject: ref.String(), Time: now, Data: data}, nil
}

// startOrder reads the data of a WorkflowStart event.
func (e *Event) startOrder() (order StartOrder, err error) {
	if len(e.Data) == 0 {
		return order, errors.New("a workflow.start event needs \"data\" with the name of the workflow")
	}
	if err := strictJSON(e.Data, &order); err != nil {
		return order, fmt.Errorf("data: %w", err)
	}
	return order, nil
}

// Startable finds the workflow that an order starts on a record, and brings its inputs into the form a record keeps.
// The error says what is wrong with the order.
func (b *Book) Startable(order StartOrder, ref Ref) (*Workflow, Fields, error) {
	i, known := slices.BinarySearchFunc(b.Workflows, order.Workflow, func(w *Workflow, name string) int {
		return strings.Compare(w.Name, name)
	})
	if !known {
		return nil, nil, fmt.Errorf("there is no workflow %q in the book", order.Workflow)
	}
	w := b.Workflows[i]
	if !w.ByHand() {
		return nil, nil, fmt.Errorf("workflow %s is not started by hand: it has no trigger { manual: true }", w.Name)
	}
	if ref.Module != w.Module.Name || ref.ID == "" {
		return nil, nil, fmt.Errorf("workflow %s is about a record of %s, not %q", w.Name, w.Module.Name, ref)
	}
	inputs, err := w.readInputs(order.Inputs)
	return w, inputs, err
}

// StartableAt is Startable at a moment: a workflow that is not active then is not started.
func (b *Book) StartableAt(order StartOrder, ref Ref, now time.Time) (*Workflow, error) {
	w, _, err := b.Startable(order, ref)
	if err == nil && !w.Active.At(now) {
		return nil, fmt.Errorf("workflow %s is not active now", w.Name)
	}
	return w, err
}

// ByHand tells whether the workflow may be started by hand.
func (w *Workflow) ByHand() bool {
	return slices.ContainsFunc(w.Triggers, func(t Trigger) bool { return t.Manual })
}

// readInputs holds what was handed over against the inputs that the workflow declares.
func (w *Workflow) readInputs(given Fields) (Fields, error) {
	inputs := Fields{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if w.Inputs == nil || w.Inputs.Fields[name] == nil {
			return nil, fmt.Errorf("workflow %s has no input %q", w.Name, name)
		}
		value, err := w.Inputs.Fields[name].Plain(given[name])
		if err != nil {
			return nil, fmt.Errorf("inputs: %w", err)
		}
		inputs[name] = value
	}
	if w.Inputs == nil {
		return inputs, nil
	}
	for _, name := range w.Inputs.Names {
		if w.Inputs.Fields[name].Required && inputs.Text(name) == "" {
			return nil, fmt.Errorf("workflow %s needs the input %s", w.Name, name)
		}
	}
	return inputs, nil
}

// Start asks for a run of another workflow, on this record or another one. The order goes out as an event: it is as
// durable as any, and the chain of workflows ends where theirs does.
func (s *StepContext) Start(workflow string, ref Ref, inputs Fields) error {
	data, err := plainJSON(StartOrder{Workflow: workflow, Inputs: inputs, By: "workflow:" + s.run.Workflow})
	if err != nil {
		return Permanent(fmt.Errorf("inputs of %s: %w", workflow, err))
	}
	id, err := NewID(s.Now(), s.random)
	if err != nil {
		return err
	}
	s.asks.events = append(s.asks.events, &Event{
		ID: id.String(), Source: Source, Type: WorkflowStart, Subject: ref.String(), Time: s.Now(),
		CauseID: s.run.Event.ID, Depth: s.run.Event.Depth + 1, Chain: s.run.chain(), Data: data,
	})
	if !s.run.Progress.Dry {
		s.Note("starts %s on %s", workflow, ref)
	}
	return nil
}

// environment is what the run's steps see when they begin. What an event does not tell of its record is read.
func (e *Engine) environment(ctx context.Context, run *Run, w *Workflow) (*Env, error) {
	env := &Env{Event: run.Event, Ref: run.Record, Module: w.Module, Modules: w.Modules}
	if run.Event.Type == WorkflowStart && w.Inputs != nil {
		order, err := run.Event.startOrder()
		if err != nil {
			return nil, Permanent(err)
		}
		if env.Inputs, err = w.Inputs.View(order.Inputs); err != nil {
			return nil, Permanent(fmt.Errorf("inputs: %w", err))
		}
	}
	switch {
	case run.Event.Change != nil:
		env.Record = run.Event.Change.Record
		return env, nil
	case run.Record.Module == ScheduleModule:
		env.Record = Fields{}
		return env, nil
	}
	record, err := e.readOne(ctx, run.Record)
	env.Record = record.Fields
	return env, err
}

// DataView is the data of an event that is no record event, as expressions see it.
func (e *Event) DataView() (map[string]any, error) {
	view := map[string]any{}
	if len(e.Data) == 0 {
		return view, nil
	}
	var data any
	if err := strictJSON(e.Data, &data); err != nil {
		return nil, err
	}
	if fields, ok := data.(map[string]any); ok {
		return fields, nil
	}
	view["value"] = data
	return view, nil
}

// Actor is who did what the event tells; "" where it does not say.
func (e *Event) Actor() string {
	if e.Change != nil {
		return e.Change.Actor
	}
	var said struct {
		By    json.RawMessage `json:"by"`
		Actor json.RawMessage `json:"actor"`
	}
	if json.Unmarshal(e.Data, &said) != nil {
		return ""
	}
	for _, raw := range []json.RawMessage{said.Actor, said.By} {
		var name string
		if json.Unmarshal(raw, &name) == nil && strings.TrimSpace(name) != "" {
			return name
		}
	}
	return ""
}
