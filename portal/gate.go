package portal

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/crowd"
	"postern/internal/passkey"
	"postern/internal/scram"
)

// minNamesKey is the shortest key of names, in bytes.
const minNamesKey = 32

// GateConfig is what a Gate works with. Everything but what says so is needed.
type GateConfig struct {
	Store  Store
	CRM    CRM
	Book   func() *engine.Book // the book as it is now
	Sealer engine.Sealer
	Names  []byte // key of what is made of names, 32 bytes; the same on all nodes and for as long as possible
	Clock  engine.Clock
	Random io.Reader // of tokens, salts and ids; it must not be guessable
	Logger *slog.Logger
	Base   string // what the addresses of portals begin with: https://go.acme.example
	// Passkeys makes and checks passkeys; nil where browsers make none for the base address.
	Passkeys *passkey.Party
	Rounds   int           // of PBKDF2 for new passwords; scram.Rounds if 0
	Hashers  int           // how many passwords are checked at the same time; 1 if 0
	Floor    time.Duration // every refusal of a sign-in takes a multiple of it; 0 for none, in tests on a virtual clock
}

// Gate proves who people are and keeps their sessions. All state is in the store, so any number of gates can stand
// side by side.
type Gate struct {
	with  GateConfig
	pool  *pool
	crowd *crowd.Crowd  // of all who try to sign in, in whatever way and to whichever portal
	asked chan struct{} // tells the worker that somebody asked for something
}

// NewGate makes a gate ready to answer.
func NewGate(config GateConfig) (*Gate, error) {
	if len(config.Names) < minNamesKey {
		return nil, fmt.Errorf("open gate: the key of names has %d bytes; it needs %d", len(config.Names), minNamesKey)
	}
	if config.Rounds == 0 {
		config.Rounds = scram.Rounds
	}
	return &Gate{
		with: config, pool: newPool(max(config.Hashers, 1)), crowd: crowd.NewSignIns(), asked: make(chan struct{}, 1),
	}, nil
}

// portal finds a portal of the book; ErrNoPortal if there is none.
func (g *Gate) portal(name string) (*engine.Portal, error) {
	if p := g.with.Book().Portals[name]; p != nil {
		return p, nil
	}
	return nil, ErrNoPortal
}

// by finds a portal that lets people sign in in a way; ErrMethod if it does not.
func (g *Gate) by(name string, method engine.SignInMethod) (*engine.Portal, error) {
	p, err := g.portal(name)
	if err == nil && !slices.Contains(p.SignIn.Methods, method) {
		err = ErrMethod
	}
	return p, err
}

// evenly waits until a refusal has taken a multiple of a step since it began, so that its time tells nothing.
func (g *Gate) evenly(ctx context.Context, began time.Time, step time.Duration) error {
	if step <= 0 {
		return nil
	}
	spent := g.with.Clock.Now().Sub(began)
	if err := g.with.Clock.Wait(ctx, step-spent%step); err != nil {
		return fmt.Errorf("answer in even time: %w", err)
	}
	return nil
}

// event tells of a subject.
func (g *Gate) event(
	kind string, who person, at time.Time, cause string, more map[string]any,
) (*engine.Event, error) {
	id, err := engine.NewID(at, g.with.Random)
	if err != nil {
		return nil, err
	}
	return engine.NewPortalEvent(who.portal, g.with.Base, who.record, kind, id, at, cause, more)
}

// unavailable says that the records cannot be reached.
func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }
