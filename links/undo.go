package links

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"postern/engine"
	"postern/internal/pages"
)

// undoPath is where the latest act of a flow is taken back.
func undoPath(flow engine.ID) string { return receiptPath(flow) + "/undo" }

// undoableUntil is when the offer to take a visit back ends; zero if there is none.
func undoableUntil(p passage, visit Visit) time.Time {
	action := p.landing.Action(visit.Name)
	if action == nil || action.Undo <= 0 || visit.Before == nil || !visit.Changed || !visit.Undone.IsZero() {
		return time.Time{}
	}
	return visit.At.Add(action.Undo)
}

// undoable tells whether a visit can be taken back now, as far as the record tells: it still has what was set. Where
// that may not have been written yet, it may have what stood before, too; the store of the other CRM decides then.
func (d *Door) undoable(c *call, p passage, visit Visit, record engine.Record) bool {
	if !c.now.Before(undoableUntil(p, visit)) {
		return false
	}
	for name, set := range visit.Set {
		now := record.Fields[name]
		if !engine.Same(now, set) && (d.with.CRM.Traits().Local || !engine.Same(now, visit.Before[name])) {
			return false
		}
	}
	return true
}

// takeBack undoes the latest act of the flow. The form names the visit that its page was the receipt of.
func (d *Door) takeBack(c *call, p passage) (answer, error) {
	values, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	visit, err := d.with.Store.LastVisit(c.Context(), p.flow.ID)
	if errors.Is(err, ErrNoLink) {
		return answer{goTo: flowPath(p.flow.ID)}, nil
	}
	if err != nil {
		return answer{}, fmt.Errorf("find visit: %w", err)
	}
	if !visit.Undone.IsZero() {
		return answer{goTo: receiptPath(p.flow.ID)}, nil // the second press is the first
	}
	if values.Get(pages.SeenName) != visit.ID.String() || !c.now.Before(undoableUntil(p, visit)) {
		return d.tooLate(c, p, visit)
	}
	undo, err := d.undo(c, p, visit)
	if err != nil {
		return answer{}, err
	}
	err = d.with.Store.TakeBack(c.Context(), undo)
	switch {
	case errors.Is(err, engine.ErrConflict) || errors.Is(err, ErrPassed) || errors.Is(err, engine.ErrTaken):
		return d.tooLate(c, p, visit)
	case err != nil:
		return answer{}, fmt.Errorf("take back: %w", err)
	}
	return answer{goTo: receiptPath(p.flow.ID)}, nil
}

// undo is what sets back what a visit replaced, while nobody else has changed it since.
func (d *Door) undo(c *call, p passage, visit Visit) (Undo, error) {
	ids, err := d.newIDs(c, 2) // of link.undone and of the record's change
	if err != nil {
		return Undo{}, err
	}
	undone, err := engine.NewLinkEvent(p.link, engine.LinkUndone, ids[0], c.now, map[string]any{"action": visit.Name})
	if err != nil {
		return Undo{}, err
	}
	undo := Undo{
		Visit: visit.ID, Flow: p.flow.ID, Link: p.link.ID, Undone: undone, At: c.now, Write: engine.Write{
			Ref: p.link.Record, Patch: engine.Patch{Set: visit.Before, Expect: visit.Set},
			Unique: p.landing.Module.UniqueAmong(visit.Before), Origin: d.origin(c, p, ids[1], undone),
		},
	}
	if !d.with.CRM.Traits().Local {
		id := engine.DerivedID(visit.ID, "undo")
		undo.Effect = engine.NewEffect(id, visit.ID, engine.Ask{Write: &undo.Write}, engine.DefaultRetry(), c.now)
		undo.Effect.Workflow = p.link.Workflow
	}
	return undo, nil
}

// tooLate shows the receipt with the reason why its act stays.
func (d *Door) tooLate(c *call, p passage, visit Visit) (answer, error) {
	reply := d.receiptPage(c, p, visit)
	if body, ok := reply.body.(receiptBody); ok {
		body.Undo = undoOffer{}
		body.Notice, body.NoticeText = c.texts.Say("undo.late"), c.texts.Say("undo.late.text")
		reply.body = body
	}
	reply.status = http.StatusConflict
	return reply, nil
}
