package store

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
)

// heed makes alarms stand as an event says. One that stands so already costs no write.
func (t *tx) heed(ctx context.Context, alarms []engine.Alarm) error {
	const set = `INSERT INTO alarms (timing, record, value, due) VALUES (?, ?, ?, ?)
		ON CONFLICT (timing, record) DO UPDATE SET value = excluded.value, due = excluded.due
		WHERE (value, due) <> (excluded.value, excluded.due)`
	for _, a := range alarms {
		change := call{set, []any{a.Timing, a.Record, a.Value, a.Due.UnixMilli()}}
		if a.Due.IsZero() {
			change = call{"DELETE FROM alarms WHERE timing = ? AND record = ?", []any{a.Timing, a.Record}}
		}
		if err := t.run(ctx, change); err != nil {
			return fmt.Errorf("set an alarm: %w", err)
		}
	}
	return nil
}

// arm adds alarms where there are none.
func (t *tx) arm(ctx context.Context, alarms []engine.Alarm) error {
	const add = "INSERT INTO alarms (timing, record, value, due) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	for _, a := range alarms {
		if err := t.run(ctx, call{add, []any{a.Timing, a.Record, a.Value, a.Due.UnixMilli()}}); err != nil {
			return fmt.Errorf("arm an alarm: %w", err)
		}
	}
	return nil
}

// DueAlarms implements engine.TimeStore. Alarms of a trigger that the book has dropped are never due.
func (s *Store) DueAlarms(ctx context.Context, now time.Time, limit int) (
	due []engine.Alarm, next time.Time, err error,
) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const dueAlarms = `SELECT timing, record, value, due FROM alarms
		WHERE due <= ? AND timing IN (SELECT number FROM timings) ORDER BY due LIMIT ?`
	err = s.reads.each(ctx, dueAlarms, []any{now.UnixMilli(), limit}, func(row scan) error {
		var a engine.Alarm
		err := row(&a.Timing, &a.Record, &a.Value, (*instant)(&a.Due))
		due = append(due, a)
		return err
	})
	if err == nil {
		const nextAlarm = "SELECT min(due) FROM alarms WHERE due > ?"
		err = s.reads.get(ctx, nextAlarm, []any{now.UnixMilli()}, []any{(*instant)(&next)})
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read due alarms: %w", err)
	}
	return due, next, nil
}

// Ring implements engine.TimeStore.
func (s *Store) Ring(ctx context.Context, fences []engine.Fence, rung []engine.Rung) ([]*engine.Run, error) {
	now := s.clock.Now()
	inserts := make([]call, len(rung))
	for i, r := range rung {
		if r.Run == nil {
			continue
		}
		var err error
		if inserts[i], err = insertRun(r.Run, now); err != nil {
			return nil, fmt.Errorf("ring an alarm: run %s: %w", r.Run.ID, engine.Permanent(err))
		}
	}
	var started []*engine.Run
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		started = nil
		if err := tx.fences(ctx, fences); err != nil {
			return err
		}
		for i, r := range rung {
			fresh, err := tx.ring(ctx, r, inserts[i])
			if err != nil {
				return err
			}
			if fresh {
				started = append(started, r.Run)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ring alarms: %w", err)
	}
	return started, nil
}

// ring ends one alarm with what it leads to, and tells whether its run is new.
func (t *tx) ring(ctx context.Context, r engine.Rung, insert call) (fresh bool, err error) {
	const end = "DELETE FROM alarms WHERE timing = ? AND record = ? AND value = ? AND due = ?"
	rows, err := t.exec(ctx, end, r.Alarm.Timing, r.Alarm.Record, r.Alarm.Value, r.Alarm.Due.UnixMilli())
	if err != nil || rows == 0 {
		return false, err
	}
	if r.Again != nil {
		return false, t.arm(ctx, []engine.Alarm{*r.Again})
	}
	if r.Run == nil {
		return false, nil
	}
	rows, err = t.exec(ctx, insert.query, insert.args...)
	return rows > 0, err
}
