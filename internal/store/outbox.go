package store

import (
	"context"
	"fmt"

	"postern/engine"
)

// Outgoing implements engine.Outbox.
func (s *Store) Outgoing(ctx context.Context, limit int) ([]engine.Outgoing, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var events []engine.Outgoing
	const query = "SELECT seq, event FROM outbox ORDER BY seq LIMIT ?"
	err := s.reads.each(ctx, query, []any{limit}, func(row scan) error {
		var out engine.Outgoing
		var written []byte
		err := row(&out.Seq, &written)
		if err != nil {
			return err
		}
		if out.Event, err = engine.RestoreEvent(written); err != nil {
			return fmt.Errorf("event %d: %w", out.Seq, err)
		}
		events = append(events, out)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return events, nil
}

// Published implements engine.Outbox.
func (s *Store) Published(ctx context.Context, upTo int64) error {
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{"DELETE FROM outbox WHERE seq <= ?", []any{upTo}})
	})
	if err != nil {
		return fmt.Errorf("clear the outbox: %w", err)
	}
	return nil
}

// emit puts events, already written as JSON, into the outbox.
func (t *tx) emit(ctx context.Context, events ...string) error {
	for _, event := range events {
		if err := t.run(ctx, call{"INSERT INTO outbox (event) VALUES (?)", []any{event}}); err != nil {
			return fmt.Errorf("put event into the outbox: %w", err)
		}
		t.events = true
	}
	return nil
}
