package links

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/forms"
)

// showReceipt says what the visitor's latest act did. It stays while the flow does, also when the link is used
// up by it.
func (d *Door) showReceipt(c *call) (answer, error) {
	p, err := d.passageOf(c)
	if err != nil {
		return answer{}, err
	}
	if err := d.unchanged(c, p.link, p.landing); errors.Is(err, ErrRevoked) || errors.Is(err, errRemoved) {
		return answer{}, err
	}
	switch o, err := d.owes(c, p, ""); {
	case err != nil:
		return answer{}, err
	case o.factor != nil && Live(p.link, c.now) != nil:
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
	if p.landing.Opens != nil {
		return d.leadInto(p) // where the page says that the link was used
	}
	return d.receiptPage(c, p, visit), nil
}

// backToReceipt leads who used a link up, and follows it again, to their receipt: what they can take back is there.
// Everybody else learns that the link has been used.
func (d *Door) backToReceipt(c *call, link engine.Link) (answer, error) {
	if _, ok := d.brought(c.Request, visitorCookie); !ok {
		return answer{}, ErrUsed
	}
	flows, err := d.with.Store.Acted(c.Context(), link.ID, c.now)
	if err != nil {
		return answer{}, fmt.Errorf("find who used the link: %w", err)
	}
	for _, flow := range flows {
		if d.opened(flow, c.Request) {
			return answer{goTo: receiptPath(flow.ID)}, nil
		}
	}
	return answer{}, ErrUsed
}

// receiptPage is the receipt of a visit, with what can still be done.
func (d *Door) receiptPage(c *call, p passage, visit Visit) answer {
	body := d.receipt(c, p, visit)
	// What was done is said even while the record cannot be read.
	if record, err := d.recordOf(c, p); err == nil {
		body.About = d.heading(c, p, record)
		if d.undoable(c, p, visit, record) {
			body.Undo = undoOffer{
				URL: undoPath(p.flow.ID), Visit: visit.ID.String(), Until: nearby(c, undoableUntil(p, visit)),
			}
		}
	}
	if target, ok := d.outward(c.Context(), p.landing.Name, p.landing.After.Redirect); ok && visit.Undone.IsZero() {
		body.Onward = &elsewhere{Host: target.Host, URL: target.String()}
	}
	return answer{page: "receipt", title: body.Heading, body: body}
}

// receipt words what a visit did. What was set is told from the visit, not from the record, which others may have
// changed since.
func (d *Door) receipt(c *call, p passage, visit Visit) receiptBody {
	body := receiptBody{When: c.texts.Moment(visit.At)}
	body.Heading, body.Text = d.outcome(c, p, visit)
	if action := p.landing.Action(visit.Name); action != nil {
		body.What = actionLabel(action, c.texts.Language)
	}
	set := visit.Set
	if !visit.Undone.IsZero() {
		set = visit.Before // which stands again
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		body.Done = append(body.Done, forms.Show(forms.FieldOf(p.landing.Module, name), set[name], c.texts))
	}
	for _, name := range slices.Sorted(maps.Keys(visit.Entries)) {
		body.Done = append(body.Done, forms.Show(entryOf(p.landing, visit.Name, name), visit.Entries[name], c.texts))
	}
	if Live(p.link, c.now) == nil && hasUses(p.link) {
		body.Back = flowPath(p.flow.ID)
	}
	return body
}

// outcome is the heading and the first sentence of a receipt: the landing's own words for what went as it should.
func (d *Door) outcome(c *call, p passage, visit Visit) (heading, text string) {
	say, local := c.texts.Say, d.with.CRM.Traits().Local
	switch {
	case !visit.Undone.IsZero() && local:
		return say("undo.done"), say("undo.done.text")
	case !visit.Undone.IsZero():
		return say("undo.done"), say("undo.stored.text")
	case !visit.Changed:
		return say("receipt.already"), say("receipt.already.text")
	case p.landing.After.Page != "":
		after := "after." + p.landing.After.Page
		return say(after + ".title"), say(after + ".text")
	case !local:
		return say("receipt.stored"), say("receipt.stored.text")
	case len(visit.Set) == 0:
		return say("receipt.sent"), say("receipt.sent.text")
	}
	return say("receipt.saved"), say("receipt.saved.text")
}

// entryOf is how an entry is shown that a record was made of: a moment by the clocks, all others as they were typed;
// as a plain text where the landing no longer has it.
func entryOf(landing *engine.Landing, act, name string) *engine.Field {
	entries := landing.Edit
	if action := landing.Action(act); action != nil {
		entries = action.Ask
	}
	for _, edit := range entries {
		if edit.Field.Name == name {
			shown := &engine.Field{Name: name, Type: engine.TypeText, Label: edit.Allowed().Label}
			if edit.Field.Type == engine.TypeDateTime {
				shown.Type = engine.TypeDateTime
			}
			return shown
		}
	}
	return &engine.Field{Name: name, Type: engine.TypeText}
}

// afterwards is where an act leads: to the customer's own page where the landing says so and there is nothing to take
// back, else to the receipt.
func (d *Door) afterwards(c *call, p passage, act Act) string {
	if act.Before == nil {
		if target, ok := d.outward(c.Context(), p.landing.Name, p.landing.After.Redirect); ok {
			return target.String()
		}
	}
	return receiptPath(p.flow.ID)
}
