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
	for _, d := range s.asks.deliveries {
		sealed, err := e.seal(d, s.asks.envs[d.ID])
		if err != nil {
			return Permanent(err)
		}
		d.Sealed = sealed
	}
	for _, d := range s.asks.deliveries {
		if slot, ok := e.slots.take(d.Channel); ok {
			d.State, d.Slot = DeliverySending, slot
		}
	}
	err := e.insist("advance run", func(ctx context.Context) error {
		return e.Store.Advance(ctx, Advance{
			Fence: e.fences[s.run.Partition], Run: s.run, Writes: s.asks.writes, Links: s.asks.links,
			Deliveries: s.asks.deliveries, Events: s.asks.events,
		})
	})
	if err != nil {
		for _, d := range s.asks.deliveries {
			e.release(d)
		}
		return err
	}
	e.tell(s.run)
	for _, d := range s.asks.deliveries {
		if d.State == DeliverySending {
			e.send(d.Channel, d, s.asks.envs[d.ID])
			continue
		}
		e.slots.nudge() // the dispatcher finds a slot for it, now or when one becomes free
	}
	return nil
}

// tell logs a run that ended before its last step.
func (e *Engine) tell(run *Run) {
	if run.Reason == "" {
		return
	}
	level := slog.LevelInfo
	if run.State == RunFailed {
		level = slog.LevelWarn
	}
	e.Logger.Log(e.work, level, "run ended early", "state", string(run.State), "workflow", run.Workflow,
		"run", run.ID.String(), "record", run.Record.String(), "reason", run.Reason)
}

// release gives back the slot of a delivery that will not be sent now.
func (e *Engine) release(d *Delivery) {
	if d.State == DeliverySending {
		e.slots.give(d.Channel, d.Slot)
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
	for _, final := range []error{ErrConflict, ErrTaken, ErrNoRecord, ErrFenced} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}
