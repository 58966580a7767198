package engine

import (
	"fmt"
	"time"
)

// Draft is a message that the door wants sent. It is written already, because it says what only the door knows: a code,
// or a second link. At rest it is sealed.
type Draft struct {
	ID       ID // of the delivery
	Ways     []Way
	Contents map[string]Content // by channel, one for each way
	Link     Link               // that led to it
	Step     string             // what it is for, in the history: factor pin
	Life     time.Duration      // after which it is not worth sending any more
}

// tries of a draft: whoever asked for it is waiting.
var draftRetry = Retry{Attempts: 5, Backoff: 10 * time.Second}

// Plan makes the delivery of a draft, to be stored by the door together with what it is about. Expedite then sends it.
func (e *Engine) Plan(d Draft, now time.Time) (*Delivery, error) {
	retry := draftRetry
	retry.For = d.Life
	first := d.Ways[0]
	delivery := &Delivery{
		ID: d.ID, Run: d.Link.Run, Partition: d.Link.Record.partition(), Workflow: d.Link.Workflow, Step: d.Step,
		Channel: first.Channel, Record: d.Link.Record, Recipient: first.Recipient, Masked: first.Recipient.Masked(),
		State: DeliveryPlanned, Due: now, Until: now.Add(d.Life), Retry: retry, Unknown: OnUnknownHold, Created: now,
	}
	var err error
	delivery.Sealed, err = e.close(d.ID, sealedLetter{
		Now: now, Recipient: first.Recipient, Ways: d.Ways, Lineage: Lineage{Cause: d.Link.Cause}, Written: d.Contents,
	})
	if err != nil {
		return nil, fmt.Errorf("plan delivery: %w", err)
	}
	return delivery, nil
}

// Again makes a delivery that sends the message of another one once more, with its links as they are by then.
func (e *Engine) Again(of *Delivery, id ID, now time.Time) (*Delivery, error) {
	sealed, err := e.open(of)
	if err != nil {
		return nil, err
	}
	again := *of
	again.ID, again.State, again.Slot, again.Attempts, again.Due, again.Created = id, DeliveryPlanned, 0, 0, now, now
	again.Until, again.Receipt, again.Reason, again.History = now.Add(of.Retry.For), Receipt{}, "", nil
	if again.Sealed, err = e.close(id, sealed); err != nil {
		return nil, err
	}
	return &again, nil
}

// Recipient is who a delivery was sent to, with the address.
func (e *Engine) Recipient(d *Delivery) (Recipient, error) {
	sealed, err := e.open(d)
	if err != nil {
		return Recipient{}, err
	}
	l := letter{ways: sealed.Ways}
	if to, ok := l.recipient(d.Channel); ok {
		return to, nil
	}
	return sealed.Recipient, nil
}

// Expedite makes the dispatcher look for deliveries that the door has stored.
func (e *Engine) Expedite() { e.outlets.nudge() }
