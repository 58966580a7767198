package store

import (
	"errors"
	"fmt"
	"strings"

	"postern/engine"
)

// maxRows is how many rows one statement may have names for: a route over references to many modules doubles them with
// each step.
const maxRows = 200

// question is a search as a statement is made of it. Of a search only the names of modules and fields become text of
// SQL, quoted; values are parameters.
type question struct {
	engine.Search
	indexed func(index string) bool
	args    []any
	rows    int   // that the statement has names for: r0 is the record, further ones are what routes lead to
	failed  error // why no statement can be made
}

func (s *Store) newQuestion(search engine.Search) *question {
	return &question{Search: search, indexed: s.reads.hasIndex, rows: 1}
}

// param is a value as a parameter.
func (q *question) param(value any) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("?%d", len(q.args))
}

// row is a name for one more row of the statement.
func (q *question) row() string {
	if q.rows++; q.rows > maxRows {
		q.failed = engine.Permanent(errors.New("its routes lead over too many modules"))
	}
	return fmt.Sprintf("r%d", q.rows-1)
}

// place is a field of a module, whose name must be one that a statement can hold.
func (q *question) place(m *engine.Module, field string) place {
	at := place{m.Name, field}
	if err := at.checked(); err != nil {
		q.failed = err
	}
	return at
}

// count is the statement that counts, with its parameters.
func (q *question) count() (string, []any, error) {
	query := "SELECT count(*) FROM " + q.from() + " WHERE " + q.where()
	return query, q.args, q.failed
}

// page is the statement of a page, with its parameters.
func (q *question) page() (string, []any, error) {
	from, where := q.from(), q.where()
	after, err := q.after()
	if err != nil {
		return "", nil, err
	}
	var order []string
	for _, by := range q.Order {
		order = append(order, q.key(by)+map[bool]string{false: "", true: " DESC"}[by.Desc])
	}
	query := "SELECT r0.id, r0.fields, r0.written, r0.version, r0.seq FROM " + from + " WHERE " + where + after +
		" ORDER BY " + strings.Join(append(order, "r0.id"), ", ") +
		" LIMIT " + q.param(q.Limit+1) + " OFFSET " + q.param(q.Offset)
	return query, q.args, q.failed
}

// key is what records are sorted by.
func (q *question) key(by engine.Sorting) string {
	if by.Field == "id" {
		return "r0.id"
	}
	kind, path := q.Module.Fields[by.Field].Type, q.place(q.Module, by.Field).path()
	return fmt.Sprintf("postern_key(%s, r0.fields -> %s)", quoted(string(kind)), quoted(path))
}

// after is the condition that a record stands behind a place of the list: its first key is greater, or that is the
// same and the next key is greater, and so on, and last its id.
func (q *question) after() (string, error) {
	place, there, err := q.Start()
	if err != nil || !there {
		return "", err
	}
	condition := "r0.id > " + q.param(place.ID)
	for i := len(q.Order) - 1; i >= 0; i-- {
		key, value := q.key(q.Order[i]), q.param(place.Keys[i])
		greater := behind(key, value, place.Keys[i], q.Order[i].Desc)
		condition = fmt.Sprintf("(%s OR %s IS %s AND %s)", greater, key, value, condition)
	}
	return " AND " + condition, nil
}

// behind is the condition that a key stands behind a value. Without a value records come first, or last.
func behind(key, value string, is any, last bool) string {
	switch {
	case is == nil && last:
		return "0"
	case is == nil:
		return key + " IS NOT NULL"
	case last:
		return fmt.Sprintf("(%s < %s OR %s IS NULL)", key, value, key)
	}
	return key + " > " + value
}
