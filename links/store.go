package links

import (
	"context"
	"errors"
	"time"

	"postern/engine"
)

// Store is what the door keeps. Each method is one atomic change or one read.
type Store interface {
	FactorStore
	// Mint stores a link that no run asked for.
	Mint(ctx context.Context, link engine.Link) error
	// Link finds the link of a token by its key id and digest; ErrNoLink if there is none.
	Link(ctx context.Context, keyID string, digest []byte) (engine.Link, error)
	// Open stores that a visitor passed the door; the link's use count stays as it is.
	Open(ctx context.Context, flow Flow) error
	// Flow finds a flow and its link; ErrNoLink if there is none or it is over.
	Flow(ctx context.Context, id engine.ID, now time.Time) (Flow, engine.Link, error)
	// Land commits an act as a whole: the use is claimed while the link is live and has uses left, the
	// record written or the effect stored that will write it, the events put into the outbox. The same
	// Key from the same flow within RepeatWindow returns the first outcome, marked Repeated, and does
	// nothing, also where the clock was set back since. It fails with
	// ErrExpired, ErrUsed, ErrRevoked, engine.ErrConflict, engine.ErrNoRecord or engine.ErrTaken,
	// nothing done.
	Land(ctx context.Context, act Act) (Outcome, error)
	// Admit counts one more under the key of every limit; where one is reached it counts nothing and returns how long
	// it is until none is. Zero says that it was counted.
	Admit(ctx context.Context, limits []Limit, now time.Time) (wait time.Duration, err error)
	// Note adds a deed that changed nothing in the store; see engine.AuditStore.
	Note(ctx context.Context, deed engine.Deed) error
	// LastVisit is the latest act that a flow committed, for its receipt; ErrNoLink if it did none.
	LastVisit(ctx context.Context, flow engine.ID) (Visit, error)
}

// RepeatWindow is how long a second press of the same button counts as the first.
const RepeatWindow = time.Minute

// Flow is one visitor's passage from the door to the receipt.
type Flow struct {
	ID      engine.ID
	Link    engine.ID
	Visitor []byte // keyed hash of the visitor's cookie, its key id in front
	Opened  time.Time
	Expires time.Time
}

// Act is what a visitor confirmed.
type Act struct {
	ID    engine.ID // of the visit
	Flow  engine.ID
	Link  engine.ID
	Name  string // the action's name, or "edit"
	Key   []byte // hash of what is to be done, to know a repeat by
	Write engine.Write
	Used  *engine.Event // link.used
	At    time.Time

	Effect *engine.Effect // in place of Write where the records are in another CRM
}

// Outcome is what became of an act.
type Outcome struct {
	At       time.Time // of the first time
	Repeated bool
	Changed  bool // whether the record was not already so
}

// Visit is what happened on a link: an act that was committed.
type Visit struct {
	Name    string        // the act's
	Set     engine.Fields // what its Write set
	At      time.Time
	Changed bool // whether the record was not already so
}

// Why a link does not open.
var (
	ErrNoLink  = errors.New("no such link")
	ErrExpired = errors.New("the link has expired")
	ErrUsed    = errors.New("the link has been used")
	ErrRevoked = errors.New("the link was revoked")
)
