package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// HearStore takes in what channels hear, and knows which addresses get nothing more.
type HearStore interface {
	// Reported reads the delivery that a report is about; ErrNoThing if it is not known, or not yet: the provider's
	// name for a message is known once its try has settled.
	Reported(ctx context.Context, channel string, r Report) (*Delivery, error)
	// Hear takes in what was heard, once for its channel and key, all of it in one change. A report on a delivery that
	// is being sent is kept until its try settles, and so is one that only names the provider's message, for as long as
	// reports are kept. It fails with ErrStale, nothing done, when the report is about another delivery than Hearing
	// says.
	Hear(ctx context.Context, h Hearing) (HearOutcome, error)
	// Suppressing tells whether any address of a channel is suppressed. It looks into memory.
	Suppressing(channel string) bool
	// Suppressed tells whether an address gets nothing more, or nothing of a list, at a time, and why. It looks into
	// memory.
	Suppressed(channel string, address AddressID, list string, now time.Time) (SuppressionReason, bool)
	// LastHeard is when an address last wrote to us on a channel; zero for never.
	LastHeard(ctx context.Context, channel string, address AddressID) (time.Time, error)
}

// Hearing is what was heard as the store takes it in.
type Hearing struct {
	Channel string
	Key     string
	At      time.Time // when it happened
	Now     time.Time // when it came

	Report   *Report
	Delivery ID // that the report is about; zero where it is not known
	Lineage  Lineage

	Reply   *Reply
	From    AddressID
	Masked  string     // who replied
	Unasked DeadLetter // what a reply becomes from somebody to whom no message was ever sent

	Suppress []Suppressed
	Lift     []Suppressed
}

// Suppressed is a suppression as it is kept.
type Suppressed struct {
	Suppression // without the address
	ID          AddressID
}

// HearOutcome is what came of something heard.
type HearOutcome struct {
	Again   bool // it was taken in before
	Changed bool // the state of a delivery is another one
	Kept    bool // the report waits for its delivery
	Lost    bool // the delivery that it is about is not there, any more
	Unasked bool // the reply became a dead letter
}

// Limits of what is heard.
const (
	HeardKept   = 30 * 24 * time.Hour // what is heard again for so long is known
	ReportsKept = 7 * 24 * time.Hour  // how long a report waits for its delivery

	maxHeardKey  = 200  // bytes
	maxReplyText = 4000 // characters; what is more is cut off
)

func (h Heard) check() error {
	switch {
	case h.Channel == "":
		return errors.New("it names no channel")
	case h.Key == "" || len(h.Key) > maxHeardKey:
		return fmt.Errorf("its key has %d bytes: 1 to %d are taken", len(h.Key), maxHeardKey)
	case h.Report != nil && h.Reply != nil:
		return errors.New("it is a report and a reply")
	case h.Report != nil:
		return h.Report.check()
	case h.Reply != nil && h.Reply.From == "":
		return errors.New("nobody sent the reply")
	}
	return nil
}

// staleTries is how often something heard is looked at anew because its delivery settled meanwhile.
const staleTries = 5

// Hear takes in what a channel heard, once for one key, with all that follows from it. It returns when that is stored;
// what it returns an error for may be handed over again, unless the error is Permanent: that was no report and no
// reply.
func (e *Engine) Hear(ctx context.Context, h Heard) error {
	if err := h.check(); err != nil {
		return Permanent(fmt.Errorf("hear from channel %s: %w", h.Channel, err))
	}
	var outcome HearOutcome
	err := ErrStale
	for try := 0; try < staleTries && errors.Is(err, ErrStale); try++ {
		var hearing Hearing
		if hearing, err = e.hearing(ctx, h); err == nil {
			outcome, err = e.Store.Hear(ctx, hearing)
		}
	}
	if err != nil {
		return fmt.Errorf("hear from channel %s: %w", h.Channel, err)
	}
	e.tellHeard(h, outcome)
	return nil
}

// tellHeard logs what came of something heard.
func (e *Engine) tellHeard(h Heard, got HearOutcome) {
	switch {
	case got.Again:
		e.Logger.Debug("heard before", "channel", h.Channel, "key", h.Key)
	case got.Lost:
		e.Logger.Info("a report on a message that is not kept any more", "channel", h.Channel, "key", h.Key)
	case got.Unasked:
		e.Logger.Warn("a reply from somebody to whom no message was ever sent: it is a dead letter",
			"channel", h.Channel)
	case h.Report != nil && h.Report.State.bad():
		e.Logger.Warn("a message did not arrive well", "channel", h.Channel, "state", string(h.Report.State),
			"delivery", h.Report.Delivery.String(), "reason", h.Report.why())
	}
}

