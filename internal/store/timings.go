package store

import (
	"context"
	"fmt"

	"postern/engine"
)

// Timings implements engine.TimeStore.
func (s *Store) Timings(ctx context.Context, fence engine.Fence, ofBook []engine.Timing) ([]engine.Timing, error) {
	var standing []engine.Timing
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fence(ctx, fence); err != nil {
			return err
		}
		stored, err := tx.timings(ctx)
		if err != nil {
			return err
		}
		standing = nil
		for _, t := range ofBook {
			at := timingName{t.Workflow, t.Key}
			if known, ok := stored[at]; ok {
				standing = append(standing, known)
				delete(stored, at)
				continue
			}
			if t.Number, err = tx.insertTiming(ctx, t); err != nil {
				return err
			}
			standing = append(standing, t)
		}
		for _, gone := range stored {
			if err := tx.run(ctx, call{"DELETE FROM timings WHERE number = ?", []any{gone.Number}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read timings: %w", err)
	}
	return standing, nil
}

// timingName is what a book knows a timing by.
type timingName struct{ workflow, key string }

func (t *tx) timings(ctx context.Context) (map[timingName]engine.Timing, error) {
	stored := map[timingName]engine.Timing{}
	const query = "SELECT number, workflow, key, next, walk FROM timings"
	err := t.each(ctx, query, nil, func(row scan) error {
		var at engine.Timing
		err := row(&at.Number, &at.Workflow, &at.Key, (*instant)(&at.Next), document{&at.Walk})
		stored[timingName{at.Workflow, at.Key}] = at
		return err
	})
	return stored, err
}

func (t *tx) insertTiming(ctx context.Context, at engine.Timing) (number int64, err error) {
	walk, err := text(at.Walk)
	if err != nil {
		return 0, err
	}
	const insert = "INSERT INTO timings (workflow, key, next, walk) VALUES (?, ?, ?, ?)"
	if _, err := t.exec(ctx, insert, at.Workflow, at.Key, instant(at.Next), walk); err != nil {
		return 0, err
	}
	return number, t.get(ctx, "SELECT last_insert_rowid()", nil, []any{&number})
}

// Tick implements engine.TimeStore.
func (s *Store) Tick(ctx context.Context, tick engine.Tick) ([]bool, error) {
	runs, err := s.admission(tick.Runs, tick.Events)
	if err != nil {
		return nil, fmt.Errorf("move a timing on: %w", err)
	}
	walk, err := text(tick.Timing.Walk)
	if err != nil {
		return nil, fmt.Errorf("move a timing on: %w", engine.Permanent(err))
	}
	var fresh []bool
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fences(ctx, tick.Fences); err != nil {
			return err
		}
		const move = "UPDATE timings SET next = ?, walk = ? WHERE number = ?"
		rows, err := tx.exec(ctx, move, instant(tick.Timing.Next), walk, tick.Timing.Number)
		if err == nil && rows == 0 {
			err = engine.ErrStale
		}
		if err == nil {
			err = tx.arm(ctx, tick.Alarms)
		}
		if err == nil {
			fresh, err = tx.admit(ctx, runs)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("move a timing on: %w", err)
	}
	return fresh, nil
}

// admission are runs that time started and the events that tell of them, made ready to be stored.
type admission struct {
	runs   []call
	events []string
}

func (s *Store) admission(runs []*engine.Run, events []*engine.Event) (admission, error) {
	now := s.clock.Now()
	var a admission
	for _, run := range runs {
		insert, err := insertRun(run, now)
		if err != nil {
			return a, fmt.Errorf("take in run %s: %w", run.ID, engine.Permanent(err))
		}
		a.runs = append(a.runs, insert)
	}
	var err error
	if a.events, err = tellAll(events); err != nil {
		return a, engine.Permanent(err)
	}
	return a, nil
}

// admit stores the runs, and tells which of them are new.
func (t *tx) admit(ctx context.Context, a admission) ([]bool, error) {
	fresh := make([]bool, len(a.runs))
	for i, insert := range a.runs {
		rows, err := t.exec(ctx, insert.query, insert.args...)
		if err != nil {
			return nil, err
		}
		fresh[i] = rows > 0
	}
	return fresh, t.emit(ctx, a.events...)
}
