package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"postern/engine"
	"postern/internal/scram"
)

const (
	proofBytes = 32
	// challengeStep is which part of GateConfig.Floor a challenge takes a multiple of.
	challengeStep = 20
)

// asked is a challenge as the store keeps it, sealed.
type asked struct {
	Exchange scram.Exchange `json:"exchange"`
	Portal   string         `json:"portal"`
}

// challengePurpose is what challenges are sealed for.
const challengePurpose = "portal-challenge"

// Challenge begins a sign-in by password. A name that is not known gets one too, always with the same salt. nonce is
// the client's, 24 to 128 printable characters without a comma. Errors: ErrNoPortal, ErrMethod, ErrMalformed,
// *CrowdedError, *BusyError, ErrUnavailable.
func (g *Gate) Challenge(ctx context.Context, portal, name, nonce string, caller Caller) (Challenge, error) {
	p, err := g.by(portal, engine.SignInPassword)
	if err != nil {
		return Challenge{}, err
	}
	began := g.with.Clock.Now()
	if len(name) > MaxName {
		return Challenge{}, ErrMalformed
	}
	exchange, err := scram.Begin(name, nonce, g.with.Random)
	if errors.Is(err, scram.ErrNonce) {
		return Challenge{}, ErrMalformed
	}
	if err != nil {
		return Challenge{}, err
	}
	if err := g.Try(caller); err != nil {
		return Challenge{}, err
	}
	who, err := g.byName(ctx, p, name)
	if err != nil {
		return Challenge{}, err
	}
	verifier, _, err := g.verifier(who, name)
	if err != nil {
		return Challenge{}, err
	}
	c := Challenge{
		Nonce: exchange.Nonce(), Salt: verifier.Salt, Rounds: verifier.Rounds, Mech: scram.Mech,
		Made: began, Expires: began.Add(ChallengeLife),
	}
	if err := g.keep(ctx, asked{exchange, portal}, c); err != nil {
		return Challenge{}, err
	}
	return c, g.evenly(ctx, began, g.with.Floor/challengeStep)
}

// keep puts a challenge where every node finds it.
func (g *Gate) keep(ctx context.Context, a asked, c Challenge) error {
	plain, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write a challenge: %w", err)
	}
	sealed, err := g.with.Sealer.Seal(challengePurpose, plain)
	if err != nil {
		return err
	}
	return g.with.Store.KeepChallenge(ctx, nonceDigest(c.Nonce), sealed, c.Expires)
}

// verifier is what a password is held against: that of the person, or one that nothing is right for, by the name.
func (g *Gate) verifier(who person, name string) (v scram.Verifier, real bool, err error) {
	fake := scram.Fake(g.with.Names, g.with.Rounds, who.portal.Name, normal(name))
	if !who.known() || !who.account.HasPassword() || who.account.Mech != scram.Mech {
		return fake, false, nil
	}
	plain, err := g.with.Sealer.Open(VerifierPurpose(who.portal.Name, who.record.Ref), who.account.Verifier)
	if err != nil {
		return fake, false, fmt.Errorf("read the password of %s: %w", who.record.Ref, err)
	}
	v, err = scram.ReadVerifier(plain)
	return v, err == nil, err
}

// Login finishes it, on any node, once. Errors: ErrRefused, ErrNoPortal, ErrMethod, ErrMalformed, *CrowdedError,
// ErrUnavailable.
func (g *Gate) Login(ctx context.Context, portal string, proof Proof, caller Caller) (SignedIn, error) {
	p, err := g.by(portal, engine.SignInPassword)
	if err != nil {
		return SignedIn{}, err
	}
	if len(proof.Proof) != proofBytes || proof.Nonce == "" {
		return SignedIn{}, ErrMalformed
	}
	return g.evenRefusal(ctx, caller, 1, func() (SignedIn, error) {
		exchange, err := g.take(ctx, portal, proof.Nonce)
		if err != nil {
			return SignedIn{}, err
		}
		var signature []byte
		in, err := g.prove(ctx, p, exchange.Name, caller, func(v scram.Verifier) (right bool, err error) {
			signature, err = exchange.Prove(v, proof.Proof)
			if errors.Is(err, scram.ErrProof) {
				return false, nil
			}
			return err == nil, err
		})
		in.Server = signature
		return in, err
	})
}

