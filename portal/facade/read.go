package facade

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"postern/engine"
	"postern/portal"
	"postern/portal/facade/query"
)

// MaxRows is how many rows one query answers at most, whatever its limit; moreinfo tells how many there are.
const MaxRows = 1000

// query answers a query with the rows that are the viewer's.
func (f *Facade) query(c *call, v portal.Viewer) (answer, error) {
	q, err := query.Parse(c.value("query"))
	if err != nil {
		return answer{}, err
	}
	m, err := f.module(v, q.Module.Text)
	if err != nil {
		return answer{}, err
	}
	ctx := c.context()
	near := &neighbours{facade: f, viewer: v, of: m, seen: map[engine.Ref]portal.Row{}}
	scope := query.Scope{Access: m.Access, Elsewhere: func(cond *query.Condition) (engine.Predicate, error) {
		return near.where(ctx, cond)
	}}
	asked := portal.Question{Module: m.Name, Total: true}
	if asked.Where, err = scope.Where(q.Where); err != nil {
		return answer{}, err
	}
	if asked.Order, err = scope.Order(q.Order); err != nil {
		return answer{}, err
	}
	columns, err := scope.Columns(q)
	if err != nil {
		return answer{}, err
	}
	if q.Count {
		total, err := f.with.Records.Count(ctx, v, asked)
		if err != nil {
			return answer{}, err
		}
		count := strconv.Itoa(total)
		return answer{result: []row{row{}.with("count", count)}, info: totalRows(total)}, nil
	}
	columns, err = near.columns(columns)
	if err != nil {
		return answer{}, err
	}
	rows, info, err := f.rows(ctx, v, asked, q.Offset, q.Limit)
	if err != nil {
		return answer{}, err
	}
	if err := near.read(ctx, rows, columns); err != nil {
		return answer{}, err
	}
	result := []row{}
	for _, r := range rows {
		shown, err := near.row(r, columns)
		if err != nil {
			return answer{}, err
		}
		result = append(result, shown)
	}
	return answer{result: result, info: info}, nil
}

func totalRows(total int) row { return row{}.with("totalrows", strconv.Itoa(total)) }

// rows reads the pages of a question until it has as many rows as are wanted. info tells how many there are, if the CRM
// can say that.
func (f *Facade) rows(
	ctx context.Context, v portal.Viewer, asked portal.Question, offset, limit int,
) (rows []portal.Row, info any, err error) {
	limit = min(limit, MaxRows)
	if limit == 0 || offset > portal.MaxOffset {
		total, err := f.with.Records.Count(ctx, v, asked)
		return nil, totalRows(total), err
	}
	asked.Offset = offset
	for {
		asked.Limit = min(limit-len(rows), portal.MaxPage)
		page, err := f.with.Records.List(ctx, v, asked)
		if err != nil {
			return nil, nil, err
		}
		if asked.Total && !page.Uncounted {
			info = totalRows(page.Total)
		}
		rows = append(rows, page.Rows...)
		if page.Next == "" || len(page.Rows) == 0 || len(rows) >= limit {
			return rows, info, nil
		}
		asked.After, asked.Offset, asked.Total = page.Next, 0, false
	}
}

// retrieve reads one record, with the names of what its references lead to.
func (f *Facade) retrieve(c *call, v portal.Viewer) (answer, error) {
	found, err := f.find(c.context(), v, c.value("id"), c.value("elementtype"))
	if err != nil {
		return answer{}, err
	}
	return f.record(v, found)
}

// record is one record as coreBOS answers it.
func (f *Facade) record(v portal.Viewer, found portal.Row) (answer, error) {
	m, err := f.module(v, found.Module)
	if err != nil {
		return answer{}, err
	}
	result := row{}
	for _, name := range m.Access.Read {
		result = result.with(name, plain(found.Fields[name], m.Fields[name]))
	}
	result = result.with("id", found.ID)
	for _, name := range m.Access.Read {
		title, visible := found.Titles[name]
		if !visible {
			continue
		}
		module := ""
		if to := m.Fields[name].To; len(to) == 1 {
			module = to[0]
		} else {
			module = f.moduleOf(found.Fields.Text(name), to)
		}
		result = result.with(name+"ename", row{}.with("module", module).with("reference", title).with("cbuuid", ""))
	}
	return answer{result: result}, nil
}

// moduleOf is which of some modules an id belongs to by its prefix; "" where that does not say.
func (f *Facade) moduleOf(id string, among []string) string {
	prefix, _, _ := strings.Cut(id, "x")
	i := slices.IndexFunc(among, func(name string) bool { return prefix != "" && f.with.Prefixes[name] == prefix })
	if i < 0 {
		return ""
	}
	return among[i]
}

// related lists the records that belong to one.
func (f *Facade) related(c *call, v portal.Viewer) (answer, error) {
	asked := struct {
		Columns string      `json:"columns"`
		Limit   json.Number `json:"limit"`
		Offset  json.Number `json:"offset"`
	}{}
	if text := c.value("queryparameters"); text != "" {
		if err := json.Unmarshal([]byte(text), &asked); err != nil {
			return answer{}, fault(codeParameter, `queryParameters is an object such as {"columns":"","limit":"20"}`)
		}
	}
	of, err := f.find(c.context(), v, c.value("id"), c.value("module"))
	if err != nil {
		return answer{}, err
	}
	m, err := f.module(v, c.value("relatedmodule"))
	if err != nil {
		return answer{}, err
	}
	columns := m.Access.Read
	if asked.Columns != "" && asked.Columns != "*" {
		columns = nil
		for name := range strings.SplitSeq(asked.Columns, ",") {
			if name = strings.TrimSpace(name); !slices.Contains(m.Access.Read, name) && name != "id" {
				return answer{}, &query.DeniedError{Attribute: "'." + clip(name) + ".'"}
			}
			columns = append(columns, name)
		}
	}
	limit, offset := number(asked.Limit, query.DefaultLimit), number(asked.Offset, 0)
	question := portal.Question{Module: m.Name, Limit: min(limit, portal.MaxPage), Offset: offset}
	list, err := f.with.Records.Related(c.context(), v, of.Ref, question)
	if err != nil {
		return answer{}, err
	}
	records := []row{}
	for _, r := range list.Rows {
		shown := row{}
		for _, name := range columns {
			if name != "id" {
				shown = shown.with(name, plain(r.Fields[name], m.Fields[name]))
			}
		}
		records = append(records, shown.with("id", r.ID))
	}
	return answer{result: row{}.with("records", records)}, nil
}

// number is a number that a client sent as such or as text.
func number(given json.Number, otherwise int) int {
	n, err := strconv.Atoi(given.String())
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}
