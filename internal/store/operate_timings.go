package store

import (
	"context"
	"fmt"

	"postern/engine"
)

// TimingLines implements engine.TimeDesk.
func (s *Store) TimingLines(ctx context.Context, workflow string) ([]engine.TimingLine, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var lines []engine.TimingLine
	const query = `SELECT number, workflow, key, next, walk,
			(SELECT count(*) FROM alarms WHERE timing = number), (SELECT min(due) FROM alarms WHERE timing = number)
		FROM timings WHERE ?1 IN ('', workflow) ORDER BY workflow, number`
	err := s.reads.each(ctx, query, []any{workflow}, func(row scan) error {
		var l engine.TimingLine
		err := row(&l.Number, &l.Workflow, &l.Key, (*instant)(&l.Next), document{&l.Walk},
			&l.Alarms, (*instant)(&l.First))
		lines = append(lines, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list timings: %w", err)
	}
	return lines, nil
}

// WindowLines implements engine.TimeDesk.
func (s *Store) WindowLines(ctx context.Context) ([]engine.WindowLine, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var lines []engine.WindowLine
	const query = "SELECT workflow, count(*), sum(count), min(due) FROM windows GROUP BY workflow ORDER BY workflow"
	err := s.reads.each(ctx, query, nil, func(row scan) error {
		var l engine.WindowLine
		err := row(&l.Workflow, &l.Windows, &l.Events, (*instant)(&l.First))
		lines = append(lines, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list windows: %w", err)
	}
	return lines, nil
}
