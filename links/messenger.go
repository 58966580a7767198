package links

import (
	"time"

	"postern/engine"
)

// Messenger makes the messages that the door sends: codes, second links, and what was sent before once more. The
// engine is one. The deliveries it makes are stored by the door, together with what they are about.
type Messenger interface {
	// Plan makes the delivery of a message that is written already.
	Plan(d engine.Draft, now time.Time) (*engine.Delivery, error)
	// Again makes a delivery that sends the message of another one once more.
	Again(of *engine.Delivery, id engine.ID, now time.Time) (*engine.Delivery, error)
	// Recipient is who a delivery was sent to, with the address.
	Recipient(d *engine.Delivery) (engine.Recipient, error)
	// Expedite has what was stored sent now.
	Expedite()
}
