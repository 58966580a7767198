package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// NextReplay implements engine.ReplayDesk.
func (s *Store) NextReplay(ctx context.Context, order engine.Order) (number int, err error) {
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		const count = `INSERT INTO meta (name, value) VALUES ('replays', '1')
			ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1`
		if err := tx.run(ctx, call{count, nil}); err != nil {
			return err
		}
		const read = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'replays'"
		if err := tx.get(ctx, read, nil, []any{&number}); err != nil {
			return err
		}
		return tx.audit(ctx, order.Deed(engine.DeedReplayed, fmt.Sprintf("replay:%d", number), order.Reason))
	})
	if err != nil {
		return 0, fmt.Errorf("number a replay: %w", err)
	}
	return number, nil
}

// ReplayTally implements engine.ReplayDesk.
func (s *Store) ReplayTally(ctx context.Context, number int, since time.Time) (engine.ReplayTally, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	tally := engine.ReplayTally{States: map[engine.RunState]int{}, Would: map[string]int{}}
	const query = "SELECT state, history FROM runs WHERE id >= ? AND progress ->> '$.replay' = ?"
	err := s.reads.each(ctx, query, []any{idBefore(since), number}, func(row scan) error {
		var state engine.RunState
		var history []engine.Decision
		if err := row(&state, document{&history}); err != nil {
			return err
		}
		tally.States[state]++
		for _, decision := range history {
			if kind, ok := decision.Would(); ok {
				tally.Would[kind]++
			}
		}
		return nil
	})
	if err != nil {
		return tally, fmt.Errorf("count replay %d: %w", number, err)
	}
	return tally, nil
}
