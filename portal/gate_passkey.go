package portal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"postern/engine"
	"postern/internal/passkey"
)

// Asked is a ceremony that waits for the answer of a browser.
type Asked struct {
	Token   string
	Options []byte // what the script of a page gives to the browser, JSON
}

// AskPasskey begins a sign-in by passkey, of whoever answers. Errors: ErrNoPortal, ErrMethod, ErrNoPasskeys,
// *CrowdedError, *BusyError.
func (g *Gate) AskPasskey(ctx context.Context, portal string, caller Caller) (Asked, error) {
	if _, err := g.by(portal, engine.SignInPasskey); err != nil {
		return Asked{}, err
	}
	if g.with.Passkeys == nil {
		return Asked{}, ErrNoPasskeys
	}
	if err := g.Try(caller); err != nil {
		return Asked{}, err
	}
	begun, err := g.with.Passkeys.Ask(nil)
	if err != nil {
		return Asked{}, err
	}
	return g.began(ctx, Ceremony{Kind: CeremonySignIn, Holder: Holder{Portal: portal}}, begun)
}

// Passkey signs in by the answer to AskPasskey. It counts as both factors, since the device has seen to it that it is
// its owner. Errors: ErrRefused, ErrNoPortal, ErrMethod, ErrNoPasskeys.
func (g *Gate) Passkey(ctx context.Context, portal, token string, answer []byte, caller Caller) (SignedIn, error) {
	p, err := g.by(portal, engine.SignInPasskey)
	if err != nil {
		return SignedIn{}, err
	}
	if g.with.Passkeys == nil {
		return SignedIn{}, ErrNoPasskeys
	}
	return g.evenRefusal(ctx, caller, 1, func() (SignedIn, error) {
		key, err := g.answered(ctx, Ceremony{Kind: CeremonySignIn, Holder: Holder{Portal: portal}}, token, answer)
		if errors.Is(err, ErrWrong) || errors.Is(err, ErrPassed) {
			return SignedIn{}, ErrRefused
		}
		if err != nil {
			return SignedIn{}, err
		}
		who, err := g.byRef(ctx, p, key.Holder.Subject)
		if errors.Is(err, engine.ErrNoRecord) {
			return SignedIn{}, ErrRefused
		}
		if err != nil {
			return SignedIn{}, err
		}
		lanes := [][]byte{g.laneOf(portal, who.name()), g.secondLane(who)} // it was the person: strangers start anew
		return g.letIn(ctx, entry{
			person: who, method: engine.SignInPasskey, second: true, caller: caller, lanes: lanes, passkey: key.ID,
		})
	})
}

// AskSecond begins the proof of a second factor by passkey, of a sign-in that it is missing of. Errors: ErrNoPortal,
// ErrPassed, ErrNoFactor, ErrNoPasskeys, *CrowdedError.
func (g *Gate) AskSecond(ctx context.Context, portal, token string, caller Caller) (Asked, error) {
	if err := g.Try(caller); err != nil {
		return Asked{}, err
	}
	pending, who, err := g.pending(ctx, portal, token)
	if err != nil {
		return Asked{}, err
	}
	return g.askHolder(ctx, who.holder(), who.name(), pending.Token)
}

// AskStepUp begins StepUp by passkey. Errors: ErrNoFactor, ErrNoPasskeys, ErrForbidden.
func (g *Gate) AskStepUp(ctx context.Context, v Viewer) (Asked, error) {
	if v.Session.ByProgram() {
		return Asked{}, ErrForbidden
	}
	holder := Holder{Portal: v.Portal.Name, Subject: v.Ref()}
	return g.askHolder(ctx, holder, v.Me.Record.Text(v.Portal.Subject.Login), sessionBinding(v))
}

// askHolder begins to ask for a passkey of a holder; ErrNoFactor where there is none.
func (g *Gate) askHolder(ctx context.Context, holder Holder, name string, binding []byte) (Asked, error) {
	if g.with.Passkeys == nil {
		return Asked{}, ErrNoPasskeys
	}
	enrolled, err := g.with.Store.Enrolled(ctx, holder)
	if err != nil {
		return Asked{}, err
	}
	if len(enrolled.Passkeys) == 0 {
		return Asked{}, ErrNoFactor
	}
	keys := keyring(name, enrolled.Passkeys)
	begun, err := g.with.Passkeys.Ask(&keys)
	if err != nil {
		return Asked{}, err
	}
	return g.began(ctx, Ceremony{Kind: CeremonyProve, Holder: holder, Binding: binding}, begun)
}

