package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"postern/engine"
)

// A run stands in the order of due waits where the first of its rows does: a row of which the run has an earlier one
// does not count, on whatever page that one was.
const (
	dueWaits = `SELECT ` + runColumns + `, due, touched FROM (
			SELECT run, due, (SELECT json_group_array(json_object('Topic', topic, 'Marks', marks))
				FROM waits AS t WHERE t.run = w.run AND t.due <= ?1) AS touched
			FROM waits AS w WHERE due <= ?1 AND (due, run) > (?2, ?3)
				AND partition IN (SELECT value FROM json_each(?4)) AND NOT EXISTS (
					SELECT 1 FROM waits AS e WHERE e.run = w.run AND (e.due, e.topic) < (w.due, w.topic))
		) JOIN runs ON id = run WHERE state IN ('writing', 'retrying', 'waiting') ORDER BY due, run LIMIT ?5`
	nextWait   = `SELECT min(due) FROM waits WHERE due > ? AND partition IN (SELECT value FROM json_each(?))`
	touchWaits = `UPDATE waits SET marks = marks + 1, due = min(coalesce(due, ?1), ?1)
		WHERE topic = ?2 AND topic <> ''`
	awaitedTopic = `SELECT topic FROM waits WHERE topic >= ? AND topic < 'record;' AND topic <> ''
		ORDER BY topic LIMIT 1`
)

// Due implements engine.WaitStore.
func (s *Store) Due(ctx context.Context, fences []engine.Fence, now time.Time, after engine.DuePosition, limit int) (
	woken []engine.Woken, next time.Time, err error,
) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	mine, err := partitionsOf(fences)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read due waits: %w", err)
	}
	from := int64(math.MinInt64)
	if !after.Due.IsZero() {
		from = after.Due.UnixMilli()
	}
	args := []any{now.UnixMilli(), from, after.Run[:], mine, limit}
	err = s.reads.each(ctx, dueWaits, args, func(row scan) error {
		w, err := scanWoken(row)
		woken = append(woken, w)
		return err
	})
	if err == nil {
		err = s.reads.get(ctx, nextWait, []any{now.UnixMilli(), mine}, []any{(*instant)(&next)})
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read due waits: %w", err)
	}
	return woken, next, nil
}

func scanWoken(row scan) (engine.Woken, error) {
	var w engine.Woken
	var due []engine.Touch
	run, err := scanRun(row, (*instant)(&w.Due), document{&due})
	if err != nil {
		return engine.Woken{}, err
	}
	w.Run = run
	for _, t := range due {
		if t.Topic == "" {
			w.Timer = true
			continue
		}
		w.Touched = append(w.Touched, t)
	}
	return w, nil
}

// Rearm implements engine.WaitStore. A topic that was touched since is told again: whoever heard of it the first time
// may have left it to the caller, who has the run.
func (s *Store) Rearm(ctx context.Context, fence engine.Fence, run engine.ID, seen []engine.Touch) error {
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fence(ctx, fence); err != nil {
			return err
		}
		for _, t := range seen {
			const rearm = "UPDATE waits SET due = NULL WHERE run = ? AND topic = ? AND marks = ?"
			rows, err := tx.exec(ctx, rearm, ident(run), t.Topic, t.Marks)
			if err != nil {
				return err
			}
			tx.woke = tx.woke || rows == 0
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rearm the wait of run %s: %w", run, err)
	}
	return nil
}

// Awaited implements engine.WaitStore. It steps from module to module, however many waits each has.
func (s *Store) Awaited(ctx context.Context) ([]string, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var modules []string
	for from := "record:"; ; {
		var topic string
		err := s.reads.get(ctx, awaitedTopic, []any{from}, []any{&topic})
		if errors.Is(err, sql.ErrNoRows) {
			return modules, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the topics of waits: %w", err)
		}
		module, _, _ := strings.Cut(strings.TrimPrefix(topic, "record:"), "/")
		modules = append(modules, module)
		from = "record:" + module + "0" // what comes after the slash
	}
}

// rest ends the wait of a run and begins another, as its step says.
func (t *tx) rest(ctx context.Context, step engine.Advance, now time.Time) error {
	if step.Rested {
		if err := t.run(ctx, call{"DELETE FROM waits WHERE run = ?", []any{ident(step.Run.ID)}}); err != nil {
			return fmt.Errorf("end the wait: %w", err)
		}
	}
	wait := step.Wait
	if wait == nil {
		return nil
	}
	if !wait.Due.IsZero() {
		t.woke = t.woke || !wait.Due.After(now)
		if err := t.await(ctx, step.Run, "", roundUp(wait.Due).UnixMilli()); err != nil {
			return err
		}
	}
	var touched any // not yet
	if wait.Unsure {
		touched = now.UnixMilli()
	}
	for _, topic := range wait.Topics {
		*t.topics = true
		if err := t.await(ctx, step.Run, topic, touched); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) await(ctx context.Context, run *engine.Run, topic string, due any) error {
	const insert = `INSERT INTO waits (run, topic, partition, due, marks) VALUES (?, ?, ?, ?, 0)
		ON CONFLICT (run, topic) DO UPDATE SET due = excluded.due`
	if _, err := t.exec(ctx, insert, ident(run.ID), topic, run.Partition, due); err != nil {
		return fmt.Errorf("store the wait: %w", err)
	}
	return nil
}

// roundUp is the first whole millisecond not before a time, so that what is read as due is due.
func roundUp(at time.Time) time.Time {
	return at.Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

// touch makes the waits for topics due. It costs nothing while nobody waits for any.
func (t *tx) touch(ctx context.Context, now time.Time, topics ...string) error {
	if !*t.topics {
		return nil
	}
	for _, topic := range topics {
		rows, err := t.exec(ctx, touchWaits, now.UnixMilli(), topic)
		if err != nil {
			return fmt.Errorf("touch %s: %w", topic, err)
		}
		t.woke = t.woke || rows > 0
	}
	return nil
}
