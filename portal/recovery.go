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
	Sealed []byte // the name, and whose browser it was asked from
	At     time.Time
}

// AskingStore keeps what was asked for.
type AskingStore interface {
	// KeepAsking stores an asking if every limit lets it pass, and counts it; else it does nothing. Both look the same.
	KeepAsking(ctx context.Context, asking Asking, limits []engine.Limit) error
	// Admit counts one more under every limit, or nothing where one is reached: then it returns the time until none is.
	Admit(ctx context.Context, limits []engine.Limit, now time.Time) (wait time.Duration, err error)
	// NextAsking is the oldest one; engine.ErrNoThing where none waits.
	NextAsking(ctx context.Context) (Asking, error)
	// AnswerAsking removes an asking in the transaction of what is told of it. With an event, which goes to the outbox,
	// the links into the portal that the subject was sent before end.
	AnswerAsking(ctx context.Context, answer Answer) error
	// LinksSince is the time before which the links into a portal were made that open nothing any more; zero for none.
	LinksSince(ctx context.Context, portal string, subject engine.Ref) (time.Time, error)
}

// Answer is what becomes of an asking, or of the wish of an operator to invite somebody.
type Answer struct {
	Asking  engine.ID // zero for an invitation
	Portal  string
	Subject engine.Ref    // zero for nobody
	Event   *engine.Event // nil where the asking leads to nothing
	Deed    engine.Deed
}

// Tally counts what is kept of a portal's subjects.
type Tally struct {
	Passwords int
	Disabled  int
	Sessions  int // that may still be in use
}

// RollStore is what operators read of accounts.
type RollStore interface {
	// PortalTally counts what is kept of a portal's subjects.
	PortalTally(ctx context.Context, portal string, now time.Time) (Tally, error)
	// PortalAccounts lists what is kept of subjects, by record, those after one, Module/id.
	PortalAccounts(ctx context.Context, portal, after string, limit int) ([]Account, error)
}