// passkeyProved judges the answer of a holder's passkey; ErrWrong where it proves nothing.
func (g *Gate) passkeyProved(ctx context.Context, holder Holder, binding []byte, token string, answer []byte) error {
	if g.with.Passkeys == nil {
		return ErrNoPasskeys
	}
	_, err := g.answered(ctx, Ceremony{Kind: CeremonyProve, Holder: holder, Binding: binding}, token, answer)
	if errors.Is(err, ErrPassed) {
		return ErrWrong
	}
	return err
}

// ceremonyPurpose is what the state of ceremonies is sealed for.
func ceremonyPurpose(kind CeremonyKind) string { return "portal-ceremony/" + string(kind) }

// began stores a ceremony of a passkey.
func (g *Gate) began(ctx context.Context, c Ceremony, begun passkey.Begun) (Asked, error) {
	token, err := g.begin(ctx, c, begun.State)
	return Asked{Token: token, Options: begun.Options}, err
}

// begin stores a ceremony with its state.
func (g *Gate) begin(ctx context.Context, c Ceremony, state []byte) (token string, err error) {
	if token, c.Token, err = g.newToken(); err != nil {
		return "", err
	}
	if c.State, err = g.with.Sealer.Seal(ceremonyPurpose(c.Kind), state); err != nil {
		return "", err
	}
	c.Ends = g.with.Clock.Now().Add(CeremonyLife)
	return token, g.with.Store.BeginCeremony(ctx, c)
}

// finish takes a ceremony, once; ErrPassed where there is none by its token, or it is another one than it should be.
func (g *Gate) finish(ctx context.Context, want Ceremony, token string) (state []byte, err error) {
	digest := digestOf(token)
	if digest == nil {
		return nil, ErrPassed
	}
	c, err := g.with.Store.FinishCeremony(ctx, digest, g.with.Clock.Now())
	if err != nil {
		return nil, err
	}
	if c.Kind != want.Kind || c.Holder != want.Holder || !bytes.Equal(c.Binding, want.Binding) {
		return nil, ErrPassed
	}
	return g.with.Sealer.Open(ceremonyPurpose(c.Kind), c.State)
}

// answered takes the answer of a passkey to a ceremony, and stores that it was used. ErrWrong where it proves nothing,
// ErrPassed where the ceremony is over.
func (g *Gate) answered(ctx context.Context, want Ceremony, token string, answer []byte) (Passkey, error) {
	if len(answer) > MaxPasskeyAnswer {
		return Passkey{}, ErrWrong
	}
	state, err := g.finish(ctx, want, token)
	if err != nil {
		return Passkey{}, err
	}
	var used Passkey
	key, err := g.with.Passkeys.Answered(state, answer, func(credential []byte) (passkey.Holder, error) {
		if used, err = g.with.Store.Passkey(ctx, want.Holder.Portal, credential); err != nil {
			return passkey.Holder{}, err
		}
		if want.Holder.Subject.IsZero() {
			return keyring("", []Passkey{used}), nil
		}
		enrolled, err := g.with.Store.Enrolled(ctx, want.Holder)
		return keyring("", enrolled.Passkeys), err
	})
	if err == nil {
		err = g.with.Store.UsePasskey(ctx, used.ID, key.Signs, g.with.Clock.Now())
	}
	if err != nil {
		return Passkey{}, g.passkeyRefused(ctx, used, err)
	}
	return used, nil
}

// passkeyRefused has everything that is wrong with an answer look the same, and tells the operators.
func (g *Gate) passkeyRefused(ctx context.Context, used Passkey, err error) error {
	switch {
	case errors.Is(err, passkey.ErrCounter), errors.Is(err, ErrCounter):
		g.with.Logger.WarnContext(ctx, "a passkey has counted back, so there may be a copy of it; it was refused",
			"portal", used.Holder.Portal, "subject", used.Holder.Subject.String(), "passkey", used.ID.String())
		deed := engine.Deed{
			At: g.with.Clock.Now(), Kind: engine.DeedPortalPasskeyRefused, Actor: engine.Source,
			Subject: used.Holder.Subject.String(), Detail: "passkey " + used.ID.String() + " has counted back",
		}
		if err := g.with.Store.Note(ctx, deed); err != nil {
			return err
		}
		return ErrWrong
	case errors.Is(err, passkey.ErrWrong):
		g.with.Logger.InfoContext(ctx, "a passkey was refused", "portal", used.Holder.Portal, "cause", err)
		return ErrWrong
	case errors.Is(err, ErrNoFactor):
		return ErrWrong
	}
	return fmt.Errorf("check passkey: %w", err)
}

// keyring are passkeys of one holder as internal/passkey wants them.
func keyring(name string, passkeys []Passkey) passkey.Holder {
	ring := passkey.Holder{Name: name}
	for _, p := range passkeys {
		ring.Handle = p.Handle
		ring.Keys = append(ring.Keys, passkey.Key{Credential: p.Credential, Public: p.Public, Signs: p.Signs})
	}
	return ring
}
