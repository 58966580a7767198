package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// StillClock stands still until it is moved. Nobody can wait by it.
type StillClock struct {
	mu  sync.Mutex
	now time.Time
}

var _ Clock = (*StillClock)(nil)

// NewStillClock makes a clock that stands at a time, to the millisecond, as the store keeps times.
func NewStillClock(at time.Time) *StillClock {
	return &StillClock{now: at.UTC().Truncate(time.Millisecond)}
}

// Now is the time the clock stands at.
func (c *StillClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock.
func (c *StillClock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = at
}

// Wait fails: time does not go on by itself.
func (c *StillClock) Wait(context.Context, time.Duration) error { return errStands }

var errStands = errors.New("the clock stands still")

// Limits of a rehearsal.
const (
	rehearsalRounds = 10_000 // moves at one instant, before it counts as never coming to rest
	rehearsalJobs   = 4096   // runs that may become due at one instant
)

// Rehearsal drives an engine in place of Run, step by step: what Run does side by side happens here one after the
// other, always in the same order, and time goes on only when it is told to. It is for tests of a book and for
// looking at what an event would lead to. It must not be used concurrently.
type Rehearsal struct {
	engine *Engine
	clock  *StillClock
	after  uint64 // stream position up to which everything was taken in

	// parts are what Run does in loops, one turn each. They tell when it is theirs again.
	parts []func(context.Context) (time.Time, error)
}

// Rehearse makes an engine on ports whose clock is still, claims the store for it and stands ready. The engine goes
// on for as long as the context lives.
func Rehearse(ctx context.Context, ports Ports, settings Settings) (*Rehearsal, error) {
	clock, ok := ports.Clock.(*StillClock)
	if !ok {
		return nil, errors.New("rehearse: the clock goes on by itself")
	}
	settings.Lanes, settings.Batch = 1, 1
	e := New(ports, settings)
	e.lanes[0].jobs, e.seats = make(chan job, rehearsalJobs), make(chan struct{}, rehearsalJobs)
	e.senders.inline = true
	e.work, e.reading = ctx, ctx
	after, unfinished, err := e.begin(ctx)
	if err == nil {
		err = e.timings(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	for _, j := range unfinished {
		e.resting.begin(j.id)
		e.enqueue(ctx, j)
	}
	e.health.phase.Store(phaseRunning)
	return &Rehearsal{
		engine: e, clock: clock, after: after,
		parts: []func(context.Context) (time.Time, error){
			e.ticks(), e.alarms, e.windows, e.walks, e.wakeDue, e.writeDue, e.callDue, e.takeDue, e.lapses,
		},
	}, nil
}

// Engine is the engine that is driven.
func (r *Rehearsal) Engine() *Engine { return r.engine }

// Seed publishes events that start nothing: they tell of records as they were before.
func (r *Rehearsal) Seed(ctx context.Context, events ...*Event) error {
	if err := r.engine.Bus.Publish(ctx, events...); err != nil {
		return fmt.Errorf("rehearse: %w", err)
	}
	position, err := r.engine.Bus.Position(ctx)
	if err != nil {
		return fmt.Errorf("rehearse: %w", err)
	}
	r.engine.skipUntil = position.Last
	_, err = r.Settle(ctx)
	return err
}

// Settle lets everything happen that can happen at this instant. next is when time will let something happen; zero
// for never.
func (r *Rehearsal) Settle(ctx context.Context) (next time.Time, err error) {
	for range rehearsalRounds {
		moved, next, err := r.round(ctx)
		if err != nil {
			return time.Time{}, fmt.Errorf("rehearse: %w", err)
		}
		if !moved {
			return next, nil
		}
	}
	return time.Time{}, fmt.Errorf("rehearse: something happens again and again, without rest after %d rounds",
		rehearsalRounds)
}

// Advance lets time go on by d, from one moment at which something happens to the next.
func (r *Rehearsal) Advance(ctx context.Context, d time.Duration) error {
	until := r.clock.Now().Add(d)
	for {
		next, err := r.Settle(ctx)
		if err != nil {
			return err
		}
		if next.IsZero() || next.After(until) {
			break
		}
		r.clock.Set(later(next, r.clock.Now().Add(time.Millisecond)))
	}
	r.clock.Set(until)
	_, err := r.Settle(ctx)
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// round gives each part of the engine one turn. moved tells whether any of them did something.
func (r *Rehearsal) round(ctx context.Context) (moved bool, next time.Time, err error) {
	e, launched := r.engine, r.engine.senders.launched
	read, err := r.read(ctx)
	if err != nil {
		return false, next, err
	}
	walked := false // a timing whose walk ends in this round tells only in the next when it is due again
	for _, part := range r.parts {
		walked = walked || e.timetable.walking()
		again, err := part(ctx)
		if err != nil {
			return false, next, err
		}
		next = earlier(next, again)
	}
	advanced, err := r.advanceRuns()
	if err != nil {
		return false, next, err
	}
	published, err := e.publishSome()
	return read || walked || advanced || published > 0 || e.senders.launched > launched, next, err
}

// read takes the next entry of the stream in.
func (r *Rehearsal) read(ctx context.Context) (bool, error) {
	position, err := r.engine.Bus.Position(ctx)
	if err != nil || position.Last <= r.after {
		return false, err
	}
	err = r.engine.Bus.Read(ctx, r.after, 1, func(ctx context.Context, entries []Entry) error {
		if err := r.engine.take(ctx, entries); err != nil {
			return err
		}
		r.after = entries[len(entries)-1].Seq
		return errTaken
	})
	if errors.Is(err, errTaken) {
		err = nil
	}
	return true, err
}

var errTaken = errors.New("one was taken in")

// advanceRuns takes the runs that are in the lane as far as they come.
func (r *Rehearsal) advanceRuns() (moved bool, err error) {
	lane := r.engine.lanes[0]
	for {
		j, ok := lane.take()
		if !ok {
			select {
			case j = <-lane.jobs:
			default:
				return moved, nil
			}
		}
		moved = true
		if err := r.engine.advance(j); err != nil {
			return moved, fmt.Errorf("advance run %s: %w", j.id, err)
		}
	}
}
