package portal

import (
	"context"
	"time"

	"postern/engine"
)

// Store is what the gate and the desk keep. Each method is one atomic change or one read. Tokens come to it as
// digests; see Digest.
type Store interface {
	AccountStore
	SessionStore
	LaneStore
	AppKeyStore
	AskingStore
	FactorStore
	// Note adds a deed that changed nothing in the store; see engine.AuditStore.
	Note(ctx context.Context, deed engine.Deed) error
}

// AccountStore holds accounts.
type AccountStore interface {
	// Account reads what is kept of a subject, which may be nothing.
	Account(ctx context.Context, portal string, subject engine.Ref) (Account, error)
	// SetPassword keeps a verifier, ends the sessions of the subject but for Keep and the links into the portal that
	// they were sent, opens their lanes, and claims the use of Link. It fails with ErrPassed, nothing done, where that
	// link cannot be used (any more).
	SetPassword(ctx context.Context, set PasswordSetting) error
	// Govern does what an operator orders about an account.
	Govern(ctx context.Context, order Order) error
}

// PasswordSetting is a password being set.
type PasswordSetting struct {
	Portal   string
	Subject  engine.Ref
	Mech     string
	Verifier []byte
	Name     []byte    // digest of the lane of the name that they sign in with
	Keep     engine.ID // session that goes on, under the new epoch; zero for none
	Forget   bool      // whether the browsers that they signed in from are forgotten
	Link     engine.ID // whose use is claimed; zero for none
	At       time.Time
	Events   []*engine.Event
	Deed     engine.Deed
}

// Order is what an operator wants done to an account.
type Order struct {
	Portal  string
	Subject engine.Ref
	Do      OrderKind
	Name    []byte    // digest of the lane of their name, for OrderUnlock
	Session engine.ID // for OrderEnd
	At      time.Time
	Deed    engine.Deed
}

// OrderKind is what can be done to an account.
type OrderKind string

// What operators do to accounts.
const (
	OrderDisable        OrderKind = "disable" // nobody signs in, and sessions end
	OrderEnable         OrderKind = "enable"
	OrderDeletePassword OrderKind = "delete-password" // and sessions end
	OrderUnlock         OrderKind = "unlock"          // wrong passwords are forgotten
	OrderEndAll         OrderKind = "end-all"         // all sessions; browsers are not trusted any more
)

// SessionStore holds sign-ins: while they are being proved, and as sessions.
type SessionStore interface {
	// Challenge keeps a challenge until it expires.
	Challenge(ctx context.Context, digest, sealed []byte, expires time.Time) error
	// TakeChallenge gives a challenge away, once. It fails with ErrRefused where there is none (any more).
	TakeChallenge(ctx context.Context, digest []byte, now time.Time) (sealed []byte, err error)
	// SignIn makes a session, and ends the links into the portal that the subject was sent. It fails with ErrRefused,
	// nothing done, where the account is disabled or has another epoch by now, and with ErrPassed where the link cannot
	// be used (any more).
	SignIn(ctx context.Context, entry Entry) error
	// Session reads a session that has not ended by a digest of its token; ErrSignedOut if there is none.
	Session(ctx context.Context, portal string, digest []byte) (Session, error)
	// Saw moves Session.Seen.
	Saw(ctx context.Context, session engine.ID, at time.Time) error
	// Renew gives a session a new token, whose former one is dead, and says that its subject proved who they are.
	Renew(ctx context.Context, renewal Renewal) error
	// Sessions lists those of a subject, the latest used first.
	Sessions(ctx context.Context, portal string, subject engine.Ref) ([]Session, error)
	// End ends a session of a subject; ErrSignedOut where there is none.
	End(ctx context.Context, portal string, subject engine.Ref, session engine.ID, deed engine.Deed) error
	// Device finds a browser by a digest of its token; the zero Device if it is not known.
	Device(ctx context.Context, portal string, digest []byte) (Device, error)
}

// Entry is a sign-in that was proved.
type Entry struct {
	Session Session
	Token   []byte    // digest of its token
	Most    int       // sessions at once: the one that was idle for longest ends for a further one
	Ends    time.Time // of the session, in any case
	Instead []byte    // digest of a session that this one replaces in the same browser; nil for none
	Device  *Device   // as it is from now on; nil where nothing is to be kept of it
	Browser []byte    // digest of the device's token, where it is new
	Lanes   [][]byte  // digests of the lanes that are open again
	Link    engine.ID // whose use is claimed; zero for none
	At      time.Time
	Events  []*engine.Event
	Deed    engine.Deed
}

// Renewal is a session with a new token.
type Renewal struct {
	Session engine.ID
	Epoch   int // that the session has: it fails with ErrSignedOut where it has another
	Token   []byte
	Proved  time.Time
	Second  bool
	Deed    engine.Deed
}

// LaneStore counts wrong passwords: in one lane for all strangers that give a name, and in one for each browser that
// has signed in with it.
type LaneStore interface {
	// Try counts a try in a lane before it is judged, and tells whether the lane was open. One in a lane that is not
	// is not counted. shut is put into the outbox where this try shuts the lane for the first time since it was opened.
	Try(ctx context.Context, try Try) (open bool, err error)
	// Lane reads a lane.
	Lane(ctx context.Context, digest []byte) (Lane, error)
	// Sweep forgets what is over: sessions, challenges, browsers and lanes.
	Sweep(ctx context.Context, now time.Time) error
}

// Try is a password being tried.
type Try struct {
	Lane []byte
	At   time.Time
	Shut *engine.Event // told when strangers have to wait; nil where nobody is to hear
	Deed engine.Deed   // of that
}

// Lane is how often a name was tried in vain since somebody last got in.
type Lane struct {
	Wrong int
	Until time.Time // when it is open again
	Last  time.Time
}

// AppKeyStore holds the keys that programs sign in with.
type AppKeyStore interface {
	// MakeAppKey keeps a key.
	MakeAppKey(ctx context.Context, key AppKey, deed engine.Deed) error
	// AppKeys lists those of a portal that have a name, or all, the newest first.
	AppKeys(ctx context.Context, portal, name string) ([]AppKey, error)
	// RevokeAppKey ends a key; ErrNoAppKey if there is none.
	RevokeAppKey(ctx context.Context, portal string, id engine.ID, deed engine.Deed) error
}

// AppKey is a secret that a program signs in with in place of a password. It is kept so that it can be read again,
// since the façade's digests are made of it, sealed for AppKeyPurpose.
type AppKey struct {
	ID      engine.ID
	Portal  string
	Client  string     // name that the program signs in with
	Subject engine.Ref // that it acts as
	Sealed  []byte
	Made    time.Time
	Expires time.Time
	Used    time.Time // last, within a minute; zero for never
	Revoked time.Time
}
