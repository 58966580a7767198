package portal

import (
	"context"
	"time"

	"postern/engine"
)

// Store is what the gate keeps. Each method is one atomic change or one read. Tokens come to it as digests alone.
type Store interface {
	AccountStore
	SessionStore
	LaneStore
	AppKeyStore
	AskingStore
	RollStore
	FactorStore
	// SweepPortals forgets what is over and of no use any more: sessions, challenges, browsers, lanes, app keys.
	SweepPortals(ctx context.Context, now time.Time) error
	// Note adds a deed that changed nothing in the store; see engine.AuditStore.
	Note(ctx context.Context, deed engine.Deed) error
}

// AccountStore holds accounts.
type AccountStore interface {
	// Account reads what is kept of a subject, which may be nothing.
	Account(ctx context.Context, portal string, subject engine.Ref) (Account, error)
	// SetPassword keeps a verifier, ends the sessions of the subject but for that of Renewal and the links into the
	// portal that they were sent, forgets the browsers that they signed in from but for Browser, opens the lane of
	// their name and claims the use of Link. It fails, nothing done, with ErrPassed where that link cannot be used (any
	// more), with ErrSignedOut as RenewSession does, and with ErrHasPassword where there is one and it is to be First.
	SetPassword(ctx context.Context, set PasswordSetting) error
	// Govern does what is ordered about an account.
	Govern(ctx context.Context, order Order) error
}

// PasswordSetting is a password being set.
type PasswordSetting struct {
	Portal   string
	Subject  engine.Ref
	Mech     string
	Verifier []byte    // sealed for VerifierPurpose
	Known    []byte    // mail address that they have now, sealed; nil for none
	Lane     []byte    // digest of the lane of the name that they sign in with
	First    bool      // there must be none yet
	Renewal  *Renewal  // of the session that goes on, under the new epoch; nil for none
	Browser  []byte    // digest of the token of the browser that stays known; nil for none
	Link     engine.ID // whose use is claimed; zero for none
	At       time.Time
	Events   []*engine.Event
	Deed     engine.Deed
}

// Order is what an operator, or the subject, wants done to an account.
type Order struct {
	Portal  string
	Subject engine.Ref
	Do      OrderKind
	Lanes   [][]byte // digests of the lanes of strangers, for OrderUnlock
	At      time.Time
	Event   *engine.Event // nil for what tells nobody
	Deed    engine.Deed
}

// OrderKind is what can be done to an account.
type OrderKind string

// What can be done to accounts.
const (
	OrderDisable        OrderKind = "disable" // nobody signs in, and sessions end
	OrderEnable         OrderKind = "enable"
	OrderDeletePassword OrderKind = "delete-password" // and sessions end
	OrderDeleteFactors  OrderKind = "delete-factors"  // and recovery codes; and sessions end
	OrderUnlock         OrderKind = "unlock"          // wrong passwords are forgotten
	OrderEndAll         OrderKind = "end-all"         // sessions end, and the browsers are not known any more
)

