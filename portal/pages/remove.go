package pages

import (
	"errors"
	"net/http"

	"postern/engine"
	"postern/internal/pages"
	"postern/portal"
)

// deleteBody asks whether a record is to be deleted.
type deleteBody struct {
	Heading, About string
	Notice         string
	Fields         []shownField
	Seen           string // names the state of the record that is shown
	Back           string
}

// deleting finds the record that is to be deleted.
func (c *call) deleting() (*engine.Access, portal.Row, error) {
	access, err := c.access()
	if err != nil {
		return nil, portal.Row{}, err
	}
	if !access.Delete {
		return nil, portal.Row{}, portal.ErrForbidden
	}
	row, err := c.pages.with.Desk.Get(c.Context(), c.viewer, c.ref())
	if err == nil && !row.Delete && c.Method == http.MethodGet {
		err = portal.ErrForbidden
	}
	return access, row, err
}

// showDelete asks for a confirmation.
func showDelete(c *call) (answer, error) {
	access, row, err := c.deleting()
	if err != nil {
		return answer{}, err
	}
	return c.deletePage(access, row, "", 0), nil
}

// remove deletes a record that is still as the page showed it.
func remove(c *call) (answer, error) {
	access, row, err := c.deleting()
	if err != nil {
		return answer{}, err
	}
	values, err := pages.ReadForm(c.Request)
	if err != nil {
		return answer{}, err
	}
	seen := values.Get(pages.SeenName)
	if seen == "" {
		return answer{}, pages.ErrMalformed
	}
	done, err := c.pages.with.Desk.Delete(c.Context(), c.viewer, row.Ref, seen)
	if errors.Is(err, portal.ErrConflict) {
		if access, row, err = c.deleting(); err != nil {
			return answer{}, err
		}
		return c.deletePage(access, row, "portal.delete.conflict", http.StatusConflict), nil
	}
	if refusal, refused := errors.AsType[*portal.Refusal](err); refused {
		return c.deletePage(access, row, refusal.Label, refusal.Status), nil
	}
	if err != nil {
		return answer{}, err
	}
	done.Row = nil
	return c.afterwards(access.Module.Name, "deleted", done), nil
}

func (c *call) deletePage(access *engine.Access, row portal.Row, notice string, status int) answer {
	body := deleteBody{
		Heading: c.texts.Say("portal.delete.heading", "Title", c.heading(access, row)),
		About:   access.Module.Called(c.texts.Language), Fields: c.shownFields(access, row, access.Read),
		Seen: row.ETag, Back: c.recordPath(row.Ref),
	}
	if notice != "" {
		body.Notice = c.texts.Say(notice)
	}
	return answer{status: status, page: "delete", title: body.Heading, body: body}
}
