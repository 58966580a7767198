package portal

import (
	"context"
	"errors"
	"time"

	"postern/engine"
)

// Holder is a subject of a portal, as the holder of what proves them.
type Holder struct {
	Portal  string
	Subject engine.Ref
}

// Passkey is a credential that a subject's device made for us. We hold nothing of it that is secret.
type Passkey struct {
	ID         engine.ID
	Holder     Holder
	Handle     []byte // the same for all passkeys of a holder: what their devices know them by, and nobody reads
	Credential []byte // the id that the device gave it, at most 1,023 bytes
	Public     []byte // what answers are checked against, as internal/passkey writes it
	Name       string // that its holder gave it
	Signs      uint32 // counter of its answers; 0 where the device does not count
	Added      time.Time
	Used       time.Time // zero for never
}

// Authenticator is an app that shows a code that changes with time. A holder has one at most.
type Authenticator struct {
	Holder Holder
	Secret []byte // sealed
	Step   int64  // the last one that was accepted: only a later one is, ever
	Added  time.Time
}

// Enrolled is what a subject can prove themselves by, beside a password.
type Enrolled struct {
	Passkeys      []Passkey // the oldest first
	Authenticator *Authenticator
	RecoveryCodes int // that are left
}

// Second tells whether there is a second factor. Recovery codes stand in for one, and are none by themselves.
func (e Enrolled) Second() bool { return len(e.Passkeys) > 0 || e.Authenticator != nil }

// Told is what goes with a change of factors, in its transaction. Where one of its conditions does not hold (any more),
// nothing is done.
type Told struct {
	Event *engine.Event // portal.factor_set; nil for what tells nobody
	Deed  engine.Deed
	// First says that a factor is the holder's first: where they have another one by now, it fails with ErrPassed.
	First bool
	// Required says that a second factor has to be left: where none would be, it fails with ErrLastFactor.
	Required bool
	// Codes are recovery codes that come with a new factor; nil for none. Where there are some by now, it fails with
	// ErrPassed: those are what their holder was shown.
	Codes *NewCodes
	// Renewal is of the session that the change is made in; see SessionStore.RenewSession.
	Renewal *Renewal
	// Session is the digest of the token of the session that it is made in, where that one is not renewed:
	// ErrSignedOut where there is none by it.
	Session []byte
	// Pending is the digest of the token of the sign-in that it is made in, and that ends by it; see EndPending.
	Pending []byte
}

// NewCodes are recovery codes that come with a new factor, with what tells of them.
type NewCodes struct {
	Hashes [][]byte // keyed
	Event  *engine.Event
	Deed   engine.Deed
}

// Ceremony is something that was begun in a browser and is finished by one answer, of whatever node. Its token is with
// the browser alone; the store keeps a hash, and gives a ceremony out once.
type Ceremony struct {
	Token   []byte // SHA-256
	Kind    CeremonyKind
	Holder  Holder // no Subject where nobody has said yet who they are
	Binding []byte // what the answer has to come with, such as the hash of a session's token; nil for nothing
	State   []byte // sealed: what the answer is checked against
	Ends    time.Time
}

// CeremonyKind is what a ceremony is for: an answer to one is none to another.
type CeremonyKind string

// The kinds of ceremonies.
const (
	CeremonyRegister CeremonyKind = "register" // a passkey is made
	CeremonySignIn   CeremonyKind = "sign_in"  // a passkey is used, and says whose it is
	CeremonyProve    CeremonyKind = "prove"    // a passkey of the holder is used
	CeremonyEnrol    CeremonyKind = "enrol"    // an authenticator is set up
)

// CeremonyLife is how long a ceremony may take.
const CeremonyLife = 5 * time.Minute

// Pending is a sign-in that a second step is missing of.
type Pending struct {
	Token  []byte // SHA-256
	Holder Holder
	Epoch  int // of the subject's sessions when it began: where it is another one, it is over
	Method engine.SignInMethod
	Next   string    // NextSecond or NextEnrol
	Lanes  [][]byte  // digests of the lanes that are open again once it is through, 32 bytes each
	Link   engine.ID // whose use is claimed then; zero for none
	Cause  string    // of the sign-in; see Because
	Ends   time.Time
	Tries  int // answers that were not right
}

// What is missing of a sign-in.
const (
	NextSecond = "second" // a second factor has to be proved
	NextEnrol  = "enrol"  // one has to be enrolled first
)

// Limits of factors.
const (
	PendingLife      = 10 * time.Minute
	MaxPendingTries  = 5  // wrong answers to one second step; then the sign-in begins anew
	MaxPasskeys      = 20 // of a holder
	MaxPasskeyName   = 60 // characters
	RecoveryCodes    = 10 // are made at once
	MaxPasskeyAnswer = 64 << 10
)

