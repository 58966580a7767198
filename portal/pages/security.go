package pages

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"postern/engine"
	"postern/internal/pages"
	"postern/portal"
)

// securityBody is what somebody can prove themselves by.
type securityBody struct {
	Notice  string // what was done
	Problem string // why it was not
	Action  string // path that takes the forms

	Prove    bool // they have to prove once more who they are, before they change anything
	Code     bool // by a code
	ByKey    bool // or a passkey
	SignIn   string
	Passkeys []passkeyRow
	Makes    bool // browsers make passkeys for this address

	Authenticator string // when it was set up; "" for none
	Codes         int    // recovery codes that are left
	Second        bool   // there is a second factor
}

// passkeyRow is one of the passkeys.
type passkeyRow struct{ ID, Name, Added, Used string }

// keeper is the viewer as the keeper of their factors.
func (c *call) keeper() (portal.Keeper, error) {
	return c.pages.with.Gate.Keeper(c.Context(), c.viewer)
}

func showSecurity(c *call) (answer, error) { return c.securityPage(c.notice(), "", 0) }

// securityPage shows the page, after a change that was made or refused.
func (c *call) securityPage(notice, problem string, status int) (answer, error) {
	k, err := c.keeper()
	if err != nil {
		return answer{}, err
	}
	enrolled, err := c.pages.with.Gate.Factors(c.Context(), k)
	if err != nil {
		return answer{}, err
	}
	body := securityBody{
		Notice: notice, Problem: problem, Action: c.path("security"), Codes: enrolled.RecoveryCodes,
		Second: enrolled.Second(), Makes: c.pages.with.Gate.MakesPasskeys(),
	}
	for _, p := range enrolled.Passkeys {
		body.Passkeys = append(body.Passkeys, passkeyRow{
			ID: p.ID.String(), Name: p.Name, Added: c.texts.Moment(p.Added), Used: c.moment(p.Used),
		})
	}
	if enrolled.Authenticator != nil {
		body.Authenticator = c.texts.Moment(enrolled.Authenticator.Added)
	}
	switch err := c.pages.with.Gate.MayChange(c.Context(), k); {
	case errors.Is(err, portal.ErrFresh):
		body.Prove, body.Code = true, enrolled.Authenticator != nil || enrolled.RecoveryCodes > 0
		body.ByKey = body.Makes && len(enrolled.Passkeys) > 0
		body.SignIn = c.path("sign-in") + "?" + url.Values{"to": {c.path("security")}}.Encode()
	case err != nil:
		return answer{}, err
	}
	return answer{status: status, page: "security", title: c.texts.Say("portal.factors.title"), body: body}, nil
}

// moment is a time as people read it; "" for none.
func (c *call) moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return c.texts.Moment(at)
}

// doSecurity takes the forms of the page.
func doSecurity(c *call) (answer, error) {
	form, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	reply, err := c.secure(form)
	for _, refused := range []struct {
		err    error
		label  string
		status int
	}{
		{portal.ErrWrong, "portal.factors.wrong", http.StatusUnprocessableEntity},
		{portal.ErrPassed, "portal.factors.passed", http.StatusGone},
		{portal.ErrNoFactor, "portal.factors.gone", http.StatusNotFound},
		{portal.ErrLastFactor, "portal.factors.last", http.StatusConflict},
		{portal.ErrPasskeys, "portal.factors.many", http.StatusConflict},
		{portal.ErrNoPasskeys, "portal.factors.no_passkeys", http.StatusForbidden},
		{engine.ErrTaken, "portal.factors.taken", http.StatusConflict},
		{portal.ErrFresh, "portal.factors.prove", http.StatusForbidden},
	} {
		if errors.Is(err, refused.err) {
			return c.securityPage("", c.texts.Say(refused.label), refused.status)
		}
	}
	return reply, err
}

// secure does what a form of the page asks for.
func (c *call) secure(form url.Values) (answer, error) {
	k, err := c.keeper()
	if err != nil {
		return answer{}, err
	}
	gate, ctx := c.pages.with.Gate, c.Context()
	switch form.Get("do") {
	case "code":
		in, err := gate.StepUp(ctx, c.viewer, portal.SecondProof{Code: form.Get("code")}, c.caller())
		return c.rotated(in, "proved"), err
	case "use":
		asked, err := gate.AskStepUp(ctx, c.viewer)
		return c.usesPasskey(c.path("security"), "", asked), err
	case "used":
		in, err := gate.StepUp(ctx, c.viewer, passkeyProof(form), c.caller())
		return c.rotated(in, "proved"), err
	case "codes":
		codes, err := gate.MakeRecoveryCodes(ctx, k)
		return c.codesPage(codes, c.path("security")), err
	case "remove-authenticator":
		in, err := gate.RemoveAuthenticator(ctx, k)
		return c.rotated(in, "removed"), err
	case "rename", "remove":
		return c.changePasskey(k, form)
	}
	return c.enrols(k, c.path("security"), c.path("security"), form)
}

func (c *call) changePasskey(k portal.Keeper, form url.Values) (answer, error) {
	id, err := engine.ParseID(form.Get("id"))
	if err != nil {
		return answer{}, pages.ErrMalformed
	}
	if form.Get("do") == "rename" {
		err := c.pages.with.Gate.RenamePasskey(c.Context(), k, id, form.Get("name"))
		return answer{goTo: c.path("security"), cookies: []*http.Cookie{c.tell("renamed")}}, err
	}
	in, err := c.pages.with.Gate.RemovePasskey(c.Context(), k, id)
	return c.rotated(in, "removed"), err
}

// rotated leads back to the page, with the new token of the session.
func (c *call) rotated(in portal.SignedIn, done string) answer {
	return answer{
		goTo:    c.path("security"),
		cookies: []*http.Cookie{c.pages.cookies.Session(c.portal.Name, in.Token), c.tell(done)},
	}
}

// passkeyProof is the answer of a browser's script.
func passkeyProof(form url.Values) portal.SecondProof {
	return portal.SecondProof{Token: form.Get("token"), Answer: []byte(form.Get("answer"))}
}
