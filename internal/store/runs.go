package store

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
)

// errRunOver is permanent: no repetition brings the run back.
var errRunOver = engine.Permanent(engine.ErrRunOver)

const runColumns = `id, key, workflow, version, partition, seq, module, record, state, reason, event, progress, history,
	created, revision`

// Intake implements engine.RunStore.
func (s *Store) Intake(ctx context.Context, in engine.Intake) ([]bool, error) {
	now := s.clock.Now()
	inserts := make([]call, len(in.Runs))
	for i, run := range in.Runs {
		insert, err := insertRun(run, now)
		if err != nil {
			return nil, fmt.Errorf("take in run %s: %w", run.ID, engine.Permanent(err))
		}
		inserts[i] = insert
	}
	rekeyed, err := tellAll(in.Events)
	if err != nil {
		return nil, fmt.Errorf("take in: re-key: %w", engine.Permanent(err))
	}
	fresh := make([]bool, len(in.Runs))
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.mark(ctx, in.Marks); err != nil {
			return err
		}
		for i, insert := range inserts {
			rows, err := tx.exec(ctx, insert.query, insert.args...)
			if err != nil {
				return err
			}
			fresh[i] = rows > 0
		}
		for _, kept := range in.Kept {
			if err := tx.keep(ctx, kept, now); err != nil {
				return err
			}
		}
		if err := tx.touch(ctx, now, in.Touched...); err != nil {
			return err
		}
		if err := tx.heed(ctx, in.Alarms); err != nil {
			return err
		}
		if err := tx.gather(ctx, in.Gathered); err != nil {
			return err
		}
		if err := tx.emit(ctx, rekeyed...); err != nil {
			return err
		}
		return tx.bury(ctx, in.Refused)
	})
	if err != nil {
		return nil, fmt.Errorf("take in: %w", err)
	}
	return fresh, nil
}

// mark moves cursors, all of them or, where one partition belongs to another by now, none. A cursor never goes back.
func (t *tx) mark(ctx context.Context, marks []engine.Mark) error {
	for _, m := range marks {
		if err := t.fence(ctx, m.Fence); err != nil {
			return err
		}
	}
	for _, m := range marks {
		const move = "UPDATE partitions SET cursor = max(cursor, ?) WHERE id = ?"
		if err := t.run(ctx, call{move, []any{int64(m.Cursor), m.Partition}}); err != nil {
			return err
		}
	}
	return nil
}

func insertRun(run *engine.Run, now time.Time) (call, error) {
	event, err := run.EventJSON()
	if err != nil {
		return call{}, err
	}
	progress, err := text(run.Progress)
	if err != nil {
		return call{}, err
	}
	history, err := text(run.History)
	if err != nil {
		return call{}, err
	}
	const query = `INSERT INTO runs (` + runColumns + `, updated)
		SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM run_keys WHERE key = ?)
		ON CONFLICT DO NOTHING`
	return call{query, []any{
		ident(run.ID), run.Key, run.Workflow, run.Version, run.Partition, int64(run.Seq), run.Record.Module,
		run.Record.ID, string(run.State), run.Reason, string(event), progress, history, instant(run.Created),
		run.Revision, instant(now), run.Key,
	}}, nil
}

func (t *tx) bury(ctx context.Context, letters []engine.DeadLetter) error {
	const query = `INSERT INTO dead_letters (id, partition, seq, subject, header, reason, body, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	for _, l := range letters {
		body := blob(l.Body[:min(len(l.Body), engine.MaxEventBytes)])
		header, err := text(l.Header)
		if err != nil {
			return err
		}
		args := []any{ident(l.ID), l.Partition, int64(l.Seq), l.Subject, header, l.Reason, body, instant(l.At)}
		if err := t.run(ctx, call{query, args}); err != nil {
			return err
		}
	}
	return nil
}

// Run implements engine.RunStore.
func (s *Store) Run(ctx context.Context, id engine.ID) (*engine.Run, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var run *engine.Run
	const query = "SELECT " + runColumns + " FROM runs WHERE id = ?"
	err := s.reads.each(ctx, query, []any{ident(id)}, func(row scan) (err error) {
		run, err = scanRun(row)
		return err
	})
	if err == nil && run == nil {
		err = engine.ErrNoRun
	}
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", id, err)
	}
	return run, nil
}

// scanRun reads the columns of a run, and what a query has after them.
func scanRun(row scan, more ...any) (*engine.Run, error) {
	var run engine.Run
	var event []byte
	dest := []any{
		(*ident)(&run.ID), &run.Key, &run.Workflow, &run.Version, &run.Partition, &run.Seq, &run.Record.Module,
		&run.Record.ID, &run.State, &run.Reason, &event,
		document{&run.Progress},
		document{&run.History},
		(*instant)(&run.Created), &run.Revision,
	}
	err := row(append(dest, more...)...)
	if err != nil {
		return nil, err
	}
	if run.Event, err = engine.RestoreEvent(event); err != nil {
		run.Reason = err.Error() // it fails alone; the others go on
	}
	return &run, nil
}
