package portal

import (
	"context"

	"postern/engine"
)

// Try counts that somebody tries to get in from an address, whatever the way: a challenge, a proof, a password, a code,
// a passkey, a link that is asked for. It fails with *CrowdedError where too much was tried from there, or from the
// network around it. Who keeps challenges of their own counts each by it.
func (g *Gate) Try(caller Caller) error {
	if wait := g.crowd.Guess(caller.Address, g.with.Clock.Now()); wait > 0 {
		return &CrowdedError{wait}
	}
	return nil
}

// TakeBack takes back so many tries, which led somebody in: an office behind one address never has to wait for those
// who type what is right.
func (g *Gate) TakeBack(caller Caller, tries int) {
	for range tries {
		g.crowd.Right(caller.Address, g.with.Clock.Now())
	}
}

// tries counts an attempt to sign in, and takes it back with those that came before it if it was right.
func (g *Gate) tries(caller Caller, before int, attempt func() (SignedIn, error)) (SignedIn, error) {
	if err := g.Try(caller); err != nil {
		return SignedIn{}, err
	}
	in, err := attempt()
	if err == nil {
		g.TakeBack(caller, 1+before)
	}
	return in, err
}

// Ask notes that somebody wants a link, to choose a password or to sign in, for the name that they gave. Nothing is
// looked up before the answer, so neither it nor its time tells whether there is such a name; who asks too often for
// one name is answered alike, and nothing is noted. Errors: ErrNoPortal, ErrMethod, ErrMalformed, *CrowdedError.
func (g *Gate) Ask(ctx context.Context, portal, name string, what engine.OpensWhat, caller Caller) error {
	p, err := g.by(portal, methodOf(what))
	if err != nil {
		return err
	}
	if normal(name) == "" {
		return ErrMalformed
	}
	if err := g.Try(caller); err != nil {
		return err
	}
	return g.ask(ctx, p, name, what, caller)
}
