package portal

import (
	"context"
	"time"

	"postern/engine"
)

// Asking is what somebody asked for who gave a name and proved nothing: it waits until nobody can tell any more by the
// time of an answer whether the name is known.
type Asking struct {
	ID     engine.ID
	Portal string
	What   engine.OpensWhat
	Sealed []byte // the name, sealed
	At     time.Time
}

// AskingStore keeps what was asked for.
type AskingStore interface {
	// KeepAsking stores an asking if every limit lets it pass, and counts it; else nothing is stored. Both look the same.
	KeepAsking(ctx context.Context, asking Asking, limits []engine.Limit) error
	// NextAsking is the oldest one; engine.ErrNoThing where none waits.
	NextAsking(ctx context.Context) (Asking, error)
	// AnswerAsking removes an asking, in the transaction of what is told of it: the event goes to the outbox, and the links
	// into the portal that the subject was sent before open nothing any more. A deed alone is of an asking that leads to
	// nothing.
	AnswerAsking(ctx context.Context, answer Answer) error
	// PortalLinksSince is the time before which links into a portal were made that open nothing any more; zero for none.
	PortalLinksSince(ctx context.Context, portal string, subject engine.Ref) (time.Time, error)
}

// Answer is what becomes of an asking, or of the wish of an operator to invite somebody.
type Answer struct {
	Asking  engine.ID  // zero for an invitation
	Portal  string     // whose links end
	Subject engine.Ref // zero for nobody
	Event   *engine.Event
	Deed    engine.Deed
}
