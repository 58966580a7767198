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
	var doubtful int64
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
		err = tx.audit(ctx, engine.Deed{At: now, Kind: engine.DeedStarted, Actor: "postern", Subject: "node:" + node})
		if err != nil {
			return err
		}
		doubtful, err = tx.doubt(ctx, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if doubtful > 0 {
		s.logger.WarnContext(ctx, "effects were being tried when the engine stopped: the next try looks first",
			"doubtful", doubtful)
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

// doubt plans the effects that a former owner was trying again. They may stand in the CRM already.
func (t *tx) doubt(ctx context.Context, now time.Time) (int64, error) {
	const reason = "the engine stopped while this was being tried"
	line, err := text(engine.Decision{At: now, Text: reason})
	if err != nil {
		return 0, err
	}
	const again = `UPDATE effects SET state = 'planned', doubtful = 1, due = ?, reason = ?, updated = ?,
		history = json_insert(history, '$[#]', json(?)) WHERE ` + openEffects + ` AND state = 'sending'`
	return t.exec(ctx, again, now.UnixMilli(), reason, instant(now), line)
}
