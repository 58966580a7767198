package engine

import (
	"fmt"
	"slices"
	"time"
)

// bench is what a delivery is judged with, besides the error of its try.
type bench struct {
	now     time.Time
	until   time.Time                               // what Until was before the try
	jitter  func(pause time.Duration) time.Duration // makes a pause a little longer, at random
	unknown OnUnknown                               // anything but OnUnknownAuto
	next    *Way                                    // the way that follows the delivery's own; nil for none
	refused bool                                    // a Permanent error is the channel's word, not a fault of ours
}

// Pauses before another try.
const (
	longestPause = time.Hour       // whatever a provider asks for
	busyPause    = 2 * time.Second // of a message that its channel had no room for
)

// begin counts a try. The first one starts the time within which the last must begin.
func (d *Delivery) begin(now time.Time) {
	d.Attempts++
	if d.Attempts == 1 {
		d.Until = now.Add(d.Retry.For)
	}
}

// judge turns the outcome of a try into the delivery's next state.
func (d *Delivery) judge(receipt Receipt, cause error, b bench) {
	switch {
	case cause == nil:
		d.State, d.Receipt, d.Reason = DeliveryAccepted, receipt, ""
		d.note(b.now, "accepted by %s: %s", receipt.Provider, receipt.Detail)
	case IsUnknown(cause):
		d.doubt(brief(cause), b)
	case IsPermanent(cause):
		d.refuse(cause, b)
	case IsBusy(cause):
		d.putBack(brief(cause), b)
		d.Due = b.now.Add(b.jitter(max(busyPause, min(RetryDelay(cause), longestPause))))
		if d.Due.After(d.Until) {
			d.giveUp(b.now, brief(cause))
		}
	default:
		d.postpone(cause, b)
	}
}

// doubt decides on a delivery of which nobody can tell whether it left.
func (d *Delivery) doubt(reason string, b bench) {
	d.Reason = reason
	defer func(line int) { d.History[line].Doubt = true }(len(d.History))
	switch b.unknown {
	case OnUnknownResend:
		if due, ok := d.again(nil, b); ok {
			d.State, d.Due = DeliveryPlanned, due
			d.note(b.now, "try %d may have left, sent again in %s: %s",
				d.Attempts, due.Sub(b.now).Round(time.Second), reason)
			return
		}
		d.State = DeliveryUnknown
		d.note(b.now, "unknown, held after %s: %s", d.tries(), reason)
		return
	case OnUnknownNext:
		if b.next != nil {
			d.note(b.now, "try %d by %s may have left, now by %s: %s",
				d.Attempts, d.Channel, b.next.Channel, reason)
			d.move(*b.next, b.now)
			return
		}
	case OnUnknownAuto, OnUnknownHold:
	}
	d.State = DeliveryUnknown
	d.note(b.now, "unknown, held: %s", reason)
}

// refuse takes the next way, if the channel refused the message for good, or else ends.
func (d *Delivery) refuse(cause error, b bench) {
	d.Reason = brief(cause)
	if b.refused && b.next != nil {
		d.note(b.now, "rejected by %s, now by %s: %s", d.Channel, b.next.Channel, d.Reason)
		d.move(*b.next, b.now)
		return
	}
	if d.doubted() {
		d.giveUp(b.now, "rejected: "+d.Reason)
		return
	}
	d.State = DeliveryRejected
	d.note(b.now, "rejected: %s", d.Reason)
}

// doubted tells whether an earlier try may have left.
func (d *Delivery) doubted() bool {
	return slices.ContainsFunc(d.History, func(line Decision) bool { return line.Doubt })
}

// postpone plans another try, if there may be one.
func (d *Delivery) postpone(cause error, b bench) {
	due, ok := d.again(cause, b)
	if !ok {
		d.giveUp(b.now, fmt.Sprintf("given up after %s: %s", d.tries(), brief(cause)))
		return
	}
	d.State, d.Due, d.Reason = DeliveryPlanned, due, brief(cause)
	d.note(b.now, "try %d failed, next in %s: %s", d.Attempts, due.Sub(b.now).Round(time.Second), d.Reason)
}

// again is when the next try falls due. What needs an operator is tried as long as there is time.
func (d *Delivery) again(cause error, b bench) (due time.Time, ok bool) {
	pause := max(d.Retry.Pause(d.Attempts), min(RetryDelay(cause), longestPause))
	due = b.now.Add(b.jitter(pause))
	usedUp := d.Attempts >= d.Retry.Attempts && !IsMisconfigured(cause)
	return due, !usedUp && !due.After(d.Until)
}

// giveUp ends without an answer that is final: a delivery of which an earlier try may have left is held.
func (d *Delivery) giveUp(now time.Time, reason string) {
	d.State, d.Reason = DeliveryRejected, reason
	if d.doubted() {
		d.State, d.Reason = DeliveryUnknown, reason+"; an earlier try may have left"
	}
	d.note(now, "%s", d.Reason)
}

// move sends the delivery another way: the same message, with tries and time of its own.
func (d *Delivery) move(to Way, now time.Time) {
	d.State, d.Due, d.Until, d.Attempts = DeliveryPlanned, now, now.Add(d.Retry.For), 0
	d.Channel, d.Recipient, d.Masked = to.Channel, to.Recipient, to.Recipient.Masked()
}

// putBack undoes a try that came to nothing before the message left.
func (d *Delivery) putBack(reason string, b bench) {
	d.Attempts--
	d.State, d.Due, d.Until, d.Reason = DeliveryPlanned, b.now, b.until, reason
	text := "put back: " + reason
	if last := len(d.History) - 1; last < 0 || d.History[last].Text != text { // it may happen many times in a row
		d.note(b.now, "%s", text)
	}
}

// expire ends a delivery whose time for trying is over.
func (d *Delivery) expire(now time.Time, cause error) {
	reason := fmt.Sprintf("given up after %s: %s", d.tries(), brief(cause))
	if d.Reason != "" {
		reason += "; last: " + d.Reason
	}
	d.giveUp(now, reason)
}

func (d *Delivery) tries() string {
	if d.Attempts == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", d.Attempts)
}

func (d *Delivery) note(at time.Time, format string, args ...any) {
	d.History = append(d.History, Decision{At: at, Text: fmt.Sprintf(format, args...)})
}

// brief is what a history keeps of an error, at most 500 characters.
func brief(err error) string {
	const most = 500
	text := []rune(err.Error())
	if len(text) <= most {
		return string(text)
	}
	return string(text[:most-1]) + "…"
}
