package engine

import (
	"context"
	"time"
)

// LinkTerms are what a step asks of a link.
type LinkTerms struct {
	ID      ID // the link's own, where asking twice is to make one link; zero for a fresh one
	Landing *Landing
	Preset  string // name of an action the link opens with; "" for none
	Record  Ref
	// What led to it, for the history and the events of the link.
	Run       ID
	Workflow  string
	Cause     string // id of the event that started the run
	Recipient Ref
	Masked    string // the recipient's address, masked for the door
	Address   string // the recipient's, of which the link keeps a keyed hash
	Language  string
	Expires   time.Duration // zero for the landing's own
	External  string        // the record's external id, of which the link keeps a keyed hash; "" for none
	Delivery  ID            // the message that carries it; zero for none
	Counts    ID            // joins the links that count their uses together; zero for none
}

// Link is a minted, limited permission: one record, one landing, until a time, a number of effects.
// Its token is not part of it: only a digest is stored, and only the sender can derive the token.
type Link struct {
	ID         ID
	Generation int    // a resend counts it up; all share the use count; 0 for a link by external id, which has no token
	KeyID      string // one character: which keys it was made with
	Digest     []byte // keyed hash of the token: what the door looks a visitor's token up by

	Landing        string
	LandingVersion string
	Preset         string
	Record         Ref
	Recipient      Ref
	Masked         string
	Language       string

	NotBefore time.Time
	Expires   time.Time
	MaxUses   int
	Uses      int       // of all links that Counts joins
	Counts    ID        // joins links of one message to one landing: they count their uses together; zero for none
	Revoked   time.Time // zero while it stands
	Opened    time.Time // when a visitor first passed its door; zero for never
	Locked    time.Time // when too many guesses shut it; zero while it is not
	Bound     []byte    // keyed hash of the cookie of the only browser that it opens in; nil for any

	External []byte // keyed hash of the external id that its record had: another one ends it; nil for none
	Audience []byte // keyed hash of the address that it was sent to; nil for none
	Delivery ID     // the message that carries it; zero for none

	Run      ID
	Workflow string
	Cause    string
	Created  time.Time
}

// LinkMinter makes links and, for the sender, their addresses.
type LinkMinter interface {
	// Mint makes a link; it becomes valid with the transaction that stores it.
	Mint(ctx context.Context, terms LinkTerms, now time.Time) (Link, error)
	// URL is the address to put into a message: the same for the same link and generation, each time.
	URL(link Link) (string, error)
}
