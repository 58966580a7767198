package engine

import (
	"context"
	"errors"
	"fmt"
)

// adoptOrphans decides on what a former owner was sending when it stopped, before anything is sent: what provably did
// not leave is planned again, and of the rest nobody can tell.
func (e *Engine) adoptOrphans(ctx context.Context) error {
	orphans, err := e.Store.Orphans(ctx)
	if err != nil {
		return fmt.Errorf("find what was being sent: %w", err)
	}
	var kept, again, held int
	for _, o := range orphans {
		d := o.Delivery
		outcome := e.adopt(o)
		switch {
		case o.Kept:
			kept++
		case d.State == DeliveryPlanned:
			again++
		default:
			held++
		}
		if err := e.Store.Settle(ctx, outcome); err != nil {
			return fmt.Errorf("settle what was being sent: %w", err)
		}
	}
	if len(orphans) > 0 {
		e.Logger.Warn("deliveries were being sent when the engine stopped",
			"never_left", kept, "unknown_held", held, "unknown_sent_again", again)
	}
	return nil
}

// adopt decides on one.
func (e *Engine) adopt(o Orphan) Settle {
	d, now := o.Delivery, e.Clock.Now()
	d.Slot = 0
	l, err := e.unseal(d)
	if o.Kept {
		d.State, d.Due, d.Reason = DeliveryPlanned, now, ""
		d.note(now, "planned again: the engine stopped before the message left")
		return e.outcome(d, l)
	}
	b := bench{now: now, jitter: e.spread, unknown: e.onUnknown(d)}
	if err == nil {
		b.next = l.after(d.Channel)
	}
	d.begin(now) // the try counts: a message that ends the process each time must not be tried for ever
	d.judge(Receipt{}, Unknown(errors.New("the engine stopped while this was being sent")), b)
	return e.outcome(d, l)
}
