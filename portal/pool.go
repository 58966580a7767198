package portal

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

const (
	// poolQueue is how many passwords may wait to be checked, for each that is being checked.
	poolQueue = 10
	// poolRetry is after how long somebody who was turned away may try again.
	poolRetry = 5 * time.Second
	// breaths are after how many breaths a check rests while others wait, and restMost for how long at most.
	breaths  = 8
	restMost = 4 * time.Millisecond
)

// pool bounds how many passwords are checked at the same time, and how many wait for it: each takes about 0.2 s of a
// processor. The work lets others at the processor on the way, and while others wait to be checked it rests as long as
// it works: a flood takes half a processor for each slot, and pages stay quick meanwhile.
type pool struct {
	slots   chan struct{} // one taken for each that is being checked
	waiting chan struct{} // and for each that waits or is being checked
}

func newPool(hashers int) *pool {
	return &pool{slots: make(chan struct{}, hashers), waiting: make(chan struct{}, hashers*(1+poolQueue))}
}

// enter waits for a turn, and returns what ends it. It fails with *BusyError where too many wait.
func (p *pool) enter(ctx context.Context) (leave func(), err error) {
	select {
	case p.waiting <- struct{}{}:
	default:
		return nil, &BusyError{RetryAfter: poolRetry}
	}
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots; <-p.waiting }, nil
	case <-ctx.Done():
		<-p.waiting
		return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
}

// breather is what one check calls again and again. Its rests are by the machine's clock, whatever that of the gate is:
// it is the machine's processor that they leave to others.
func (p *pool) breather() func() {
	began, taken := time.Now(), 0
	return func() {
		if taken++; len(p.waiting) <= cap(p.slots) || taken < breaths {
			runtime.Gosched()
			return
		}
		time.Sleep(min(time.Since(began), restMost))
		began, taken = time.Now(), 0
	}
}
