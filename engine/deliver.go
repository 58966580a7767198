package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// dispatchEvery is how often the dispatcher looks for due deliveries at least: another process may
// have planned some.
const dispatchEvery = 30 * time.Second

// settleTime is for one more try to store an outcome when the shutdown has given up.
const settleTime = 5 * time.Second

// dispatch sends the planned deliveries as they fall due.
func (e *Engine) dispatch(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := e.takeDue(ctx)
		if errors.Is(err, ErrFenced) {
			return err
		}
		pause := dispatchEvery
		if err != nil && ctx.Err() == nil {
			e.Logger.Error("find due deliveries", "error", err)
			pause = insistMost
		}
		if !next.IsZero() {
			pause = max(min(pause, next.Sub(e.Clock.Now())), 0)
		}
		e.pause(ctx, pause)
	}
	return nil
}

// takeDue claims what is due, for each channel as much as it has room for. next is when the earliest of
// the others falls due.
func (e *Engine) takeDue(ctx context.Context) (next time.Time, err error) {
	e.slots.sated()
	names := slices.Sorted(maps.Keys(e.Channels))
	for _, name := range names {
		if next, err = e.takeFor(ctx, name, Demand{Channels: []string{name}}, next); err != nil {
			return time.Time{}, err
		}
	}
	now := e.Clock.Now()
	if now.Before(e.othersDue) {
		return next, nil
	}
	// What waits for a channel that is no longer configured must not wait without a word.
	e.othersDue = now.Add(dispatchEvery)
	return e.takeFor(ctx, "", Demand{Channels: names, Others: true}, next)
}

// takeFor claims and sends what is due on a channel. It returns the earlier of next and the time when
// something falls due there.
func (e *Engine) takeFor(ctx context.Context, channel string, demand Demand, next time.Time) (time.Time, error) {
	demand.Slots = e.slots.takeUpTo(channel, e.settings.Slots)
	if len(demand.Slots) == 0 {
		e.slots.starve(channel)
		return next, nil
	}
	demand.Fences, demand.Now = e.fences, e.Clock.Now()
	taken, due, err := e.Store.Take(ctx, demand)
	e.slots.putBack(channel, demand.Slots[len(taken):])
	if err != nil {
		return next, err
	}
	for _, d := range taken {
		e.sendStored(channel, d)
	}
	switch {
	case due.IsZero():
		return next, nil
	case len(taken) == len(demand.Slots) && !due.After(demand.Now):
		e.slots.starve(channel)
		return next, nil
	case next.IsZero() || due.Before(next):
		return due, nil
	}
	return next, nil
}

// sendStored sends a delivery that comes from the store.
func (e *Engine) sendStored(holder string, d *Delivery) {
	env, err := e.unseal(d)
	switch {
	case err != nil:
		e.settle(holder, d, Receipt{}, Permanent(err))
	case e.Clock.Now().After(d.Until):
		e.settle(holder, d, Receipt{}, Permanent(errors.New("its time for trying is over")))
	default:
		e.send(holder, d, env)
	}
}

// pause waits for d, a nudge, or the end.
func (e *Engine) pause(ctx context.Context, d time.Duration) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	elapsed := make(chan struct{})
	go func() {
		defer close(elapsed)
		_ = e.Clock.Wait(waiting, d)
	}()
	select {
	case <-e.slots.wakeup:
		cancel()
		<-elapsed
	case <-elapsed:
	}
}

// settle stores the outcome of a try and gives the slot back for its holder, a channel. What is known
// must be stored even while the shutdown gives up: it would be in doubt after the next start.
func (e *Engine) settle(holder string, d *Delivery, receipt Receipt, cause error) {
	now := e.Clock.Now()
	if e.abandoned() && errors.Is(cause, context.Canceled) && !IsUnknown(cause) {
		d.putBack(now)
	} else {
		d.judge(now, receipt, cause)
	}
	switch {
	case cause == nil:
	case IsMisconfigured(cause):
		e.Logger.Error("delivery failed: the channel needs an operator", "state", string(d.State), "channel", d.Channel,
			"delivery", d.ID.String(), "attempts", d.Attempts, "error", cause)
	default:
		e.Logger.Warn("delivery failed", "state", string(d.State), "channel", d.Channel, "delivery", d.ID.String(),
			"workflow", d.Workflow, "attempts", d.Attempts, "error", cause)
	}
	slot := d.Slot
	d.Slot = 0
	outcome := Settle{Fence: e.fences[d.Partition], Delivery: d}
	err := e.insist("settle delivery", func(ctx context.Context) error { return e.Store.Settle(ctx, outcome) })
	if err != nil && e.abandoned() {
		last, cancel := context.WithTimeout(context.WithoutCancel(e.work), settleTime)
		defer cancel()
		err = e.Store.Settle(last, outcome)
	}
	if err != nil {
		e.Logger.Error("settle delivery: it stays in doubt", "delivery", d.ID.String(), "error", err)
	}
	e.slots.give(holder, slot)
	if d.State == DeliveryPlanned {
		e.slots.nudge() // it falls due sooner than the dispatcher knows of
	}
}

// judge turns the outcome of a try into the delivery's next state.
func (d *Delivery) judge(now time.Time, receipt Receipt, cause error) {
	switch {
	case cause == nil:
		d.State, d.Receipt, d.Reason = DeliveryAccepted, receipt, ""
		d.note(now, "accepted by %s: %s", receipt.Provider, receipt.Detail)
		return
	case IsUnknown(cause):
		d.State, d.Reason = DeliveryUnknown, cause.Error()
		d.note(now, "unknown, held: %v", cause)
		return
	case IsPermanent(cause):
		d.State, d.Reason = DeliveryRejected, cause.Error()
		d.note(now, "rejected: %v", cause)
		return
	}
	pause := max(d.Retry.Pause(d.Attempts), RetryDelay(cause))
	pause += rand.N(pause/5 + 1) //nolint:gosec // jitter spreads retries; nothing depends on it being secret
	next := now.Add(pause)
	usedUp := d.Attempts >= d.Retry.Attempts && !IsMisconfigured(cause)
	if usedUp || next.After(d.Until) {
		d.State, d.Reason = DeliveryRejected, fmt.Sprintf("given up after %d tries: %v", d.Attempts, cause)
		d.note(now, "%s", d.Reason)
		return
	}
	d.State, d.Due, d.Reason = DeliveryPlanned, next, cause.Error()
	d.note(now, "try %d failed, next in %s: %v", d.Attempts, pause.Round(time.Second), cause)
}

// putBack undoes a try that the shutdown cut off before the message left.
func (d *Delivery) putBack(now time.Time) {
	d.Attempts--
	d.State, d.Due, d.Reason = DeliveryPlanned, now, "put back at shutdown"
	d.note(now, "put back: the process ended before the message left")
}

func (d *Delivery) note(at time.Time, format string, args ...any) {
	d.History = append(d.History, Decision{At: at, Text: fmt.Sprintf(format, args...)})
}
