package engine

import "time"

// FactorKind is how a visitor proves that a link is theirs.
type FactorKind string

// The kinds of factors.
const (
	FactorSecurityCode FactorKind = "security_code" // types a value that they know and the record holds
	FactorMailToken    FactorKind = "mail_token"    // follows a second link, mailed when they ask for it
	FactorCode         FactorKind = "code"          // types a one-time code that was sent by another channel
	FactorTOTP         FactorKind = "totp"          // types what their authenticator shows, enrolled in a portal
	FactorPasskey      FactorKind = "passkey"       // uses a passkey that they enrolled in a portal
	FactorPortal       FactorKind = "portal"        // is signed in to a portal
)

// FactorKinds are all kinds of factors, in the order the reference shows them.
func FactorKinds() []FactorKind {
	return []FactorKind{
		FactorSecurityCode, FactorMailToken, FactorCode, FactorTOTP, FactorPasskey, FactorPortal,
	}
}

// BySubject tells whether the subject of a portal proves themselves by it.
func (k FactorKind) BySubject() bool {
	return k == FactorTOTP || k == FactorPasskey || k == FactorPortal
}

// Factor is a proof beside the link: what its file under factors/ says, compiled for the module of the landing that
// asks for it. Landings that name the same factor share what was proved by it.
type Factor struct {
	Name    string
	Kind    FactorKind
	Field   *Route         // of a security code: the value that the visitor has to know
	To      *Route         // of a mail token or code: the record or address that it is sent to
	Portal  string         // of a totp, passkey or portal: the portal whose subject proves themselves
	Subject *Route         // of those: the record of that subject; nil for the link's recipient
	Via     []string       // channels to choose from; the one that carried the link is passed over for a code
	Digits  int            // of a code: 6, or 8 where the risk is high
	Changed ChangedAddress // what happens when the recipient's address is another than when the link was sent
}

// ChangedAddress says what a factor does when the address that it would send to has changed since the link was sent.
type ChangedAddress string

// The choices of changed.
const (
	ChangedSend   ChangedAddress = "send"   // it goes to the new address, and the old one is told
	ChangedRefuse ChangedAddress = "refuse" // nothing is sent, and the visitor is asked to turn to the sender
)

// How long what was proved holds.
const (
	GrantIdle = 30 * time.Minute // without a request
	GrantMost = 8 * time.Hour    // in all
)
