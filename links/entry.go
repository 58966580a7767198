package links

import (
	"errors"
	"fmt"
	"net/http"

	"postern/engine"
)

// showDoor is the page that anybody sees who has the address, scanners and link previews among them: it tells
// nothing of the record and does nothing.
func (d *Door) showDoor(c *call) (answer, error) {
	link, err := d.linkOf(c)
	if c.link != nil {
		d.looks.note(*c.link, c.Request, c.now)
	}
	if errors.Is(err, ErrUsed) {
		return d.backToReceipt(c, *c.link)
	}
	if err != nil {
		return answer{}, err
	}
	if link.Bound != nil && !d.isBrowser(link.Bound, c.Request, boundCookie) {
		return answer{}, ErrBound
	}
	reply := d.doorPage(c, link.Masked)
	if keep := d.greet(c, link); keep != nil {
		reply.header = http.Header{"Set-Cookie": {keep.String()}}
	}
	return reply, nil
}

func (d *Door) doorPage(c *call, masked string) answer {
	title := c.texts.Say("door.title", "Brand", d.with.Brand.Name)
	return answer{page: "door", title: title, body: doorBody{Masked: masked}}
}

// passDoor opens a flow for the visitor and leads on, so that the token leaves the address bar. Nothing that
// was sent along is read.
func (d *Door) passDoor(c *call) (answer, error) {
	link, err := d.linkOf(c)
	switch {
	case errors.Is(err, ErrUsed): // in another tab, it may be
		return d.backToReceipt(c, *c.link)
	case err != nil:
		return answer{}, err
	}
	return d.pass(c, link)
}

// pass opens a flow through a live link.
func (d *Door) pass(c *call, link engine.Link) (answer, error) {
	landing, err := d.landing(c.Context(), link)
	if err != nil {
		return answer{}, err
	}
	if err := d.unchanged(c, link, landing); err != nil {
		return answer{}, err
	}
	bound, keep, err := d.bind(c, link, landing)
	if err != nil {
		return answer{}, err
	}
	secret, err := d.visitorSecret(c)
	if err != nil {
		return answer{}, err
	}
	flow, err := d.openFlow(c, link, secret, bound)
	if err != nil {
		return answer{}, err
	}
	reply := answer{goTo: flowPath(flow.ID), header: http.Header{"Set-Cookie": {d.cookie(secret).String()}}}
	if keep != nil {
		reply.header.Add("Set-Cookie", keep.String())
	}
	switch {
	case landing.Opens != nil && landing.Factor == nil:
		reply.goTo = d.with.Entrance.Path(*landing.Opens, flow.ID)
	case landing.Action(link.Preset) != nil:
		reply.goTo = actionPath(flow.ID, link.Preset)
	}
	return reply, nil
}

// linkOf finds the live link that the request's token is of. The link is known to the call also where it is not live,
// for the page that says so.
func (d *Door) linkOf(c *call) (engine.Link, error) {
	link, err := d.tokenOf(c)
	if err != nil {
		return engine.Link{}, err
	}
	if tooEarly(link, c.now) {
		d.with.Logger.WarnContext(c.Context(), "a link is not valid yet: the clocks of those who make links and of "+
			"those who answer them differ", "link", link.ID, "by", link.NotBefore.Sub(c.now).String())
	}
	return link, Live(link, c.now)
}

// tokenOf finds the link that the request's token is of, live or not. Of a token of an earlier generation it fails with
// ErrReplaced, unless the link is no longer to be known at all.
func (d *Door) tokenOf(c *call) (engine.Link, error) {
	keyID, token, ok := parseToken(c.PathValue("token"))
	if !ok {
		return engine.Link{}, ErrNoLink
	}
	sum, ok := digest(d.with.Keys.Peppers, keyID, token)
	if !ok {
		return engine.Link{}, ErrNoLink
	}
	link, err := d.with.Store.Link(c.Context(), keyID, sum)
	switch {
	case errors.Is(err, ErrNoLink) && c.now.Before(d.with.Restored.Add(engine.MaxExpires)):
		return engine.Link{}, errLost
	case errors.Is(err, ErrReplaced) && !link.Revoked.IsZero():
		return engine.Link{}, ErrRevoked
	case err != nil && !errors.Is(err, ErrReplaced):
		return engine.Link{}, fmt.Errorf("find link: %w", err)
	}
	c.link = &link
	d.speak(c, link)
	return link, err
}

// openFlow stores that this browser passed the door. The flow never outlives its link.
func (d *Door) openFlow(c *call, link engine.Link, secret string, bound []byte) (Flow, error) {
	var ids [2]engine.ID // of the flow and of link.opened
	for i := range ids {
		id, err := engine.NewID(c.now, d.with.Random)
		if err != nil {
			return Flow{}, err
		}
		ids[i] = id
	}
	flow := Flow{ID: ids[0], Link: link.ID, Opened: c.now, Expires: c.now.Add(flowLife)}
	if flow.Expires.After(link.Expires) {
		flow.Expires = link.Expires
	}
	flow.Visitor, _ = d.visitorHash(d.with.Keys.Visitors.Current(), secret)
	opened, err := engine.NewLinkEvent(link, engine.LinkOpened, ids[1], c.now, nil)
	if err != nil {
		return Flow{}, err
	}
	err = d.with.Store.Open(c.Context(), Opening{Flow: flow, Bound: bound, Event: opened})
	if err != nil {
		return Flow{}, fmt.Errorf("open flow: %w", err)
	}
	return flow, nil
}
