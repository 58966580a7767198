package engine

import (
	"context"
	"time"
)

const (
	publishBatch = 100             // events in one publish
	publishTry   = 5 * time.Second // of one try; the bus retries within it
	publishPause = 500 * time.Millisecond
)

// publish moves committed events from the outbox to the stream, in order, until the context ends; what
// the last commits add is published by drain, or at the next start. After a start and after a failure the events go one
// by one, because the bus de-duplicates only those: the last batch may have been stored unnoticed.
func (e *Engine) publish(ctx context.Context) {
	careful := true
	for {
		n, err := e.publishSome(careful)
		careful = err != nil || (careful && n > 0)
		if err != nil {
			e.Logger.Error("publish events: trying again", "error", err)
			if e.Clock.Wait(ctx, publishPause) != nil {
				return
			}
			continue
		}
		if n > 0 {
			continue
		}
		select {
		case <-e.Store.Waiting():
		case <-ctx.Done():
			return
		}
	}
}

func (e *Engine) publishSome(careful bool) (int, error) {
	ctx, cancel := context.WithTimeout(e.work, publishTry)
	defer cancel()
	waiting, err := e.Store.Outgoing(ctx, publishBatch)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	size := len(waiting)
	if careful {
		size = 1
	}
	for at := 0; at < len(waiting); at += size {
		part := waiting[at:min(at+size, len(waiting))]
		events := make([]*Event, len(part))
		for i, o := range part {
			events[i] = o.Event
		}
		if err := e.Bus.Publish(ctx, events...); err != nil {
			return at, err
		}
		if err := e.Store.Published(ctx, part[len(part)-1].Seq); err != nil {
			return at, err
		}
	}
	return len(waiting), nil
}

// sweepEvery is how often old entries are removed from the stream.
const sweepEvery = time.Hour

// sweep removes from the stream what every partition has taken in and nobody will replay.
func (e *Engine) sweep(ctx context.Context) {
	for {
		if err := e.Bus.Purge(ctx, e.swept.Load(), e.settings.Replay); err != nil && ctx.Err() == nil {
			e.Logger.Warn("purge the event stream", "error", err)
		}
		if e.Clock.Wait(ctx, sweepEvery) != nil {
			return
		}
	}
}
