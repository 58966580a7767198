package portal

import (
	"context"
	"errors"
	"time"

	"postern/engine"
)

// DeskStore is what the desk keeps. Each method is one atomic change or one read.
type DeskStore interface {
	// Commit makes a change as a whole: the record with its event, or the effect that will do it, the files kept, the
	// deed. A change whose Key was committed within KeyWindow does nothing and returns the first outcome, Repeated; it
	// fails with ErrReused where that one had another Body. It fails with ErrStaged where a file is not staged (any
	// more) or is kept already, and with engine.ErrConflict, engine.ErrNoRecord or engine.ErrTaken, nothing done.
	Commit(ctx context.Context, change Change) (Outcome, error)
	// Repeated returns what was committed under the Key of a change within KeyWindow, as Commit would; the zero Outcome
	// for nothing. It fails with ErrReused.
	Repeated(ctx context.Context, change Change) (Outcome, error)
	// Effects returns the effects of a change by its id; see engine.EffectStore.
	Effects(ctx context.Context, change engine.ID) ([]*engine.Effect, error)
	// Admit counts one more under the key of every limit; where one is reached it counts nothing and returns how long
	// it is until none is. Zero says that it was counted.
	Admit(ctx context.Context, limits []engine.Limit, now time.Time) (wait time.Duration, err error)
	// Note adds a deed that changed nothing in the store; see engine.AuditStore.
	Note(ctx context.Context, deed engine.Deed) error
}

// KeyWindow is how long an Idempotency-Key is known.
const KeyWindow = 24 * time.Hour

// Change is one change of a record by a subject. Exactly one of its asks is set.
type Change struct {
	ID engine.ID
	engine.Ask
	Effect *engine.Effect // in place of the ask where the records are in another CRM
	Files  []engine.File  // that were staged, and are kept from now on for the record
	Moved  string         // portal whose links to the record's person end, as their address is another; "" for none
	Key    []byte         // hash of who asks and their Idempotency-Key; nil for none
	Body   []byte         // hash of what they ask for
	Deed   engine.Deed
	At     time.Time
}

// Outcome is what became of a change.
type Outcome struct {
	Change   engine.ID  // that was made: an earlier one where it is Repeated
	Record   engine.Ref // that was changed or made; no id where another CRM is to make it
	Repeated bool
}

// ErrReused says that an Idempotency-Key was used for another change before.
var ErrReused = errors.New("this key was used for another change")

// ErrStaged says that a file is not staged, or no longer.
var ErrStaged = errors.New("this file is not staged, or no longer")
