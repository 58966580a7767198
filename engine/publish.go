package engine

import (
	"context"
	"time"
)

const (
	publishBatch = 100         // events in one publish
	publishTry   = time.Minute // of one try; the bus retries within it
	publishPause = 500 * time.Millisecond
)

// publish moves committed events from the outbox to the stream, in order, until the context ends; what
// the last commits add is published by drain, or at the next start. A publish whose answer was lost is
// repeated: the bus knows the ids of the events it has stored.
func (e *Engine) publish(ctx context.Context) {
	for {
		n, err := e.publishSome()
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

func (e *Engine) publishSome() (int, error) {
	ctx, cancel := context.WithTimeout(e.work, publishTry)
	defer cancel()
	waiting, err := e.Store.Outgoing(ctx, publishBatch)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	events := make([]*Event, len(waiting))
	for i, o := range waiting {
		events[i] = o.Event
	}
	err = e.Bus.Publish(ctx, events...)
	if IsPermanent(err) {
		err = e.publishEach(ctx, events)
	}
	if err != nil {
		return 0, err
	}
	// Whatever the publish took of the time: what was stored must not be published again.
	return len(waiting), e.Store.Published(e.work, waiting[len(waiting)-1].Seq)
}

// publishEach publishes events one by one because one of them never can be: that one becomes a dead
// letter, so that it holds up nothing.
func (e *Engine) publishEach(ctx context.Context, events []*Event) error {
	for _, event := range events {
		err := e.Bus.Publish(ctx, event)
		if IsPermanent(err) {
			err = e.bury(ctx, event, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bury makes a dead letter of an event of ours, one however often it is tried.
func (e *Engine) bury(ctx context.Context, event *Event, reason error) error {
	body, err := event.MarshalJSON()
	if err != nil {
		body = nil
	}
	at, now := event.Address(), e.Clock.Now()
	e.Logger.Error("an event of ours cannot be published",
		"type", event.Type, "subject", event.Subject, "reason", reason)
	_, err = e.Store.Intake(ctx, Intake{Refused: []DeadLetter{{
		ID: DerivedID(ID{}, event.Source, event.ID), Partition: at.Partition(), Subject: at.Subject(),
		Reason: reason.Error(), Body: body[:min(len(body), MaxEventBytes)], At: now,
	}}})
	return err
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
