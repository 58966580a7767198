package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"postern/engine"
)

// Copy writes the database at one path to another, where nothing may be yet, as it is at one moment. Who has it open
// goes on reading and writing: SQLite copies what one reader sees.
func Copy(ctx context.Context, from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("copy the database: %s is there already", to)
	}
	db, err := openCopied(from)
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := touch(to); err != nil { // with the permissions of the database; SQLite takes an empty file
		return errors.Join(fmt.Errorf("copy the database: %w", err), db.Close())
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	if err = errors.Join(err, db.Close()); err != nil {
		return errors.Join(fmt.Errorf("copy the database: %w", err), os.Remove(to))
	}
	file, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// openCopied opens a database that may be another process's, which would not be opened twice otherwise.
func openCopied(path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return connect(address(path))
}

// Position is how far a database has followed which stream.
type Position struct {
	Stream  string
	Cursors map[int]uint64 // by partition
	Schema  int            // version of its tables
}

// PositionOf reads it from a copy.
func PositionOf(ctx context.Context, path string) (Position, error) {
	p := Position{Cursors: map[int]uint64{}}
	db, err := openCopied(path)
	if err != nil {
		return p, fmt.Errorf("read the copied database: %w", err)
	}
	defer db.Close()
	read := newStatements(db)
	err = read.get(ctx, "SELECT value FROM meta WHERE name = 'stream'", nil, []any{&p.Stream})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, fmt.Errorf("read the copied database: %w", err)
	}
	const version = "SELECT max(version_id) FROM goose_db_version WHERE is_applied"
	if err := read.get(ctx, version, nil, []any{&p.Schema}); err != nil {
		return p, fmt.Errorf("read the copied database: %w", err)
	}
	err = read.each(ctx, "SELECT id, cursor FROM partitions", nil, func(row scan) error {
		var id int
		var cursor uint64
		err := row(&id, &cursor)
		p.Cursors[id] = cursor
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read the copied database: %w", err)
	}
	return p, nil
}

// OutgoingOf reads the events of a copy, or of a database that nobody serves any more, that it had not published.
func OutgoingOf(ctx context.Context, path string) ([]*engine.Event, error) {
	db, err := openCopied(path)
	if err != nil {
		return nil, fmt.Errorf("read the outbox of %s: %w", path, err)
	}
	defer db.Close()
	var events []*engine.Event
	err = newStatements(db).each(ctx, "SELECT event FROM outbox ORDER BY seq", nil, func(row scan) error {
		var written []byte
		if err := row(&written); err != nil {
			return err
		}
		event, err := engine.RestoreEvent(written)
		events = append(events, event)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox of %s: %w", path, err)
	}
	return events, nil
}

// What a restoration that skips puts aside: whatever may have been done between the backup and now.
const (
	oneMoreLine = `json_insert(CASE history WHEN 'null' THEN '[]' ELSE history END, '$[#]', json(?3))`
	holdRuns    = `UPDATE runs SET state = 'held', reason = ?1, updated = ?2, revision = revision + 1,
		history = ` + oneMoreLine + `,
		progress = CASE WHEN state IN ('pending', 'writing', 'waiting') THEN json_set(progress, '$.from', state)
			ELSE progress END
		WHERE state IN ('pending', 'ready', 'writing', 'retrying')
			OR state = 'waiting' AND id IN (SELECT run FROM waits WHERE due <= ?2)`
	dropWaits       = `DELETE FROM waits WHERE run IN (SELECT id FROM runs WHERE state = 'held')`
	doubtDeliveries = `UPDATE deliveries SET state = 'unknown', slot = 0, reason = ?1, updated = ?2,
		history = ` + oneMoreLine + ` WHERE state IN ('planned', 'sending')`
	dropAlarms  = `DELETE FROM alarms WHERE due <= ?1`
	dropWindows = `DELETE FROM windows WHERE due <= ?1`
	// A schedule that came meanwhile, or walks over records, is planned anew at the start. A walk without a tick only
	// arms alarms, and goes on.
	dropTimings = `DELETE FROM timings WHERE next <= ?1 OR walk ->> 'tick' IS NOT NULL`
)

// doubtEffects lets no write that was open in the backup be taken for one that was never tried: after a change of
// somebody else nobody can tell which came first.
const doubtEffects = `UPDATE effects SET doubtful = 1 WHERE ` + openEffects

const reasonRestored = "restored from a backup: this may have been done after it was made"

// Restore implements engine.Archive.
func (s *Store) Restore(ctx context.Context, order engine.RestoreOrder) (engine.Restored, error) {
	var done engine.Restored
	told, err := tellAll(order.Events)
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	line, err := text(engine.Decision{At: order.At, Text: reasonRestored})
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		done = engine.Restored{Events: len(told)}
		if err := tx.remember(ctx, order); err != nil {
			return err
		}
		if order.After == engine.AfterBackupSkip {
			if err := tx.putAside(ctx, order, line, &done); err != nil {
				return err
			}
		}
		if err := tx.run(ctx, call{doubtEffects, nil}); err != nil {
			return err
		}
		if order.Revoke {
			if err := tx.moveCutOff(ctx, order.At); err != nil {
				return err
			}
		}
		for _, id := range order.Used {
			counted, err := tx.recount(ctx, id)
			if err != nil {
				return err
			}
			if counted {
				done.Uses++
			}
		}
		if err := tx.emit(ctx, told...); err != nil {
			return err
		}
		return tx.audit(ctx, engine.Deed{
			At: order.At, Kind: engine.DeedRestored, Actor: "postern",
			Subject: "backup:" + order.Backup.Format(time.RFC3339), Detail: string(order.After),
		})
	})
	if err != nil {
		return engine.Restored{}, fmt.Errorf("restore: %w", err)
	}
	return done, nil
}

