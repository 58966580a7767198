package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// gather takes events into their windows, each event once.
func (t *tx) gather(ctx context.Context, events []engine.Gathered) error {
	const once = `INSERT INTO run_keys (key, at) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM runs WHERE key = ?1)
		ON CONFLICT DO NOTHING`
	const set = `INSERT INTO windows (workflow, key, due, count, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (workflow, key) DO UPDATE SET due = excluded.due, count = excluded.count, body = excluded.body`
	for _, g := range events {
		rows, err := t.exec(ctx, once, g.RunKey, instant(g.At))
		if err != nil {
			return fmt.Errorf("gather: %w", err)
		}
		if rows == 0 {
			continue
		}
		w, err := t.window(ctx, g.Workflow, g.Key)
		if err == nil {
			err = w.Gather(g)
		}
		if err != nil {
			return fmt.Errorf("gather: %w", err)
		}
		body, err := text(w)
		if err != nil {
			return fmt.Errorf("gather: %w", engine.Permanent(err))
		}
		change := call{set, []any{w.Workflow, w.Key, roundUp(w.Due).UnixMilli(), w.Count, body}}
		if err := t.run(ctx, change); err != nil {
			return fmt.Errorf("gather: %w", err)
		}
	}
	return nil
}

// window reads a window; a new one if there is none.
func (t *tx) window(ctx context.Context, workflow, key string) (*engine.Window, error) {
	w := &engine.Window{Workflow: workflow, Key: key}
	const query = "SELECT body FROM windows WHERE workflow = ? AND key = ?"
	err := t.get(ctx, query, []any{workflow, key}, []any{document{w}})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return w, err
}

// DueWindows implements engine.TimeStore.
func (s *Store) DueWindows(ctx context.Context, now time.Time, limit int) (
	due []*engine.Window, next time.Time, err error,
) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const dueWindows = "SELECT workflow, key, due, body FROM windows WHERE due <= ? ORDER BY due LIMIT ?"
	err = s.reads.each(ctx, dueWindows, []any{now.UnixMilli(), limit}, func(row scan) error {
		w := &engine.Window{}
		err := row(&w.Workflow, &w.Key, (*instant)(&w.Due), document{w})
		due = append(due, w)
		return err
	})
	if err == nil {
		const nextWindow = "SELECT min(due) FROM windows WHERE due > ?"
		err = s.reads.get(ctx, nextWindow, []any{now.UnixMilli()}, []any{(*instant)(&next)})
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read due windows: %w", err)
	}
	return due, next, nil
}

// CloseWindow implements engine.TimeStore.
func (s *Store) CloseWindow(ctx context.Context, fence engine.Fence, w *engine.Window, run *engine.Run) (bool, error) {
	var insert call
	if run != nil {
		var err error
		if insert, err = insertRun(run, s.clock.Now()); err != nil {
			return false, fmt.Errorf("close a window: %w", engine.Permanent(err))
		}
	}
	var closed bool
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fence(ctx, fence); err != nil {
			return err
		}
		const end = "DELETE FROM windows WHERE workflow = ? AND key = ? AND count = ? AND due = ?"
		rows, err := tx.exec(ctx, end, w.Workflow, w.Key, w.Count, w.Due.UnixMilli())
		if closed = rows > 0; err != nil || !closed || run == nil {
			return err
		}
		_, err = tx.exec(ctx, insert.query, insert.args...)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("close a window: %w", err)
	}
	return closed, nil
}
