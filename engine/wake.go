package engine

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	wakePage  = 256              // runs that are woken at a time
	wakeEvery = 30 * time.Second // the waker looks at least this often: another process may have made runs due
)

// resting keeps a run that is in a lane from being woken before it has gone on: it would be handed over
// as it was before, and do the same once more.
type resting struct {
	mu     sync.Mutex
	awake  map[ID]bool   // runs in a lane, and whether they were due meanwhile
	went   map[ID]bool   // those that went on since the waker began to read; nil while it does not
	wakeup chan struct{} // a value waits here when the waker should look
}

func newResting() *resting { return &resting{awake: map[ID]bool{}, wakeup: make(chan struct{}, 1)} }

// look says that the waker reads which runs are due, and looked that it has handed them over.
func (r *resting) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.went = map[ID]bool{}
}

func (r *resting) looked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.went = nil
}

// begin tells whether a run that is due is to be woken: not while it is awake, and not as it was read if
// it has gone on since. Of the latter the waker reads again.
func (r *resting) begin(id ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, awake := r.awake[id]; awake {
		r.awake[id] = true
		return false
	}
	if r.went[id] {
		r.nudge()
		return false
	}
	r.awake[id] = false
	return true
}

// done lets a run be woken again; if it was due meanwhile the waker looks.
func (r *resting) done(id ID) {
	r.mu.Lock()
	again := r.awake[id]
	delete(r.awake, id)
	if r.went != nil {
		r.went[id] = true
	}
	r.mu.Unlock()
	if again {
		r.nudge()
	}
}

func (r *resting) nudge() { nudge(r.wakeup) }

// nudge makes a loop look for work.
func nudge(wakeup chan struct{}) {
	select {
	case wakeup <- struct{}{}:
	default:
	}
}

// wake hands parked runs to their lanes as they fall due.
func (e *Engine) wake(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := e.wakeDue(ctx)
		pause := wakeEvery
		switch {
		case errors.Is(err, ErrFenced):
			return err
		case err != nil && ctx.Err() == nil:
			e.Logger.Error("find runs that are due", "error", err)
			pause = insistMost
		case !next.IsZero():
			pause = max(min(pause, next.Sub(e.Clock.Now())), 0)
		}
		e.rest(ctx, pause, e.resting.wakeup, e.Store.Touched())
		if !e.CRM.Traits().Local {
			nudge(e.writers.wakeup) // somebody may have acted by a link
		}
	}
	return nil
}

// wakeDue wakes all runs that are due, the longest due first. next is when another one falls due.
func (e *Engine) wakeDue(ctx context.Context) (next time.Time, err error) {
	var after DuePosition
	defer e.resting.looked()
	for {
		e.resting.look()
		woken, next, err := e.Store.Due(ctx, e.fences, e.Clock.Now(), after, wakePage)
		if err != nil || len(woken) == 0 {
			return next, err
		}
		for i := range woken {
			run := woken[i].Run
			if e.resting.begin(run.ID) {
				e.enqueue(ctx, job{id: run.ID, partition: run.Partition, run: run, woken: &woken[i]})
			}
		}
		last := woken[len(woken)-1]
		after = DuePosition{Due: last.Due, Run: last.Run.ID}
	}
}

// rearm lets a run rest on that was woken in vain.
func (e *Engine) rearm(s *stretch) error {
	if len(s.seen) == 0 {
		return nil
	}
	return e.insist("rest on", func(ctx context.Context) error {
		return e.Store.Rearm(ctx, e.fences[s.run.Partition], s.run.ID, s.seen)
	})
}

// rest waits for d, a value of one of two channels, or the end.
func (e *Engine) rest(ctx context.Context, d time.Duration, one, other <-chan struct{}) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	elapsed := make(chan struct{})
	go func() {
		defer close(elapsed)
		_ = e.Clock.Wait(waiting, d)
	}()
	select {
	case <-one:
	case <-other:
	case <-elapsed:
		return
	}
	cancel()
	<-elapsed
}
