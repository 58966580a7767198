package rest

import (
	"context"

	"postern/engine"
	"postern/portal"
)

// Gate is what the API asks of the gate; see portal.Gate.
type Gate interface {
	Keepers

	Challenge(ctx context.Context, portal, name, nonce string, caller portal.Caller) (portal.Challenge, error)
	Login(ctx context.Context, portal string, proof portal.Proof, caller portal.Caller) (portal.SignedIn, error)
	Password(ctx context.Context, portal, name, password string, caller portal.Caller) (portal.SignedIn, error)
	AskPasskey(ctx context.Context, portal string, caller portal.Caller) (portal.Asked, error)
	Passkey(ctx context.Context, portal, token string, answer []byte, caller portal.Caller) (portal.SignedIn, error)
	AskSecond(ctx context.Context, portal, token string, caller portal.Caller) (portal.Asked, error)
	Second(
		ctx context.Context, portal, token string, proof portal.SecondProof, caller portal.Caller,
	) (portal.SignedIn, error)
	Ask(ctx context.Context, portal, name string, what engine.OpensWhat, caller portal.Caller) error
	Viewer(ctx context.Context, portal, token string) (portal.Viewer, error)
	Extend(ctx context.Context, portal, token string) (portal.Viewer, error)
	Logout(ctx context.Context, portal, token string) error
	Sessions(ctx context.Context, v portal.Viewer) ([]portal.Session, error)
	End(ctx context.Context, v portal.Viewer, id engine.ID) error
	EndAll(ctx context.Context, v portal.Viewer) error
	ChangePassword(
		ctx context.Context, v portal.Viewer, password, next string, caller portal.Caller,
	) (portal.SignedIn, error)
}

// Keepers are what the API asks of the gate for people who keep what proves them.
type Keepers interface {
	Keeper(ctx context.Context, v portal.Viewer) (portal.Keeper, error)
	Enrolling(ctx context.Context, portal, token string) (portal.Keeper, error)
	Factors(ctx context.Context, k portal.Keeper) (portal.Enrolled, error)
	MayChange(ctx context.Context, k portal.Keeper) error
	MakesPasskeys() bool
	MakePasskey(ctx context.Context, k portal.Keeper) (portal.Asked, error)
	AddPasskey(
		ctx context.Context, k portal.Keeper, token string, answer []byte, name string, caller portal.Caller,
	) (portal.Added, error)
	RenamePasskey(ctx context.Context, k portal.Keeper, id engine.ID, name string) error
	RemovePasskey(ctx context.Context, k portal.Keeper, id engine.ID) (portal.SignedIn, error)
	SetUpAuthenticator(ctx context.Context, k portal.Keeper, issuer string) (portal.Setup, error)
	AddAuthenticator(
		ctx context.Context, k portal.Keeper, token, code, issuer string, caller portal.Caller,
	) (portal.Added, portal.Setup, error)
	RemoveAuthenticator(ctx context.Context, k portal.Keeper) (portal.SignedIn, error)
	MakeRecoveryCodes(ctx context.Context, k portal.Keeper) ([]string, error)
	Owed(ctx context.Context, portal, token string) (portal.Owed, error)
	AskStepUp(ctx context.Context, v portal.Viewer) (portal.Asked, error)
	StepUp(
		ctx context.Context, v portal.Viewer, proof portal.SecondProof, caller portal.Caller,
	) (portal.SignedIn, error)
}
