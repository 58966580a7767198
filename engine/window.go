package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Debounce gathers the events of a burst into one run, on the last of them.
type Debounce struct {
	For time.Duration // how long after an event no other one may come
	Max time.Duration // how long after the first event the run begins all the same
	Key Program       // what the events of a burst have in common; nil for the record. It follows no routes
}

// The bounds of what a window keeps. What is beyond is counted, and the last event is always kept.
const (
	MaxGathered      = 100       // events
	MaxGatheredBytes = 256 << 10 // of them together
)

// Gathered is an event that joins a window.
type Gathered struct {
	Workflow string
	Key      string // of the window
	RunKey   []byte // of workflow and event: each event is gathered once
	Event    *Event
	Seq      uint64
	At       time.Time
	For, Max time.Duration
}

// Window holds the events of a burst until it is over.
type Window struct {
	Workflow string `json:"-"`
	Key      string `json:"-"`

	Due       time.Time         `json:"-"`
	First     time.Time         `json:"first"`
	Partition int               `json:"partition"` // of the last event's record
	Seq       uint64            `json:"seq"`       // of the last event
	Count     int               `json:"count"`
	Events    []json.RawMessage `json:"events"` // the oldest first, and the last one
	Before    map[string]Fields `json:"before"` // by subject: the values before the first event that changed them
	Made      map[string]bool   `json:"made,omitempty"`
}

// Gather takes an event into the window.
func (w *Window) Gather(g Gathered) error {
	written, err := g.Event.MarshalJSON()
	if err != nil {
		return err
	}
	if w.Count++; w.Count == 1 {
		w.First, w.Before, w.Made = g.At, map[string]Fields{}, map[string]bool{}
	}
	w.Seq, w.Partition = g.Seq, g.Event.Ref().partition()
	w.Due = g.At.Add(g.For)
	if latest := w.First.Add(g.Max); w.Due.After(latest) {
		w.Due = latest
	}
	w.remember(g.Event)
	for len(w.Events) > 0 && (len(w.Events) == MaxGathered || w.size()+len(written) > MaxGatheredBytes) {
		w.Events = w.Events[:len(w.Events)-1]
	}
	w.Events = append(w.Events, written)
	return nil
}

func (w *Window) size() (bytes int) {
	for _, event := range w.Events {
		bytes += len(event)
	}
	return bytes
}

// remember notes what the fields were before the window began.
func (w *Window) remember(event *Event) {
	subject := event.Subject
	if event.Type == RecordCreated {
		w.Made[subject] = true
	}
	before := w.Before[subject]
	if before == nil {
		if len(w.Before) == MaxGathered {
			return
		}
		before = Fields{}
		w.Before[subject] = before
	}
	for _, name := range event.Change.Changed {
		if _, known := before[name]; !known {
			before[name] = event.Change.Old[name]
		}
	}
}

// event is what the run of the window begins with: the last event, whose old values are those from before the first.
func (w *Window) event() (*Event, error) {
	event, err := RestoreEvent(w.Events[len(w.Events)-1])
	if err != nil || event.Change == nil {
		return event, err
	}
	change := event.Change
	change.Old, change.Changed = Fields{}, nil
	if !w.Made[event.Subject] {
		before := w.Before[event.Subject]
		for _, name := range slices.Sorted(maps.Keys(before)) {
			if !Same(before[name], change.Record[name]) {
				change.Old[name], change.Changed = before[name], append(change.Changed, name)
			}
		}
	}
	event.Gathered, event.LeftOut = w.Events, w.Count-len(w.Events)
	return event, nil
}

// gather is the job of an event that joins a window of the workflow; false if it does not concern it. A key that cannot
// be told fails as a condition does.
func gather(w *Workflow, event *Event, env *Env) (job, bool) {
	run := newRun(w, event)
	if w.sawNoChange(event) {
		return job{}, false
	}
	if w.If != nil || w.remembers() {
		run.State = RunPending // for a replay, which gathers nothing
	}
	j := job{run: run, workflow: w, env: env, window: gateKey(run.Record.String())}
	if w.Debounce.Key == nil {
		return j, true
	}
	value, err := w.Debounce.Key.Eval(env)
	if err != nil {
		run.State, run.Progress.From, j.window = RunFailed, RunPending, ""
		run.Reason = fmt.Sprintf("debounce key %s: %v", w.Debounce.Key.Source(), err)
		return j, true
	}
	j.window = gateKey(fmt.Sprint(value))
	return j, true
}

// gathered is the event of the job on its way into its window.
func (j job) gathered(seq uint64, now time.Time) Gathered {
	return Gathered{
		Workflow: j.workflow.Name, Key: j.window, RunKey: j.run.Key, Event: j.run.Event, Seq: seq, At: now,
		For: j.workflow.Debounce.For, Max: j.workflow.Debounce.Max,
	}
}

// windowPage is how many windows are closed at a time.
const windowPage = 64

// windows starts the runs of the windows whose bursts are over.
func (e *Engine) windows(ctx context.Context) (time.Time, error) {
	for {
		due, next, err := e.Store.DueWindows(ctx, e.Clock.Now(), windowPage)
		if err != nil || len(due) == 0 {
			return next, err
		}
		for _, w := range due {
			if err := e.closeWindow(ctx, w); err != nil {
				return time.Time{}, err
			}
		}
	}
}

// closeWindow ends a window with its run, unless another event has come since it was read.
func (e *Engine) closeWindow(ctx context.Context, w *Window) error {
	run, err := e.windowRun(w)
	if err != nil {
		return err
	}
	var closed bool
	err = e.insist("close a window", func(ctx context.Context) (err error) {
		closed, err = e.Store.CloseWindow(ctx, e.fences[w.Partition], w, run)
		return err
	})
	if err == nil && closed && run != nil {
		e.seat(ctx, []*Run{run})
	}
	return err
}

// windowRun is the run of a window; nil if its workflow is no longer in the book, or about another module by now.
func (e *Engine) windowRun(w *Window) (*Run, error) {
	event, err := w.event()
	if err != nil {
		return nil, fmt.Errorf("read a window: %w", err)
	}
	workflow := e.matcher.Load().byName[w.Workflow]
	if workflow == nil || workflow.Module.Name != event.Ref().Module {
		e.Logger.Warn("events of a workflow that is no longer in the book are dropped", "workflow", w.Workflow,
			"events", w.Count)
		return nil, nil //nolint:nilnil // there is nothing to run
	}
	now := e.Clock.Now()
	run := newRun(workflow, event)
	if run.ID, err = NewID(now, e.Random); err != nil {
		return nil, err
	}
	run.Key = RunKey(workflow.Name, event.Source, event.ID, "window")
	run.Seq, run.Created, run.Partition = w.Seq, now, w.Partition
	if workflow.If != nil || workflow.remembers() {
		run.State = RunPending
	}
	run.decide(now, "", "gathered %d events since %s", w.Count, w.First.UTC().Format(time.RFC3339))
	return run, nil
}
