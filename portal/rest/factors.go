package rest

import (
	"errors"
	"net/http"
	"time"

	"postern/engine"
	"postern/portal"
)

// factorsBody is what somebody can prove themselves by, beside a password.
type factorsBody struct {
	Passkeys      []passkeyBody      `json:"passkeys"` // the oldest first
	Authenticator *authenticatorBody `json:"authenticator"`
	CodesLeft     int                `json:"codes_left"` // recovery codes
	Required      bool               `json:"required"`   // whether one has to stay
	Fresh         bool               `json:"fresh"`      // whether they may be changed without another proof
	Makes         bool               `json:"makes_passkeys"`
}

type passkeyBody struct {
	ID    string     `json:"id"`
	Name  string     `json:"name"`
	Added time.Time  `json:"added"`
	Used  *time.Time `json:"used"` // null for never
}

type authenticatorBody struct {
	Added time.Time `json:"added"`
}

// keeper is the viewer as the keeper of their factors.
func (a *API) keeper(c *call) (portal.Keeper, error) {
	return a.with.Gate.Keeper(c.Context(), c.viewer)
}

// factors tells what the viewer can prove themselves by.
func (a *API) factors(c *call) (answer, error) {
	k, err := a.keeper(c)
	if err != nil {
		return answer{}, err
	}
	enrolled, err := a.with.Gate.Factors(c.Context(), k)
	if err != nil {
		return answer{}, err
	}
	body := factorsBody{
		Passkeys: []passkeyBody{}, CodesLeft: enrolled.RecoveryCodes, Makes: a.with.Gate.MakesPasskeys(),
		Required: c.viewer.Portal.SignIn.SecondFactor == engine.SecondFactorRequired,
	}
	for _, p := range enrolled.Passkeys {
		key := passkeyBody{ID: p.ID.String(), Name: p.Name, Added: p.Added.UTC()}
		if used := p.Used.UTC(); !p.Used.IsZero() {
			key.Used = &used
		}
		body.Passkeys = append(body.Passkeys, key)
	}
	if app := enrolled.Authenticator; app != nil {
		body.Authenticator = &authenticatorBody{Added: app.Added.UTC()}
	}
	err = a.with.Gate.MayChange(c.Context(), k)
	if body.Fresh = err == nil; errors.Is(err, portal.ErrFresh) {
		err = nil
	}
	return answer{body: body}, err
}

// askProof begins a proof by passkey of who is signed in: {}.
func (a *API) askProof(c *call) (answer, error) {
	if _, err := texts(c); err != nil {
		return answer{}, err
	}
	return askedFor(a.with.Gate.AskStepUp(c.Context(), c.viewer))
}

// proveAgain has who is signed in prove once more who they are, for what is sensitive: {"code"}, or {"token", "answer"}
// of a passkey.
func (a *API) proveAgain(c *call) (answer, error) {
	given, err := texts(c, "code", "token", "answer")
	if err != nil {
		return answer{}, err
	}
	in, err := a.with.Gate.StepUp(c.Context(), c.viewer, secondProof(given), a.caller(c))
	if err != nil {
		return answer{}, wrongIn(err, given)
	}
	return a.welcome(c, in, !c.bearer)
}

// renamePasskey gives a passkey another name: {"name"}.
func (a *API) renamePasskey(c *call) (answer, error) {
	given, err := texts(c, "name")
	if err != nil {
		return answer{}, err
	}
	id, err := passkeyOf(c)
	if err != nil {
		return answer{}, err
	}
	if given["name"] == "" {
		return answer{}, about(errMalformed, "name")
	}
	k, err := a.keeper(c)
	if err == nil {
		err = a.with.Gate.RenamePasskey(c.Context(), k, id, given["name"])
	}
	return answer{status: http.StatusNoContent}, err
}

// passkeyOf is the passkey of a path. What can be none is none.
func passkeyOf(c *call) (engine.ID, error) {
	id, err := engine.ParseID(c.PathValue("passkey"))
	if err != nil {
		err = portal.ErrNoFactor
	}
	return id, err
}

// removePasskey removes one.
func (a *API) removePasskey(c *call) (answer, error) {
	id, err := passkeyOf(c)
	if err != nil {
		return answer{}, err
	}
	k, err := a.keeper(c)
	if err != nil {
		return answer{}, err
	}
	return a.renewed(c)(a.with.Gate.RemovePasskey(c.Context(), k, id))
}

// removeAuthenticator removes the viewer's authenticator.
func (a *API) removeAuthenticator(c *call) (answer, error) {
	k, err := a.keeper(c)
	if err != nil {
		return answer{}, err
	}
	return a.renewed(c)(a.with.Gate.RemoveAuthenticator(c.Context(), k))
}

// renewed answers with the new token of the session.
func (a *API) renewed(c *call) func(portal.SignedIn, error) (answer, error) {
	return func(in portal.SignedIn, err error) (answer, error) {
		if err != nil {
			return answer{}, err
		}
		return a.welcome(c, in, !c.bearer)
	}
}

// codesBody are recovery codes, shown this once.
type codesBody struct {
	Codes []string `json:"recovery_codes"`
}

// recoveryCodes makes new ones in place of those there are: {}.
func (a *API) recoveryCodes(c *call) (answer, error) {
	if _, err := texts(c); err != nil {
		return answer{}, err
	}
	k, err := a.keeper(c)
	if err != nil {
		return answer{}, err
	}
	codes, err := a.with.Gate.MakeRecoveryCodes(c.Context(), k)
	return answer{status: http.StatusCreated, body: codesBody{codes}}, err
}
