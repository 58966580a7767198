package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// Claim implements engine.Partitioner.
func (s *Store) Claim(ctx context.Context, node, stream string, now time.Time) ([]engine.Partition, error) {
	var claimed []engine.Partition
	var orphans int
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.follow(ctx, stream); err != nil {
			return err
		}
		const take = `INSERT INTO partitions (id, owner, epoch, cursor) VALUES (?, ?, 1, 0)
			ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, epoch = epoch + 1`
		for id := range engine.Partitions {
			if err := tx.run(ctx, call{take, []any{id, node}}); err != nil {
				return err
			}
		}
		clear(tx.epochs)
		var err error
		if claimed, err = tx.partitions(ctx); err != nil {
			return err
		}
		orphans, err = tx.orphan(ctx, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if orphans > 0 {
		s.logger.WarnContext(ctx, "deliveries were being sent when the engine stopped: they may have left",
			"unknown", orphans)
	}
	return claimed, nil
}

// follow refuses a stream other than the one whose positions the cursors are.
func (t *tx) follow(ctx context.Context, stream string) error {
	var has string
	err := t.get(ctx, "SELECT value FROM meta WHERE name = 'stream'", nil, []any{&has})
	if errors.Is(err, sql.ErrNoRows) {
		return t.run(ctx, call{"INSERT INTO meta (name, value) VALUES ('stream', ?)", []any{stream}})
	}
	if err == nil && has != stream {
		return fmt.Errorf("this database followed the event stream %q and the server now has %q, where its positions "+
			"mean nothing: give the server its stream back, or start with a new database", has, stream)
	}
	return err
}

func (t *tx) partitions(ctx context.Context) ([]engine.Partition, error) {
	partitions := make([]engine.Partition, 0, engine.Partitions)
	const query = "SELECT id, owner, epoch, cursor FROM partitions ORDER BY id"
	err := t.each(ctx, query, nil, func(row scan) error {
		var p engine.Partition
		if err := row(&p.ID, &p.Owner, &p.Epoch, &p.Cursor); err != nil {
			return err
		}
		partitions = append(partitions, p)
		return nil
	})
	return partitions, err
}

// orphan marks the deliveries that a slot of a former owner still held: nobody can tell whether they left.
func (t *tx) orphan(ctx context.Context, now time.Time) (int, error) {
	held, err := t.deliveries(ctx, heldDeliveries)
	if err != nil {
		return 0, err
	}
	const reason = "the engine stopped while this was being sent; it may have left"
	for _, d := range held {
		d.State, d.Reason = engine.DeliveryUnknown, reason
		d.Attempts++ // the try began, and a message that ends the process at each try must not be tried for ever
		d.History = append(d.History, engine.Decision{At: now, Text: reason})
		settle, err := settleCall(d, now)
		if err != nil {
			return 0, err
		}
		if err := t.run(ctx, settle); err != nil {
			return 0, err
		}
	}
	return len(held), nil
}
