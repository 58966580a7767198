package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// A run that waits for several things is one line, at the place of what falls due first.
const (
	waitLines = `SELECT runs.id, runs.partition, workflow, module, record, state, coalesce(progress ->> '$.gate', ''),
		coalesce(progress ->> '$.place', coalesce(progress ->> '$.next', 0) + 1, ''), reason, w.due,
		(SELECT json_group_array(topic) FROM waits AS t WHERE t.run = w.run AND topic <> '')
		FROM waits AS w CROSS JOIN runs ON runs.id = w.run WHERE `
	timedWaits = waitLines + `w.due IS NOT NULL AND NOT EXISTS (
		SELECT 1 FROM waits AS e WHERE e.run = w.run AND (e.due, e.topic) < (w.due, w.topic))`
	untimedWaits = waitLines + `w.due IS NULL AND NOT EXISTS (
		SELECT 1 FROM waits AS e WHERE e.run = w.run AND (e.due IS NOT NULL OR e.topic < w.topic))`
	waitsOfRun = waitLines + `w.run = ? ORDER BY w.due IS NULL, w.due LIMIT 1`
)

// WaitLines implements engine.WaitDesk.
func (s *Store) WaitLines(ctx context.Context, sel engine.WaitSelection) ([]engine.WaitLine, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var n narrow
	n.by(sel.Workflow != "", "workflow = ?", sel.Workflow)
	n.by(!sel.Record.IsZero(), "module = ? AND record = ?", sel.Record.Module, sel.Record.ID)
	before := narrow{args: n.args, where: n.where}
	before.by(!sel.Until.IsZero(), "w.due < ?", instant(sel.Until))
	limit := limited(sel.Limit)
	lines, err := s.waits(ctx, timedWaits+before.where+" ORDER BY w.due, w.run LIMIT ?", append(before.args, limit)...)
	if err == nil && sel.Until.IsZero() && len(lines) < limit {
		var rest []engine.WaitLine
		rest, err = s.waits(ctx, untimedWaits+n.where+" ORDER BY w.run LIMIT ?", append(n.args, limit-len(lines))...)
		lines = append(lines, rest...)
	}
	if err != nil {
		return nil, fmt.Errorf("list waits: %w", err)
	}
	return lines, nil
}

func (s *Store) waits(ctx context.Context, query string, args ...any) ([]engine.WaitLine, error) {
	var lines []engine.WaitLine
	err := s.reads.each(ctx, query, args, func(row scan) error {
		var l engine.WaitLine
		err := row((*ident)(&l.ID), &l.Partition, &l.Workflow, &l.Record.Module, &l.Record.ID, &l.State, &l.Gate,
			&l.Step, &l.Reason, (*instant)(&l.Due), document{&l.Topics})
		lines = append(lines, l)
		return err
	})
	return lines, err
}

// MoveWait implements engine.WaitDesk.
func (s *Store) MoveWait(
	ctx context.Context, id engine.ID, order engine.Order, due time.Time, by time.Duration,
) (engine.WaitLine, error) {
	var moved engine.WaitLine
	move := func(ctx context.Context, tx *tx, run *engine.Run) error {
		var was instant
		const timer = "SELECT due FROM waits WHERE run = ? AND topic = ''"
		if err := tx.get(ctx, timer, []any{ident(id)}, []any{&was}); err != nil && !noRows(err) {
			return err
		}
		if time.Time(was).IsZero() {
			return engine.Permanent(errors.New("the run does not wait for a time: " +
				"`postern runs show` tells what it waits for"))
		}
		if due.IsZero() {
			due = time.Time(was).Add(by)
		}
		if err := run.Move(order, due); err != nil {
			return err
		}
		tx.woke = true // it may be the next now
		moved = engine.WaitLine{Standing: lineOf(run, order.At).Standing, Step: run.Progress.At(), Due: due}
		return tx.await(ctx, run, "", roundUp(due).UnixMilli())
	}
	_, err := s.changeRun(ctx, engine.DeedWaitMoved, id, order, move)
	return moved, err
}
