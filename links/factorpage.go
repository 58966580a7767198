package links

import (
	"errors"
	"net/http"
	"time"

	"postern/engine"
	"postern/internal/forms"
)

// What the pages of a challenge are filled with.
type (
	// factorBody asks for a proof. Empty parts are left out.
	factorBody struct {
		Heading  string `json:"heading"`
		Step     string `json:"step,omitempty"`
		Text     string `json:"text"`
		Notice   string `json:"notice,omitempty"`
		URL      string `json:"url"`                // takes the forms
		Label    string `json:"label,omitempty"`    // of the field for the code; "" for none
		Hint     string `json:"hint,omitempty"`     // beside the field
		Problem  string `json:"problem,omitempty"`  // why what was typed is refused
		Carry    string `json:"carry,omitempty"`    // when there is something to type after a second link
		Digits   int    `json:"digits,omitempty"`   // of the code; 0 where it may be any text
		Until    string `json:"until,omitempty"`    // how long the code is good
		Send     string `json:"send,omitempty"`     // label of the button that has one sent
		Resend   string `json:"resend,omitempty"`   // of the one that has it sent again
		Continue string `json:"continue,omitempty"` // of the one for who has followed the second link
		Retry    string `json:"retry,omitempty"`    // of the way back to this page, once the wait is over
		Nothing  string `json:"nothing,omitempty"`  // what to do when nothing comes, or there is nothing to answer with

		Begin     string       `json:"begin,omitempty"`   // label of the button that has the browser ask for a passkey
		Passkey   *asksPasskey `json:"passkey,omitempty"` // what it is asked for
		SignIn    string       `json:"sign_in,omitempty"` // label of the way to sign in
		SignInURL string       `json:"sign_in_url,omitempty"`
		Enrol     string       `json:"enrol,omitempty"` // label of the way to set up what is asked for
		EnrolURL  string       `json:"enrol_url,omitempty"`
	}
	mailBody struct {
		Heading string `json:"heading"`
		Text    string `json:"text"`
	}
	carryBody struct {
		Heading string `json:"heading"`
		Text    string `json:"text"`
		Code    string `json:"code"`
		Until   string `json:"until"`
	}
)

// DescribedBy are the ids of the lines that belong to the field, for assistive technology.
func (b factorBody) DescribedBy() string {
	return forms.Control{ID: "code", Hint: b.Hint, Problem: b.Problem}.DescribedBy()
}

// factorAgain answers a form with the page that asks, and why it asks again: a label code, or "" where the page says so
// itself.
func (d *Door) factorAgain(c *call, p passage, o owed, why string) (answer, error) {
	ch, err := d.challengeOf(c, p, o)
	if err != nil {
		return answer{}, err
	}
	body := d.factorBody(c, p, o, ch)
	status := http.StatusUnprocessableEntity
	switch {
	case body.Retry != "":
		status = http.StatusTooManyRequests
	case why == "challenge.wrong":
		body.Problem = c.texts.Say(why, "Left", MaxTries-ch.Tries)
	case why == "challenge.dead":
		body.Notice = c.texts.Say(why)
	case why != "":
		body.Problem = c.texts.Say(why)
	}
	if body.Label == "" && body.Problem != "" { // there is no field to say it at
		body.Notice, body.Problem = body.Problem, ""
	}
	return answer{status: status, page: "challenge", title: body.Heading, body: body}, nil
}

// factorLater says from when on something can be sent again.
func (d *Door) factorLater(c *call, p passage, o owed, at time.Time) (answer, error) {
	reply, err := d.factorPage(c, p, o, "")
	if body, ok := reply.body.(factorBody); ok {
		body.Notice = c.texts.Say("challenge.resend.after", "Until", upToMinute(c, at))
		reply.body, reply.status = body, http.StatusTooManyRequests
	}
	return reply, err
}

// factorPage is the page that asks for a proof, as things stand.
func (d *Door) factorPage(c *call, p passage, o owed, notice string) (answer, error) {
	ch, err := d.challengeOf(c, p, o)
	if err != nil {
		return answer{}, err
	}
	body := d.factorBody(c, p, o, ch)
	if notice != "" {
		body.Notice = c.texts.Say(notice)
	}
	return answer{page: "challenge", title: body.Heading, body: body}, nil
}