// take gets a challenge out of the store, for the only time.
func (g *Gate) take(ctx context.Context, portal, nonce string) (scram.Exchange, error) {
	sealed, err := g.with.Store.TakeChallenge(ctx, nonceDigest(nonce), g.with.Clock.Now())
	if err != nil {
		return scram.Exchange{}, err
	}
	plain, err := g.with.Sealer.Open(challengePurpose, sealed)
	if err != nil {
		return scram.Exchange{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	var a asked
	if err := json.Unmarshal(plain, &a); err != nil {
		return scram.Exchange{}, fmt.Errorf("read a challenge: %w", err)
	}
	if a.Portal != portal {
		return scram.Exchange{}, ErrRefused
	}
	return a.Exchange, nil
}

// Password signs in by a password that was sent. Errors: those of Login, and *BusyError.
func (g *Gate) Password(ctx context.Context, portal, name, password string, caller Caller) (SignedIn, error) {
	p, err := g.by(portal, engine.SignInPassword)
	if err != nil {
		return SignedIn{}, err
	}
	if len(name) > MaxName || len(password) > MaxPassword {
		return SignedIn{}, ErrMalformed
	}
	return g.evenRefusal(ctx, caller, 0, func() (SignedIn, error) {
		leave, err := g.pool.enter(ctx)
		if err != nil {
			return SignedIn{}, err
		}
		defer leave()
		return g.prove(ctx, p, name, caller, func(v scram.Verifier) (bool, error) {
			right, err := v.Check(ctx, password, g.pool.breather())
			if errors.Is(err, scram.ErrText) {
				return false, nil
			}
			return right, err
		})
	})
}

// evenRefusal has all refusals look the same, and take the same time: nobody is to tell one reason from another. The
// attempt counts for the caller's address, until it turns out to be right: then it is taken back, with so many before.
func (g *Gate) evenRefusal(
	ctx context.Context, caller Caller, before int, attempt func() (SignedIn, error),
) (SignedIn, error) {
	began := g.with.Clock.Now()
	in, err := g.tries(caller, before, attempt)
	if !errors.Is(err, ErrRefused) {
		return in, err
	}
	if err := g.evenly(ctx, began, g.with.Floor); err != nil {
		return SignedIn{}, err
	}
	return SignedIn{}, ErrRefused
}

// prove judges a proof of a password. Whatever may be against it, all of it is looked at, so that every refusal costs
// the same.
func (g *Gate) prove(
	ctx context.Context, p *engine.Portal, name string, caller Caller, judge func(scram.Verifier) (bool, error),
) (SignedIn, error) {
	who, err := g.byName(ctx, p, name)
	if err != nil {
		return SignedIn{}, err
	}
	device, err := g.device(ctx, who, caller)
	if err != nil {
		return SignedIn{}, err
	}
	lane := g.lane(who, name, device, caller)
	open, err := g.try(ctx, who, device, lane)
	if err != nil {
		return SignedIn{}, err
	}
	verifier, real, err := g.verifier(who, name)
	if err != nil {
		return SignedIn{}, err
	}
	right, err := judge(verifier)
	if err != nil {
		return SignedIn{}, err
	}
	if !right || !real || !open || !who.opens {
		return SignedIn{}, ErrRefused
	}
	return g.letIn(ctx, entry{person: who, method: engine.SignInPassword, caller: caller, lanes: [][]byte{lane}})
}

// device is the browser that somebody comes with, if they have signed in from it before; else the zero Device.
func (g *Gate) device(ctx context.Context, who person, caller Caller) (Device, error) {
	device, err := g.with.Store.Device(ctx, who.portal.Name, digestOf(caller.Device))
	if err != nil || !who.known() || device.Subject != who.record.Ref ||
		g.with.Clock.Now().Sub(device.Seen) >= DeviceLife {
		return Device{}, err
	}
	return device, nil
}

// lane is where a try is counted: a browser that the person has signed in from has a lane of its own, so that strangers
// never keep them out. All others who give the name share one, however it is written.
func (g *Gate) lane(who person, name string, device Device, caller Caller) []byte {
	switch {
	case !device.ID.IsZero():
		return digestOf(caller.Device)
	case who.known():
		return g.laneOf(who.portal.Name, who.name())
	}
	return g.laneOf(who.portal.Name, name)
}

// try counts a try. The person hears when strangers have to wait.
func (g *Gate) try(ctx context.Context, who person, device Device, lane []byte) (open bool, err error) {
	now := g.with.Clock.Now()
	t := Try{Lane: lane, At: now}
	if who.known() && device.ID.IsZero() {
		ref := who.record.Ref
		if t.Shut, err = g.event(engine.PortalLocked, who, now, "", nil); err != nil {
			return false, err
		}
		t.Deed = &engine.Deed{
			At: now, Kind: engine.DeedPortalLocked, Actor: engine.Source, Subject: ref.String(),
			Detail: "portal " + who.portal.Name,
		}
	}
	return g.with.Store.TryPassword(ctx, t)
}

// nonceDigest is what the store knows a challenge by.
func nonceDigest(nonce string) []byte { return hashOf("nonce", nonce) }
