package engine

import (
	"context"
	"errors"
	"time"
)

// settleTime is for one more try to store an outcome when the shutdown has given up.
const settleTime = 5 * time.Second

// settle stores the outcome of a try and gives its slot back. What is known must be stored even while the shutdown
// gives up: it would be in doubt after the next start.
func (e *Engine) settle(d *Delivery, t *try) {
	e.decide(d, t)
	e.budgets.settle(d)
	e.report(d, t.err)
	outcome := e.outcome(d, t.letter)
	err := e.insist("settle delivery", func(ctx context.Context) error { return e.Store.Settle(ctx, outcome) })
	if err != nil && e.abandoned() {
		last, cancel := context.WithTimeout(context.WithoutCancel(e.work), settleTime)
		defer cancel()
		err = e.Store.Settle(last, outcome)
	}
	if err != nil {
		e.Logger.Error("settle delivery: it stays in doubt", "delivery", d.ID.String(), "error", err)
	}
	e.giveBack(t)
	if d.State == DeliveryPlanned {
		e.outlets.nudge() // it falls due sooner than the dispatcher knows of
	}
}

// outcome is what is stored of a try that was decided on; the letter is nil where it cannot be read.
func (e *Engine) outcome(d *Delivery, l *letter) Settle {
	s := Settle{Fence: e.fences[d.Partition], Delivery: d, Events: e.ending(d, l)}
	if l == nil {
		return s
	}
	s.Lineage = l.lineage
	if _, calls := e.Channels[d.Channel].(Callee); calls {
		s.ProviderID = d.Receipt.ID
	}
	if e.Carriers[d.Channel].Replies && (d.State == DeliveryAccepted || d.State == DeliveryUnknown) {
		s.Address = e.hashAddress(d.Channel, l.env.Recipient.Address)
	}
	return s
}

// decide turns the outcome of a try into the delivery's next state.
func (e *Engine) decide(d *Delivery, t *try) {
	d.Slot = 0
	b := bench{
		now: e.Clock.Now(), until: t.until, jitter: e.spread, unknown: e.onUnknown(d), refused: t.handed || t.refused,
	}
	if t.letter != nil {
		b.next = t.letter.after(d.Channel)
	}
	if t.refused {
		d.Attempts-- // it was no try
	}
	switch {
	case t.over:
		d.expire(b.now, t.err)
	case e.abandoned() && errors.Is(t.err, context.Canceled) && !IsUnknown(t.err):
		d.putBack("the process ended before the message left", b)
	default:
		d.judge(t.receipt, t.err, b)
	}
}

// onUnknown is what happens to a delivery in doubt: what its step says, or else what is safe with its channel.
func (e *Engine) onUnknown(d *Delivery) OnUnknown {
	switch {
	case d.Unknown != OnUnknownAuto:
		return d.Unknown
	case dedupes(e.Channels[d.Channel]):
		return OnUnknownResend
	}
	return OnUnknownHold
}

// spread makes a pause a little longer, at random.
func (e *Engine) spread(pause time.Duration) time.Duration { return jitter(pause, e.Random) }

// report logs a try that failed.
func (e *Engine) report(d *Delivery, cause error) {
	switch {
	case cause == nil || IsBusy(cause):
	case IsMisconfigured(cause):
		e.Logger.Error("delivery failed: the channel needs an operator", "state", string(d.State), "channel", d.Channel,
			"delivery", d.ID.String(), "attempts", d.Attempts, "error", cause)
	default:
		e.Logger.Warn("delivery failed", "state", string(d.State), "channel", d.Channel, "delivery", d.ID.String(),
			"workflow", d.Workflow, "attempts", d.Attempts, "error", cause)
	}
}

// giveBack frees the slot of a try, and logs what its answer changes for the channel.
func (e *Engine) giveBack(t *try) {
	if !t.handed {
		e.outlets.putBack(t.holder, t.slot)
		e.outlets.nudge()
		return
	}
	got := answerOf(t.err)
	if e.abandoned() {
		got = answerNone
	}
	turn, why := e.outlets.end(t.holder, t.slot, got, min(RetryDelay(t.err), longestPause))
	switch turn {
	case turnShut:
		e.Logger.Warn("channel fails: its messages wait", "channel", t.holder, "why", why, "error", t.err)
	case turnOpen:
		e.Logger.Info("channel works again", "channel", t.holder)
	case turnNone:
	}
}
