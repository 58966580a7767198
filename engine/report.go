package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// check finds what is no report.
func (r Report) check() error {
	switch {
	case r.Delivery.IsZero() && r.ProviderID == "":
		return errors.New("the report names no message")
	case r.State.Rank() <= DeliveryAccepted.Rank():
		return fmt.Errorf("%q is nothing that is reported of a message", r.State)
	}
	return nil
}

// why is the report's reason in one line; "" for none.
func (r Report) why() string {
	line := strings.TrimSpace(r.Code + " " + r.Detail)
	return brief(errors.New(strings.Join(strings.Fields(line), " ")))
}

// Hear takes in what a channel's provider reports of the message, unless it comes too late: it changes the delivery
// and returns the event that tells it, nil for none. A report by a channel that the delivery has left changes no
// state, whatever it says: the message goes another way by now. at is when it happened, now when it came.
func (d *Delivery) Hear(channel string, r Report, from Lineage, at, now time.Time) (
	told *Event, changed bool, err error,
) {
	line := fmt.Sprintf("%s reports %s", channel, r.State)
	if why := r.why(); why != "" {
		line += ": " + why
	}
	if channel != d.Channel {
		d.note(now, "%s", line)
		return nil, true, nil
	}
	was := d.State
	if r.State.Rank() <= was.Rank() {
		return nil, false, nil
	}
	d.State, d.Slot, d.Reason = r.State, 0, ""
	if r.State.bad() {
		d.Reason = r.why()
	}
	if !was.Taken() && r.ProviderID != "" {
		d.Receipt = Receipt{Provider: channel, ID: r.ProviderID, Detail: "known by its report"}
	}
	d.note(now, "%s", line)
	if kind := r.State.tells(was); kind != "" {
		told, err = d.event(kind, DerivedID(d.ID, kind, "reported"), r.Code, at, from)
	}
	return told, true, err
}

// bad tells whether a reported state is one that nobody wants.
func (s DeliveryState) bad() bool {
	return s == DeliveryUndelivered || s == DeliveryBounced || s == DeliveryComplained
}

// tells is the type of the event by which a report is told; "" for none. was is the state before it.
func (s DeliveryState) tells(was DeliveryState) string {
	switch s {
	case DeliveryUndelivered:
		return DeliveryFailedEvent
	case DeliveryBounced:
		return DeliveryBouncedEvent
	case DeliveryComplained:
		return DeliveryComplainedEvent
	case DeliveryDelivered, DeliveryRead:
		if was.Rank() < DeliveryDelivered.Rank() { // of which the other one may come first
			return DeliveryDeliveredEvent
		}
	case DeliveryPlanned, DeliverySending, DeliveryAccepted, DeliveryUnknown, DeliveryRejected, DeliverySent:
	}
	return ""
}

// Replied notes a reply in the history of the last message to who sent it.
func (d *Delivery) Replied(channel string, now time.Time) { d.note(now, "a reply came by %s", channel) }

// reply is the data of the event that tells a reply.
type reply struct {
	Channel  string `json:"channel"`
	Text     string `json:"text"`
	From     string `json:"from"` // masked
	Delivery ID     `json:"delivery"`
}
