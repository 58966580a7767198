package portal

import (
	"net/netip"
	"time"

	"postern/engine"
)

// Account is what the gate keeps of a subject beside their record. One of whom nothing is kept has a Portal and a
// Subject alone, and cannot sign in by password.
type Account struct {
	Portal   string
	Subject  engine.Ref
	Epoch    int       // of their sessions: a session of an earlier one is over
	Disabled time.Time // when an operator shut them out; zero for never
	Mech     string    // how Verifier was made: scram.Mech; "" without a password
	Verifier []byte    // of the password, sealed for VerifierPurpose
	Set      time.Time // when the password was set
	Known    []byte    // mail address that they had then, sealed; nil for none
}

// HasPassword tells whether a password was set.
func (a Account) HasPassword() bool { return len(a.Verifier) > 0 }

// VerifierPurpose is what the verifier of a subject's password is sealed for: it opens for nobody else.
func VerifierPurpose(portal string, subject engine.Ref) string {
	return "portal-password/" + portal + "/" + subject.String()
}

// Device is a browser that a subject has signed in from. Its token is with the browser alone.
type Device struct {
	ID      engine.ID
	Portal  string
	Subject engine.Ref
	First   time.Time
	Seen    time.Time
	Agent   string
}

// Limits of signing in.
const (
	ChallengeLife = time.Minute
	DeviceLife    = 400 * 24 * time.Hour // without a sign-in (the longest that browsers keep a cookie)
	MaxName       = 254                  // bytes of a name to sign in with
)

// How many rows strangers can cause, whatever they send and from however many addresses.
const (
	MaxChallenges = 50_000      // open at once, of a minute each
	MaxCeremonies = 50_000      // of passkeys, begun and not finished
	MaxAskings    = 10_000      // for links, that nobody has looked at yet: further ones are not noted
	MaxLanes      = 200_000     // the ones tried longest ago are forgotten
	MaxPending    = 10          // second steps of one subject: the oldest ends for a further one
	RetryFull     = time.Minute // after which who was turned away for that may try again
)

// Caller is who a request comes from.
type Caller struct {
	Address netip.Addr // zero where it is not known
	Agent   string     // what the browser calls itself
	Device  string     // token of the browser; "" for one that has none
	Session string     // token of the session that the browser has, which a new one replaces; "" for none
}

// SignedIn is what a proof led to. Either there is a session, or Next says what has to follow.
type SignedIn struct {
	Token   string // of the session, 256 bits; "" where something has to follow
	Session Session
	Device  string // token for the browser to keep; "" where it has one already
	Next    string // "", NextSecond or NextEnrol
	Pending string // token of the sign-in that something is missing of; "" where nothing is
	Server  []byte // signature by which the server proves that it knows the verifier too; of Login alone
}

// Challenge is what the gate answers who wants to prove a password without sending it (SCRAM-SHA-256, RFC 7677). The
// messages that the proof is over are client-first-bare "n=<name>,r=<client nonce>", with = and , of the name written
// =3D and =2C, server-first "r=<Nonce>,s=<Salt in base64>,i=<Rounds>", and client-final "c=biws,r=<Nonce>".
type Challenge struct {
	Nonce   string // the client's, and ours after it; it is the token that the proof comes with
	Salt    []byte
	Rounds  int
	Mech    string
	Made    time.Time
	Expires time.Time
}

// Proof is the answer to a challenge.
type Proof struct {
	Nonce string
	Proof []byte // 32 bytes
}
