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

	"modernc.org/sqlite"
)

// memories tells the databases in memory apart: SQLite knows them by a name, for as long as one has it open.
var memories atomic.Int64

// Mould is an empty database in memory that others are copied from, which takes a tenth of the time of making their
// tables anew. It may be used concurrently.
type Mould struct {
	db   *sql.DB
	name string
}

// NewMould makes the tables.
func NewMould(ctx context.Context) (*Mould, error) {
	m := &Mould{name: newMemory()}
	var err error
	if m.db, err = connect(inMemory(m.name, "journal_mode(MEMORY)")); err != nil {
		return nil, fmt.Errorf("make tables in memory: %w", err)
	}
	if err := prepare(ctx, m.db, slog.New(slog.DiscardHandler)); err != nil {
		return nil, fmt.Errorf("make tables in memory: %w", errors.Join(err, m.db.Close()))
	}
	return m, nil
}

// Close gives the memory back; the databases that were copied from it stay.
func (m *Mould) Close() error { return m.db.Close() }

// Open opens a new database that lives in memory and is gone when it is closed, for rehearsals: no file, no lock and no
// disk to wait for, and otherwise the store as it is. A read waits while a change is being made.
func (m *Mould) Open(ctx context.Context, clock engine.Clock, logger *slog.Logger) (*Store, error) {
	s := &Store{clock: clock, logger: logger, notes: passingNotes()}
	name := newMemory()
	writing, err := connect(inMemory(name, "journal_mode(MEMORY)", "foreign_keys(1)"))
	if err != nil {
		return nil, fmt.Errorf("open store in memory: %w", err)
	}
	if err := errors.Join(writing.PingContext(ctx), m.copyTo(ctx, name)); err != nil {
		return nil, fmt.Errorf("open store in memory: %w", errors.Join(err, writing.Close()))
	}
	if err := s.begin(ctx, writing, inMemory(name, "query_only(1)")); err != nil {
		return nil, fmt.Errorf("open store in memory: %w", err)
	}
	return s, nil
}

// copyTo copies the tables into a database that is open already.
func (m *Mould) copyTo(ctx context.Context, name string) error {
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		from, ok := driver.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver copies no databases")
		}
		copying, err := from.NewBackup(inMemory(name))
		if err != nil {
			return err
		}
		_, err = copying.Step(-1)
		return errors.Join(err, copying.Finish())
	})
}

func newMemory() string { return fmt.Sprintf("/rehearsal-%d", memories.Add(1)) }

// inMemory is the driver's name for a database in memory that several connections share.
func inMemory(name string, pragmas ...string) string {
	query := url.Values{
		"vfs": {"memdb"}, "_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(5000)"}, pragmas...),
	}
	return "file:" + name + "?" + query.Encode()
}