func (d *Door) factorBody(c *call, p passage, o owed, ch Challenge) factorBody {
	body := factorBody{URL: o.path, Step: c.texts.Say("challenge.step")}
	if o.again {
		body.Step = c.texts.Say("challenge.again.step")
	}
	err := ch.Ready(c.now)
	switch {
	case errors.Is(err, ErrWait):
		body.Heading = c.texts.Say("challenge.wait.heading")
		body.Text = c.texts.Say("challenge.wait", "Until", upToMinute(c, ch.Until))
		body.Retry = c.texts.Say("challenge.wait.retry")
	case o.factor.Kind == engine.FactorSecurityCode:
		body.Heading = c.texts.Say("challenge.security.heading")
		body.Text = c.texts.Say("challenge.security.text", "Brand", d.brand())
		body.Label = c.texts.Say("challenge.security.label")
	case o.factor.Kind.BySubject():
		d.ofSubject(c, p, o, &body)
	case ch.ID.IsZero() || err != nil:
		d.toSend(c, p, o, &body)
	default:
		d.sent(c, ch, &body)
	}
	return body
}

// toSend offers to send a code or a second link.
func (d *Door) toSend(c *call, p passage, o owed, body *factorBody) {
	if o.factor.Kind == engine.FactorMailToken {
		body.Heading = c.texts.Say("challenge.mail.heading")
		body.Text = c.texts.Say("challenge.mail.text")
		body.Send = c.texts.Say("challenge.mail.send")
		return
	}
	sent, err := d.wayOf(c, p.link)
	if err != nil {
		sent.Channel = "" // the page can do without; sending asks again
	}
	way := first(o.channels(sent))
	body.Heading = c.texts.Say("challenge.code.heading")
	body.Text = c.texts.Say("challenge.code.text", "Digits", o.factor.Digits, "Way", d.wayName(c, way))
	body.Send = c.texts.Say("challenge.code.send")
}

// sent says that something is on its way, and takes the code.
func (d *Door) sent(c *call, ch Challenge, body *factorBody) {
	body.Digits = ch.Digits
	body.Until = d.goodFor(c, "challenge.until", ch)
	body.Resend = c.texts.Say("challenge.resend")
	body.Nothing = c.texts.Say("challenge.nothing", "Brand", d.brand())
	if ch.Kind == engine.FactorMailToken {
		body.Heading = c.texts.Say("challenge.mail.sent.heading")
		body.Text = c.texts.Say("challenge.mail.sent")
		body.Carry, body.Label = c.texts.Say("challenge.carry.text"), c.texts.Say("challenge.carry.label")
		body.Continue = c.texts.Say("challenge.mail.continue")
		return
	}
	body.Heading = c.texts.Say("challenge.code.sent.heading")
	body.Text = c.texts.Say("challenge.code.sent", "Digits", ch.Digits, "Way", d.wayName(c, ch.Way))
	body.Label = c.texts.Say("challenge.code.label", "Digits", ch.Digits)
	body.Hint = c.texts.Say("challenge.code.paste")
}

// goodFor says how long a challenge can be answered.
func (d *Door) goodFor(c *call, code string, ch Challenge) string {
	minutes := max(int(ch.Expires.Sub(c.now)/time.Minute), 1)
	return c.texts.Say(code, "Minutes", minutes, "Until", nearby(c, ch.Expires))
}

// wayName is how a channel, or one of its kind, is called; one that has no name is a message.
func (d *Door) wayName(c *call, channel string) string {
	for _, name := range []string{channel, d.with.Carriers[channel].Kind} {
		code := "way." + name
		if text := c.texts.Say(code); text != code {
			return text
		}
	}
	return c.texts.Say("way.other")
}

// upToMinute writes a moment to the next full minute, so that nobody comes too early.
func upToMinute(c *call, at time.Time) string {
	return nearby(c, at.Add(time.Minute-time.Millisecond).Truncate(time.Minute))
}

// nearby writes a moment, with its date only where that is another than today's by the clocks of the zone.
func nearby(c *call, at time.Time) string {
	zone := c.texts.Clocks()
	if at.In(zone).Format(time.DateOnly) == c.now.In(zone).Format(time.DateOnly) {
		return c.texts.Clock(at)
	}
	return c.texts.Moment(at)
}
