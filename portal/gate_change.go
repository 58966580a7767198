package portal

import (
	"context"
	"fmt"

	"postern/engine"
	"postern/internal/scram"
)

// Because says who sets a password, and by what right.
type Because struct {
	Actor  string    // portal:Contacts/12x3, operator:anna
	Detail string    // one line for the audit: link, import, invitation
	Link   engine.ID // whose only use is claimed in the same transaction; zero for none
	Cause  string    // id of the event that led here
	Device string    // token of the browser that stays known; "" for none
	Legacy bool      // chosen elsewhere and taken over: it may be shorter, and nobody is told

	renewal *Renewal // of the session that goes on; nil for none
}

// SetPassword sets the password of a subject, ends their sessions and forgets the browsers that they signed in from.
// Errors: ErrNoPortal, ErrPassed, *WeakError, *BusyError, ErrUnavailable, engine.ErrNoRecord.
func (g *Gate) SetPassword(
	ctx context.Context, portal string, subject engine.Ref, password string, because Because,
) error {
	p, err := g.portal(portal)
	if err != nil {
		return err
	}
	who, err := g.byRef(ctx, p, subject)
	if err != nil {
		return err
	}
	least := Shortest(p)
	if because.Legacy {
		least = MinPasswordLegacy
	}
	if w := g.weak(who, password, least); w != nil {
		return w
	}
	leave, err := g.pool.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return g.setPassword(ctx, who, password, because)
}

// weak holds a password against the policy of passwords.
func (g *Gate) weak(who person, password string, least int) *WeakError {
	own := []string{who.name(), who.portal.Subject.Module.TitleOf(who.record), who.portal.Name}
	for _, label := range who.portal.Label {
		own = append(own, label)
	}
	return weak(password, least, own...)
}

// setPassword stores a password that is taken. It needs a turn of the pool.
func (g *Gate) setPassword(ctx context.Context, who person, password string, because Because) error {
	verifier, err := scram.New(ctx, password, g.with.Rounds, g.with.Random)
	if err != nil {
		return err
	}
	old, known, err := g.oldAddress(who)
	if err != nil {
		return err
	}
	portal, ref, now := who.portal.Name, who.record.Ref, g.with.Clock.Now()
	sealed, err := g.with.Sealer.Seal(VerifierPurpose(portal, ref), verifier.Bytes())
	if err != nil {
		return err
	}
	set := PasswordSetting{
		Portal: portal, Subject: ref, Mech: scram.Mech, Verifier: sealed, Lane: g.laneOf(portal, who.name()),
		Renewal: because.renewal, Browser: digestOf(because.Device), Link: because.Link, At: now, Known: known,
		Deed: engine.Deed{
			At: now, Kind: engine.DeedPortalPasswordSet, Actor: because.Actor, Subject: ref.String(),
			Detail: because.Detail,
		},
	}
	if !because.Legacy {
		event, err := g.event(engine.PortalPasswordSet, who, now, because.Cause, map[string]any{"old_address": old})
		if err != nil {
			return err
		}
		set.Events = append(set.Events, event)
	}
	return g.with.Store.SetPassword(ctx, set)
}

// ChangePassword sets another password for who knows the present one. All other sessions end, this one gets a new
// token, and of the browsers only this one stays known. Errors: ErrRefused, ErrSignedOut, *WeakError, *CrowdedError,
// *BusyError, ErrUnavailable.
func (g *Gate) ChangePassword(
	ctx context.Context, v Viewer, password, next string, caller Caller,
) (SignedIn, error) {
	if len(password) > MaxPassword {
		return SignedIn{}, ErrMalformed
	}
	who, err := g.byRef(ctx, v.Portal, v.Ref())
	if err != nil {
		return SignedIn{}, err
	}
	if w := g.weak(who, next, Shortest(v.Portal)); w != nil {
		return SignedIn{}, w
	}
	if next == password {
		return SignedIn{}, &WeakError{WeakSame}
	}
	return g.evenRefusal(ctx, caller, 0, func() (SignedIn, error) {
		leave, err := g.pool.enter(ctx)
		if err != nil {
			return SignedIn{}, err
		}
		defer leave()
		if err := g.knows(ctx, v, who, password); err != nil {
			return SignedIn{}, err
		}
		in, renewal, err := g.renewal(v, Renewal{Proved: v.Session.Proved})
		if err == nil {
			err = g.setPassword(ctx, who, next, Because{
				Actor: v.Actor(), Detail: "changed by who knew it", Device: caller.Device, renewal: renewal,
			})
		}
		if err != nil {
			return SignedIn{}, err
		}
		return in, nil
	})
}

// knows holds the present password against the viewer's; tries are counted for the session alone.
func (g *Gate) knows(ctx context.Context, v Viewer, who person, password string) error {
	lane := hashOf("session", v.Session.ID.String())
	open, err := g.with.Store.TryPassword(ctx, Try{Lane: lane, At: g.with.Clock.Now()})
	if err != nil {
		return err
	}
	verifier, real, err := g.verifier(who, who.name())
	if err != nil {
		return err
	}
	right, err := verifier.Check(ctx, password, g.pool.breather())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if !right || !real || !open || !who.opens {
		return ErrRefused
	}
	return nil
}
