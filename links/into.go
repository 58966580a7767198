package links

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"postern/engine"
)

// Entrance is the way from links into portals.
type Entrance interface {
	// Ended tells whether a link into a portal opens nothing any more, though it has neither expired nor been used: its
	// recipient asked for a later one, or signed in meanwhile.
	Ended(ctx context.Context, link engine.Link, opens engine.Opens) (bool, error)
	// Path is the page of the portal that a flow leads to.
	Path(opens engine.Opens, flow engine.ID) string
	// Again is the page of the portal where one asks for another link.
	Again(opens engine.Opens) string
}

// errEnded says that a link into a portal was ended by what its recipient did since.
var errEnded = fmt.Errorf("%w, or ended since", ErrUsed)

// errNoPassage says that a browser has begun no passage into a portal, or may not go on with it yet.
var errNoPassage = errors.New("no passage into a portal")

// leadInto sends a visitor on into the portal. What they may do there uses the link up, and nothing before.
func (d *Door) leadInto(p passage) (answer, error) {
	if d.with.Entrance == nil {
		return answer{}, errRemoved
	}
	return answer{goTo: d.with.Entrance.Path(*p.landing.Opens, p.flow.ID)}, nil
}

// unended sees that a link into a portal was not ended by what its recipient did since.
func (d *Door) unended(ctx context.Context, link engine.Link, opens *engine.Opens) error {
	if opens == nil {
		return nil
	}
	if d.with.Entrance == nil {
		return errRemoved
	}
	ended, err := d.with.Entrance.Ended(ctx, link, *opens)
	if err != nil {
		return fmt.Errorf("find out whether a link was ended: %w", err)
	}
	if ended {
		return errEnded
	}
	return nil
}

// outside is the page of a portal where one asks for another link in place of one that is over; "" where the link leads
// into none.
func (d *Door) outside(c *call) string {
	if c.link == nil || d.with.Entrance == nil {
		return ""
	}
	landing := d.with.Book().Landings[c.link.Landing]
	if landing == nil || landing.Opens == nil {
		return ""
	}
	return d.with.Entrance.Again(*landing.Opens)
}

// Passage is the flow into a portal that a browser has begun, whose id a page of the portal names, while its link is
// live. An error for which Over is true says that there is nothing to go on with.
func (d *Door) Passage(r *http.Request, flow string) (Flow, engine.Link, engine.Opens, error) {
	c := &call{Request: r, now: d.with.Clock.Now()}
	p, err := d.passageInto(c, flow)
	if err != nil {
		return Flow{}, engine.Link{}, engine.Opens{}, fmt.Errorf("find passage: %w", err)
	}
	return p.flow, p.link, *p.landing.Opens, nil
}

func (d *Door) passageInto(c *call, id string) (passage, error) {
	flow, link, err := d.flowNamed(c, id)
	if err != nil {
		return passage{}, err
	}
	if !d.opened(flow, c.Request) {
		return passage{}, errNoPassage
	}
	p, err := d.passageTo(c, flow, link)
	switch {
	case err != nil:
		return p, err
	case p.landing.Opens == nil:
		return p, errNoPassage
	}
	if err := d.stands(c, p); err != nil {
		return p, err
	}
	o, err := d.owes(c, p, "")
	if err == nil && o.factor != nil {
		err = errNoPassage
	}
	return p, err
}

// Over tells whether an error of Passage says that a link is over, and not that this could not be found out.
func Over(err error) bool {
	return errors.Is(err, errNoPassage) || errors.Is(inactive(err), ErrNoLink)
}

// sameOpens tells whether two versions of a landing lead to the same thing.
func sameOpens(now, then *engine.Opens) bool {
	if now == nil || then == nil {
		return now == then
	}
	return *now == *then
}
