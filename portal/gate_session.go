package portal

import (
	"context"
	"errors"
	"slices"
	"time"

	"postern/engine"
)

// sawEvery is how often it is stored that a session is in use.
const sawEvery = time.Minute

// Viewer is who a request with a session's token comes from, as the CRM has them now. Errors: ErrNoPortal,
// ErrSignedOut, ErrUnavailable.
func (g *Gate) Viewer(ctx context.Context, portal, token string) (Viewer, error) {
	v, err := g.viewer(ctx, portal, token)
	if err != nil || v.Now.Sub(v.Session.Seen) < sawEvery {
		return v, err
	}
	return v, g.saw(ctx, &v)
}

// Extend puts off the end of a session that comes without requests; it never moves the end that comes in any case.
// Errors: those of Viewer.
func (g *Gate) Extend(ctx context.Context, portal, token string) (Viewer, error) {
	v, err := g.viewer(ctx, portal, token)
	if err != nil {
		return v, err
	}
	return v, g.saw(ctx, &v)
}

func (g *Gate) saw(ctx context.Context, v *Viewer) error {
	v.Session.Seen = v.Now
	return g.with.Store.SawSession(ctx, v.Session.ID, v.Now)
}

func (g *Gate) viewer(ctx context.Context, portal, token string) (Viewer, error) {
	p, err := g.portal(portal)
	if err != nil {
		return Viewer{}, err
	}
	digest, now := digestOf(token), g.with.Clock.Now()
	if digest == nil {
		return Viewer{}, ErrSignedOut
	}
	session, err := g.with.Store.Session(ctx, portal, digest, now)
	if err != nil {
		return Viewer{}, err
	}
	if !now.Before(session.Seen.Add(p.SignIn.Idle)) || !now.Before(session.Began.Add(p.SignIn.Most)) {
		return Viewer{}, ErrSignedOut
	}
	if p.SignIn.SecondFactor == engine.SecondFactorRequired && !session.Second { // it was optional then
		return Viewer{}, ErrSignedOut
	}
	who, err := g.byRef(ctx, p, session.Subject)
	if errors.Is(err, engine.ErrNoRecord) {
		return Viewer{}, ErrSignedOut
	}
	if err != nil {
		return Viewer{}, err
	}
	if !who.opens {
		return Viewer{}, ErrSignedOut
	}
	role := who.role()
	me, err := g.me(ctx, who, now, role.MeRoutes())
	return Viewer{
		Portal: p, Role: role, Me: me, Session: session, Language: who.language(), Now: now, token: digest,
	}, err
}

// Logout ends the session of a token. That there is none (any more) is no error.
func (g *Gate) Logout(ctx context.Context, portal, token string) error {
	p, err := g.portal(portal)
	if err != nil {
		return err
	}
	digest, now := digestOf(token), g.with.Clock.Now()
	if digest == nil {
		return nil
	}
	session, err := g.with.Store.Session(ctx, p.Name, digest, now)
	if err == nil {
		err = g.end(ctx, p.Name, session.Subject, session.ID)
	}
	if errors.Is(err, ErrSignedOut) {
		return nil
	}
	return err
}

// renew gives a session a new token, and what else a renewal says. Of two requests that came with one token, one is
// served. Errors: ErrSignedOut.
func (g *Gate) renew(ctx context.Context, v Viewer, r Renewal) (SignedIn, error) {
	in, renewal, err := g.renewal(v, r)
	if err != nil {
		return SignedIn{}, err
	}
	if err := g.with.Store.RenewSession(ctx, *renewal); err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// renewal makes the new token of a session, for what is stored together with it.
func (g *Gate) renewal(v Viewer, r Renewal) (SignedIn, *Renewal, error) {
	token, digest, err := g.newToken()
	if err != nil {
		return SignedIn{}, nil, err
	}
	session := v.Session
	session.Second, session.Proved = session.Second || r.Second, r.Proved
	r.Session, r.Former, r.Token, r.At = session.ID, v.token, digest, v.Now
	r.Deed = engine.Deed{
		At: v.Now, Kind: engine.DeedPortalRenewed, Actor: v.Actor(), Subject: v.Ref().String(),
		Detail: "session " + session.ID.String(),
	}
	return SignedIn{Token: token, Session: session}, &r, nil
}

// Sessions lists the viewer's sessions, the latest used first. A program sees its own alone: from where the person whom
// it acts as is signed in is nothing for it.
func (g *Gate) Sessions(ctx context.Context, v Viewer) ([]Session, error) {
	sessions, err := g.with.Store.Sessions(ctx, v.Portal.Name, v.Ref(), v.Now)
	hidden := func(s Session) bool {
		over := !v.Now.Before(s.Seen.Add(v.Portal.SignIn.Idle)) || s.Epoch != v.Session.Epoch
		return over || !v.keeps(s.ID)
	}
	return slices.DeleteFunc(sessions, hidden), err
}

// keeps tells whether a session of the viewer's subject is the viewer's to look at and to end.
func (v Viewer) keeps(session engine.ID) bool {
	return !v.Session.ByProgram() || session == v.Session.ID
}

// End ends one of the viewer's sessions; ErrSignedOut where it is none of theirs, as for a program each but its own.
func (g *Gate) End(ctx context.Context, v Viewer, id engine.ID) error {
	if !v.keeps(id) {
		return ErrSignedOut
	}
	return g.end(ctx, v.Portal.Name, v.Ref(), id)
}

func (g *Gate) end(ctx context.Context, portal string, subject engine.Ref, id engine.ID) error {
	return g.with.Store.EndSession(ctx, portal, subject, id, engine.Deed{
		At: g.with.Clock.Now(), Kind: engine.DeedPortalSignedOut, Actor: "portal:" + subject.String(),
		Subject: subject.String(), Detail: "session " + id.String(),
	})
}

// EndAll ends all sessions of the viewer, this one too, and forgets the browsers that they signed in from;
// ErrForbidden for a program.
func (g *Gate) EndAll(ctx context.Context, v Viewer) error {
	if v.Session.ByProgram() {
		return ErrForbidden
	}
	return g.with.Store.Govern(ctx, Order{
		Portal: v.Portal.Name, Subject: v.Ref(), Do: OrderEndAll, At: v.Now,
		Deed: engine.Deed{
			At: v.Now, Kind: engine.DeedPortalEndedAll, Actor: v.Actor(), Subject: v.Ref().String(),
			Detail: "portal " + v.Portal.Name,
		},
	})
}
