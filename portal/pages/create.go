package pages

import (
	"net/http"

	"postern/engine"
	"postern/internal/forms"
	"postern/internal/pages"
	"postern/portal"
)

// keyName is the hidden field that a record is made once by, however often the button is pressed. No field of a record
// can be named so.
const keyName = "~key"

// creating is what the role may give to a new record.
func (c *call) creating() (*engine.Access, []*engine.Edit, error) {
	access, err := c.access()
	if err != nil {
		return nil, nil, err
	}
	if access.Create == nil {
		return nil, nil, portal.ErrForbidden
	}
	edits, _, err := c.edits(access, access.Create.Fields, portal.Row{})
	return access, edits, err
}

// showCreate shows the form of a new record.
func showCreate(c *call) (answer, error) {
	access, edits, err := c.creating()
	if err != nil {
		return answer{}, err
	}
	key, err := pages.NewSecret(c.pages.with.Random)
	if err != nil {
		return answer{}, err
	}
	return c.createPage(access, forms.Blank(edits, engine.Record{}, c.texts.Clocks()), key, "", 0), nil
}

// create makes the record.
func create(c *call) (answer, error) {
	access, edits, err := c.creating()
	if err != nil {
		return answer{}, err
	}
	sent, err := c.readSent(access, edits)
	if err != nil {
		return answer{}, err
	}
	defer c.discard(sent)
	key := sent.Values.Get(keyName)
	if !pages.WellFormed(key) {
		return answer{}, pages.ErrMalformed
	}
	form := forms.Blank(edits, engine.Record{}, c.texts.Clocks())
	form.Take(sent, c.texts)
	switch {
	case form.Faulty():
		return c.createPage(access, form, key, "", http.StatusUnprocessableEntity), nil
	case len(edits) > 0 && !form.Ready():
		return c.createPage(access, form, key, c.texts.Say("portal.new.nothing"), http.StatusUnprocessableEntity), nil
	}
	done, err := c.pages.with.Desk.Create(c.Context(), c.viewer, access.Module.Name, form.Set, key)
	if err == nil {
		return c.afterwards(access.Module.Name, "made", done), nil
	}
	notice, status, refused := c.complain(form, err)
	if !refused {
		return answer{}, err
	}
	return c.createPage(access, form, key, notice, status), nil
}

// createPage draws the form of a new record.
func (c *call) createPage(access *engine.Access, form *forms.Form, key, notice string, status int) answer {
	module := access.Module.Called(c.texts.Language)
	body := editBody{
		Heading: c.texts.Say("portal.new.heading", "Module", module), About: module, Notice: notice,
		Form: form.Body(c.texts, c.now), Key: key, Back: c.path("records", access.Module.Name), Makes: true,
	}
	title := body.Heading
	if len(body.Form.Faults) > 0 {
		title = c.texts.Say("form.faults.title", "Title", title)
	}
	return answer{status: status, page: "edit", title: title, body: body}
}
