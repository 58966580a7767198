package rest

import (
	"encoding/base64"
	"net/http"
	"time"

	"postern/engine"
	"postern/portal"
)

// challengeBody is what a client proves a password by; see portal.Challenge.
type challengeBody struct {
	Nonce      string    `json:"nonce"`
	Salt       string    `json:"salt"` // base64
	Iterations int       `json:"iterations"`
	Mechanism  string    `json:"mechanism"`
	ServerTime time.Time `json:"server_time"`
	Expires    time.Time `json:"expires"`
}

// challenge begins a sign-in by password: {"name", "nonce"}.
func (a *API) challenge(c *call) (answer, error) {
	given, err := texts(c, "name", "nonce")
	if err != nil {
		return answer{}, err
	}
	made, err := a.with.Gate.Challenge(c.Context(), c.portal, given["name"], given["nonce"], a.caller(c))
	if len(given["name"]) > portal.MaxName {
		err = malformedAbout(err, "name")
	}
	if err != nil {
		return answer{}, malformedAbout(err, "nonce")
	}
	return answer{body: challengeBody{
		Nonce: made.Nonce, Salt: base64.StdEncoding.EncodeToString(made.Salt), Iterations: made.Rounds,
		Mechanism: made.Mech, ServerTime: made.Made, Expires: made.Expires,
	}}, nil
}

// signedInBody is what a sign-in led to.
type signedInBody struct {
	Token     string       `json:"token,omitempty"` // for Authorization: Bearer; not there where a cookie was asked for
	Session   *sessionBody `json:"session,omitempty"`
	Next      string       `json:"next,omitempty"`      // what has to follow before there is a session
	Ways      []string     `json:"ways,omitempty"`      // by which it can be done
	Pending   string       `json:"pending,omitempty"`   // what that is done with; a cookie where one was asked for
	Signature string       `json:"signature,omitempty"` // base64: the server knows the verifier, too
	Codes     []string     `json:"recovery_codes,omitempty"`
}

// login ends a sign-in by password: {"nonce", "proof"}, the answer to a challenge, or {"name", "password"}. With
// "cookie": true a browser keeps the session where no script can read it.
func (a *API) login(c *call) (answer, error) {
	object, err := readObject(c)
	if err != nil {
		return answer{}, err
	}
	cookie, err := takeCookie(object)
	if err != nil {
		return answer{}, err
	}
	signedIn, err := a.prove(c, object)
	if err != nil {
		return answer{}, err
	}
	return a.welcome(c, signedIn, cookie)
}

// prove hands to the gate what proves a password.
func (a *API) prove(c *call, object engine.Fields) (portal.SignedIn, error) {
	names := []string{"name", "password"}
	if _, byProof := object["proof"]; byProof {
		names = []string{"nonce", "proof"}
	}
	for _, name := range names {
		if _, there := object[name]; !there {
			return portal.SignedIn{}, about(errMalformed, name)
		}
	}
	given, err := textsOf(object, names)
	if err != nil {
		return portal.SignedIn{}, err
	}
	if name := given["name"]; names[0] == "name" {
		in, err := a.with.Gate.Password(c.Context(), c.portal, name, given["password"], a.caller(c))
		if len(name) > portal.MaxName {
			err = malformedAbout(err, "name")
		}
		return in, malformedAbout(err, "password")
	}
	proof, err := base64.StdEncoding.DecodeString(given["proof"])
	if err != nil {
		return portal.SignedIn{}, about(errMalformed, "proof")
	}
	in, err := a.with.Gate.Login(c.Context(), c.portal, portal.Proof{Nonce: given["nonce"], Proof: proof}, a.caller(c))
	if given["nonce"] == "" {
		err = malformedAbout(err, "nonce")
	}
	return in, malformedAbout(err, "proof")
}

// welcome answers who was let in, or has to do something more. The token of a browser that asked for a cookie is in no
// body: a script that somebody smuggled into a page could read it there.
func (a *API) welcome(c *call, signedIn portal.SignedIn, cookie bool) (answer, error) {
	body, err := a.welcomed(c, signedIn, cookie)
	return answer{body: body}, err
}

func (a *API) welcomed(c *call, signedIn portal.SignedIn, cookie bool) (body signedInBody, err error) {
	body.Next = signedIn.Next
	if signedIn.Server != nil {
		body.Signature = base64.StdEncoding.EncodeToString(signedIn.Server)
	}
	if signedIn.Next == "" {
		session := newSession(signedIn.Session)
		body.Session = &session
	} else if body.Ways, err = a.ways(c, signedIn); err != nil {
		return signedInBody{}, err
	}
	if signedIn.Device != "" {
		http.SetCookie(c.w, a.cookies.Device(c.portal, signedIn.Device))
	}
	switch {
	case !cookie:
		body.Token, body.Pending = signedIn.Token, signedIn.Pending
	case signedIn.Next == "":
		http.SetCookie(c.w, a.cookies.Ended(c.portal)[1]) // what was pending
		http.SetCookie(c.w, a.cookies.Session(c.portal, signedIn.Token))
	default:
		http.SetCookie(c.w, a.cookies.Pending(c.portal, signedIn.Pending))
	}
	return body, nil
}

// ways are those by which what is missing of a sign-in can be done.
func (a *API) ways(c *call, signedIn portal.SignedIn) ([]string, error) {
	owed, err := a.with.Gate.Owed(c.Context(), c.portal, signedIn.Pending)
	if err != nil {
		return nil, err
	}
	enrols := owed.Next == portal.NextEnrol
	var ways []string
	for _, way := range []struct {
		name string
		open bool
	}{
		{"authenticator", enrols || owed.Code},
		{"passkey", owed.Passkey || enrols && a.with.Gate.MakesPasskeys()},
		{"recovery_code", owed.Recovery},
	} {
		if way.open {
			ways = append(ways, way.name)
		}
	}
	return ways, nil
}

// ask notes that somebody wants a link, to choose a password or to sign in: {"name"}. The answer is always the same.
func (a *API) ask(what engine.OpensWhat) handler {
	return func(c *call) (answer, error) {
		given, err := texts(c, "name")
		if err == nil {
			err = malformedAbout(a.with.Gate.Ask(c.Context(), c.portal, given["name"], what, a.caller(c)), "name")
		}
		if err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusAccepted, body: map[string]bool{"asked": true}}, nil
	}
}

// logout ends the session that the request comes with, if there is one.
func (a *API) logout(c *call) (answer, error) {
	if err := a.with.Gate.Logout(c.Context(), c.portal, c.token); err != nil {
		return answer{}, err
	}
	if !c.bearer {
		a.forget(c)
	}
	return answer{status: http.StatusNoContent}, nil
}

// forget has the browser forget its session.
func (a *API) forget(c *call) {
	for _, cookie := range a.cookies.Ended(c.portal) {
		http.SetCookie(c.w, cookie)
	}
}

// password sets another password for who knows the present one: {"password", "next"}.
func (a *API) password(c *call) (answer, error) {
	given, err := texts(c, "password", "next")
	if err != nil {
		return answer{}, err
	}
	signedIn, err := a.with.Gate.ChangePassword(c.Context(), c.viewer, given["password"], given["next"], a.caller(c))
	if err != nil {
		return answer{}, malformedAbout(err, "password")
	}
	return a.welcome(c, signedIn, !c.bearer)
}
