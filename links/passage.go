package links

import (
	"errors"
	"fmt"
	"net/url"

	"postern/engine"
)

// passage is a flow that the visitor has proved to be theirs, with what it leads to.
type passage struct {
	flow    Flow
	link    engine.Link
	landing *engine.Landing
}

// passageOf finds the request's flow and checks that this browser opened it.
func (d *Door) passageOf(c *call) (passage, error) {
	flow, link, err := d.flowOf(c)
	if err != nil {
		return passage{}, err
	}
	if !d.opened(flow, c.Request) {
		return passage{}, d.estranged(c.Request)
	}
	return d.passageTo(c, flow, link)
}

// flowOf finds the request's flow, whoever sent it.
func (d *Door) flowOf(c *call) (Flow, engine.Link, error) { return d.flowNamed(c, c.PathValue("flow")) }

func (d *Door) flowNamed(c *call, name string) (Flow, engine.Link, error) {
	id, err := engine.ParseID(name)
	if err != nil {
		return Flow{}, engine.Link{}, errReopen
	}
	flow, link, err := d.with.Store.Flow(c.Context(), id, c.now)
	if errors.Is(err, ErrNoLink) {
		return Flow{}, engine.Link{}, errReopen
	}
	if err != nil {
		return Flow{}, engine.Link{}, fmt.Errorf("find flow: %w", err)
	}
	return flow, link, nil
}

// passageTo finds what a flow leads to.
func (d *Door) passageTo(c *call, flow Flow, link engine.Link) (passage, error) {
	if !link.Revoked.IsZero() {
		return passage{}, ErrRevoked
	}
	d.speak(c, link)
	landing, err := d.landing(c.Context(), link)
	return passage{flow: flow, link: link, landing: landing}, err
}

// inFlow gives a handler the visitor's passage while its link is live. Who used the link up in this flow is
// led to the receipt.
func (d *Door) inFlow(h func(*call, passage) (answer, error)) handler {
	return func(c *call) (answer, error) {
		p, err := d.passageOf(c)
		if err != nil {
			return answer{}, err
		}
		reply, err := answer{}, d.stands(c, p)
		if err == nil {
			reply, err = h(c, p)
		}
		if !errors.Is(err, ErrUsed) {
			return d.leading(c, p, reply), err
		}
		if _, none := d.with.Store.LastVisit(c.Context(), p.flow.ID); none != nil {
			return answer{}, err
		}
		return answer{goTo: receiptPath(p.flow.ID)}, nil
	}
}

// inVisit gives a handler the visitor's passage also when the link is used up, for what concerns the visit that did it.
func (d *Door) inVisit(h func(*call, passage) (answer, error)) handler {
	return func(c *call) (answer, error) {
		p, err := d.passageOf(c)
		if err != nil {
			return answer{}, err
		}
		if err := d.stands(c, p); err != nil && !errors.Is(err, ErrUsed) {
			return answer{}, err
		}
		return h(c, p)
	}
}

// leading lets the forms of a page lead on to the hosts that its landing leads to, and to no others.
func (d *Door) leading(c *call, p passage, reply answer) answer {
	hosts := d.outwardHosts(c.Context(), p.landing)
	if reply.page == "" {
		return reply
	}
	return scripted(reply, hosts)
}

// stands tells whether a passage may still be gone on with, checked on every request. That a link is used up comes
// last: what its visit concerns may go on.
func (d *Door) stands(c *call, p passage) error {
	live := Live(p.link, c.now)
	if live != nil && !errors.Is(live, ErrUsed) {
		return live
	}
	if err := d.unchanged(c, p.link, p.landing); err != nil {
		return err
	}
	return live
}

// flowPath is where a flow's record is shown. Flow ids may be seen: without the cookie they open nothing.
func flowPath(flow engine.ID) string { return "/f/" + flow.String() }

// actionPath is where an action of the flow's landing is shown and confirmed.
func actionPath(flow engine.ID, action string) string {
	return flowPath(flow) + "/" + url.PathEscape(action)
}

// receiptPath lies beside the flow's pages, so that no action can be named like it.
func receiptPath(flow engine.ID) string { return "/r/" + flow.String() }
