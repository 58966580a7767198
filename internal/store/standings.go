package store

import (
	"context"
	"fmt"

	"postern/engine"
)

// The first condition of each on the state is that of an index, word for word, or SQLite would not use the index.
const (
	standings = `SELECT id, partition, workflow, module, record, state, coalesce(progress ->> '$.gate', ''), seq,
		rowid AS place FROM runs WHERE state `
	unfinishedRuns = standings + `IN ('pending', 'ready') ORDER BY seq, place`
	parked         = standings + `IN ('writing', 'retrying', 'waiting', 'held')`
	parkedRuns     = parked + ` AND state IN ('writing', 'retrying')
		UNION ALL ` + parked + ` AND state = 'waiting' AND workflow IN (SELECT value FROM json_each(?))
		ORDER BY seq, place`
)

// Unfinished implements engine.RunStore. Runs of one event come in the order they were taken in.
func (s *Store) Unfinished(ctx context.Context) ([]engine.Standing, error) {
	found, err := s.standings(ctx, unfinishedRuns)
	if err != nil {
		return nil, fmt.Errorf("read unfinished runs: %w", err)
	}
	return found, nil
}

// Parked implements engine.RunStore. Of the runs in a wait step, who may be a million, only those of the holders are
// looked at.
func (s *Store) Parked(ctx context.Context, holders []string) ([]engine.Standing, error) {
	names, err := text(append([]string{}, holders...)) // a list, even if it is empty
	if err != nil {
		return nil, fmt.Errorf("read parked runs: %w", err)
	}
	found, err := s.standings(ctx, parkedRuns, names)
	if err != nil {
		return nil, fmt.Errorf("read parked runs: %w", err)
	}
	return found, nil
}

func (s *Store) standings(ctx context.Context, query string, args ...any) ([]engine.Standing, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var found []engine.Standing
	err := s.reads.each(ctx, query, args, func(row scan) error {
		var at engine.Standing
		var seq, place int64
		err := row((*ident)(&at.ID), &at.Partition, &at.Workflow, &at.Record.Module, &at.Record.ID, &at.State, &at.Gate,
			&seq, &place)
		found = append(found, at)
		return err
	})
	return found, err
}
