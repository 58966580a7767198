package links

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
)

// showRecord is the only page with the record's data: what the landing shows, and what may be changed.
func (d *Door) showRecord(c *call, p passage) (answer, error) {
	record, err := d.read(c.Context(), p.link.Record)
	if err != nil {
		return answer{}, err
	}
	return d.recordPage(c, p, record, fill(p.landing, record), ""), nil
}

// saveRecord takes the form of the record page.
func (d *Door) saveRecord(c *call, p passage) (answer, error) {
	values, err := readForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	record, err := d.read(c.Context(), p.link.Record)
	if err != nil {
		return answer{}, err
	}
	form := fill(p.landing, record)
	form.take(values, c.texts)
	if !form.ready() {
		return d.formAgain(c, p, record, form), nil
	}
	reply, err := d.land(c, p, "edit", form.set, form.expect)
	switch {
	case errors.Is(err, engine.ErrConflict):
		// Somebody was faster by a moment; what they wrote is there to be read now.
		if record, err = d.read(c.Context(), p.link.Record); err != nil {
			return answer{}, err
		}
		form = fill(p.landing, record)
		form.take(values, c.texts)
		form.conflict = true
		return d.formAgain(c, p, record, form), nil
	case errors.Is(err, engine.ErrTaken):
		form.taken(c.texts)
		return d.formAgain(c, p, record, form), nil
	}
	return reply, err
}

// formAgain shows the form with what the visitor typed and what is in the way.
func (d *Door) formAgain(c *call, p passage, record engine.Record, form *form) answer {
	var status int
	var notice string
	switch {
	case form.faulty():
		status = http.StatusUnprocessableEntity
	case form.conflict:
		status, notice = http.StatusConflict, "form.conflict"
	default:
		notice = "form.unchanged"
	}
	reply := d.recordPage(c, p, record, form, notice)
	reply.status = status
	return reply
}

// recordPage shows the record with the form as it stands. Nothing to change is offered by a link without uses.
func (d *Door) recordPage(c *call, p passage, record engine.Record, form *form, notice string) answer {
	body := recordBody{Heading: d.heading(c, p, record), Shown: d.shown(c, p.landing, record)}
	reply := answer{page: "record", title: body.Heading}
	if hasUses(p.link) {
		body.Controls, body.Seen = form.controls(c.texts), form.seen()
		body.Faults = faults(body.Controls)
		for _, action := range p.landing.Actions {
			body.Actions = append(body.Actions, choice{
				Label: actionLabel(action, c.texts.Language), URL: actionPath(p.flow.ID, action.Name),
			})
		}
	}
	if notice != "" {
		body.Notice = c.texts.Say(notice)
	}
	if len(body.Faults) > 0 {
		reply.title = c.texts.Say("form.faults.title", "Title", body.Heading)
	}
	reply.body = body
	return reply
}

// shown are the fields that the landing shows and the form does not.
func (d *Door) shown(c *call, landing *engine.Landing, record engine.Record) []shownField {
	var fields []shownField
	for _, name := range landing.Show {
		if slices.ContainsFunc(landing.Edit, func(e *engine.Edit) bool { return e.Field.Name == name }) {
			continue
		}
		fields = append(fields, show(fieldOf(landing.Module, name), record.Fields[name], c.texts))
	}
	return fields
}

// heading is the landing's title for the record, else what kind of record it is and its id.
func (d *Door) heading(c *call, p passage, record engine.Record) string {
	plain := p.landing.Module.Label.In(c.texts.Language)
	if plain == "" {
		plain = p.landing.Module.Name
	}
	plain += " " + record.ID
	template, ok := engine.InLanguage(p.landing.Title, c.texts.Language)
	if !ok {
		return plain
	}
	env := &engine.Env{
		Ref: record.Ref, Module: p.landing.Module, Record: record.Fields, Now: c.now,
		Work: engine.NewWork(engine.QuickWork),
	}
	content, err := template.Render("", c.texts.Language, env)
	if err != nil {
		// The reason may quote what the record holds, which is nothing for a log.
		d.with.Logger.WarnContext(c.Context(), "title of a landing could not be written for a record's values",
			"landing", p.landing.Name, "record", record.String())
		return plain
	}
	if title := strings.TrimSpace(content.Text); title != "" {
		return title
	}
	return plain
}

// land commits an act of the visitor and leads to its receipt.
func (d *Door) land(c *call, p passage, name string, set, expect engine.Fields) (answer, error) {
	var ids [3]engine.ID // of the visit, of link.used and of the record's change
	for i := range ids {
		id, err := engine.NewID(c.now, d.with.Random)
		if err != nil {
			return answer{}, err
		}
		ids[i] = id
	}
	act, err := newAct(p, name, set, ids[0])
	if err != nil {
		return answer{}, err
	}
	// It is the cause of the change that follows.
	used, err := engine.NewLinkEvent(p.link, engine.LinkUsed, ids[1], c.now, map[string]any{"action": name})
	if err != nil {
		return answer{}, err
	}
	act.At, act.Used = c.now, used
	act.Write = engine.Write{
		Ref: p.link.Record, Patch: engine.Patch{Set: set, Expect: expect}, Unique: p.landing.Module.UniqueAmong(set),
		Origin: engine.Origin{
			EventID: ids[2], Source: engine.Source, Cause: used.ID, Depth: used.Depth + 1, Actor: actor(p.link),
			At: c.now,
		},
	}
	if !d.with.CRM.Traits().Local {
		id := engine.DerivedID(act.ID, "effect")
		act.Effect = engine.NewEffect(id, act.ID, engine.Ask{Write: &act.Write}, engine.DefaultRetry(), c.now)
		act.Effect.Workflow = p.link.Workflow
	}
	if _, err := d.with.Store.Land(c.Context(), act); err != nil {
		return answer{}, fmt.Errorf("land: %w", err)
	}
	return answer{goTo: receiptPath(p.flow.ID)}, nil
}
