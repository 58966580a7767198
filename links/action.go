package links

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/forms"
	"postern/internal/pages"
	"postern/internal/upload"
)

// showAction says what an action would change, asks what it needs to know, and has the button that does it.
func (d *Door) showAction(c *call, p passage) (answer, error) {
	action, err := actionOf(c, p)
	if err != nil {
		return answer{}, err
	}
	record, err := d.recordOf(c, p)
	if err != nil {
		return answer{}, err
	}
	offered, err := d.offers(c, p, action, record)
	if err != nil {
		return answer{}, err
	}
	body := d.actionBody(c, p, action, record, forms.Blank(action.Ask, record, c.texts.Clocks()))
	body.Gone = !offered && !body.Already
	return answer{page: "action", title: body.Heading, body: body}, nil
}

// doAction does it, unless what the visitor saw is no longer so. The action's own values come from the landing; the
// request adds what the action asks for, and nothing else.
func (d *Door) doAction(c *call, p passage) (answer, error) {
	action, err := actionOf(c, p)
	if err != nil {
		return answer{}, err
	}
	from, err := d.readSent(c, p, action.Ask)
	if err != nil {
		return answer{}, err
	}
	defer d.intake.Discard(c.Context(), from)
	reply, err := d.tryAction(c, p, action, from)
	if !errors.Is(err, engine.ErrConflict) && !errors.Is(err, engine.ErrTaken) {
		return reply, err
	}
	record, again := d.read(c.Context(), p.link.Record)
	if again != nil {
		return answer{}, again
	}
	form := forms.Blank(action.Ask, record, c.texts.Clocks())
	form.Take(from, c.texts)
	if errors.Is(err, engine.ErrTaken) {
		form.Taken(c.texts)
	}
	return d.actionAgain(c, p, action, record, form)
}

// tryAction does the action if it is offered and nothing that it asks for is missing.
func (d *Door) tryAction(c *call, p passage, action *engine.Action, from upload.Sent) (answer, error) {
	record, err := d.recordOf(c, p)
	if err != nil {
		return answer{}, err
	}
	offered, err := d.offers(c, p, action, record)
	if err != nil {
		return answer{}, err
	}
	if !offered && d.justDone(c, p, action) {
		return answer{goTo: receiptPath(p.flow.ID)}, nil
	}
	form := forms.Blank(action.Ask, record, c.texts.Clocks())
	form.Take(from, c.texts)
	seen := from.Values.Get(pages.SeenName) == seenBefore(p.landing, action, record)
	if !offered || form.Faulty() || (!seen && !alreadySo(action, record)) {
		return d.actionAgain(c, p, action, record, form)
	}
	w := wishOf(form, action.Name)
	w.take(action, record)
	return d.land(c, p, w)
}

// justDone tells whether the same flow did the action a moment ago: its own effect may be why it is not offered now.
func (d *Door) justDone(c *call, p passage, action *engine.Action) bool {
	last, err := d.with.Store.LastVisit(c.Context(), p.flow.ID)
	return err == nil && last.Name == action.Name && last.Undone.IsZero() && c.now.Before(last.At.Add(RepeatWindow))
}

// actionOf finds the request's action among those of the landing; a link made only to look has none.
func actionOf(c *call, p passage) (*engine.Action, error) {
	action := p.landing.Action(c.PathValue("action"))
	if action == nil || p.link.MaxUses == 0 {
		return nil, errUnknown
	}
	return action, nil
}

// actionBody says field by field what is now and what would be.
func (d *Door) actionBody(
	c *call, p passage, action *engine.Action, record engine.Record, form *forms.Form,
) actionBody {
	body := actionBody{
		Heading: actionLabel(action, c.texts.Language), About: d.heading(c, p, record), Form: form.Body(c.texts, c.now),
		Back: flowPath(p.flow.ID), Already: alreadySo(action, record),
	}
	body.Form.Seen = seenBefore(p.landing, action, record)
	if action.Undo > 0 && len(form.Made) == 0 {
		body.Undo = c.texts.Say("action.undo", "Minutes", int(action.Undo.Minutes()))
	}
	for _, name := range slices.Sorted(maps.Keys(action.Set)) {
		field := forms.FieldOf(p.landing.Module, name)
		body.Changes = append(body.Changes, change{
			Old: forms.Show(field, record.Fields[name], c.texts), New: forms.Show(field, action.Set[name], c.texts),
		})
	}
	return body
}

// actionAgain shows the page anew with what is in the way: something that was asked for, a condition that does not hold
// any more, or a record that has changed since it was shown.
func (d *Door) actionAgain(
	c *call, p passage, action *engine.Action, record engine.Record, form *forms.Form,
) (answer, error) {
	offered, err := d.offers(c, p, action, record)
	if err != nil {
		return answer{}, err
	}
	body := d.actionBody(c, p, action, record, form)
	reply := answer{page: "action", title: body.Heading, status: http.StatusConflict}
	switch {
	case !offered:
		body.Gone = true
	case form.Faulty():
		reply.status = http.StatusUnprocessableEntity
		reply.title = c.texts.Say("form.faults.title", "Title", body.Heading)
	default:
		body.Notice = c.texts.Say("action.conflict")
	}
	reply.body = body
	return reply, nil
}

// alreadySo tells whether the action would change nothing.
func alreadySo(action *engine.Action, record engine.Record) bool {
	for name, value := range action.Set {
		if !engine.Same(record.Fields[name], value) {
			return false
		}
	}
	return true
}

// seenBefore is the mark of the values that an action is about to replace.
func seenBefore(landing *engine.Landing, action *engine.Action, record engine.Record) string {
	var marks []string
	for _, name := range slices.Sorted(maps.Keys(action.Set)) {
		field := forms.FieldOf(landing.Module, name)
		marks = append(marks, forms.Mark(name, forms.FormText(field, record.Fields[name], time.UTC)))
	}
	return forms.JoinMarks(marks)
}

// actionLabel is what its button says; the action's name where the landing gives no label.
func actionLabel(action *engine.Action, lang string) string {
	if label := action.Label.In(lang); label != "" {
		return label
	}
	return action.Name
}
