package portal

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/engine"
	"postern/internal/passkey"
	"postern/internal/totp"
)

// Keeper is somebody who changes what proves them: a viewer, or who has to enrol a factor before they are let in.
type Keeper struct {
	who     person
	binding []byte
	viewer  *Viewer  // nil before the sign-in is through
	pending *Pending // nil after
}

// Keeper is a viewer as the keeper of their factors.
func (g *Gate) Keeper(ctx context.Context, v Viewer) (Keeper, error) {
	who, err := g.byRef(ctx, v.Portal, v.Ref())
	return Keeper{who: who, binding: sessionBinding(v), viewer: &v}, err
}

// Enrolling is who has to enrol a factor before they are let in. Errors: ErrNoPortal, ErrPassed.
func (g *Gate) Enrolling(ctx context.Context, portal, token string) (Keeper, error) {
	pending, who, err := g.pending(ctx, portal, token)
	if err == nil && pending.Next != NextEnrol {
		err = ErrPassed
	}
	return Keeper{who: who, binding: pending.Token, pending: &pending}, err
}

// Holder is who the factors are of.
func (k Keeper) Holder() Holder { return k.who.holder() }

// Name is what they sign in with.
func (k Keeper) Name() string { return k.who.name() }

// Portal is the portal that they sign in to.
func (k Keeper) Portal() *engine.Portal { return k.who.portal }

// Language is theirs; "" where their record says none.
func (k Keeper) Language() string { return k.who.language() }

// Added is what comes of a new factor.
type Added struct {
	Codes []string // recovery codes that were made along, shown this once; nil where there are some already
	In    SignedIn // the session, under a new token
}

// Setup is an authenticator that is being set up.
type Setup struct {
	Token   string
	Secret  string // to be typed in
	Address string // to be read from a QR code
}

// Factors are what somebody has enrolled.
func (g *Gate) Factors(ctx context.Context, k Keeper) (Enrolled, error) {
	return g.with.Store.Enrolled(ctx, k.Holder())
}

// MayChange tells whether somebody proved recently enough who they are to change what proves them: with their second
// factor, where they have one. ErrFresh where not.
func (g *Gate) MayChange(ctx context.Context, k Keeper) error {
	_, err := g.changing(ctx, k)
	return err
}

func (g *Gate) changing(ctx context.Context, k Keeper) (Enrolled, error) {
	enrolled, err := g.Factors(ctx, k)
	switch {
	case err != nil:
		return enrolled, err
	case k.viewer == nil && enrolled.Second():
		return enrolled, ErrPassed
	case k.viewer != nil && (!k.viewer.Fresh() || enrolled.Second() && !k.viewer.Session.Second):
		return enrolled, ErrFresh
	}
	return enrolled, nil
}

// MakesPasskeys tells whether browsers make passkeys for the address of the portals.
func (g *Gate) MakesPasskeys() bool { return g.with.Passkeys != nil }

// SetUpAuthenticator begins to set up an authenticator. Errors: ErrFresh, ErrPassed.
func (g *Gate) SetUpAuthenticator(ctx context.Context, k Keeper, issuer string) (Setup, error) {
	if _, err := g.changing(ctx, k); err != nil {
		return Setup{}, err
	}
	secret, err := totp.NewSecret(g.with.Random)
	if err != nil {
		return Setup{}, err
	}
	token, err := g.begin(ctx, Ceremony{Kind: CeremonyEnrol, Holder: k.Holder(), Binding: k.binding}, secret)
	if err != nil {
		return Setup{}, err
	}
	return Setup{Token: token, Secret: totp.Typed(secret), Address: totp.Address(secret, issuer, k.Name())}, nil
}

// AddAuthenticator ends it with the code that the app shows. A wrong code leaves it as it was, under another token,
// which Setup has then. Errors: ErrWrong, ErrFresh, ErrPassed.
func (g *Gate) AddAuthenticator(
	ctx context.Context, k Keeper, token, code, issuer string, caller Caller,
) (Added, Setup, error) {
	enrolled, err := g.changing(ctx, k)
	if err != nil {
		return Added{}, Setup{}, err
	}
	ceremony := Ceremony{Kind: CeremonyEnrol, Holder: k.Holder(), Binding: k.binding}
	secret, err := g.finish(ctx, ceremony, token)
	if err != nil {
		return Added{}, Setup{}, err
	}
	now := g.with.Clock.Now()
	step, ok := totp.Match(secret, plainCode(code), 0, now)
	if !ok {
		again := Setup{Secret: totp.Typed(secret), Address: totp.Address(secret, issuer, k.Name())}
		if again.Token, err = g.begin(ctx, ceremony, secret); err != nil {
			return Added{}, Setup{}, err
		}
		return Added{}, again, ErrWrong
	}
	a := Authenticator{Holder: k.Holder(), Step: step, Added: now}
	if a.Secret, err = g.with.Sealer.Seal(secretPurpose(k.Holder()), secret); err != nil {
		return Added{}, Setup{}, err
	}
	added, err := g.enrol(ctx, k, enrolled, factorAuthenticator, caller, func(told Told) error {
		return g.with.Store.PutAuthenticator(ctx, a, told)
	})
	return added, Setup{}, err
}

