package engine

import (
	"context"
	"time"
)

// Clock is where time comes from, so that a test can move it.
type Clock interface {
	// Now is the present instant in UTC.
	Now() time.Time
	// Wait returns nil once d has passed, or the context's error if that ends first.
	Wait(ctx context.Context, d time.Duration) error
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now reads the machine's clock.
func (SystemClock) Now() time.Time { return time.Now().UTC() }

// Wait sleeps on the machine's monotonic clock.
func (SystemClock) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

var _ Clock = SystemClock{}
