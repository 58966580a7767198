package rest

import (
	"net/http"
	"net/url"
	"slices"

	"postern/engine"
	"postern/portal"
)

// recordBody is a record as the viewer may see it.
type recordBody struct {
	Module string            `json:"module"`
	ID     string            `json:"id"`
	Title  string            `json:"title"`
	ETag   string            `json:"etag"`
	Fields map[string]any    `json:"fields"`
	Titles map[string]string `json:"titles"` // of what references lead to, by field
}

func newRecord(m *engine.Module, row portal.Row) recordBody {
	body := recordBody{
		Module: row.Module, ID: row.ID, Title: row.Title, ETag: row.ETag, Fields: make(map[string]any, len(row.Fields)),
		Titles: row.Titles,
	}
	if body.Titles == nil {
		body.Titles = map[string]string{}
	}
	for name, value := range row.Fields {
		body.Fields[name] = typed(m.Fields[name], value)
	}
	return body
}

// listBody is a page of records.
type listBody struct {
	Records []recordBody `json:"records"`
	Next    string       `json:"next,omitempty"`
	Total   *int         `json:"total,omitempty"`
}

// list answers with records of a module, a page at a time.
func (a *API) list(c *call) (answer, error) {
	q, count, err := questionOf(c, c.PathValue("module"))
	if err != nil {
		return answer{}, err
	}
	if count {
		total, err := a.with.Desk.Count(c.Context(), c.viewer, q)
		return answer{body: listBody{Records: []recordBody{}, Total: &total}}, err
	}
	listing, err := a.with.Desk.List(c.Context(), c.viewer, q)
	if err != nil {
		return answer{}, err
	}
	return listed(c, q, listing), nil
}

// related answers with records of another module that belong to one.
func (a *API) related(c *call) (answer, error) {
	q, count, err := questionOf(c, c.PathValue("related"))
	if err == nil && count {
		err = about(errParameter, "limit")
	}
	if err != nil {
		return answer{}, err
	}
	listing, err := a.with.Desk.Related(c.Context(), c.viewer, recordOf(c), q)
	if err != nil {
		return answer{}, err
	}
	return listed(c, q, listing), nil
}

func listed(c *call, q portal.Question, listing portal.Listing) answer {
	body := listBody{Records: make([]recordBody, len(listing.Rows)), Next: listing.Next}
	for i, row := range listing.Rows {
		body.Records[i] = newRecord(c.viewer.Access(q.Module).Module, row)
	}
	if q.Total && !listing.Uncounted {
		body.Total = &listing.Total
	}
	return answer{body: body}
}

func recordOf(c *call) engine.Ref {
	return engine.Ref{Module: c.PathValue("module"), ID: c.PathValue("id")}
}

// get answers with one record.
func (a *API) get(c *call) (answer, error) {
	ref := recordOf(c)
	row, err := a.with.Desk.Get(c.Context(), c.viewer, ref)
	if err != nil {
		return answer{}, err
	}
	return shown(c, http.StatusOK, row), nil
}

// shown is an answer with a record.
func shown(c *call, status int, row portal.Row) answer {
	return answer{
		status: status, header: map[string]string{"ETag": row.ETag},
		body: newRecord(c.viewer.Access(row.Module).Module, row),
	}
}

// fieldsOf reads {"fields": {…}}.
func fieldsOf(c *call) (engine.Fields, error) {
	object, err := readObject(c)
	if err != nil {
		return nil, err
	}
	fields, ok := object["fields"].(map[string]any)
	if !ok {
		return nil, about(errMalformed, "fields")
	}
	delete(object, "fields")
	_, err = textsOf(object, nil) // nothing else
	return fields, err
}

// create makes a record. With an Idempotency-Key the same request again makes no second one.
func (a *API) create(c *call) (answer, error) {
	fields, err := fieldsOf(c)
	if err != nil {
		return answer{}, err
	}
	module := c.PathValue("module")
	done, err := a.with.Desk.Create(c.Context(), c.viewer, module, fields, c.Header.Get("Idempotency-Key"))
	if err != nil {
		return answer{}, err
	}
	reply := changed(c, http.StatusCreated, done)
	if done.Ref.ID != "" {
		if reply.header == nil {
			reply.header = map[string]string{}
		}
		reply.header["Location"] = Prefix + c.portal + "/records/" + url.PathEscape(module) + "/" +
			url.PathEscape(done.Ref.ID)
	}
	return reply, nil
}

// patch changes the fields that are given and no others. With If-Match only the record that the caller has seen.
func (a *API) patch(c *call) (answer, error) {
	fields, err := fieldsOf(c)
	if err != nil {
		return answer{}, err
	}
	etag, err := ifMatch(c)
	if err != nil {
		return answer{}, err
	}
	done, err := a.with.Desk.Update(c.Context(), c.viewer, recordOf(c), fields, etag)
	if err != nil {
		return answer{}, err
	}
	return changed(c, http.StatusOK, done), nil
}

// remove deletes a record.
func (a *API) remove(c *call) (answer, error) {
	etag, err := ifMatch(c)
	if err != nil {
		return answer{}, err
	}
	done, err := a.with.Desk.Delete(c.Context(), c.viewer, recordOf(c), etag)
	if err != nil {
		return answer{}, err
	}
	if done.Pending {
		return changed(c, http.StatusOK, done), nil
	}
	return answer{status: http.StatusNoContent}, nil
}

// ifMatch is the one ETag that a record must still have; "" for any. A header with nothing in it is refused: whoever
// sends one means to be careful, and has lost the ETag.
func ifMatch(c *call) (string, error) {
	given := c.Header.Values("If-Match")
	if len(given) > 1 || (len(given) == 1 && given[0] == "") {
		return "", about(errParameter, "If-Match")
	}
	if len(given) == 0 || given[0] == "*" {
		return "", nil
	}
	return given[0], nil
}

// changeBody is what became of a change whose record cannot be shown (yet).
type changeBody struct {
	Module  string `json:"module"`
	ID      string `json:"id,omitempty"` // not there while another CRM has yet to make the record
	Pending bool   `json:"pending"`      // the CRM has not answered yet: the change is kept and tried on
}

// changed is the answer to a change.
func changed(c *call, status int, done portal.Done) answer {
	switch {
	case done.Pending:
		status = http.StatusAccepted
	case done.Row != nil:
		return shown(c, status, *done.Row)
	}
	return answer{status: status, body: changeBody{Module: done.Ref.Module, ID: done.Ref.ID, Pending: done.Pending}}
}

// modules describes what the viewer's role has access to.
func (a *API) modules(c *call) (answer, error) {
	views := a.with.Desk.Modules(c.viewer)
	list := make([]moduleBody, len(views))
	for i, view := range views {
		list[i] = newModule(c.viewer, view)
	}
	return answer{body: map[string]any{"modules": list}}, nil
}

// module describes one.
func (a *API) module(c *call) (answer, error) {
	views := a.with.Desk.Modules(c.viewer)
	at := slices.IndexFunc(views, func(v portal.ModuleView) bool { return v.Name == c.PathValue("module") })
	if at < 0 {
		return answer{}, portal.ErrForbidden
	}
	return answer{body: newModule(c.viewer, views[at])}, nil
}
