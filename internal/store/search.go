package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"postern/engine"
)

const (
	searchTimeout = 2 * time.Second // for one search: the page and the count
	searchWait    = 2 * time.Second // for room beside other searches
)

// searchers is how many searches run at once: half of the connections that read, so that whatever people look for, all
// else still reads. It is one more than a portal's desk asks at once, so that signing in finds room beside it.
func searchers() int { return runtime.NumCPU() + 1 }

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
		query, args, err := s.newQuestion(search).count()
		if err != nil {
			return engine.Found{}, err
		}
		if err := s.reading.QueryRowContext(ctx, query, args...).Scan(&found.Total); err != nil {
			return engine.Found{}, err
		}
	}
	return found, nil
}

// searchPage reads one record more than the page holds, to tell whether there is another page.
func (s *Store) searchPage(ctx context.Context, search engine.Search) (engine.Found, error) {
	query, args, err := s.newQuestion(search).page()
	if err != nil {
		return engine.Found{}, err
	}
	rows, err := s.reading.QueryContext(ctx, query, args...)
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
