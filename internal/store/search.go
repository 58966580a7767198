package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"postern/engine"
)

const (
	searchTimeout = 2 * time.Second // for one search: the page and the count
	searchWait    = 2 * time.Second // for room beside other searches
)

// searchers is how many searches run at once: half of the connections that read, so that whatever people look for, all
// else still reads.
func searchers() int { return max(1, runtime.NumCPU()) }

// Search implements engine.RecordStore. A page is one statement and a count another, at one moment each. The texts of
// the statements are as many as there are questions, so they are not kept prepared.
func (s *Store) Search(ctx context.Context, search engine.Search) (engine.Found, error) {
	if err := search.Check(); err != nil {
		return engine.Found{}, err
	}
	found, err := s.search(ctx, search)
	if err != nil {
		return engine.Found{}, fmt.Errorf("search records of %s: %w", search.Module.Name, err)
	}
	return found, nil
}

func (s *Store) search(ctx context.Context, search engine.Search) (engine.Found, error) {
	if err := s.enter(ctx); err != nil {
		return engine.Found{}, err
	}
	defer func() { <-s.searching }()
	within, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	found, err := s.answer(within, search)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return engine.Found{}, engine.Permanent(engine.ErrTooWide)
	}
	return found, err
}

// enter waits for room beside other searches.
func (s *Store) enter(ctx context.Context) error {
	wait := time.NewTimer(searchWait)
	defer wait.Stop()
	select {
	case s.searching <- struct{}{}:
		return nil
	case <-wait.C:
		return engine.Busy(errors.New("too many searches run at once"))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) answer(ctx context.Context, search engine.Search) (found engine.Found, err error) {
	if search.Limit > 0 {
		if found, err = s.searchPage(ctx, search); err != nil {
			return engine.Found{}, err
		}
	}
	if search.Total {
		q := newQuestion(search)
		where, err := q.where()
		if err != nil {
			return engine.Found{}, err
		}
		row := s.reading.QueryRowContext(ctx, "SELECT count(*) FROM records r0 WHERE "+where, q.args...)
		if err := row.Scan(&found.Total); err != nil {
			return engine.Found{}, err
		}
	}
	return found, nil
}

// searchPage reads one record more than the page holds, to tell whether there is another page.
func (s *Store) searchPage(ctx context.Context, search engine.Search) (engine.Found, error) {
	q := newQuestion(search)
	query, err := q.page()
	if err != nil {
		return engine.Found{}, err
	}
	rows, err := s.reading.QueryContext(ctx, query, q.args...)
	if err != nil {
		return engine.Found{}, err
	}
	defer rows.Close()
	records, err := found(rows, search.Module.Name)
	if err != nil || len(records) <= search.Limit {
		return engine.Found{Records: records}, err
	}
	records = records[:search.Limit]
	return engine.Found{Records: records, Next: search.Next(records[search.Limit-1])}, nil
}

func found(rows *sql.Rows, module string) (records []engine.Record, err error) {
	for rows.Next() {
		record := engine.Record{Ref: engine.Ref{Module: module}}
		dest := []any{
			&record.ID, document{&record.Fields}, document{&record.Written}, &record.Version, &record.Seq,
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, rows.Err()
}

// question is a search as a statement is made of it. Of a search only the names of modules and fields become text of
// SQL, quoted; values are parameters.
type question struct {
	engine.Search
	args []any
	rows int // that the statement has names for: r0 is the record, further ones are what routes lead to
}

func newQuestion(search engine.Search) *question { return &question{Search: search, rows: 1} }

// param is a value as a parameter.
func (q *question) param(value any) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("?%d", len(q.args))
}

// page is the statement of a page. What it sorts by it reads once for each record.
func (q *question) page() (string, error) {
	where, err := q.where()
	if err != nil {
		return "", err
	}
	after, err := q.after()
	if err != nil {
		return "", err
	}
	var order []string
	for _, by := range q.Order {
		key, err := q.key(by)
		if err != nil {
			return "", err
		}
		order = append(order, key+map[bool]string{false: "", true: " DESC"}[by.Desc])
	}
	return "SELECT r0.id, r0.fields, r0.written, r0.version, r0.seq FROM records r0 WHERE " + where + after +
		" ORDER BY " + strings.Join(append(order, "r0.id"), ", ") +
		" LIMIT " + q.param(q.Limit+1) + " OFFSET " + q.param(q.Offset), nil
}

// key is what records are sorted by.
func (q *question) key(by engine.Sorting) (string, error) {
	if by.Field == "id" {
		return "r0.id", nil
	}
	at := place{q.Module.Name, by.Field}
	if err := at.checked(); err != nil {
		return "", err
	}
	kind := q.Module.Fields[by.Field].Type
	return fmt.Sprintf("postern_key(%s, r0.fields -> %s)", quoted(string(kind)), quoted(at.path())), nil
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
		key, err := q.key(q.Order[i])
		if err != nil {
			return "", err
		}
		value := q.param(place.Keys[i])
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
