package links

import (
	"fmt"
	"net/http"
	"net/url"

	"postern/engine"
	"postern/internal/pages"
)

// A subject of a portal can prove themselves by what they enrolled there, or by being signed in to it.

// asksPasskey is the page that has the browser ask for a passkey.
type asksPasskey struct {
	Token   string `json:"token"`   // goes back with the answer
	Options string `json:"options"` // for navigator.credentials.get, as text
}

// subjectOf is whose proof is owed: where the factor leads to, else the link's recipient; the zero Ref for nobody.
func (d *Door) subjectOf(c *call, p passage, o owed) (engine.Ref, error) {
	if o.factor.Subject == nil {
		return p.link.Recipient, nil
	}
	env, err := d.surroundings(c, p, o.factor.Subject)
	if err != nil {
		return engine.Ref{}, err
	}
	return o.factor.Subject.Ref(env), nil
}

// portals are what proves subjects, and whose proof is owed; false where nobody's would do. The visitor sees the same,
// and the operators are told.
func (d *Door) portals(c *call, p passage, o owed) (engine.Ref, bool, error) {
	subject, err := d.subjectOf(c, p, o)
	if err != nil {
		return engine.Ref{}, false, err
	}
	if d.with.Portals != nil && !subject.IsZero() {
		return subject, true, nil
	}
	d.with.Logger.WarnContext(c.Context(), "there is nobody whose proof would do", "factor", o.factor.Name,
		"record", p.link.Record.String(), "portal", o.factor.Portal)
	return subject, false, nil
}

// rightOfSubject judges a guess that was claimed.
func (d *Door) rightOfSubject(c *call, p passage, o owed, ch Challenge, values url.Values) (bool, error) {
	subject, ok, err := d.portals(c, p, o)
	if err != nil || !ok {
		return false, err
	}
	if o.factor.Kind == engine.FactorPasskey {
		return d.with.Portals.ProvePasskey(c.Context(), o.factor.Portal, subject, p.flow.ID[:], values.Get("token"),
			values.Get("answer"))
	}
	code, err := typedCode(o.factor.Kind, values.Get("code"))
	if err != nil {
		return false, err
	}
	return d.with.Portals.ProveCode(c.Context(), o.factor.Portal, subject, code, ch.Pressed(c.now))
}

// beginPasskey shows the page that has the browser ask for a passkey.
func (d *Door) beginPasskey(c *call, p passage, o owed) (answer, error) {
	subject, _, err := d.portals(c, p, o)
	if err != nil {
		return answer{}, err
	}
	reply, err := d.factorPage(c, p, o, "")
	body, ok := reply.body.(factorBody)
	if err != nil || !ok || body.Retry != "" || d.with.Portals == nil {
		return reply, err
	}
	token, options, err := d.with.Portals.BeginPasskey(c.Context(), o.factor.Portal, subject, p.flow.ID[:])
	if err != nil {
		return answer{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	body.Begin = ""
	body.Passkey = &asksPasskey{Token: token, Options: string(options)}
	reply.body, reply.scripts = body, []string{d.paper.passkey}
	return reply, nil
}

// signedIn tells whether what is owed is proved by who is signed in. It is looked at on each request and stored
// nowhere: who signs out, or is shut out, is so here too.
func (d *Door) signedIn(c *call, o *owed, wanted engine.Ref) (bool, error) {
	if d.with.Portals == nil {
		return false, nil
	}
	who, proved, err := d.with.Portals.SignedIn(c.Request, o.factor.Portal)
	if err != nil {
		return false, fmt.Errorf("find out who is signed in: %w", err)
	}
	o.stranger = !who.IsZero() && who != wanted
	if wanted.IsZero() || who != wanted {
		return false, nil
	}
	o.again = o.within > 0 && c.now.Sub(proved) >= o.within
	return !o.again, nil
}

// toSignIn leads to signing in and from there back to where the visitor wants to go.
func (d *Door) toSignIn(c *call, p passage, o owed, body *factorBody) {
	body.Heading = c.texts.Say("challenge.portal.heading")
	body.Text = c.texts.Say("challenge.portal.text", "Brand", d.brand())
	body.SignIn = c.texts.Say("challenge.portal.sign.in")
	switch {
	case o.again:
		body.Text = c.texts.Say("challenge.portal.again")
	case o.stranger:
		body.Heading = c.texts.Say("challenge.portal.stranger.heading")
		body.Text = c.texts.Say("challenge.portal.stranger", "Brand", d.brand())
		body.SignIn = c.texts.Say("challenge.portal.sign.in.other")
	}
	if d.with.Portals != nil {
		body.SignInURL = d.with.Portals.SignInPath(o.factor.Portal, onward(p, o.action))
	}
}

// ofSubject is the page that asks for what somebody enrolled in a portal.
func (d *Door) ofSubject(c *call, p passage, o owed, body *factorBody) {
	switch o.factor.Kind {
	case engine.FactorTOTP:
		body.Heading = c.texts.Say("challenge.totp.heading")
		body.Text = c.texts.Say("challenge.totp.text")
		body.Label = c.texts.Say("challenge.totp.label")
		body.Hint = c.texts.Say("challenge.totp.hint")
		body.Digits = normalDigits
	case engine.FactorPasskey:
		body.Heading = c.texts.Say("challenge.passkey.heading")
		body.Text = c.texts.Say("challenge.passkey.text")
		body.Begin = c.texts.Say("challenge.passkey.begin")
	case engine.FactorPortal:
		d.toSignIn(c, p, o, body)
		return
	}
	if d.with.Portals != nil {
		body.Nothing = c.texts.Say("challenge.enrol", "Brand", d.brand())
		body.Enrol, body.EnrolURL = c.texts.Say("challenge.enrol.link"), d.with.Portals.SecurityPath(o.factor.Portal)
	}
}

// normalDigits is how long the codes of authenticators are.
const normalDigits = 6

// scripted lets a page run the scripts that it has, and lead on to the hosts that it may.
func scripted(reply answer, hosts []string) answer {
	if len(reply.scripts) == 0 && len(hosts) == 0 {
		return reply
	}
	if reply.header == nil {
		reply.header = http.Header{}
	}
	policy := pages.Policy{Scripts: len(reply.scripts) > 0, Hosts: hosts}
	reply.header.Set("Content-Security-Policy", policy.String())
	return reply
}
