package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"

	"postern/engine"
)

// memories tells the databases in memory apart: SQLite knows them by a name, for as long as one has it open.
var memories atomic.Int64

// OpenMemory opens a new database that lives in memory and is gone when it is closed, for rehearsals: no file, no lock
// and no disk to wait for, and otherwise the store as it is. A read waits while a change is being made.
func OpenMemory(ctx context.Context, clock engine.Clock, logger *slog.Logger) (*Store, error) {
	s := &Store{clock: clock, logger: logger, notes: passingNotes()}
	name := fmt.Sprintf("/rehearsal-%d", memories.Add(1))
	writing, err := sql.Open("sqlite", inMemory(name, "journal_mode(MEMORY)", "foreign_keys(1)"))
	if err != nil {
		return nil, fmt.Errorf("open store in memory: %w", err)
	}
	if err := prepare(ctx, writing, slog.New(slog.DiscardHandler)); err != nil {
		return nil, fmt.Errorf("open store in memory: %w", errors.Join(err, writing.Close()))
	}
	if err := s.begin(ctx, writing, inMemory(name, "query_only(1)")); err != nil {
		return nil, fmt.Errorf("open store in memory: %w", err)
	}
	return s, nil
}

// inMemory is the driver's name for a database in memory that several connections share.
func inMemory(name string, pragmas ...string) string {
	query := url.Values{
		"vfs": {"memdb"}, "_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(5000)"}, pragmas...),
	}
	return "file:" + name + "?" + query.Encode()
}
