package portal

import (
	"context"

	"postern/engine"
)

// MakeRecoveryCodes makes new recovery codes in place of those there are. Errors: ErrFresh, and ErrNoFactor where there
// is no second factor that they could stand in for.
func (g *Gate) MakeRecoveryCodes(ctx context.Context, k Keeper) ([]string, error) {
	enrolled, err := g.changing(ctx, k)
	switch {
	case err != nil:
		return nil, err
	case !enrolled.Second():
		return nil, ErrNoFactor
	}
	shown, codes, err := g.newCodes(k)
	if err != nil {
		return nil, err
	}
	told := Told{Event: codes.Event, Deed: codes.Deed}
	if k.viewer != nil {
		told.Session = k.viewer.token
	}
	if err := g.with.Store.PutRecoveryCodes(ctx, k.Holder(), codes.Hashes, told); err != nil {
		return nil, err
	}
	return shown, nil
}

// newCodes makes recovery codes as they are shown, once, and as they are kept.
func (g *Gate) newCodes(k Keeper) (shown []string, codes *NewCodes, err error) {
	shown, hashes, err := g.newRecoveryCodes(k.Holder())
	if err != nil {
		return nil, nil, err
	}
	told, err := g.tells(k, factorRecovery, changeMade)
	return shown, &NewCodes{Hashes: hashes, Event: told.Event, Deed: told.Deed}, err
}

// RenamePasskey gives a passkey another name. Errors: ErrNoFactor, and ErrForbidden for a program.
func (g *Gate) RenamePasskey(ctx context.Context, k Keeper, id engine.ID, name string) error {
	if k.viewer != nil && k.viewer.Session.ByProgram() {
		return ErrForbidden
	}
	return g.with.Store.RenamePasskey(ctx, k.Holder(), id, passkeyName(name))
}

// RemovePasskey removes a passkey. Errors: ErrNoFactor, ErrFresh, ErrLastFactor.
func (g *Gate) RemovePasskey(ctx context.Context, k Keeper, id engine.ID) (SignedIn, error) {
	return g.remove(ctx, k, factorPasskey, func(told Told) error {
		return g.with.Store.RemovePasskey(ctx, k.Holder(), id, told)
	})
}

// RemoveAuthenticator removes the authenticator. Errors: ErrNoFactor, ErrFresh, ErrLastFactor.
func (g *Gate) RemoveAuthenticator(ctx context.Context, k Keeper) (SignedIn, error) {
	return g.remove(ctx, k, factorAuthenticator, func(told Told) error {
		return g.with.Store.RemoveAuthenticator(ctx, k.Holder(), told)
	})
}

func (g *Gate) remove(ctx context.Context, k Keeper, factor string, remove func(Told) error) (SignedIn, error) {
	if _, err := g.changing(ctx, k); err != nil {
		return SignedIn{}, err
	}
	if k.viewer == nil {
		return SignedIn{}, ErrPassed
	}
	told, err := g.tells(k, factor, changeRemoved)
	if err != nil {
		return SignedIn{}, err
	}
	told.Required = k.who.portal.SignIn.SecondFactor == engine.SecondFactorRequired
	in, err := g.ties(k, &told, false)
	if err != nil {
		return SignedIn{}, err
	}
	if err := remove(told); err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// tells is what is stored with a keeper's change.
func (g *Gate) tells(k Keeper, factor, change string) (Told, error) {
	return g.factorTold(k.who, factor, change)
}
