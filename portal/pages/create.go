package pages

import (
	"errors"
	"net/http"
	"slices"

	"postern/engine"
	"postern/internal/forms"
	"postern/internal/pages"
	"postern/portal"
)

// keyName is the hidden field that a record is made once by, however often the button is pressed. No field of a record
// can be named so.
const keyName = "~key"

// creating is a record that is being made.
type creating struct {
	access *engine.Access
	edits  []*engine.Edit // what the role may give
	field  string         // the reference that the address fills in; "" for none
	about  portal.Row     // the record that it leads to
}

// creating reads what is to be made.
func (c *call) creating() (creating, error) {
	access, err := c.access()
	if err != nil {
		return creating{}, err
	}
	if access.Create == nil {
		return creating{}, portal.ErrForbidden
	}
	m := creating{access: access}
	if err := c.beginAt(&m); err != nil {
		return creating{}, err
	}
	given := portal.Row{}
	if m.field != "" {
		given.Fields = engine.Fields{m.field: m.about.ID}
		given.Titles = map[string]string{m.field: c.heading(c.viewer.Access(m.about.Module), m.about)}
	}
	m.edits, _, err = c.edits(access, access.Create.Fields, given)
	if !m.offers() {
		m.field, m.about = "", portal.Row{}
	}
	return m, err
}

// offers tells whether the form has the record beside which it was begun among the choices of its field.
func (m creating) offers() bool {
	return slices.ContainsFunc(m.edits, func(e *engine.Edit) bool {
		return e.Field.Name == m.field && slices.Contains(e.Field.Options, m.about.ID)
	})
}

// beginAt finds the record beside whose list the new one was begun: the address names it by the reference that is to
// lead there. What the viewer does not see, and what the role may not give, is passed over.
func (c *call) beginAt(m *creating) error {
	query := c.URL.Query()
	for _, name := range m.access.Create.Fields {
		field, id := forms.FieldOf(m.access.Module, name), query.Get(name)
		if field.Type != engine.TypeReference || id == "" {
			continue
		}
		for _, module := range field.To {
			if c.viewer.Access(module) == nil {
				continue
			}
			row, err := c.pages.with.Desk.Get(c.Context(), c.viewer, engine.Ref{Module: module, ID: id})
			if errors.Is(err, portal.ErrNotFound) {
				continue
			}
			if err == nil {
				m.field, m.about = name, row
			}
			return err
		}
	}
	return nil
}

// showCreate shows the form of a new record.
func showCreate(c *call) (answer, error) {
	m, err := c.creating()
	if err != nil {
		return answer{}, err
	}
	key, err := pages.NewSecret(c.pages.with.Random)
	if err != nil {
		return answer{}, err
	}
	form := forms.Blank(m.edits, engine.Record{}, c.texts.Clocks())
	form.Suggest(m.field, m.about.ID)
	return c.createPage(m, form, key, "", 0), nil
}

// create makes the record.
func create(c *call) (answer, error) {
	m, err := c.creating()
	if err != nil {
		return answer{}, err
	}
	sent, err := c.readSent(m.access, m.edits)
	if err != nil {
		return answer{}, err
	}
	defer c.discard(sent)
	key := sent.Values.Get(keyName)
	if !pages.WellFormed(key) {
		return answer{}, pages.ErrMalformed
	}
	form := forms.Blank(m.edits, engine.Record{}, c.texts.Clocks())
	form.Take(sent, c.texts)
	switch {
	case form.Faulty():
		return c.createPage(m, form, key, "", http.StatusUnprocessableEntity), nil
	case len(m.edits) > 0 && !form.Ready():
		return c.createPage(m, form, key, c.texts.Say("portal.new.nothing"), http.StatusUnprocessableEntity), nil
	}
	done, err := c.pages.with.Desk.Create(c.Context(), c.viewer, m.access.Module.Name, form.Set, key)
	if err == nil {
		return c.afterMaking(m, done), nil
	}
	notice, status, refused := c.complain(form, err)
	if !refused {
		return answer{}, err
	}
	return c.createPage(m, form, key, notice, status), nil
}

// afterMaking leads back to where the record was begun, and else to the record itself.
func (c *call) afterMaking(m creating, done portal.Done) answer {
	if m.field == "" {
		return c.afterwards(m.access.Module.Name, "made", done)
	}
	return c.afterwards(m.about.Module, "saved", portal.Done{Row: &m.about, Pending: done.Pending})
}

// createPage draws the form of a new record.
func (c *call) createPage(m creating, form *forms.Form, key, notice string, status int) answer {
	module := m.access.Module.Called(c.texts.Language)
	body := editBody{
		Heading: c.texts.Say("portal.new.heading", "Module", module), About: module, Notice: notice,
		Form: form.Body(c.texts, c.now), Key: key, Back: c.path("records", m.access.Module.Name), Makes: true,
	}
	if m.field != "" {
		body.Back = c.recordPath(m.about.Ref)
	}
	title := body.Heading
	if len(body.Form.Faults) > 0 {
		title = c.texts.Say("form.faults.title", "Title", title)
	}
	return answer{status: status, page: "edit", title: title, body: body}
}
