package pages

import (
	"errors"
	"net/http"

	"postern/engine"
	"postern/internal/forms"
	"postern/internal/upload"
	"postern/portal"
)

// editBody is what the form of a record is filled with.
type editBody struct {
	Heading, About string
	Notice         string
	Form           forms.Body
	Key            string // of what is made, so that a second press makes it once; "" for a change
	Fresh          string // names of the fields that need a new sign-in first; "" for none
	SignIn         string // path of that
	Window         bool   // which is to open in another window, so that nothing typed is lost
	Back           string
	Makes          bool
}

// editing is a record that is being changed.
type editing struct {
	access *engine.Access
	row    portal.Row
	edits  []*engine.Edit
	barred []*engine.Field // fields that need a new sign-in first
}

// editing reads what is to be changed, as it is now.
func (c *call) editing() (editing, error) {
	access, err := c.access()
	if err != nil {
		return editing{}, err
	}
	if len(access.Update) == 0 {
		return editing{}, portal.ErrForbidden
	}
	row, err := c.pages.with.Desk.Get(c.Context(), c.viewer, c.ref())
	if err != nil {
		return editing{}, err
	}
	if !row.Update && c.Method == http.MethodGet { // who has typed already is told at the form
		return editing{}, portal.ErrForbidden
	}
	e := editing{access: access, row: row}
	e.edits, e.barred, err = c.edits(access, access.Update, row)
	return e, err
}

func (e editing) form(c *call) *forms.Form {
	form := forms.Fill(e.edits, engine.Record{Ref: e.row.Ref, Fields: e.row.Fields}, c.texts.Clocks())
	for _, field := range e.barred {
		form.Bar(field.Name)
	}
	return form
}

// showEdit shows the form of a record.
func showEdit(c *call) (answer, error) {
	e, err := c.editing()
	if err != nil {
		return answer{}, err
	}
	return c.editPage(e, e.form(c), "", 0), nil
}

// edit takes it.
func edit(c *call) (answer, error) {
	e, err := c.editing()
	if err != nil {
		return answer{}, err
	}
	sent, err := c.readSent(e.access, e.edits)
	if err != nil {
		return answer{}, err
	}
	defer c.discard(sent)
	form := e.form(c)
	form.Take(sent, c.texts)
	switch {
	case form.Barred(): // their sign-in has grown old over the page; what they typed is kept
		return c.editPage(e, form, "portal.edit.fresh_now", http.StatusForbidden), nil
	case form.Faulty():
		return c.editPage(e, form, "", http.StatusUnprocessableEntity), nil
	case form.Conflict:
		return c.editPage(e, form, "form.conflict", http.StatusConflict), nil
	case !form.Ready():
		return c.editPage(e, form, "form.unchanged", 0), nil
	}
	done, err := c.pages.with.Desk.Update(c.Context(), c.viewer, e.row.Ref, form.Set, e.row.ETag)
	if err == nil {
		return c.afterwards(e.access.Module.Name, "saved", done), nil
	}
	return c.editAgain(e, form, sent, err)
}

// editAgain shows a form that was refused with what was typed and what is in the way.
func (c *call) editAgain(e editing, form *forms.Form, sent upload.Sent, err error) (answer, error) {
	if errors.Is(err, portal.ErrConflict) {
		// Somebody was faster by a moment; what they wrote is there to be read now.
		now, again := c.editing()
		if again != nil {
			return answer{}, again
		}
		form = now.form(c)
		form.Take(sent, c.texts)
		return c.editPage(now, form, "form.conflict", http.StatusConflict), nil
	}
	if errors.Is(err, portal.ErrFresh) {
		return c.editPage(e, form, "portal.edit.fresh_now", http.StatusForbidden), nil
	}
	notice, status, refused := c.complain(form, err)
	if !refused {
		return answer{}, err
	}
	reply := c.editPage(e, form, "", status)
	return withNotice(reply, notice), nil
}

// complain tells what the desk has against a form: at the field, or as a notice where it is none of the form's. It
// tells whether it was something of that kind.
func (c *call) complain(form *forms.Form, err error) (notice string, status int, refused bool) {
	refusal, ok := errors.AsType[*portal.Refusal](err)
	if !ok {
		return "", 0, false
	}
	text := c.texts.Say(refusal.Label, refusal.Blanks...)
	if refusal.Field != "" && form.Refuse(refusal.Field, text) {
		return "", refusal.Status, true
	}
	return text, refusal.Status, true
}

func withNotice(reply answer, notice string) answer {
	if body, ok := reply.body.(editBody); ok && notice != "" {
		body.Notice = notice
		reply.body = body
	}
	return reply
}

// editPage draws the form of a record; notice is the code of a text.
func (c *call) editPage(e editing, form *forms.Form, notice string, status int) answer {
	body := editBody{
		Heading: c.texts.Say("portal.edit.heading", "Title", c.heading(e.access, e.row)),
		About:   e.access.Module.Called(c.texts.Language), Form: form.Body(c.texts, c.now),
		Back: c.recordPath(e.row.Ref), Fresh: c.named(e.barred), SignIn: c.freshPath(), Window: form.Barred(),
	}
	if notice != "" {
		body.Notice = c.texts.Say(notice)
	}
	title := body.Heading
	if len(body.Form.Faults) > 0 {
		title = c.texts.Say("form.faults.title", "Title", title)
	}
	return answer{status: status, page: "edit", title: title, body: body}
}

// freshPath leads to proving once more who one is, and back to this page.
func (c *call) freshPath() string { return c.path("sign-in") + "?to=" + queryText(c.URL.EscapedPath()) }
