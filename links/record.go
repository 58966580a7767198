package links

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/forms"
)

// showRecord is the only page with the record's data: what the landing shows, and what may be changed.
func (d *Door) showRecord(c *call, p passage) (answer, error) {
	record, err := d.recordOf(c, p)
	if err != nil {
		return answer{}, err
	}
	return d.recordPage(c, p, record, forms.Fill(p.landing.Edit, record, c.texts.Clocks()), "")
}

// saveRecord takes the form of the record page.
func (d *Door) saveRecord(c *call, p passage) (answer, error) {
	from, err := d.readSent(c, p, p.landing.Edit)
	if err != nil {
		return answer{}, err
	}
	defer d.intake.Discard(c.Context(), from)
	record, err := d.recordOf(c, p)
	if err != nil {
		return answer{}, err
	}
	form := forms.Fill(p.landing.Edit, record, c.texts.Clocks())
	form.Take(from, c.texts)
	if !form.Ready() {
		return d.formAgain(c, p, record, form)
	}
	reply, err := d.land(c, p, wishOf(form, "edit"))
	switch {
	case errors.Is(err, engine.ErrConflict):
		// Somebody was faster by a moment; what they wrote is there to be read now.
		if record, err = d.read(c.Context(), p.link.Record); err != nil {
			return answer{}, err
		}
		form = forms.Fill(p.landing.Edit, record, c.texts.Clocks())
		form.Take(from, c.texts)
		form.Conflict = true
		return d.formAgain(c, p, record, form)
	case errors.Is(err, engine.ErrTaken):
		form.Taken(c.texts)
		return d.formAgain(c, p, record, form)
	}
	return reply, err
}

// formAgain shows the form with what the visitor typed and what is in the way.
func (d *Door) formAgain(c *call, p passage, record engine.Record, form *forms.Form) (answer, error) {
	var status int
	var notice string
	switch {
	case form.Faulty():
		status = http.StatusUnprocessableEntity
	case form.Conflict:
		status, notice = http.StatusConflict, "form.conflict"
	default:
		notice = "form.unchanged"
	}
	reply, err := d.recordPage(c, p, record, form, notice)
	reply.status = status
	return reply, err
}

// recordPage shows the record with the form as it stands. Nothing to change is offered by a link without uses.
func (d *Door) recordPage(c *call, p passage, record engine.Record, form *forms.Form, notice string) (answer, error) {
	body := recordBody{Heading: d.heading(c, p, record), Shown: d.shown(c, p.landing, record)}
	reply := answer{page: "record", title: body.Heading}
	if hasUses(p.link) {
		body.Form = form.Body(c.texts, c.now)
		if err := d.choices(c, p, record, &body); err != nil {
			return answer{}, err
		}
	}
	if notice != "" {
		body.Notice = c.texts.Say(notice)
	}
	if len(body.Form.Faults) > 0 {
		reply.title = c.texts.Say("form.faults.title", "Title", body.Heading)
	}
	reply.body = body
	return reply, nil
}

// choices are what there is to do beside the form: the actions that the landing offers now, and the way on to the
// customer's own page.
func (d *Door) choices(c *call, p passage, record engine.Record, body *recordBody) error {
	for _, action := range p.landing.Actions {
		offered, err := d.offers(c, p, action, record)
		if err != nil {
			return err
		}
		if offered {
			body.Actions = append(body.Actions, choice{
				Label: actionLabel(action, c.texts.Language), URL: actionPath(p.flow.ID, action.Name),
			})
		}
	}
	if p.landing.HandOver == nil {
		return nil
	}
	if target, ok := d.outward(c.Context(), p.landing.Name, p.landing.HandOver.To); ok {
		body.HandOver = &elsewhere{Host: target.Host, URL: handOverPath(p.flow.ID)}
	}
	return nil
}

// shown are the fields that the landing shows and the form does not.
func (d *Door) shown(c *call, landing *engine.Landing, record engine.Record) []forms.Shown {
	var fields []forms.Shown
	for _, name := range landing.Show {
		if slices.ContainsFunc(landing.Edit, func(e *engine.Edit) bool { return e.Field.Name == name }) {
			continue
		}
		fields = append(fields, forms.Show(forms.FieldOf(landing.Module, name), record.Fields[name], c.texts))
	}
	return fields
}

// plainHeading is what kind of record it is and what names it to people: of the fields that do so in its module those
// that the landing shows, else its id.
func plainHeading(c *call, landing *engine.Landing, record engine.Record) string {
	kind := landing.Module.Label.In(c.texts.Language)
	if kind == "" {
		kind = landing.Module.Name
	}
	named := *landing.Module
	named.Title = slices.DeleteFunc(slices.Clone(named.Title), func(name string) bool {
		return !slices.Contains(landing.Show, name)
	})
	return kind + " " + named.TitleOf(record)
}

// heading is the landing's title for the record, else the plain one.
func (d *Door) heading(c *call, p passage, record engine.Record) string {
	plain := plainHeading(c, p.landing, record)
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
