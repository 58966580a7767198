package pages

import (
	"errors"
	"net/http"
	"net/url"

	"postern/internal/pages"
	"postern/internal/qr"
	"postern/portal"
)

// passkeyBody has the browser's script make or use a passkey.
type passkeyBody struct {
	Action  string // path that takes the forms
	Do      string // what the form with the answer says
	Kind    string // create or get; "" where nothing is asked for yet
	Token   string
	Options string
	To      string // where to go afterwards
	Text    string
	Refused bool
	Back    tab // what there is in place of a passkey
}

// setupBody is an authenticator that is being set up.
type setupBody struct {
	Action, To, Token string
	Secret            string
	Picture           string // path of an SVG
	Size              int
	Problem           bool
}

// codesBody shows recovery codes, this once.
type codesBody struct {
	Codes []string
	Next  string
}

// enrols makes a passkey or sets up an authenticator: by whoever is signed in, or has to before they are.
func (c *call) enrols(k portal.Keeper, action, next string, form url.Values) (answer, error) {
	gate, ctx := c.pages.with.Gate, c.Context()
	switch form.Get("do") {
	case "passkey":
		asked, err := gate.MakePasskey(ctx, k)
		return c.passkeyPage(passkeyBody{
			Action: action, Do: "add-passkey", Kind: "create", Token: asked.Token, Options: string(asked.Options),
			To: form.Get("to"), Text: c.texts.Say("portal.factors.passkey.make"),
			Back: tab{Label: c.texts.Say("portal.factors.back"), URL: action},
		}), err
	case "add-passkey":
		name := c.texts.Say("portal.factors.passkey.named", "Date", c.texts.Day(c.now))
		added, err := gate.AddPasskey(ctx, k, form.Get("token"), []byte(form.Get("answer")), name, c.caller())
		return c.added(added, next), err
	case "authenticator":
		setup, err := gate.SetUpAuthenticator(ctx, k, c.issuer())
		if err != nil {
			return answer{}, err
		}
		return c.setupPage(setup, action, form.Get("to"), false)
	case "add-authenticator":
		added, setup, err := gate.AddAuthenticator(
			ctx, k, form.Get("token"), form.Get("code"), c.issuer(), c.caller())
		if errors.Is(err, portal.ErrWrong) {
			return c.setupPage(setup, action, form.Get("to"), true)
		}
		return c.added(added, next), err
	}
	return answer{}, pages.ErrMalformed
}

// issuer is what an authenticator shows beside the name.
func (c *call) issuer() string {
	if label := portalLabel(c.portal, c.texts.Language); label != "" {
		return label
	}
	return c.pages.with.Brand.Name
}

// added leads on after something was enrolled, by way of the recovery codes that were made along.
func (c *call) added(added portal.Added, next string) answer {
	cookies := c.pages.cookies.Ended(c.portal.Name)[1:]
	cookies = append(cookies, c.pages.cookies.Session(c.portal.Name, added.In.Token))
	if added.In.Device != "" {
		cookies = append(cookies, c.pages.cookies.Device(c.portal.Name, added.In.Device))
	}
	reply := answer{goTo: next}
	switch {
	case len(added.Codes) > 0:
		reply = c.codesPage(added.Codes, next)
	case next == c.path("security"):
		cookies = append(cookies, c.tell("added"))
	}
	reply.cookies = cookies
	return reply
}

func (c *call) codesPage(codes []string, next string) answer {
	return answer{
		page: "recovery-codes", title: c.texts.Say("portal.factors.codes.title"),
		body: codesBody{Codes: codes, Next: next},
	}
}

func (c *call) passkeyPage(body passkeyBody) answer {
	title := "portal.factors.passkey.use.title"
	if body.Kind == "create" {
		title = "portal.factors.passkey.make.title"
	}
	reply := answer{page: "passkey", title: c.texts.Say(title), body: body}
	if body.Kind != "" {
		reply.scripts = []string{"passkey"}
	}
	if body.Refused {
		reply.status = http.StatusUnauthorized
	}
	return reply
}

// usesPasskey has the browser use a passkey in place of a code.
func (c *call) usesPasskey(action, to string, asked portal.Asked) answer {
	back := action
	if to != "" {
		back += "?" + url.Values{"to": {to}}.Encode()
	}
	return c.passkeyPage(passkeyBody{
		Action: action, Do: "used", Kind: "get", Token: asked.Token, Options: string(asked.Options), To: to,
		Text: c.texts.Say("portal.factors.passkey.use"),
		Back: tab{Label: c.texts.Say("portal.factors.other"), URL: back},
	})
}

func (c *call) setupPage(setup portal.Setup, action, to string, wrong bool) (answer, error) {
	path, size, err := qr.Path(setup.Address)
	if err != nil {
		return answer{}, err
	}
	reply := answer{page: "authenticator", title: c.texts.Say("portal.factors.setup.title"), body: setupBody{
		Action: action, To: to, Token: setup.Token, Secret: setup.Secret, Picture: path, Size: size, Problem: wrong,
	}}
	if wrong {
		reply.status = http.StatusUnprocessableEntity
	}
	return reply, nil
}
