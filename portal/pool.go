package portal

import (
	"context"
	"fmt"
	"time"
)

const (
	// poolQueue is how many passwords may wait to be checked, for each that is being checked.
	poolQueue = 20
	// poolRetry is after how long somebody who was turned away may try again.
	poolRetry = 5 * time.Second
)

// pool bounds how many passwords are checked at the same time, and how many wait for it: each takes about 0.2 s of a
// processor. The work itself lets others at the processor (internal/scram), so that pages stay quick meanwhile.
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
