package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/engine"
)

// journal holds each commit of a process against the rules, in the order of the commits.
type journal struct {
	now func() time.Time

	settling  sync.Mutex
	advancing sync.RWMutex
	mu        sync.Mutex
	faults    []string
	owner     *life
	gates     map[string]engine.ID // who is inside
	passed    map[string]uint64    // the greatest stream position that passed a gate
	entered   map[engine.ID]bool   // runs that passed their gate once
	over      map[engine.ID]bool
	resting   map[engine.ID]*engine.Rest
	rests     map[string]bool // waits that ended, by run and step
	writes    map[engine.Ref][]string
	links     []engine.Link
	again     map[engine.ID]bool // runs that an operator took again
	orders    map[engine.ID]bool // deliveries that an operator sent again or cancelled
	// cancelled are runs by the one that took their place.
	cancelled map[string]string
	ended     map[engine.ID]engine.DeliveryState
}

func newJournal(now func() time.Time) *journal {
	return &journal{
		now: now, gates: map[string]engine.ID{}, passed: map[string]uint64{}, entered: map[engine.ID]bool{},
		over: map[engine.ID]bool{}, resting: map[engine.ID]*engine.Rest{}, rests: map[string]bool{},
		writes: map[engine.Ref][]string{}, cancelled: map[string]string{}, ended: map[engine.ID]engine.DeliveryState{},
		orders: map[engine.ID]bool{}, again: map[engine.ID]bool{},
	}
}

func (j *journal) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// found are the faults so far.
func (j *journal) found() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.faults)
}

// minted are the links so far.
func (j *journal) minted() []engine.Link {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.links)
}

func (j *journal) claimed(by *life) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.owner = by
}

// committed sees that a process commits nothing that another took over from.
func (j *journal) committed(by *life, what string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if stale := j.owner != by; stale && err == nil {
		j.fault("a stale owner could %s", what)
	} else if !stale && errors.Is(err, engine.ErrFenced) {
		j.fault("the owner could not %s: %v", what, err)
	}
}

func (j *journal) advanced(step engine.Advance) {
	j.mu.Lock()
	defer j.mu.Unlock()
	run := step.Run
	if j.over[run.ID] {
		j.fault("run %s of %s went on after it was over", run.ID, run.Workflow)
	}
	j.pass(run)
	j.rest(run)
	j.over[run.ID] = run.State.Over()
	for _, ask := range step.Changes {
		if w := ask.Write; w != nil {
			j.writes[w.Ref] = append(j.writes[w.Ref], w.EventID.String())
		}
	}
	j.links = append(j.links, step.Links...)
}

// pass follows a run through its gate: one is inside at a time, and they come in the order of their events.
func (j *journal) pass(run *engine.Run) {
	job := modelJobOf(run.Workflow)
	key := run.Progress.Gate
	if key == "" {
		key = run.Record.String()
	}
	name := run.Workflow + " " + key
	holder := j.gates[name]
	switch {
	case strings.HasPrefix(run.Reason, "skipped:") || strings.HasPrefix(run.Reason, "cancelled:"):
		if j.entered[run.ID] && run.Reason[0] == 's' {
			j.fault("run %s of %s was skipped after it had begun: %s", run.ID, run.Workflow, run.Reason)
		}
		if by := strings.Fields(run.Reason); by[0] == "cancelled:" {
			j.cancelled[run.ID.String()] = by[2]
		}
		if holder == run.ID {
			delete(j.gates, name)
		}
		return
	case !holder.IsZero() && holder != run.ID:
		j.fault("run %s of %s went on (%s: %s) while %s was inside gate %s",
			run.ID, run.Workflow, run.State, run.Reason, holder, name)
	}
	inOrder := run.Progress.Gate == "" && !strings.Contains(job.gate, "mode")
	if !j.entered[run.ID] && inOrder && run.Seq < j.passed[name] {
		j.fault("run %s of event %d passed gate %s after that of event %d", run.ID, run.Seq, name, j.passed[name])
	}
	j.entered[run.ID] = true
	j.passed[name] = max(j.passed[name], run.Seq)
	if leaves := run.State.Over() || run.State == engine.RunWaiting && !job.holds(); leaves {
		delete(j.gates, name)
		return
	}
	j.gates[name] = run.ID
}

// rest sees that each wait ends once, and by its time not before that.
func (j *journal) rest(run *engine.Run) {
	had, has := j.resting[run.ID], run.Progress.Rest
	j.resting[run.ID] = has
	if had == nil || has != nil || run.State == engine.RunStopped {
		return
	}
	at := fmt.Sprint(run.ID, " ", run.Progress.Next)
	if j.rests[at] {
		j.fault("a wait of run %s of %s ended twice", run.ID, run.Workflow)
	}
	j.rests[at] = true
	late := run.Progress.Outputs["waited"]["timed_out"] == true
	switch {
	case run.State == engine.RunFailed:
	case late && (had.Until.IsZero() || j.now().Before(had.Until)):
		j.fault("the wait of run %s of %s was over at %s, before %s", run.ID, run.Workflow, j.now(), had.Until)
	case !late && len(had.Topics) == 0:
		j.fault("the wait of run %s of %s ended by a condition it does not have", run.ID, run.Workflow)
	}
}

// settled sees that what has ended stays so.
func (j *journal) settled(d *engine.Delivery) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if was, ok := j.ended[d.ID]; ok {
		j.fault("delivery %s was %s and became %s", d.ID, was, d.State)
	}
	if d.State.Over() || d.State == engine.DeliveryUnknown {
		j.ended[d.ID] = d.State
	}
}

// order are the ids of the events that tell the writes of runs, by record.
func (j *journal) order() map[engine.Ref][]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.writes)
}
