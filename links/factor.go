package links

import (
	"errors"
	"fmt"
	"net/url"

	"postern/engine"
	"postern/internal/pages"
)

// asking gives a handler of a challenge page what the visitor owes there. Who owes nothing (any more) goes on, and who
// owes something else goes there.
func (d *Door) asking(h func(*call, passage, owed) (answer, error)) func(*call, passage) (answer, error) {
	return func(c *call, p passage) (answer, error) {
		action := c.PathValue("action")
		if action != "" && p.landing.Action(action) == nil {
			return answer{}, errUnknown
		}
		o, err := d.owes(c, p, action)
		switch {
		case err != nil:
			return answer{}, err
		case o.factor == nil:
			return answer{goTo: onward(p, action)}, nil
		case o.action != action:
			return answer{goTo: o.path}, nil
		}
		return h(c, p, o)
	}
}

// showFactor is the page that asks for a proof. Looking at it sends nothing.
func (d *Door) showFactor(c *call, p passage, o owed) (answer, error) {
	return d.factorPage(c, p, o, "")
}

// doFactor sends what the visitor asks for, or takes their guess.
func (d *Door) doFactor(c *call, p passage, o owed) (answer, error) {
	if err := d.guessing(c); err != nil {
		return answer{}, err
	}
	values, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	switch values.Get("do") {
	case "send":
		if known(o.factor.Kind) {
			return answer{}, pages.ErrMalformed
		}
		return d.sendFactor(c, p, o)
	case "check":
		return d.checkFactor(c, p, o, values)
	case "passkey":
		if o.factor.Kind != engine.FactorPasskey {
			return answer{}, pages.ErrMalformed
		}
		return d.beginPasskey(c, p, o)
	case "continue": // who followed the mailed link in this browser owes nothing any more, and does not come here
		return d.factorPage(c, p, o, "challenge.mail.not.yet")
	}
	return answer{}, pages.ErrMalformed
}

// surroundings is the record of a link with what a route leads through, as the CRM has them now.
func (d *Door) surroundings(c *call, p passage, route *engine.Route) (*engine.Env, error) {
	record, err := d.read(c.Context(), p.link.Record)
	if err != nil {
		return nil, err
	}
	env := &engine.Env{
		Ref: record.Ref, Module: p.landing.Module, Modules: p.landing.Modules, Record: record.Fields, Now: c.now,
		Routes: map[string]engine.Record{},
	}
	if err := engine.Trace(c.Context(), d.with.CRM, env, hops(route.Path)); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return env, nil
}

// hops are a path and those on the way to it.
func hops(path string) []string {
	var paths []string
	for i, sign := range path {
		if sign == '.' {
			paths = append(paths, path[:i])
		}
	}
	if path == "" {
		return nil
	}
	return append(paths, path)
}

// challengePath is where a flow's landing, or one of its actions, asks for a proof.
func challengePath(flow engine.ID, action string) string {
	if action == "" {
		return "/c/" + flow.String()
	}
	return "/c/" + flow.String() + "/" + url.PathEscape(action)
}

// challengeOf is the challenge of a flow as it stands; the zero one if nothing was asked for yet, or since it was
// proved.
func (d *Door) challengeOf(c *call, p passage, o owed) (Challenge, error) {
	ch, err := d.with.Store.Challenge(c.Context(), p.flow.ID, o.factor.Name)
	if err != nil && !errors.Is(err, ErrNoChallenge) {
		return Challenge{}, fmt.Errorf("find challenge: %w", err)
	}
	if !ch.Proved.IsZero() {
		return Challenge{}, nil
	}
	return ch, nil
}
