package portal

import (
	"context"
	"errors"

	"postern/engine"
)

// Follow says whom a link into a portal would let in, and in place of whom: a browser that somebody else is signed in
// with is not taken over without a word. Now is "" where nobody is, or the same person is.
type Follow struct {
	Name  string // that the link's person signs in with
	Now   string // that who is signed in with this browser signs in with
	First bool   // they have no password yet
}

// Follow looks at what following a link would do; it changes nothing. Errors: ErrNoPortal, ErrPassed, ErrUnavailable.
func (g *Gate) Follow(ctx context.Context, pass Pass, caller Caller) (Follow, error) {
	who, err := g.passer(ctx, pass)
	if err != nil {
		return Follow{}, err
	}
	follow := Follow{Name: who.name(), First: !who.account.HasPassword()}
	if caller.Session == "" {
		return follow, nil
	}
	now, err := g.viewer(ctx, pass.Opens.Portal, caller.Session)
	switch {
	case errors.Is(err, ErrSignedOut): // a session that is over is none
		return follow, nil
	case err != nil:
		return Follow{}, err
	case now.Ref() == who.record.Ref:
		return follow, nil
	}
	other := person{portal: who.portal, record: engine.Record{Ref: now.Ref(), Fields: now.Me.Record}}
	follow.Now = other.name()
	return follow, nil
}

// passer is whose link was followed. One who may not sign in is told what everybody is whose link is over.
func (g *Gate) passer(ctx context.Context, pass Pass) (person, error) {
	p, err := g.by(pass.Opens.Portal, methodOf(pass.Opens.What))
	if err != nil {
		return person{}, err
	}
	who, err := g.byRef(ctx, p, pass.Link.Record)
	if errors.Is(err, engine.ErrNoRecord) || err == nil && !who.opens {
		err = ErrPassed
	}
	return who, err
}

// SignInByLink signs in whose link was followed, and uses the link up. A second factor that they enrolled is asked for
// all the same. Errors: ErrPassed, ErrNoPortal, ErrMethod, ErrUnavailable.
func (g *Gate) SignInByLink(ctx context.Context, pass Pass, caller Caller) (SignedIn, error) {
	if pass.Opens.What != engine.OpensSignIn {
		return SignedIn{}, ErrPassed
	}
	who, err := g.passer(ctx, pass)
	if err != nil {
		return SignedIn{}, err
	}
	return g.letOn(ctx, entry{
		person: who, method: engine.SignInLink, caller: caller, link: pass.Link.ID, cause: pass.Link.Cause,
		lanes: [][]byte{g.laneOf(who.portal.Name, who.name())},
	})
}

// PasswordByLink sets the password of whose link was followed, and uses the link up. They are not signed in by it, and
// whoever was is signed out. Errors: ErrPassed, ErrNoPortal, ErrMethod, ErrUnavailable, *WeakError, *BusyError.
func (g *Gate) PasswordByLink(ctx context.Context, pass Pass, password string) error {
	if pass.Opens.What != engine.OpensPassword {
		return ErrPassed
	}
	who, err := g.passer(ctx, pass)
	if err != nil {
		return err
	}
	return g.SetPassword(ctx, who.portal.Name, who.record.Ref, password, Because{
		Actor: "link:" + pass.Link.ID.String(), Detail: "by link", Link: pass.Link.ID, Cause: pass.Link.Cause,
	})
}
