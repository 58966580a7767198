package rest

import (
	"errors"
	"net/http"

	"postern/portal"
)

// enrolment is how factors are enrolled: by who is signed in, or by who has to before they are.
type enrolment struct {
	*API

	before bool // they are signed in
}

// read reads texts, and finds who enrols. cookie says that a browser is to keep the session.
func (e enrolment) read(c *call, names ...string) (
	given map[string]string, k portal.Keeper, cookie bool, err error,
) {
	if !e.before {
		if given, err = texts(c, names...); err == nil {
			k, err = e.keeper(c)
		}
		return given, k, !c.bearer, err
	}
	if given, cookie, err = e.pendingProofs(c, names...); err == nil {
		k, err = e.with.Gate.Enrolling(c.Context(), c.portal, e.pendingOf(c, given))
	}
	return given, k, cookie, err
}

// askToMake begins to make a passkey: {}, and "pending" before they are signed in.
func (e enrolment) askToMake(c *call) (answer, error) {
	_, k, _, err := e.read(c)
	if err != nil {
		return answer{}, err
	}
	return askedFor(e.with.Gate.MakePasskey(c.Context(), k))
}

// addPasskey ends it: {"token", "answer", "name"}.
func (e enrolment) addPasskey(c *call) (answer, error) {
	given, k, cookie, err := e.read(c, "token", "answer", "name")
	if err != nil {
		return answer{}, err
	}
	if given["name"] == "" {
		return answer{}, about(errMalformed, "name")
	}
	added, err := e.with.Gate.AddPasskey(
		c.Context(), k, given["token"], []byte(given["answer"]), given["name"], e.caller(c))
	if err != nil {
		return answer{}, wrongIn(err, given)
	}
	return e.added(c, added, cookie)
}

// setupBody is an authenticator that is being set up.
type setupBody struct {
	Token  string `json:"token"`
	Secret string `json:"secret"` // base32, to be typed in
	URI    string `json:"uri"`    // otpauth, for a QR code
}

// setUp begins to set up an authenticator: {}.
func (e enrolment) setUp(c *call) (answer, error) {
	_, k, _, err := e.read(c)
	if err != nil {
		return answer{}, err
	}
	setup, err := e.with.Gate.SetUpAuthenticator(c.Context(), k, e.issuer(k))
	return answer{body: setupBody{Token: setup.Token, Secret: setup.Secret, URI: setup.Address}}, err
}

// addAuthenticator ends it: {"token", "code"}. A wrong code leaves it as it was, under the token of the refusal.
func (e enrolment) addAuthenticator(c *call) (answer, error) {
	given, k, cookie, err := e.read(c, "token", "code")
	if err != nil {
		return answer{}, err
	}
	added, again, err := e.with.Gate.AddAuthenticator(
		c.Context(), k, given["token"], given["code"], e.issuer(k), e.caller(c))
	if errors.Is(err, portal.ErrWrong) {
		return answer{}, about(&againError{err, again.Token}, "code")
	}
	if err != nil {
		return answer{}, err
	}
	return e.added(c, added, cookie)
}

// againError is an error after which another try goes by a new token.
type againError struct {
	error

	token string
}

func (e *againError) Unwrap() error { return e.error }

// issuer is what an authenticator shows beside the name.
func (e enrolment) issuer(k portal.Keeper) string {
	if label := k.Portal().Label.In(k.Language()); label != "" {
		return label
	}
	return e.with.Name
}

// added tells that something was enrolled, with the session and the recovery codes that were made along.
func (e enrolment) added(c *call, added portal.Added, cookie bool) (answer, error) {
	body, err := e.welcomed(c, added.In, cookie)
	body.Codes = added.Codes
	return answer{status: http.StatusCreated, body: body}, err
}
