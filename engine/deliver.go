package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// dispatchEvery is how often the dispatcher looks for due deliveries at least: another process may
// have planned some.
const dispatchEvery = 30 * time.Second

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

// takeDue claims what is due, for each channel as much as it may send now. next is when to look again, at the latest.
func (e *Engine) takeDue(ctx context.Context) (next time.Time, err error) {
	e.outlets.sated()
	names := slices.Sorted(maps.Keys(e.Channels))
	for _, name := range names {
		again, err := e.takeFor(ctx, name, Demand{Channels: []string{name}})
		if err != nil {
			return time.Time{}, err
		}
		next = earlier(next, again)
	}
	// What waits for a channel that is no longer configured must not wait without a word.
	if e.outlets.cull("", dispatchEvery) {
		again, err := e.takeFor(ctx, "", Demand{Channels: names, Others: true})
		return earlier(next, again), err
	}
	return next, nil
}

// takeFor claims and sends what is due on a channel. again is when to look there again; zero for when something is
// planned or a slot comes back.
func (e *Engine) takeFor(ctx context.Context, channel string, demand Demand) (again time.Time, err error) {
	demand.Slots, again = e.outlets.takeAll(channel)
	if len(demand.Slots) == 0 {
		return again, e.cull(ctx, channel)
	}
	taken, due, err := e.claim(ctx, channel, demand)
	if err != nil {
		return time.Time{}, err
	}
	for _, d := range taken {
		e.sendStored(channel, d)
	}
	if due.After(e.Clock.Now()) {
		e.outlets.left(channel, false)
		return due, nil
	}
	return e.outlets.left(channel, !due.IsZero()), nil
}

// claim takes deliveries into slots and puts the other slots back.
func (e *Engine) claim(ctx context.Context, channel string, demand Demand) ([]*Delivery, time.Time, error) {
	demand.Fences, demand.Now = e.fences, e.Clock.Now()
	taken, due, err := e.Store.Take(ctx, demand)
	e.outlets.putBack(channel, demand.Slots[len(taken):]...)
	return taken, due, err
}

// cull ends the deliveries on a channel that wait in vain: their time for trying passed while it may send nothing.
func (e *Engine) cull(ctx context.Context, channel string) error {
	if !e.outlets.cull(channel, dispatchEvery) {
		return nil
	}
	for {
		slots, _ := e.outlets.takeAll("")
		if len(slots) == 0 {
			return nil
		}
		taken, _, err := e.claim(ctx, "", Demand{Channels: []string{channel}, Over: true, Slots: slots})
		if err != nil {
			return err
		}
		for _, d := range taken {
			e.sendStored("", d)
		}
		if len(taken) < len(slots) {
			return nil
		}
	}
}

// sendStored sends a delivery that comes from the store, in the slot that holder has.
func (e *Engine) sendStored(holder string, d *Delivery) {
	l, err := e.unseal(d)
	try := &try{holder: holder, slot: d.Slot, letter: l, until: d.Until}
	switch {
	case err != nil:
		try.err = Permanent(err)
		e.settle(d, try)
	case e.Clock.Now().After(d.Until):
		try.over, try.err = true, errors.New("its time for trying is over")
		e.settle(d, try)
	default:
		e.send(holder, d, l)
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
	case <-e.outlets.wakeup:
		cancel()
		<-elapsed
	case <-elapsed:
	}
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