// remember notes where the store comes from and what it follows.
func (t *tx) remember(ctx context.Context, order engine.RestoreOrder) error {
	const set = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	calls := []call{
		{set, []any{"restored", strconv.FormatInt(order.At.UnixMilli(), 10)}},
		{set, []any{"backup", strconv.FormatInt(order.Backup.UnixMilli(), 10)}},
		{set, []any{"skip", strconv.FormatUint(order.Skip, 10)}},
		{set, []any{"stream", order.Stream}},
	}
	if order.Anew {
		calls = append(calls, call{"UPDATE partitions SET cursor = 0", nil})
	}
	return t.run(ctx, calls...)
}

func (t *tx) putAside(ctx context.Context, order engine.RestoreOrder, line string, done *engine.Restored) error {
	args := []any{reasonRestored, instant(order.At), line}
	runs, err := t.exec(ctx, holdRuns, args...)
	if err != nil {
		return err
	}
	if err := t.run(ctx, call{dropWaits, nil}); err != nil {
		return err
	}
	deliveries, err := t.exec(ctx, doubtDeliveries, args...)
	done.Held, done.Unknown = int(runs), int(deliveries)
	if err != nil {
		return err
	}
	if err := t.hearPutAside(ctx, order.At); err != nil {
		return err
	}
	at := []any{order.At.UnixMilli()}
	return t.run(ctx, call{dropAlarms, at}, call{dropWindows, at}, call{dropTimings, []any{instant(order.At)}})
}

// Restoration implements engine.Archive.
func (s *Store) Restoration(ctx context.Context) (engine.Restoration, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var r engine.Restoration
	for name, into := range map[string]func(int64){
		"restored": func(n int64) { r.At = time.UnixMilli(n).UTC() },
		"backup":   func(n int64) { r.Backup = time.UnixMilli(n).UTC() },
		"skip":     func(n int64) { r.Skip = uint64(n) },
	} {
		var value int64
		const query = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?"
		err := s.reads.get(ctx, query, []any{name}, []any{&value})
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return engine.Restoration{}, fmt.Errorf("read where the database comes from: %w", err)
		}
		into(value)
	}
	return r, nil
}
