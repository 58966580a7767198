package portal

import (
	"context"
	"errors"
	"slices"

	"postern/engine"
)

// SecondProof is what a second factor is proved by: a code, or the answer of a passkey.
type SecondProof struct {
	Code   string // of an authenticator, or a recovery code
	Token  string // of the ceremony that the passkey answers
	Answer []byte // of the passkey, JSON
}

// Owed is what is missing of a sign-in, for the page that asks for it.
type Owed struct {
	Next     string
	Language string
	Left     int // tries
	Code     bool
	Passkey  bool
	Recovery bool // there are recovery codes
}

// secondStep tells whether something has to follow before somebody is let in, and what.
func (g *Gate) secondStep(ctx context.Context, e entry) (SignedIn, bool, error) {
	enrolled, err := g.with.Store.Enrolled(ctx, e.holder())
	if err != nil {
		return SignedIn{}, false, err
	}
	next := NextSecond
	switch {
	case enrolled.Second():
	case e.portal.SignIn.SecondFactor == engine.SecondFactorRequired:
		next = NextEnrol
	default:
		return SignedIn{}, false, nil
	}
	token, digest, err := g.newToken()
	if err != nil {
		return SignedIn{}, false, err
	}
	err = g.with.Store.Pend(ctx, Pending{
		Token: digest, Holder: e.holder(), Epoch: e.account.Epoch, Method: e.method, Next: next, Lanes: e.lanes,
		Link: e.link, Cause: e.cause, Ends: g.with.Clock.Now().Add(PendingLife),
	})
	return SignedIn{Next: next, Pending: token}, true, err
}

// holder is a person as the holder of factors.
func (p person) holder() Holder { return Holder{Portal: p.portal.Name, Subject: p.record.Ref} }

// Owed is what is missing of a sign-in. Errors: ErrNoPortal, ErrPassed.
func (g *Gate) Owed(ctx context.Context, portal, token string) (Owed, error) {
	pending, who, err := g.pending(ctx, portal, token)
	if err != nil {
		return Owed{}, err
	}
	enrolled, err := g.with.Store.Enrolled(ctx, pending.Holder)
	return Owed{
		Next: pending.Next, Language: who.language(), Left: MaxPendingTries - pending.Tries,
		Code: enrolled.Authenticator != nil, Recovery: enrolled.RecoveryCodes > 0,
		Passkey: len(enrolled.Passkeys) > 0 && g.with.Passkeys != nil,
	}, err
}

// pending finds a sign-in that something is missing of; ErrPassed where its subject may not go on with it.
func (g *Gate) pending(ctx context.Context, portal, token string) (Pending, person, error) {
	p, err := g.portal(portal)
	if err != nil {
		return Pending{}, person{}, err
	}
	digest := digestOf(token)
	if digest == nil {
		return Pending{}, person{}, ErrPassed
	}
	pending, err := g.with.Store.Pending(ctx, digest, g.with.Clock.Now())
	if err != nil {
		return Pending{}, person{}, err
	}
	if pending.Holder.Portal != portal {
		return Pending{}, person{}, ErrPassed
	}
	who, err := g.byRef(ctx, p, pending.Holder.Subject)
	if errors.Is(err, engine.ErrNoRecord) || err == nil && (!who.opens || who.account.Epoch != pending.Epoch) {
		err = ErrPassed
	}
	return pending, who, err
}

// Second takes the second step of a sign-in. Each proof is counted as wrong before it is looked at, here and in a lane
// of second steps. Errors: ErrNoPortal, ErrPassed, *CrowdedError, and ErrWrong while there are tries left.
func (g *Gate) Second(ctx context.Context, portal, token string, proof SecondProof, caller Caller) (SignedIn, error) {
	before := 0
	if proof.Token != "" {
		before = 1 // AskSecond
	}
	return g.tries(caller, before, func() (SignedIn, error) { return g.second(ctx, portal, token, proof, caller) })
}

func (g *Gate) second(ctx context.Context, portal, token string, proof SecondProof, caller Caller) (SignedIn, error) {
	pending, who, err := g.pending(ctx, portal, token)
	if err != nil {
		return SignedIn{}, err
	}
	if pending.Next != NextSecond {
		return SignedIn{}, ErrPassed
	}
	if pending, err = g.with.Store.TryPending(ctx, pending.Token, g.with.Clock.Now()); err != nil {
		return SignedIn{}, err
	}
	lane, open, err := g.tryLane(ctx, who, caller)
	if err != nil {
		return SignedIn{}, err
	}
	if err := g.secondProved(ctx, who, pending.Token, proof, open); err != nil {
		return SignedIn{}, err
	}
	if err := g.with.Store.EndPending(ctx, pending.Token); err != nil {
		return SignedIn{}, err
	}
	lanes := pending.Lanes
	if !slices.ContainsFunc(lanes, func(l []byte) bool { return slices.Equal(l, lane) }) {
		lanes = append(lanes, lane)
	}
	return g.letOn(ctx, entry{
		person: who, method: pending.Method, second: true, caller: caller, lanes: lanes,
		link: pending.Link, cause: pending.Cause,
	})
}

// tryLane counts a proof of a second factor: in the lane of a browser that is known, else in one for all who got as far
// as this. Strangers who know nothing but the name never shut that one.
func (g *Gate) tryLane(ctx context.Context, who person, caller Caller) (lane []byte, open bool, err error) {
	device, err := g.device(ctx, who, caller)
	if err != nil {
		return nil, false, err
	}
	lane = g.secondLane(who)
	if !device.ID.IsZero() {
		lane = digestOf(caller.Device)
	}
	open, err = g.try(ctx, who, device, lane)
	return lane, open, err
}

// secondProved judges a proof of somebody's second factor; ErrWrong where it proves nothing. While the lane is shut
// nothing proves anything, and nothing is used up.
func (g *Gate) secondProved(ctx context.Context, who person, binding []byte, proof SecondProof, open bool) error {
	if !open {
		return ErrWrong
	}
	if proof.Token != "" {
		return g.passkeyProved(ctx, who.holder(), binding, proof.Token, proof.Answer)
	}
	return g.codeProved(ctx, who, proof.Code)
}

// StepUp has a viewer prove once more who they are, by a second factor, for what is sensitive. Their session gets a new
// token. A program proves nothing of a person: its guesses would only shut them out. Errors: ErrWrong, ErrSignedOut,
// ErrForbidden.
func (g *Gate) StepUp(ctx context.Context, v Viewer, proof SecondProof, caller Caller) (SignedIn, error) {
	if v.Session.ByProgram() {
		return SignedIn{}, ErrForbidden
	}
	who, err := g.byRef(ctx, v.Portal, v.Ref())
	if err != nil {
		return SignedIn{}, err
	}
	lane, open, err := g.tryLane(ctx, who, caller)
	if err != nil {
		return SignedIn{}, err
	}
	if err := g.secondProved(ctx, who, sessionBinding(v), proof, open); err != nil {
		return SignedIn{}, err
	}
	return g.renew(ctx, v, Renewal{Second: true, Proved: v.Now, Lane: lane})
}

// sessionBinding is what ceremonies within a session are bound to; it stays when the session gets a new token.
func sessionBinding(v Viewer) []byte { return hashOf("session", v.Session.ID.String()) }
