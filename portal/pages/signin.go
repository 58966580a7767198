package pages

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/pages"
	"postern/portal"
)

//go:embed files/sign-in.js
var signInScript []byte

// signIn is the topic of signing in by a password, and out. The form needs no script; with one the password stays in
// the browser, and only a proof of it is sent.
func signIn() topic {
	return topic{
		name: "sign_in", pages: []string{"sign-in", "no-cookie"}, scripts: map[string][]byte{"sign-in": signInScript},
		routes: []route{
			{path: "sign-in", get: showSignIn, post: doSignIn, open: true},
			{path: "sign-in/challenge", post: giveChallenge, open: true},
			{path: "signed-in", get: showSignedIn, open: true},
			{path: "sign-out", post: doSignOut, open: true},
		},
	}
}

// signInBody is what the page of the form is filled with.
type signInBody struct {
	Action, Challenge string // paths
	To                string // where to go afterwards
	Name              string // as it was typed
	Password          bool   // whether the portal lets people sign in by one
	Refused           bool   // the sign-in that came with it
	Notice            string // that they have signed out
	Who               string // who is signed in already; "" for nobody
	Ways              []tab  // what else there is
}

// otherWays are pages that help who cannot or need not type a password, by their path; those that are there.
var otherWays = []struct {
	path, label string
	method      engine.SignInMethod
}{
	{"passkey", "portal.factors.passkey.button", engine.SignInPasskey},
	{"mail-link", "portal.sign_in.link", engine.SignInLink},
	{"forgot", "portal.sign_in.forgot", engine.SignInPassword},
}

func (c *call) signInBody(to string) signInBody {
	body := signInBody{
		Action: c.path("sign-in"), Challenge: c.path("sign-in", "challenge"), To: c.inside(to),
		Password: c.offers(engine.SignInPassword),
	}
	if c.signedIn {
		body.Who = c.who()
	}
	for _, way := range otherWays {
		if c.offers(way.method) && slices.Contains(c.pages.paths, "/portal/{portal}/"+way.path) {
			body.Ways = append(body.Ways, tab{Label: c.texts.Say(way.label), URL: c.path(way.path)})
		}
	}
	return body
}

// offers tells whether the portal lets people sign in in a way.
func (c *call) offers(method engine.SignInMethod) bool {
	if method == engine.SignInPasskey && !c.pages.with.Gate.MakesPasskeys() {
		return false
	}
	return slices.Contains(c.portal.SignIn.Methods, method)
}

// showSignIn shows the form. Who is signed in, and was a moment ago, is led on.
func showSignIn(c *call) (answer, error) {
	query := c.URL.Query()
	if c.signedIn && c.viewer.Fresh() {
		return answer{goTo: c.inside(query.Get("to"))}, nil
	}
	body := c.signInBody(query.Get("to"))
	body.Notice = c.notice()
	return c.signInPage(body), nil
}

func (c *call) signInPage(body signInBody) answer {
	return answer{
		page: "sign-in", title: c.texts.Say("portal.sign_in.title"), body: body, scripts: []string{"sign-in"},
	}
}

// doSignIn takes the form: a password, or the proof of one.
func doSignIn(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	in, err := c.prove(form)
	if errors.Is(err, portal.ErrRefused) {
		body := c.signInBody(form.Get("to"))
		body.Refused, body.Name = true, form.Get("name")
		reply := c.signInPage(body)
		reply.status = http.StatusUnauthorized
		return reply, nil
	}
	if err != nil {
		return answer{}, err
	}
	return c.entered(in, form.Get("to")), nil
}

func (c *call) prove(form url.Values) (portal.SignedIn, error) {
	gate := c.pages.with.Gate
	if !form.Has("proof") {
		return gate.Password(c.Context(), c.portal.Name, form.Get("name"), form.Get("password"), c.caller())
	}
	proof, err := base64.StdEncoding.DecodeString(form.Get("proof"))
	if err != nil {
		return portal.SignedIn{}, portal.ErrMalformed
	}
	given := portal.Proof{Nonce: form.Get("nonce"), Proof: proof}
	return gate.Login(c.Context(), c.portal.Name, given, c.caller())
}

// entered leads on who has proved who they are: to what has to follow, or to where they wanted to go.
func (c *call) entered(in portal.SignedIn, to string) answer {
	name, cookies := c.portal.Name, c.pages.cookies
	next := "signed-in"
	var reply answer
	switch in.Next {
	case portal.NextSecond, portal.NextEnrol:
		next = in.Next
		reply.cookies = append(reply.cookies, cookies.Pending(name, in.Pending))
	default:
		over := cookies.Ended(name)[1] // what was pending
		reply.cookies = append(reply.cookies, over, cookies.Session(name, in.Token))
	}
	if in.Device != "" {
		reply.cookies = append(reply.cookies, cookies.Device(name, in.Device))
	}
	reply.goTo = c.path(next)
	if to = c.inside(to); to != c.path() {
		reply.goTo += "?" + url.Values{"to": {to}}.Encode()
	}
	return reply
}

// showSignedIn leads on, or says that the browser kept no cookie: without one nobody stays signed in.
func showSignedIn(c *call) (answer, error) {
	to := c.inside(c.URL.Query().Get("to"))
	if c.signedIn {
		return answer{goTo: to}, nil
	}
	return answer{
		status: http.StatusUnauthorized, page: "no-cookie", title: c.texts.Say("portal.sign_in.cookie.title"),
		body: c.signInPath(),
	}, nil
}

// doSignOut ends the session and has the browser forget what it kept of the pages.
func doSignOut(c *call) (answer, error) {
	token := c.pages.cookies.SessionOf(c.Request, c.portal.Name)
	if err := c.pages.with.Gate.Logout(c.Context(), c.portal.Name, token); err != nil {
		return answer{}, err
	}
	return c.left(), nil
}

// left leads who is signed out now to signing in.
func (c *call) left() answer {
	return answer{
		goTo: c.path("sign-in"), cookies: append(c.pages.cookies.Ended(c.portal.Name), c.tell("out")),
		header: http.Header{"Clear-Site-Data": {`"cache"`}},
	}
}

// challengeReply is what the script is answered.
type challengeReply struct {
	Nonce  string `json:"nonce"`
	Salt   []byte `json:"salt"` // in base64
	Rounds int    `json:"rounds"`
}

// giveChallenge answers the script.
func giveChallenge(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	name := strings.TrimSpace(form.Get("name"))
	challenge, err := c.pages.with.Gate.Challenge(c.Context(), c.portal.Name, name, form.Get("nonce"), c.caller())
	if err != nil {
		return answer{}, err
	}
	text, err := json.Marshal(challengeReply{challenge.Nonce, challenge.Salt, challenge.Rounds})
	if err != nil {
		return answer{}, err
	}
	return answer{write: func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // what cannot be written was not waited for
	}}, nil
}
