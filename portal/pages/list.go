package pages

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/forms"
	"postern/portal"
)

// listBody is what a list is filled with.
type listBody struct {
	Heading string
	About   string // what the records belong to; "" for all of a module
	Back    string // path of that
	Notice  string
	Total   string
	New     string // path where one is made; "" where none may be
	Search  *searchForm
	Table   table
	Turn    turning
	Empty   string // in place of the table
	All     string // path of the list without search and filters; "" where there are none
}

// searchForm narrows a list.
type searchForm struct {
	Words   string
	Asks    bool // whether words can be searched for
	Filters []filter
	Sorts   []forms.Option
	Open    bool // whether one of the filters is set
}

// showList shows the records of a module.
func showList(c *call) (answer, error) {
	access, err := c.access()
	if err != nil {
		return answer{}, err
	}
	query := c.URL.Query()
	filters, where := c.filters(access)
	after, at := c.place()
	words := strings.Fields(query.Get("q"))
	question := portal.Question{
		Module: access.Module.Name, Where: where, Search: strings.Join(words[:min(len(words), portal.MaxWords)], " "),
		Order: sortedBy(access, query.Get("sort")), After: after, Total: true, Fields: listed(access),
	}
	if after == "" {
		question.Offset = at
	}
	listing, err := c.pages.with.Desk.List(c.Context(), c.viewer, question)
	if after != "" && isQuestion(err) {
		return answer{goTo: c.URL.Path + "?" + without(query, "after", "at").Encode()}, nil // an old place
	}
	if err != nil {
		return answer{}, err
	}
	label := access.Module.CalledMany(c.texts.Language)
	body := listBody{
		Heading: label, Notice: c.notice(), Total: c.total(listing),
		Search: c.searchForm(access, filters),
		Turn:   c.turn(without(query), at, listing),
		Table: c.table(access, listing, sorting{by: query.Get("sort"), way: func(by string) string {
			way := without(query, "after", "at", "sort")
			way.Set("sort", by)
			return "?" + way.Encode()
		}}),
	}
	if access.Create != nil {
		body.New = c.path("new", access.Module.Name)
	}
	c.sayEmpty(&body, listing, len(words) > 0 || body.Search.Open)
	return answer{page: "list", title: label, body: body}, nil
}

// isQuestion tells whether the desk refuses a question as a whole.
func isQuestion(err error) bool {
	refusal, refused := errors.AsType[*portal.Refusal](err)
	return refused && refusal.Code == portal.CodeQuestion
}

// sayEmpty fills a list without records.
func (c *call) sayEmpty(body *listBody, listing portal.Listing, narrowed bool) {
	if narrowed {
		body.All = c.URL.EscapedPath()
	}
	switch {
	case len(listing.Rows) > 0:
	case listing.Next != "": // the CRM was looked through up to here
		body.Empty = c.texts.Say("portal.list.sofar")
	case narrowed:
		body.Empty = c.texts.Say("portal.list.nothing")
	default:
		body.Empty = c.texts.Say("portal.list.empty")
	}
}

// sortedBy reads what a list is to be sorted by; what may not be is not looked at.
func sortedBy(access *engine.Access, sort string) []engine.Sorting {
	name, desc := strings.CutPrefix(sort, "-")
	if !slices.Contains(access.Sort, name) {
		return nil
	}
	return []engine.Sorting{{Field: name, Desc: desc}}
}

// searchForm is the form above a list.
func (c *call) searchForm(access *engine.Access, filters []filter) *searchForm {
	query := c.URL.Query()
	form := &searchForm{Words: query.Get("q"), Filters: filters}
	for _, name := range access.Filter {
		switch forms.FieldOf(access.Module, name).Type {
		case engine.TypeText, engine.TypeEmail, engine.TypePhone, engine.TypeURL, engine.TypePicklist:
			form.Asks = true
		default:
		}
	}
	for _, f := range filters {
		form.Open = form.Open || f.Value != "" || f.From != "" || f.To != ""
	}
	sort := query.Get("sort")
	for _, name := range access.Sort {
		field := forms.FieldOf(access.Module, name)
		if !orders(field) {
			continue
		}
		label := forms.FieldLabel(field, c.texts.Language)
		up, down := forms.Option{Value: name}, forms.Option{Value: "-" + name}
		up.Label, up.Chosen = c.texts.Say("portal.sort.up", "Field", label), sort == up.Value
		down.Label, down.Chosen = c.texts.Say("portal.sort.down", "Field", label), sort == down.Value
		form.Sorts = append(form.Sorts, up, down)
	}
	return form
}

// orders tells whether an order by a field says something to people.
func orders(field *engine.Field) bool {
	switch field.Type {
	case engine.TypeReference, engine.TypeOwner, engine.TypeFile, engine.TypeMultiPicklist:
		return false
	case engine.TypeText:
		return field.Max == 0 || field.Max <= long
	}
	return true
}

// showRelated shows all records of another module that belong to one.
func showRelated(c *call) (answer, error) {
	access, err := c.access()
	if err != nil {
		return answer{}, err
	}
	other, err := c.accessTo(c.PathValue("related"))
	if err != nil {
		return answer{}, err
	}
	row, err := c.pages.with.Desk.Get(c.Context(), c.viewer, c.ref())
	if err != nil {
		return answer{}, err
	}
	after, at := c.place()
	question := portal.Question{Module: other.Module.Name, After: after, Total: true, Fields: listed(other)}
	if after == "" {
		question.Offset = at
	}
	listing, err := c.pages.with.Desk.Related(c.Context(), c.viewer, row.Ref, question)
	if err != nil {
		return answer{}, err
	}
	label := other.Module.CalledMany(c.texts.Language)
	body := listBody{
		Heading: label, About: c.heading(access, row), Back: c.recordPath(row.Ref), Total: c.total(listing),
		Table: c.table(other, listing, sorting{}), Turn: c.turn(c.URL.Query(), at, listing),
	}
	for _, relative := range access.Related {
		if relative.Module == other.Module.Name {
			body.New = c.addPath(other, relative.By, row)
		}
	}
	c.sayEmpty(&body, listing, false)
	return answer{status: http.StatusOK, page: "list", title: label, body: body}, nil
}