// SessionStore holds sign-ins: while they are being proved, and as sessions.
type SessionStore interface {
	// KeepChallenge keeps a challenge until it expires; *BusyError where MaxChallenges are open.
	KeepChallenge(ctx context.Context, digest, sealed []byte, expires time.Time) error
	// TakeChallenge gives a challenge away, once. It fails with ErrRefused where there is none (any more).
	TakeChallenge(ctx context.Context, digest []byte, now time.Time) (sealed []byte, err error)
	// SignIn makes a session, and ends the links into the portal that the subject was sent, unless a program signs in.
	// It fails with ErrRefused, nothing done, where the account is disabled or has another epoch by now, where Passkey
	// is gone, AppKey does not stand or a second factor was enrolled that was not proved, and with ErrPassed where Link
	// cannot be used (any more).
	SignIn(ctx context.Context, entry Entry) error
	// Session reads a session by a digest of its token. It fails with ErrSignedOut where there is none, its time is
	// over in any case, or its account has another epoch or is disabled.
	Session(ctx context.Context, portal string, digest []byte, now time.Time) (Session, error)
	// SawSession moves Session.Seen on.
	SawSession(ctx context.Context, session engine.ID, at time.Time) error
	// RenewSession gives a session a new token; the former one is dead. ErrSignedOut where there is no such session, or
	// it has another token by now.
	RenewSession(ctx context.Context, renewal Renewal) error
	// Sessions lists those of a subject that are not over in any case, the latest used first.
	Sessions(ctx context.Context, portal string, subject engine.Ref, now time.Time) ([]Session, error)
	// EndSession ends a session of a subject; ErrSignedOut where there is none.
	EndSession(ctx context.Context, portal string, subject engine.Ref, session engine.ID, deed engine.Deed) error
	// Device finds a browser by a digest of its token; the zero Device if it is not known.
	Device(ctx context.Context, portal string, digest []byte) (Device, error)
}

// Entry is a sign-in that was proved.
type Entry struct {
	Session Session
	Token   []byte    // digest of its token
	Ends    time.Time // in any case
	Most    int       // sessions of people, or of programs, at once: the one idle for longest ends for a further one
	Instead []byte    // digest of the token of the session that this one replaces in the same browser; nil for none
	Device  Device    // that they came from, as it is from now on; zero for none that is kept
	Browser []byte    // digest of its token
	Lanes   [][]byte  // digests of the lanes that are open again
	Link    engine.ID // whose use is claimed; zero for none
	Passkey engine.ID // that it was proved by; zero for none
	AppKey  engine.ID // that a program signs in with, whose use is noted; zero for none
	Events  []*engine.Event
	Deed    engine.Deed
}

// Renewal is a session with a new token.
type Renewal struct {
	Session engine.ID
	Former  []byte // digest of the token that it has
	Token   []byte // digest of the new one
	Second  bool   // a second factor was proved in it; it never takes that back
	Proved  time.Time
	Lane    []byte // digest of the lane that is open again; nil for none
	At      time.Time
	Deed    engine.Deed
}

// LaneStore counts wrong passwords: in one lane for all strangers who give a name, and in one for each browser that the
// subject has signed in from.
type LaneStore interface {
	// TryPassword counts a try in a lane, as a wrong one until somebody gets in, and tells whether the lane was open.
	// In one that is not, nothing is counted, and Shut and Deed are stored, once in LaneTold.
	TryPassword(ctx context.Context, try Try) (open bool, err error)
	// Lane reads a lane.
	Lane(ctx context.Context, digest []byte) (Lane, error)
}

// Try is a password being tried.
type Try struct {
	Lane []byte
	At   time.Time
	Shut *engine.Event // tells that strangers have to wait; nil where nobody is to hear
	Deed *engine.Deed  // of that
}

// AppKeyStore holds the keys that programs sign in with.
type AppKeyStore interface {
	// MakeAppKey keeps a key.
	MakeAppKey(ctx context.Context, key AppKey, deed engine.Deed) error
	// AppKeys lists those of a portal that have a client's name, or all for "", the newest first.
	AppKeys(ctx context.Context, portal, client string) ([]AppKey, error)
	// RevokeAppKey ends a key, and the sessions of programs that act as its subject; ErrNoAppKey if there is none
	// that stands.
	RevokeAppKey(ctx context.Context, portal string, id engine.ID, at time.Time, deed engine.Deed) error
}

// AppKey is a secret that a program signs in with in place of a password. It is kept so that it can be read again,
// since the digests of the façade are made of it, sealed for AppKeyPurpose.
type AppKey struct {
	ID      engine.ID
	Portal  string
	Client  string     // name that the program signs in with
	Subject engine.Ref // that it acts as
	Sealed  []byte
	Made    time.Time
	Expires time.Time
	Used    time.Time // last, within a minute; zero for never
	Revoked time.Time // zero while it stands
}
