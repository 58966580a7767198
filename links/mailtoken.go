package links

import (
	"errors"
	"fmt"

	"postern/engine"
)

// mailToken is the token of a challenge's second link, with the name of its key in front, and what the store keeps of
// it. It is derived, so that a message sent again carries the same.
func (d *Door) mailToken(ch Challenge) (token string, digest []byte) {
	sum, ok := d.with.Keys.Codes.Sum(ch.KeyID, ch.ID[:], []byte("link"))
	if !ok {
		return "", nil
	}
	token = base32Lower.EncodeToString(sum[:tokenBytes])[:tokenChars]
	return ch.KeyID + token, keyedHash(d.with.Keys.Peppers, ch.KeyID, "mail", token)
}

// mailed finds what a second link leads to.
func (d *Door) mailed(c *call) (Challenge, passage, error) {
	keyID, token, ok := parseToken(c.PathValue("token"))
	if !ok {
		return Challenge{}, passage{}, ErrNoLink
	}
	digest := keyedHash(d.with.Keys.Peppers, keyID, "mail", token)
	ch, flow, link, err := d.with.Store.MailChallenge(c.Context(), digest, c.now)
	if errors.Is(err, ErrNoChallenge) || err == nil && !ch.Proved.IsZero() && !ch.Pressed(c.now) {
		return Challenge{}, passage{}, ErrNoLink
	}
	if err != nil {
		return Challenge{}, passage{}, fmt.Errorf("find mailed link: %w", err)
	}
	d.speak(c, link)
	landing, err := d.landing(c.Context(), link)
	if err != nil {
		return Challenge{}, passage{}, err
	}
	p := passage{flow: flow, link: link, landing: landing}
	if err := d.stands(c, p); err != nil {
		return Challenge{}, passage{}, err
	}
	if ch.Proved.IsZero() && ch.Ready(c.now) != nil {
		return Challenge{}, passage{}, errMailOver
	}
	return ch, p, nil
}

// errMailOver is that a second link came too late, or that too many codes were tried.
var errMailOver = errors.New("the mailed link is no longer good")

// showMail is the page behind a second link, with one button. Scanners follow it too, so looking grants nothing.
func (d *Door) showMail(c *call) (answer, error) {
	ch, _, err := d.mailed(c)
	if err != nil {
		return answer{}, err
	}
	if !ch.Proved.IsZero() {
		return answer{}, ErrNoLink
	}
	return answer{page: "mail", title: c.texts.Say("mail.title"), body: mailBody{
		Heading: c.texts.Say("mail.heading"), Text: c.texts.Say("mail.text", "Brand", d.brand()),
	}}, nil
}

// takeMail grants where the visitor began in this browser. Anywhere else it only shows a code to carry over: whoever
// began there may be somebody else, who waits for the owner of the mailbox to press the button.
func (d *Door) takeMail(c *call) (answer, error) {
	if err := d.guessing(c); err != nil {
		return answer{}, err
	}
	ch, p, err := d.mailed(c)
	if err != nil {
		return answer{}, err
	}
	if !ch.Proved.IsZero() {
		return d.followAgain(c, p, ch)
	}
	if d.opened(p.flow, c.Request) {
		return d.prove(c, p, ch, engine.ID{})
	}
	if err := d.with.Store.Carry(c.Context(), ch, c.now); err != nil {
		return answer{}, fmt.Errorf("carry over: %w", err)
	}
	code, ok := d.code(ch)
	if !ok {
		return answer{}, errMailOver
	}
	return answer{page: "carry", title: c.texts.Say("carry.heading"), body: carryBody{
		Heading: c.texts.Say("carry.heading"), Text: c.texts.Say("carry.text"), Code: code,
		Until: d.goodFor(c, "carry.until", ch),
	}}, nil
}