// hearing makes ready what the store takes in: addresses become hashes, and the events get their lineage.
func (e *Engine) hearing(ctx context.Context, h Heard) (Hearing, error) {
	now := e.Clock.Now()
	hearing := Hearing{Channel: h.Channel, Key: h.Key, At: h.At, Now: now, Report: h.Report}
	if h.At.IsZero() || h.At.After(now) {
		hearing.At = now
	}
	recipient, err := e.reported(ctx, h, &hearing)
	if err != nil {
		return Hearing{}, err
	}
	if err := e.replied(h, &hearing); err != nil {
		return Hearing{}, err
	}
	hearing.Suppress = e.hashed(h.Channel, h.Suppress, recipient, hearing.At)
	hearing.Lift = e.hashed(h.Channel, h.Lift, recipient, hearing.At)
	return hearing, nil
}

// reported finds the delivery of a report, and the address that it went to by the channel; "" where that is not known.
func (e *Engine) reported(ctx context.Context, h Heard, hearing *Hearing) (recipient string, err error) {
	if h.Report == nil {
		return "", nil
	}
	d, err := e.Store.Reported(ctx, h.Channel, *h.Report)
	if errors.Is(err, ErrNoThing) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	hearing.Delivery = d.ID
	sealed, err := e.open(d)
	if err != nil { // of a generation of keys that was retired: the report counts all the same
		e.Logger.Warn("a report on a message whose letter cannot be read", "delivery", d.ID.String(), "error", err)
		return "", nil
	}
	hearing.Lineage = sealed.Lineage
	l := letter{ways: sealed.Ways}
	if len(l.ways) == 0 {
		l.ways = []Way{{d.Channel, sealed.Recipient}}
	}
	to, _ := l.recipient(h.Channel)
	return e.settings.Diversion.Address(h.Channel, to.Address), nil
}

// hashed are suppressions as they are kept. One without an address means the recipient of the message that the report
// is about; where that is not known it is passed over.
func (e *Engine) hashed(channel string, all []Suppression, recipient string, at time.Time) (kept []Suppressed) {
	for _, s := range all {
		s.Channel = either(s.Channel, channel)
		if s.Address = either(s.Address, recipient); s.Address == "" {
			e.Logger.Warn("an address cannot be suppressed: it is not known",
				"channel", s.Channel, "why", string(s.Reason))
			continue
		}
		kept = append(kept, s.Hashed(e.AddressKey, at))
	}
	return kept
}

// Hashed is the suppression as it is kept. at is since when it holds, if it does not say.
func (s Suppression) Hashed(key []byte, at time.Time) Suppressed {
	if s.At.IsZero() {
		s.At = at
	}
	hashed := Suppressed{Suppression: s, ID: HashAddress(key, s.Channel, s.Address)}
	hashed.Masked, hashed.Address = Recipient{Address: s.Address}.Masked(), ""
	return hashed
}

// replied makes a reply ready, with the dead letter that it becomes if nobody was asked.
func (e *Engine) replied(h Heard, hearing *Hearing) error {
	if h.Reply == nil {
		return nil
	}
	said := *h.Reply
	if text := []rune(said.Text); len(text) > maxReplyText {
		said.Text = string(text[:maxReplyText-1]) + "…"
	}
	hearing.Reply, hearing.From = &said, e.hashAddress(h.Channel, said.From)
	hearing.Masked = Recipient{Address: said.From}.Masked()
	id, err := NewID(hearing.Now, e.Random)
	if err != nil {
		return err
	}
	body, err := plainJSON(map[string]any{"channel": h.Channel, "from": said.From, "to": said.To, "text": said.Text})
	if err != nil {
		return fmt.Errorf("write the reply: %w", err)
	}
	hearing.Unasked = DeadLetter{
		ID: id, Subject: "reply." + h.Channel, Body: body, At: hearing.Now,
		Reason: "a reply by " + h.Channel + " from " + hearing.Masked + ", to whom no message was ever sent",
	}
	return nil
}

// Replied is the event that tells a reply to a delivery, about its record.
func (h Hearing) Replied(delivery ID, record Ref) (*Event, error) {
	data, err := plainJSON(reply{Channel: h.Channel, Text: h.Reply.Text, From: h.Masked, Delivery: delivery})
	if err != nil {
		return nil, fmt.Errorf("write event data: %w", err)
	}
	return &Event{
		ID: DerivedID(delivery, ReplyReceivedEvent, h.Channel, h.Key).String(), Source: Source,
		Type: ReplyReceivedEvent, Subject: record.String(), Time: h.At, Depth: 1, Data: data,
	}, nil
}
