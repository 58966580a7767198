package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// commit stores what a stretch led to, all or nothing, and starts its deliveries. It fails with the
// store's refusals; a store that cannot be written to is tried again until shutdown gives up.
func (e *Engine) commit(s *stretch) error {
	switch {
	case s.run.Progress.Dry:
		s.dry(e.Clock.Now())
	case s.run.State == RunFailed:
		if err := e.tellFailure(s); err != nil {
			return err
		}
	}
	s.remember()
	for _, d := range s.asks.deliveries {
		sealed, err := e.seal(d, s.asks.letters[d.ID])
		if err != nil {
			return Permanent(err)
		}
		d.Sealed = sealed
	}
	if err := e.sealCalls(s.asks.effects); err != nil {
		return Permanent(err)
	}
	for _, d := range s.asks.deliveries {
		if slot, ok := e.outlets.take(d.Channel); ok {
			d.State, d.Slot = DeliverySending, slot
		}
	}
	if s.wait != nil {
		e.awaited.note(s.wait.Topics)
	}
	err := e.insist("advance run", func(ctx context.Context) error {
		return e.Store.Advance(ctx, Advance{
			Fence: e.fences[s.run.Partition], Run: s.run, Changes: s.asks.changes, Effects: s.asks.effects,
			Links: s.asks.links, Deliveries: s.asks.deliveries, Events: s.asks.events, Rested: s.rested, Wait: s.wait,
			Memories: s.memories,
		})
	})
	if err != nil {
		for _, d := range s.asks.deliveries {
			e.release(d)
		}
		return err
	}
	e.tell(s.run)
	if len(s.asks.effects) > 0 {
		nudge(e.writers.wakeup)
		nudge(e.callers.wakeup)
	}
	if s.wait != nil && !s.wait.Due.IsZero() {
		e.resting.nudge() // it may fall due sooner than the waker knows of
	}
	for _, d := range s.asks.deliveries {
		if d.State == DeliverySending {
			e.send(d.Channel, d, s.asks.letters[d.ID])
			continue
		}
		e.outlets.nudge() // the dispatcher finds a slot for it, now or when one becomes free
	}
	return nil
}

// tell logs a run that ended before its last step, or whose step failed for a passing reason.
func (e *Engine) tell(run *Run) {
	if run.State == RunRetrying {
		e.Logger.Warn("step failed: it is taken again", "workflow", run.Workflow, "run", run.ID.String(),
			"record", run.Record.String(), "try", run.Progress.Tries, "reason", run.Reason)
		return
	}
	if run.Reason == "" || !run.State.Over() && run.State != RunHeld {
		return
	}
	level := slog.LevelInfo
	if run.State == RunFailed || run.State == RunHeld {
		level = slog.LevelWarn
	}
	e.Logger.Log(e.work, level, "run ended early", "state", string(run.State), "workflow", run.Workflow,
		"run", run.ID.String(), "record", run.Record.String(), "reason", run.Reason)
}

// release gives back the slot of a delivery that will not be sent now.
func (e *Engine) release(d *Delivery) {
	if d.State == DeliverySending {
		e.outlets.putBack(d.Channel, d.Slot)
		e.outlets.nudge()
		d.State, d.Slot = DeliveryPlanned, 0
	}
}

// Pauses between two tries to write to a store that does not answer.
const (
	insistFirst = 50 * time.Millisecond
	insistMost  = 2 * time.Second
)

// insist repeats a change until the store took or refused it, or the work is given up.
func (e *Engine) insist(what string, change func(context.Context) error) error {
	for pause := insistFirst; ; pause = min(2*pause, insistMost) {
		err := change(e.work)
		if err == nil || refused(err) || e.work.Err() != nil {
			return err
		}
		if pause == insistFirst {
			e.health.insisting.Add(1)
			defer e.health.insisting.Add(-1)
		}
		e.Logger.Error("the store does not take a change, trying again", "change", what, "error", err)
		if e.Clock.Wait(e.work, pause) != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// refused tells whether the store's answer is final.
func refused(err error) bool {
	if IsPermanent(err) {
		return true
	}
	for _, final := range []error{ErrConflict, ErrTaken, ErrNoRecord, ErrNoRun, ErrStale, ErrFenced} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// tellFailure adds the event that a run failed.
func (e *Engine) tellFailure(s *stretch) error {
	now := e.Clock.Now()
	event, err := s.run.failure(DerivedID(s.run.ID, "failed"), now)
	if err != nil {
		return err
	}
	s.asks.events = append(s.asks.events, event)
	return nil
}

// failure is the event that the run failed.
func (r *Run) failure(id ID, now time.Time) (*Event, error) {
	data, err := plainJSON(map[string]any{
		"run": r.ID.String(), "workflow": r.Workflow, "version": r.Version, "reason": r.Reason,
	})
	if err != nil {
		return nil, Permanent(fmt.Errorf("write event data: %w", err))
	}
	return &Event{
		ID: id.String(), Source: Source, Type: RunFailedEvent, Subject: r.Record.String(), Time: now,
		CauseID: r.Event.ID, Depth: r.Event.Depth + 1, Chain: r.chain(), Data: data,
	}, nil
}
