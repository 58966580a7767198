package links

import (
	"errors"
	"fmt"

	"postern/engine"
	"postern/internal/pages"
)

// A proof replaces the visitor's cookie, and browsers send what is pressed twice with the old one. The second press
// leads on as the first did, for RepeatWindow: for who comes with the cookie that was replaced and proves the same once
// more. Whoever else knew that cookie gains nothing, since it takes the same proof as before.

// pressing is for a form that brings a code.
func (d *Door) pressing(h handler) handler {
	return func(c *call) (answer, error) {
		reply, err := h(c)
		if errors.Is(err, errReopen) {
			return d.checkAgain(c)
		}
		return reply, err
	}
}

// checkAgain takes the code of a second press, as a guess like any other; errReopen says that it is none.
func (d *Door) checkAgain(c *call) (answer, error) {
	flow, link, err := d.flowOf(c)
	if err != nil {
		return answer{}, err
	}
	p, err := d.passageTo(c, flow, link)
	if err != nil {
		return answer{}, err
	}
	o := p.asks(c.PathValue("action"))
	if o.factor == nil || o.factor.Kind == engine.FactorPasskey { // whose answers are good for once alone
		return answer{}, errReopen
	}
	ch, err := d.with.Store.Challenge(c.Context(), flow.ID, o.factor.Name)
	if err != nil && !errors.Is(err, ErrNoChallenge) {
		return answer{}, fmt.Errorf("find challenge: %w", err)
	}
	if ch.Action != o.action || !d.replaced(c, flow, ch) {
		return answer{}, errReopen
	}
	if err := d.stands(c, p); err != nil {
		return answer{}, err
	}
	if err := d.guessing(c); err != nil {
		return answer{}, err
	}
	values, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	if values.Get("do") != "check" {
		return answer{}, errReopen
	}
	p.flow.Visitor = nil // the flow's cookie is not what they came with
	reply, err := d.checkFactor(c, p, o, values)
	if err == nil && reply.goTo == "" { // a page that asks again is for who has the flow
		return answer{}, errReopen
	}
	return reply, err
}

// followAgain takes a second press of the button behind a mailed link, whose token is the proof.
func (d *Door) followAgain(c *call, p passage, ch Challenge) (answer, error) {
	switch {
	case d.replaced(c, p.flow, ch):
		return d.prove(c, p, ch, engine.ID{})
	case d.opened(p.flow, c.Request): // the first answer came through
		return answer{goTo: onward(p, ch.Action)}, nil
	}
	return answer{}, ErrNoLink
}

// replaced tells whether the visitor comes with the cookie that the proof of a challenge replaced a moment ago.
func (d *Door) replaced(c *call, flow Flow, ch Challenge) bool {
	old, ok := d.brought(c.Request, visitorCookie)
	if !ok || !ch.Pressed(c.now) {
		return false
	}
	next, ok := d.nextSecret(ch, old)
	return ok && d.isSecret(flow.Visitor, next)
}
