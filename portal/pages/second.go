package pages

import (
	"errors"
	"net/http"
	"net/url"

	"postern/internal/pages"
	"postern/internal/passkey"
	"postern/portal"
)

// factors is the topic of what people prove themselves by beside a password: the second step of a sign-in, the page on
// which they keep it, and signing in by a passkey alone.
func factors() topic {
	return topic{
		name: "factors", pages: []string{"security", "second", "enrol", "passkey", "authenticator", "recovery-codes"},
		scripts: map[string][]byte{"passkey": passkey.Script},
		routes: []route{
			{path: "security", get: showSecurity, post: doSecurity},
			{path: "second", get: showSecond, post: doSecond, open: true},
			{path: "enrol", get: showEnrol, post: doEnrol, open: true},
			{path: "passkey", get: showPasskey, post: doPasskey, open: true},
		},
	}
}

// secondBody asks for a second factor.
type secondBody struct {
	Action, To string
	Code       bool
	Passkey    bool
	Recovery   bool
	Problem    string
	SignIn     string // path of beginning anew
}

// enrolBody says that a factor has to be enrolled first.
type enrolBody struct {
	Action, To string
	Makes      bool // browsers make passkeys for this address
	Problem    string
}

func showSecond(c *call) (answer, error) { return c.secondPage(c.URL.Query().Get("to"), false) }

// secondPage shows what is missing of the sign-in. Where nothing is, signing in begins anew.
func (c *call) secondPage(to string, wrong bool) (answer, error) {
	owed, err := c.pages.with.Gate.Owed(c.Context(), c.portal.Name, c.pending())
	switch {
	case errors.Is(err, portal.ErrPassed) && !wrong:
		return answer{goTo: c.path("sign-in")}, nil
	case err != nil:
		return answer{}, err
	case owed.Next == portal.NextEnrol:
		return answer{goTo: c.path("enrol")}, nil
	}
	c.speak(owed.Language)
	body := secondBody{
		Action: c.path("second"), To: c.inside(to), Code: owed.Code || owed.Recovery, Passkey: owed.Passkey,
		Recovery: owed.Recovery, SignIn: c.path("sign-in"),
	}
	reply := answer{page: "second", title: c.texts.Say("portal.factors.second.title")}
	if wrong {
		body.Problem = c.texts.Say("portal.factors.second.wrong", "Left", owed.Left)
		reply.status = http.StatusUnprocessableEntity
	}
	reply.body = body
	return reply, nil
}

// pending is the token of the sign-in that something is missing of.
func (c *call) pending() string { return c.pages.cookies.PendingOf(c.Request, c.portal.Name) }

// speak answers in the language of somebody who is not signed in yet.
func (c *call) speak(language string) {
	c.texts = c.pages.speech.texts(language, c.Header.Get("Accept-Language")).In(c.texts.Clocks())
}

// doSecond takes the second step.
func doSecond(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	to, gate := c.inside(form.Get("to")), c.pages.with.Gate
	if form.Get("do") == "use" {
		asked, err := gate.AskSecond(c.Context(), c.portal.Name, c.pending(), c.caller())
		return c.usesPasskey(c.path("second"), to, asked), err
	}
	proof := portal.SecondProof{Code: form.Get("code")}
	if form.Get("do") == "used" {
		proof = passkeyProof(form)
	}
	in, err := gate.Second(c.Context(), c.portal.Name, c.pending(), proof, c.caller())
	if errors.Is(err, portal.ErrWrong) {
		return c.secondPage(to, true)
	}
	return c.entered(in, to), err
}

// enrolling is who has to enrol a factor before they are let in.
func (c *call) enrolling() (portal.Keeper, error) {
	k, err := c.pages.with.Gate.Enrolling(c.Context(), c.portal.Name, c.pending())
	if err == nil {
		c.speak(k.Language())
	}
	return k, err
}

func showEnrol(c *call) (answer, error) {
	_, err := c.enrolling()
	if errors.Is(err, portal.ErrPassed) {
		return answer{goTo: c.path("sign-in")}, nil
	}
	return c.enrolPage(c.URL.Query().Get("to"), ""), err
}

func (c *call) enrolPage(to, problem string) answer {
	reply := answer{page: "enrol", title: c.texts.Say("portal.factors.enrol.title"), body: enrolBody{
		Action: c.path("enrol"), To: c.inside(to), Makes: c.pages.with.Gate.MakesPasskeys(), Problem: problem,
	}}
	if problem != "" {
		reply.status = http.StatusUnprocessableEntity
	}
	return reply
}

// doEnrol enrols a factor, and ends the sign-in.
func doEnrol(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	k, err := c.enrolling()
	if err != nil {
		return answer{}, err
	}
	to := c.inside(form.Get("to"))
	reply, err := c.enrols(k, c.path("enrol"), to, form)
	if errors.Is(err, portal.ErrWrong) {
		return c.enrolPage(to, c.texts.Say("portal.factors.wrong")), nil
	}
	return reply, err
}

// passkeySignIn is the page that signs in by a passkey.
func (c *call) passkeySignIn(to string, asked portal.Asked, refused bool) answer {
	kind := "get"
	if asked.Token == "" {
		kind = ""
	}
	back := c.path("sign-in")
	if to = c.inside(to); to != c.path() {
		back += "?" + url.Values{"to": {to}}.Encode()
	}
	return c.passkeyPage(passkeyBody{
		Action: c.path("passkey"), Do: "used", Kind: kind, Token: asked.Token, Options: string(asked.Options), To: to,
		Text: c.texts.Say("portal.factors.passkey.use"), Refused: refused,
		Back: tab{Label: c.texts.Say("portal.factors.other"), URL: back},
	})
}

func showPasskey(c *call) (answer, error) {
	return c.passkeySignIn(c.URL.Query().Get("to"), portal.Asked{}, false), nil
}

// doPasskey has the browser ask for a passkey, and then takes its answer.
func doPasskey(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	gate, to := c.pages.with.Gate, form.Get("to")
	if form.Get("do") != "used" {
		asked, err := gate.AskPasskey(c.Context(), c.portal.Name, c.caller())
		return c.passkeySignIn(to, asked, false), err
	}
	in, err := gate.Passkey(c.Context(), c.portal.Name, form.Get("token"), []byte(form.Get("answer")), c.caller())
	if errors.Is(err, portal.ErrRefused) {
		return c.passkeySignIn(to, portal.Asked{}, true), nil
	}
	return c.entered(in, c.inside(to)), err
}
