package engine

import (
	"context"
	"time"
)

// LinkDesk is the links.
type LinkDesk interface {
	// LinkLines lists links, those made last first.
	LinkLines(ctx context.Context, sel LinkSelection) ([]Link, error)
	// LinkTally counts the links of a selection by their state; its paging is not looked at.
	LinkTally(ctx context.Context, sel LinkSelection) (map[LinkState]int, error)
	// LinkStory reads one with what came of it; ErrNoThing if it is not there.
	LinkStory(ctx context.Context, id ID) (LinkStory, error)
	// MakeLink stores a link that somebody makes by hand. Where there is one with its id already, that one is
	// returned and nothing is done.
	MakeLink(ctx context.Context, link Link, order Order) (Link, error)
	// RevokeLinks ends for good the links of a selection that are not revoked yet, with every flow through
	// them, and returns how many that were. It goes a bite at a time, each of which is atomic: after an error
	// some are revoked, and the same order again does the rest.
	RevokeLinks(ctx context.Context, sel LinkSelection, order Order) (int, error)
	// RevokeBefore ends for good every link that was made before a time, however many there are, in one small change,
	// and returns how many could have been opened until then. It holds for links of that age that come with a backup
	// too. A time that lies ahead is Permanent.
	RevokeBefore(ctx context.Context, before time.Time, order Order) (int, error)
	// UnlockLink opens one that too many guesses shut, and forgets those guesses. It returns the link as it is
	// then; that it is not locked is Permanent.
	UnlockLink(ctx context.Context, id ID, order Order) (Link, error)
}

// LinkState is what a link is at a moment.
type LinkState string

// The states of links. A link that is several of them is the first that fits in this order: revoked, locked,
// expired, used.
const (
	LinkStateLive    LinkState = "live"
	LinkStateUsed    LinkState = "used"
	LinkStateExpired LinkState = "expired"
	LinkStateLocked  LinkState = "locked" // by too many guesses
	LinkStateRevoked LinkState = "revoked"
)

// LinkStates are all states of links.
func LinkStates() []LinkState {
	return []LinkState{LinkStateLive, LinkStateUsed, LinkStateExpired, LinkStateLocked, LinkStateRevoked}
}

// LockLife is how long a link that too many guesses shut stays so, unless an operator opens it before.
const LockLife = 24 * time.Hour

// State is what the link is at a moment.
func (l Link) State(at time.Time) LinkState {
	switch {
	case !l.Revoked.IsZero():
		return LinkStateRevoked
	case !l.Locked.IsZero() && at.Before(l.Locked.Add(LockLife)):
		return LinkStateLocked
	case !at.Before(l.Expires):
		return LinkStateExpired
	case l.MaxUses > 0 && l.Uses >= l.MaxUses:
		return LinkStateUsed
	}
	return LinkStateLive
}

// LinkSelection narrows a list of links. Zero values leave all in.
type LinkSelection struct {
	IDs       []ID
	States    []LinkState // at At
	At        time.Time   // needed where States are given
	Record    Ref
	Recipient Ref
	Workflow  string
	Landing   string
	Since     time.Time // made then or later
	Until     time.Time // made before
	Before    ID        // of an earlier page: its last id
	Limit     int
}

// OnlyUntil tells whether the selection means all links that were made before a time, and no others.
func (s LinkSelection) OnlyUntil() bool {
	by := s
	by.Until = time.Time{}
	return !s.Until.IsZero() && !by.Narrows() && s.Since.IsZero() && len(s.States) == 0
}

// Narrows tells whether the selection names which links it means: an order about every link there is must say so.
func (s LinkSelection) Narrows() bool {
	return len(s.IDs) > 0 || !s.Record.IsZero() || !s.Recipient.IsZero() || s.Workflow != "" || s.Landing != "" ||
		!s.Until.IsZero()
}
