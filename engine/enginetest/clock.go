package enginetest

import (
	"context"
	"sync"
	"time"

	"postern/engine"
)

// Clock is a clock that a test moves.
type Clock struct {
	mu      sync.Mutex
	now     time.Time
	changed chan struct{}
}

// NewClock makes a clock that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{now: at.UTC(), changed: make(chan struct{})} }

// Now is the time the clock stands at.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock and wakes who waits for that.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Wait returns once the clock was moved by d.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	until := c.now.Add(d)
	c.mu.Unlock()
	for {
		c.mu.Lock()
		due, changed := !c.now.Before(until), c.changed
		c.mu.Unlock()
		if due {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var _ engine.Clock = (*Clock)(nil)
