package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"postern/engine"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the database at path, making it or bringing its tables up to date where needed. Only one process at a
// time may have it open. The database and the files beside it are readable by their owner alone; the folder must be
// there.
func Open(ctx context.Context, path string, clock engine.Clock, logger *slog.Logger) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{clock: clock, logger: logger, lock: lock}
	if err := s.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), lock.release())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	if err := touch(path); err != nil {
		return err
	}
	// A commit is on the disk when it returns. The log is copied back every 16 MB rather than every 4, because rows
	// under random keys touch the same pages again and again; 8 MB of them stay in memory.
	writing, err := connect(address(path, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"wal_autocheckpoint(4000)", "cache_size(-8000)"))
	if err != nil {
		return err
	}
	if err := prepare(ctx, writing, s.logger); err != nil {
		return errors.Join(err, writing.Close())
	}
	if s.notes, err = notesBeside(ctx, path, writing); err != nil {
		return errors.Join(err, writing.Close())
	}
	return s.begin(ctx, writing, address(path, "query_only(1)"))
}

// begin starts the writer, and opens the connections that read by their address.
func (s *Store) begin(ctx context.Context, writing *sql.DB, reading string) (err error) {
	if s.reading, err = connect(reading); err != nil {
		return errors.Join(err, s.notes.close(), writing.Close())
	}
	s.reading.SetMaxOpenConns(2 * searchers())
	s.reading.SetMaxIdleConns(2 * searchers())
	s.reads = newStatements(s.reading)
	s.searching = make(chan struct{}, searchers())
	if err := s.readSuppressed(ctx); err != nil {
		return errors.Join(err, s.reading.Close(), s.notes.close(), writing.Close())
	}
	if s.writer, err = startWriter(ctx, writing); err != nil {
		return errors.Join(err, s.reading.Close(), s.notes.close(), writing.Close())
	}
	return nil
}

// connect opens a database whose statements know our functions.
func connect(address string) (*sql.DB, error) {
	if err := functions(); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", address)
}

// touch makes the file with its permissions, which SQLite then gives to the files it puts beside it.
func touch(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	return file.Close()
}

// address is the driver's name for the database with settings that hold for each connection. Transactions take the
// write lock when they begin, not when they first write, where waiting for it would no longer be possible.
func address(path string, pragmas ...string) string {
	query := url.Values{"_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// prepare brings the tables up to date and checks that the database fits this program.
func prepare(ctx context.Context, db *sql.DB, logger *slog.Logger) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	has, knows, err := steps.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the tables: %w", err)
	}
	if has > knows {
		return fmt.Errorf("its tables have version %d and this postern knows %d: use the newer postern", has, knows)
	}
	done, err := steps.Up(ctx)
	if err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	if len(done) > 0 {
		logger.InfoContext(ctx, "database tables brought up to date", "from", has, "to", knows)
	}
	return checkPartitions(ctx, db)
}

// checkPartitions refuses a database whose records were divided otherwise: cursors would not fit.
func checkPartitions(ctx context.Context, db *sql.DB) error {
	want := strconv.Itoa(engine.Partitions)
	const set = "INSERT INTO meta (name, value) VALUES ('partitions', ?) ON CONFLICT DO NOTHING"
	if _, err := db.ExecContext(ctx, set, want); err != nil {
		return err
	}
	var has string
	if err := db.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = 'partitions'").Scan(&has); err != nil {
		return err
	}
	if has != want {
		return fmt.Errorf("it has %s partitions and this postern %s: use the postern that made it", has, want)
	}
	return nil
}
