package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// preparer is a connection, or a pool of them.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// statements runs queries, each prepared once. The texts are constants of this package, and one for each index that was
// asked for, so that there are few; a text must not end in white space, or the driver would prepare it again each time.
type statements struct {
	from preparer

	mu     sync.Mutex
	byText map[string]*sql.Stmt

	indexed sync.Map // of names of indexes that were asked for
}

func newStatements(from preparer) *statements {
	return &statements{from: from, byText: map[string]*sql.Stmt{}}
}

func (s *statements) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt, ok := s.byText[query]; ok {
		return stmt, nil
	}
	stmt, err := s.from.PrepareContext(ctx, query) //nolint:sqlclosecheck // lives as long as its connection
	if err != nil {
		return nil, err
	}
	s.byText[query] = stmt
	return stmt, nil
}

// close gives the statements up. The connections of a pool that is closed would otherwise stay open for them.
func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.byText {
		errs = append(errs, stmt.Close())
	}
	clear(s.byText)
	return errors.Join(errs...)
}

// exec runs a change and returns how many rows it touched.
func (s *statements) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := s.prepared(ctx, query) //nolint:sqlclosecheck // lives as long as its connection
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// get reads one row into dest; sql.ErrNoRows if there is none.
func (s *statements) get(ctx context.Context, query string, args, dest []any) error {
	stmt, err := s.prepared(ctx, query) //nolint:sqlclosecheck // lives as long as its connection
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(dest...)
}

// each calls take for each row of a query. It must not run another query on a connection of its own.
func (s *statements) each(ctx context.Context, query string, args []any, take func(scan) error) error {
	stmt, err := s.prepared(ctx, query) //nolint:sqlclosecheck // lives as long as its connection
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scan reads the columns of the present row.
type scan func(dest ...any) error
