package links

import (
	"context"
	"errors"
	"time"

	"postern/engine"
	"postern/internal/upload"
)

// Store is what the door keeps. Each method is one atomic change or one read.
type Store interface {
	FactorStore
	// Mint stores a link that no run asked for.
	Mint(ctx context.Context, link engine.Link) error
	// Link finds the link of a token by its key id and digest; ErrNoLink if there is none. For a token of an earlier
	// generation it returns the link with ErrReplaced.
	Link(ctx context.Context, keyID string, digest []byte) (engine.Link, error)
	// Keep stores a link without a token, or gives the stored one with its id new keys, end, landing version and most
	// uses. It returns the link as it is then.
	Keep(ctx context.Context, link engine.Link) (engine.Link, error)
	// LinkByID reads a link by its id; ErrNoLink if there is none.
	LinkByID(ctx context.Context, id engine.ID) (engine.Link, error)
	// Delivery reads a message with its links; engine.ErrNoThing where it is not kept any more.
	Delivery(ctx context.Context, id engine.ID) (*engine.Delivery, error)
	// Renew stores links as their next generation, free to be bound anew, and the message that carries them. The
	// tokens that they had stay known, and the flows that began with them end. It fails with ErrReplaced, nothing
	// done, where the stored generation of one is not the one before, or it was revoked.
	Renew(ctx context.Context, renewal Renewal) error
	// Open stores that a visitor passed the door; the link's use count stays as it is. It fails with ErrBound where
	// the link is bound to another browser.
	Open(ctx context.Context, opening Opening) error
	// Flow finds a flow and its link; ErrNoLink if there is none or it is over.
	Flow(ctx context.Context, id engine.ID, now time.Time) (Flow, engine.Link, error)
	// Land commits an act as a whole: the use is claimed while the link is live and has uses left, the
	// records written and made or the effects stored that will do it, the files kept, the events put into the
	// outbox. The same
	// Key from the same flow within RepeatWindow returns the first outcome, marked Repeated, and does
	// nothing, also where the clock was set back since. It fails with
	// ErrExpired, ErrUsed, ErrRevoked, ErrLocked, engine.ErrConflict, engine.ErrNoRecord or engine.ErrTaken,
	// nothing done.
	Land(ctx context.Context, act Act) (Outcome, error)
	// Admit counts one more under the key of every limit; where one is reached it counts nothing and returns how long
	// it is until none is. Zero says that it was counted.
	Admit(ctx context.Context, limits []Limit, now time.Time) (wait time.Duration, err error)
	// Note adds a deed that changed nothing in the store; see engine.AuditStore.
	Note(ctx context.Context, deed engine.Deed) error
	// LastVisit is the latest act that a flow committed, for its receipt; ErrNoLink if it did none.
	LastVisit(ctx context.Context, flow engine.ID) (Visit, error)
	// Acted lists the flows of a link in which something was done and that are not over, the latest act first, at
	// most 20.
	Acted(ctx context.Context, link engine.ID, now time.Time) ([]Flow, error)
	// TakeBack undoes the latest act of a flow as a whole: what it set is set back, or the effect stored that will
	// do it, its use is given back to the link, but no more often than the link's MaxUses, and the event put into
	// the outbox. One that is undone already is undone: nothing happens. It fails with ErrPassed when the visit is
	// not the flow's latest or cannot be taken back, and with ErrRevoked, engine.ErrConflict or engine.ErrNoRecord,
	// nothing done.
	TakeBack(ctx context.Context, undo Undo) error
	upload.Store
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

// Opening is a visitor's passing the door.
type Opening struct {
	Flow  Flow
	Bound []byte        // keyed hash of the browser that the link opens in alone from now on; nil for any
	Event *engine.Event // link.opened, told the first time only
}

// Act is what a visitor confirmed.
type Act struct {
	ID    engine.ID // of the visit
	Flow  engine.ID
	Link  engine.ID
	Name  string        // the action's name, or "edit"
	Key   []byte        // hash of what is to be done, to know a repeat by
	Write engine.Write  // one that sets nothing only holds what it expects against the record
	Used  *engine.Event // link.used
	At    time.Time

	Creates []engine.Create // records that are made of what was typed
	Files   []engine.File   // that were staged, and are kept from now on
	Entries engine.Fields   // what Creates are made of, by entry, as the receipt shows it; nil for none
	Before  engine.Fields   // what Write replaces; nil for an act that cannot be taken back

	Effects []*engine.Effect // in place of Write and Creates where the records are in another CRM

	By      string   // who did it, if not somebody in a browser: mattermost:k3u…
	Opening *Opening // of the flow, which begins with the act unless it stands already; nil for one that was opened
}

// Undo is the wish to take a visit back.
type Undo struct {
	Visit  engine.ID
	Flow   engine.ID
	Link   engine.ID
	Write  engine.Write  // sets back what stood before
	Undone *engine.Event // link.undone
	At     time.Time
	By     string // who did it, if not somebody in a browser

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
	ID      engine.ID
	Name    string        // the act's
	Set     engine.Fields // what its Write set
	Entries engine.Fields // the act's
	Before  engine.Fields // what stood in place of Set; nil where it cannot be taken back
	At      time.Time
	Changed bool      // whether the record was not already so
	Undone  time.Time // zero while it stands
}

// Why a link does not open.
var (
	ErrNoLink   = errors.New("no such link")
	ErrExpired  = errors.New("the link has expired")
	ErrUsed     = errors.New("the link has been used")
	ErrRevoked  = errors.New("the link was revoked")
	ErrReplaced = errors.New("the link was sent anew since")
	ErrBound    = errors.New("the link is bound to another browser")
)

// ErrPassed says that what is to be taken back is not the latest act of its flow, or cannot be taken back.
var ErrPassed = errors.New("it can no longer be taken back")
