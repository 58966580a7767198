// Package store keeps everything durable in one SQLite database: partitions, runs, effects, waits, deliveries, links,
// kept records and the outbox. One type fills engine.Store and links.Store. It alone imports the SQL driver and the
// migrations.
//
// Changes pass one goroutine, the writer, which owns the one connection that writes. It commits whatever is queued
// as soon as it is free, many changes in one transaction, so that a disk's sync is shared under load and nobody waits
// for it to fill when there is none. Reads run beside it, on connections that cannot write.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"postern/engine"
	"postern/links"
	"postern/portal"
)

var (
	_ engine.Store = (*Store)(nil)
	_ links.Store  = (*Store)(nil)

	_ portal.DeskStore = (*Store)(nil)
)

// readTimeout bounds one read.
const readTimeout = 10 * time.Second

// Store is an open database. Its methods may be called concurrently.
type Store struct {
	clock  engine.Clock
	logger *slog.Logger

	lock    *lock
	notes   *notes
	reading *sql.DB
	reads   *statements
	writer  *writer

	searching chan struct{} // holds an entry for each search that runs

	suppressed suppressed

	forgetting forgetting // only Forget touches it

	closing sync.Once
	closed  error
}

// Close lets the writer finish what is queued and closes the database. What is asked of the store afterwards fails;
// closing it again tells what the first time told.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.writer.close()
		err := errors.Join(s.notes.close(), s.reads.close(), s.reading.Close(), s.writer.db.Close(), s.lock.release())
		if err != nil {
			s.closed = fmt.Errorf("close store: %w", err)
		}
	})
	return s.closed
}

// Waiting receives a value after a commit that added events to the outbox, and once at the start if some were left.
func (s *Store) Waiting() <-chan struct{} { return s.writer.waiting }

// Touched receives a value after a commit that made a wait due.
func (s *Store) Touched() <-chan struct{} { return s.writer.touched }

// RowsWritten is how many rows were inserted, changed and deleted since the database was opened: the measure of what an
// event costs here.
func (s *Store) RowsWritten(ctx context.Context) (rows int64, err error) {
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		return tx.get(ctx, "SELECT total_changes()", nil, []any{&rows})
	})
	if err != nil {
		return 0, fmt.Errorf("count rows written: %w", err)
	}
	return rows, nil
}

// read bounds a read in time.
func (s *Store) read(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, readTimeout)
}
