package links

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// showReceipt says what the visitor's latest act did. It stays while the flow does, also when the link is used
// up by it.
func (d *Door) showReceipt(c *call) (answer, error) {
	p, err := d.passageOf(c)
	if err != nil {
		return answer{}, err
	}
	switch o, err := d.owes(c, p, ""); {
	case err != nil:
		return answer{}, err
	case o.factor != nil && live(p.link, c.now) != nil:
		return answer{}, errReopen
	case o.factor != nil:
		return answer{goTo: o.path}, nil
	}
	visit, err := d.with.Store.LastVisit(c.Context(), p.flow.ID)
	if errors.Is(err, ErrNoLink) {
		return answer{goTo: flowPath(p.flow.ID)}, nil
	}
	if err != nil {
		return answer{}, fmt.Errorf("find visit: %w", err)
	}
	about := ""
	// What was done is said even while the record cannot be read.
	if record, err := d.read(c.Context(), p.link.Record); err == nil {
		about = d.heading(c, p, record)
	}
	body := d.receipt(c, p, visit, about)
	return answer{page: "receipt", title: body.Heading, body: body}, nil
}

// receipt words what a visit did. What was set is told from the visit, not from the record, which others may have
// changed since.
func (d *Door) receipt(c *call, p passage, visit Visit, about string) receiptBody {
	body := receiptBody{
		Heading: c.texts.Say("receipt.saved"), Text: c.texts.Say("receipt.saved.text"), About: about,
		When: c.texts.Moment(visit.At),
	}
	if !d.with.CRM.Traits().Local {
		body.Heading, body.Text = c.texts.Say("receipt.stored"), c.texts.Say("receipt.stored.text")
	}
	if !visit.Changed {
		body.Heading, body.Text = c.texts.Say("receipt.already"), c.texts.Say("receipt.already.text")
	}
	if action := p.landing.Action(visit.Name); action != nil {
		body.What = actionLabel(action, c.texts.Language)
	}
	for _, name := range slices.Sorted(maps.Keys(visit.Set)) {
		body.Done = append(body.Done, show(fieldOf(p.landing.Module, name), visit.Set[name], c.texts))
	}
	if live(p.link, c.now) == nil && hasUses(p.link) {
		body.Back = flowPath(p.flow.ID)
	}
	return body
}
