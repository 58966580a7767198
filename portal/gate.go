package portal

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"postern/engine"
)

// GateConfig is what a Gate works with. Everything but what says so is needed.
type GateConfig struct {
	Store   Store
	CRM     engine.CRM
	Search  engine.Searcher
	Book    func() *engine.Book // the book as it is now
	Sealer  engine.Sealer
	Names   []byte // key of what is made of names, 32 bytes; the same on all nodes and for as long as possible
	Clock   engine.Clock
	Random  io.Reader // of tokens, salts and ids; it must not be guessable
	Logger  *slog.Logger
	Rounds  int           // of PBKDF2 for new passwords; scram.Rounds if 0
	Hashers int           // how many passwords are checked at the same time; 1 if 0
	Floor   time.Duration // every refusal of a sign-in takes a multiple of it; 0 for none, in tests on a virtual clock
}

// Gate proves who people are and keeps their sessions. All state is in the store, so any number of gates can stand
// side by side.
type Gate struct {
	with GateConfig
}

// NewGate makes a gate ready to answer.
func NewGate(config GateConfig) (*Gate, error) {
	return &Gate{with: config}, nil
}

// Challenge begins a sign-in by password. A name that is not known gets one too, always with the same salt. nonce is
// the client's, 24 to 128 printable characters without a comma. Errors: ErrNoPortal, ErrMethod, ErrMalformed.
func (g *Gate) Challenge(ctx context.Context, portal, name, nonce string, caller Caller) (Challenge, error) {
	return Challenge{}, errors.ErrUnsupported
}

// Login finishes it, on any node, once. Errors: ErrRefused, ErrNoPortal, ErrMethod, ErrMalformed.
func (g *Gate) Login(ctx context.Context, portal string, proof Proof, caller Caller) (SignedIn, error) {
	return SignedIn{}, errors.ErrUnsupported
}

// Password signs in by a password that was sent. Errors: those of Login, and *BusyError.
func (g *Gate) Password(ctx context.Context, portal, name, password string, caller Caller) (SignedIn, error) {
	return SignedIn{}, errors.ErrUnsupported
}

// Viewer is who a request with a session's token comes from, as the CRM has them now. Errors: ErrNoPortal,
// ErrSignedOut.
func (g *Gate) Viewer(ctx context.Context, portal, token string) (Viewer, error) {
	return Viewer{}, errors.ErrUnsupported
}

// Extend puts off the end of a session that comes without requests; it never moves the end that comes in any case.
func (g *Gate) Extend(ctx context.Context, portal, token string) (Viewer, error) {
	return Viewer{}, errors.ErrUnsupported
}

// Logout ends the session of a token. That there is none (any more) is no error.
func (g *Gate) Logout(ctx context.Context, portal, token string) error { return errors.ErrUnsupported }

// Rotate gives the viewer's session a new token, after a change of what proves them; second says that a second factor
// was proved in it.
func (g *Gate) Rotate(ctx context.Context, v Viewer, second bool) (SignedIn, error) {
	return SignedIn{}, errors.ErrUnsupported
}

// Sessions lists the viewer's sessions, the latest used first.
func (g *Gate) Sessions(ctx context.Context, v Viewer) ([]Session, error) {
	return nil, errors.ErrUnsupported
}

// End ends one of the viewer's sessions; ErrSignedOut where it is none of theirs.
func (g *Gate) End(ctx context.Context, v Viewer, id engine.ID) error { return errors.ErrUnsupported }

// EndAll ends all sessions of the viewer, this one too, and forgets the browsers that they signed in from.
func (g *Gate) EndAll(ctx context.Context, v Viewer) error { return errors.ErrUnsupported }

// ChangePassword sets another password for who knows the present one. All other sessions end, this one gets a new
// token. Errors: ErrRefused, *WeakError, *BusyError.
func (g *Gate) ChangePassword(
	ctx context.Context, v Viewer, password, next string, caller Caller,
) (SignedIn, error) {
	return SignedIn{}, errors.ErrUnsupported
}

// Because says who sets a password, and by what right.
type Because struct {
	Actor  string    // portal:Contacts/12x3, operator:anna
	Detail string    // one line for the audit: link, import, invitation
	Link   engine.ID // whose only use is claimed in the same transaction; zero for none
	Cause  string    // id of the event that led here
	Keep   engine.ID // session that goes on; zero for none
}

// SetPassword sets the password of a subject and ends all their sessions. Errors: ErrNoPortal, ErrPassed, *WeakError,
// *BusyError, engine.ErrNoRecord.
func (g *Gate) SetPassword(
	ctx context.Context, portal string, subject engine.Ref, password string, because Because,
) error {
	return errors.ErrUnsupported
}
