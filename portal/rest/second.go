package rest

import (
	"encoding/json"
	"errors"

	"postern/engine"
	"postern/portal"
)

// askedBody is what a passkey answers.
type askedBody struct {
	Token   string          `json:"token"`
	Options json.RawMessage `json:"options"` // for navigator.credentials.get, or create
}

func askedFor(asked portal.Asked, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{body: askedBody{Token: asked.Token, Options: asked.Options}}, nil
}

// askPasskey begins a sign-in by passkey, of whoever answers: {}.
func (a *API) askPasskey(c *call) (answer, error) {
	if _, err := texts(c); err != nil {
		return answer{}, err
	}
	return askedFor(a.with.Gate.AskPasskey(c.Context(), c.portal, a.caller(c)))
}

// passkey signs in by passkey: {"token", "answer"}, what the browser made of the options, as text.
func (a *API) passkey(c *call) (answer, error) {
	given, cookie, err := proofs(c, "token", "answer")
	if err != nil {
		return answer{}, err
	}
	in, err := a.with.Gate.Passkey(c.Context(), c.portal, given["token"], []byte(given["answer"]), a.caller(c))
	if err != nil {
		return answer{}, err
	}
	return a.welcome(c, in, cookie)
}

// askSecond begins the second step of a sign-in by passkey: {"pending"}, which a browser has in a cookie.
func (a *API) askSecond(c *call) (answer, error) {
	given, err := texts(c, "pending")
	if err != nil {
		return answer{}, err
	}
	return askedFor(a.with.Gate.AskSecond(c.Context(), c.portal, a.pendingOf(c, given), a.caller(c)))
}

// second takes the second step of a sign-in: {"pending", "code"}, of an authenticator or a recovery code, or
// {"pending", "token", "answer"} of a passkey.
func (a *API) second(c *call) (answer, error) {
	given, cookie, err := a.pendingProofs(c, "code", "token", "answer")
	if err != nil {
		return answer{}, err
	}
	in, err := a.with.Gate.Second(c.Context(), c.portal, a.pendingOf(c, given), secondProof(given), a.caller(c))
	if err != nil {
		return answer{}, wrongIn(err, given)
	}
	return a.welcome(c, in, cookie)
}

// secondProof is what a second factor is proved by.
func secondProof(given map[string]string) portal.SecondProof {
	return portal.SecondProof{Code: given["code"], Token: given["token"], Answer: []byte(given["answer"])}
}

// wrongIn says which of the given texts proves nothing.
func wrongIn(err error, given map[string]string) error {
	switch {
	case !errors.Is(err, portal.ErrWrong):
		return err
	case given["token"] != "":
		return about(err, "answer")
	}
	return about(err, "code")
}

// pendingOf is the token of what a sign-in is missing something of.
func (a *API) pendingOf(c *call, given map[string]string) string {
	if given["pending"] != "" {
		return given["pending"]
	}
	return a.cookies.PendingOf(c.Request, c.portal)
}

// pendingProofs reads texts of a sign-in that something is missing of. What a browser has in a cookie goes on in one,
// where no script can read it.
func (a *API) pendingProofs(c *call, names ...string) (given map[string]string, cookie bool, err error) {
	given, cookie, err = proofs(c, append([]string{"pending"}, names...)...)
	return given, cookie || given["pending"] == "", err
}

// proofs reads texts, and whether a browser is to keep the session.
func proofs(c *call, names ...string) (given map[string]string, cookie bool, err error) {
	object, err := readObject(c)
	if err != nil {
		return nil, false, err
	}
	if cookie, err = takeCookie(object); err != nil {
		return nil, false, err
	}
	given, err = textsOf(object, names)
	return given, cookie, err
}

// takeCookie takes out of an object whether a browser is to keep the session.
func takeCookie(object engine.Fields) (bool, error) {
	cookie, isBool := object["cookie"].(bool)
	if _, there := object["cookie"]; there && !isBool {
		return false, about(errMalformed, "cookie")
	}
	delete(object, "cookie")
	return cookie, nil
}
