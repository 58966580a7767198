package pages

import (
	"errors"
	"net/url"
	"slices"

	"postern/engine"
	"postern/portal"
)

// beside is how many records each list beside a record shows.
const beside = 5

// recordBody is what the page of a record is filled with.
type recordBody struct {
	Heading, About string // About: its module
	List           string // path of it
	Notice         string
	Fields         []shownField
	Edit, Delete   string // paths; "" where the role may not
	Related        []relatedList
}

// relatedList are records that belong to the one that is shown.
type relatedList struct {
	ID      string // of its heading
	Heading string
	Table   table
	All     string // path of all of them, with how many; "" where these are all
	Count   string
	None    bool
	Down    bool   // they cannot be had now
	Add     string // path of the form of another one; "" where the role may make none
}

// showRecord shows one record.
func showRecord(c *call) (answer, error) {
	access, err := c.access()
	if err != nil {
		return answer{}, err
	}
	row, err := c.pages.with.Desk.Get(c.Context(), c.viewer, c.ref())
	if err != nil {
		return answer{}, err
	}
	module := access.Module.Name
	body := recordBody{
		Heading: c.heading(access, row), About: access.Module.Called(c.texts.Language),
		List: c.path("records", module), Notice: c.notice(), Fields: c.shownFields(access, row, access.Read),
	}
	if row.Update {
		body.Edit = c.path("edit", module, row.ID)
	}
	if row.Delete {
		body.Delete = c.path("delete", module, row.ID)
	}
	for _, relative := range access.Related {
		list, err := c.related(row, relative)
		if err != nil {
			return answer{}, err
		}
		if list != nil {
			body.Related = append(body.Related, *list)
		}
	}
	return answer{page: "record", title: body.Heading, body: body}, nil
}

// related are the first records of a list beside a record; nil where the role may not see them. That they cannot be had
// now does not take the record away.
func (c *call) related(row portal.Row, relative engine.Relative) (*relatedList, error) {
	access := c.viewer.Access(relative.Module)
	if access == nil {
		return nil, nil //nolint:nilnil // nothing to show, and nothing wrong
	}
	list := &relatedList{ID: "related-" + relative.Module, Heading: access.Module.CalledMany(c.texts.Language)}
	list.Add = c.addPath(access, relative.By, row)
	listing, err := c.pages.with.Desk.Related(c.Context(), c.viewer, row.Ref, portal.Question{
		Module: relative.Module, Limit: beside, Total: true, Fields: listed(access),
	})
	if errors.Is(err, portal.ErrUnavailable) {
		list.Down = true
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	list.Table, list.None = c.table(access, listing, sorting{}), len(listing.Rows) == 0
	if listing.Next != "" {
		list.All, list.Count = c.path("records", row.Module, row.ID, relative.Module), c.total(listing)
	}
	return list, nil
}

// addPath leads to the form of a record that is to belong to a row by a reference; "" where the role may make none.
func (c *call) addPath(access *engine.Access, by string, row portal.Row) string {
	if access.Create == nil || !slices.Contains(access.Create.Fields, by) {
		return ""
	}
	return c.path("new", access.Module.Name) + "?" + url.Values{by: {row.ID}}.Encode()
}