// Why a factor proves nothing, or cannot be changed.
var (
	// ErrNoFactor (404): the holder has no such factor.
	ErrNoFactor = errors.New("there is no such factor")
	// ErrFactorUsed: the code was used already, or one after it. Who typed it is told that it is wrong.
	ErrFactorUsed = errors.New("the code was used already, or one after it")
	// ErrCounter: the device has counted back. Who used it is told that it is wrong.
	ErrCounter = errors.New("the passkey has counted back: there may be a copy of it")
	// ErrWrong (422): what was to prove a factor does not.
	ErrWrong = errors.New("this is not right")
	// ErrPasskeys (409): there are MaxPasskeys.
	ErrPasskeys = errors.New("there are as many passkeys as there may be")
	// ErrLastFactor (409): the portal asks for a second factor, so that the last one cannot be removed.
	ErrLastFactor = errors.New("the last second factor cannot be removed")
	// ErrNoPasskeys (403): browsers make no passkeys for the address of this portal.
	ErrNoPasskeys = errors.New("passkeys need https and a host with a name")
)

// FactorStore is what the gate keeps of second factors and passkeys. Each method is one atomic change or one read.
type FactorStore interface {
	// Enrolled is what a holder has enrolled.
	Enrolled(ctx context.Context, holder Holder) (Enrolled, error)
	// Passkey finds a passkey of a portal by the id that its device gave it; ErrNoFactor if there is none.
	Passkey(ctx context.Context, portal string, credential []byte) (Passkey, error)
	// AddPasskey stores a passkey. It fails with engine.ErrTaken where its portal has one with that credential, with
	// ErrPassed where the holder has one with another handle, and with ErrPasskeys.
	AddPasskey(ctx context.Context, p Passkey, told Told) error
	// RenamePasskey gives a holder's passkey another name; ErrNoFactor if there is none.
	RenamePasskey(ctx context.Context, holder Holder, id engine.ID, name string) error
	// RemovePasskey removes a holder's passkey; ErrNoFactor if there is none. With the last second factor the recovery
	// codes go too.
	RemovePasskey(ctx context.Context, holder Holder, id engine.ID, told Told) error
	// UsePasskey stores that a passkey answered, and its counter. It fails with ErrCounter, nothing done, unless the
	// stored counter is lower or both are 0, and with ErrNoFactor.
	UsePasskey(ctx context.Context, id engine.ID, signs uint32, at time.Time) error
	// PutAuthenticator stores a holder's authenticator in place of the one they had.
	PutAuthenticator(ctx context.Context, a Authenticator, told Told) error
	// RemoveAuthenticator removes a holder's; ErrNoFactor if there is none. With the last second factor the recovery
	// codes go too.
	RemoveAuthenticator(ctx context.Context, holder Holder, told Told) error
	// AcceptCode stores the step of a code that was right. It fails with ErrFactorUsed, nothing done, unless it is
	// later than the stored one, and with ErrNoFactor.
	AcceptCode(ctx context.Context, holder Holder, step int64) error
	// PutRecoveryCodes stores the keyed hashes of a holder's codes in place of those they had; ErrNoFactor where there
	// is no second factor that they could stand in for.
	PutRecoveryCodes(ctx context.Context, holder Holder, hashes [][]byte, told Told) error
	// SpendRecoveryCode uses one up; ErrNoFactor if there is none by that hash, or it was used.
	SpendRecoveryCode(ctx context.Context, holder Holder, hash []byte, told Told) error

	// BeginCeremony stores a ceremony.
	BeginCeremony(ctx context.Context, c Ceremony) error
	// FinishCeremony takes a ceremony out of the store; ErrPassed if there is none by that token, or its time is over.
	FinishCeremony(ctx context.Context, token []byte, now time.Time) (Ceremony, error)

	// Pend stores a sign-in that a second step is missing of.
	Pend(ctx context.Context, p Pending) error
	// Pending reads one; ErrPassed if there is none by that token, its time is over or its tries are used up.
	Pending(ctx context.Context, token []byte, now time.Time) (Pending, error)
	// TryPending counts an answer as wrong before anybody looks at it. It fails with ErrPassed, nothing counted, as
	// Pending does.
	TryPending(ctx context.Context, token []byte, now time.Time) (Pending, error)
	// EndPending removes one, since the second step was taken; ErrPassed if there is none by that token.
	EndPending(ctx context.Context, token []byte) error
}
