package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// lapseBite is how many links that expired are looked at in one change.
const lapseBite = 200

// Lapse is a stretch of the links in the order in which they expire.
type Lapse struct {
	From, To string // places in that order; From is "" where nothing was looked at before, and equal to To at the end
	Unused   []Link // of those in between that nobody used; of links that count together the last alone
	More     bool   // others expired after them
}

// LapseStore finds the links that expired, each once.
type LapseStore interface {
	// Lapsed is the stretch after the last one that was told, up to now, with at most limit links in it. The first one
	// ever has none: what expired before is not told.
	Lapsed(ctx context.Context, now time.Time, limit int) (Lapse, error)
	// Lapse puts into the outbox what is told of a stretch, with a deed for each of its unused links. It fails with
	// ErrStale, nothing done, where another one was told since Lapsed.
	Lapse(ctx context.Context, lapse Lapse, events []*Event, now time.Time) error
}

// lapses tells of the links that expired unused, a bite at a time.
func (e *Engine) lapses(ctx context.Context) (next time.Time, err error) {
	for more := true; more; {
		now := e.Clock.Now()
		lapse, err := e.Store.Lapsed(ctx, now, lapseBite)
		if err != nil || lapse.From == lapse.To {
			return next, err
		}
		var events []*Event
		for _, link := range lapse.Unused {
			event, err := e.expiry(ctx, link, now)
			if err != nil {
				return next, err
			}
			events = append(events, event)
		}
		if err := e.Store.Lapse(ctx, lapse, events, now); err != nil && !errors.Is(err, ErrStale) {
			return next, err
		}
		more = lapse.More
	}
	return next, nil
}

// expiry tells that a link expired unused. That is nobody's doing, so it is as far from the first cause as what the run
// wrote: workflows that send each other links cannot go on for ever.
func (e *Engine) expiry(ctx context.Context, link Link, now time.Time) (*Event, error) {
	id := DerivedID(link.ID, "expired", strconv.Itoa(link.Generation))
	event, err := NewLinkEvent(link, LinkExpired, id, now, nil)
	if err != nil || link.Run.IsZero() {
		return event, err
	}
	run, err := e.Store.Run(ctx, link.Run)
	switch {
	case errors.Is(err, ErrNoRun):
		return event, nil
	case err != nil:
		return nil, fmt.Errorf("read the run of link %s: %w", link.ID, err)
	}
	event.Depth, event.Chain = run.Event.Depth+1, run.chain()
	return event, nil
}