// MakePasskey begins to make a passkey. Errors: ErrFresh, ErrPassed, ErrNoPasskeys, ErrPasskeys.
func (g *Gate) MakePasskey(ctx context.Context, k Keeper) (Asked, error) {
	if g.with.Passkeys == nil {
		return Asked{}, ErrNoPasskeys
	}
	enrolled, err := g.changing(ctx, k)
	switch {
	case err != nil:
		return Asked{}, err
	case len(enrolled.Passkeys) >= MaxPasskeys:
		return Asked{}, ErrPasskeys
	}
	ring := keyring(k.Name(), enrolled.Passkeys)
	if ring.Handle == nil {
		ring.Handle = g.handle(k.Holder())
	}
	begun, err := g.with.Passkeys.Register(ring)
	if err != nil {
		return Asked{}, err
	}
	begun.State = append(ring.Handle, begun.State...)
	return g.began(ctx, Ceremony{Kind: CeremonyRegister, Holder: k.Holder(), Binding: k.binding}, begun)
}

// AddPasskey ends it with the answer of the browser. Errors: ErrWrong, ErrFresh, ErrPassed, ErrPasskeys.
func (g *Gate) AddPasskey(
	ctx context.Context, k Keeper, token string, answer []byte, name string, caller Caller,
) (Added, error) {
	if g.with.Passkeys == nil {
		return Added{}, ErrNoPasskeys
	}
	enrolled, err := g.changing(ctx, k)
	if err != nil {
		return Added{}, err
	}
	state, err := g.finish(ctx, Ceremony{Kind: CeremonyRegister, Holder: k.Holder(), Binding: k.binding}, token)
	if err != nil {
		return Added{}, err
	}
	made, err := g.madePasskey(k, state, answer, enrolled)
	if err != nil {
		return Added{}, g.passkeyRefused(ctx, Passkey{Holder: k.Holder()}, err)
	}
	made.Name = passkeyName(name)
	return g.enrol(ctx, k, enrolled, factorPasskey, caller, func(told Told) error {
		return g.with.Store.AddPasskey(ctx, made, told)
	})
}

// madePasskey checks the answer of a browser that has made a passkey.
func (g *Gate) madePasskey(k Keeper, state, answer []byte, enrolled Enrolled) (Passkey, error) {
	if len(answer) > MaxPasskeyAnswer || len(state) < passkey.HandleBytes {
		return Passkey{}, passkey.ErrWrong
	}
	now := g.with.Clock.Now()
	id, err := engine.NewID(now, g.with.Random)
	if err != nil {
		return Passkey{}, err
	}
	ring := keyring(k.Name(), enrolled.Passkeys)
	ring.Handle = state[:passkey.HandleBytes]
	key, err := g.with.Passkeys.Registered(ring, state[passkey.HandleBytes:], answer)
	return Passkey{
		ID: id, Holder: k.Holder(), Handle: ring.Handle, Credential: key.Credential, Public: key.Public,
		Signs: key.Signs, Added: now,
	}, err
}

// enrol stores a new factor with all that goes with it: recovery codes where there are none, and the end of the sign-in
// or the new token of the session that it was made in. Who had to enrol first is let in then.
func (g *Gate) enrol(
	ctx context.Context, k Keeper, before Enrolled, factor string, caller Caller, store func(Told) error,
) (added Added, err error) {
	told, err := g.tells(k, factor, changeAdded)
	if err != nil {
		return Added{}, err
	}
	told.First = !before.Second()
	if before.RecoveryCodes == 0 {
		if added.Codes, told.Codes, err = g.newCodes(k); err != nil {
			return Added{}, err
		}
	}
	if added.In, err = g.ties(k, &told, true); err != nil {
		return Added{}, err
	}
	if err := store(told); err != nil {
		return Added{}, k.tooLate(err)
	}
	if k.viewer != nil {
		return added, nil
	}
	added.In, err = g.letOn(ctx, entry{
		person: k.who, method: k.pending.Method, second: true, caller: caller, lanes: k.pending.Lanes,
		link: k.pending.Link, cause: k.pending.Cause,
	})
	return added, err
}

// ties a change of factors to what it is made in: where that is over by then, nothing is changed.
func (g *Gate) ties(k Keeper, told *Told, second bool) (in SignedIn, err error) {
	if k.viewer == nil {
		told.Pending = k.pending.Token
		return in, nil
	}
	in, told.Renewal, err = g.renewal(*k.viewer, Renewal{Second: second, Proved: k.viewer.Session.Proved})
	return in, err
}

// tooLate has a viewer who was not the first to enrol something, as they seemed to be, prove more first.
func (k Keeper) tooLate(err error) error {
	if k.viewer != nil && !k.viewer.Session.Second && errors.Is(err, ErrPassed) {
		return ErrFresh
	}
	return err
}

// passkeyName is a name as it is kept: one line, and not long.
func passkeyName(name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
	}), " ")
	if letters := []rune(name); len(letters) > MaxPasskeyName {
		name = string(letters[:MaxPasskeyName])
	}
	return name
}
