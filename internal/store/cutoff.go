package store

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
)

// RevokeBefore implements engine.LinkDesk. What it stores is the cut-off, a time that every read of a link compares
// with when it was made: a row for each of a million links would hold the writer up for a minute. It never goes back.
func (s *Store) RevokeBefore(ctx context.Context, before time.Time, order engine.Order) (ended int, err error) {
	if before.After(order.At) {
		return 0, engine.Permanent(fmt.Errorf("revoke links: %s lies ahead", before.Format(time.RFC3339)))
	}
	if ended, err = s.liveBefore(ctx, before, order.At); err != nil {
		return 0, fmt.Errorf("revoke links: %w", err)
	}
	deed := order.Deed(engine.DeedLinkRevoked, "links", "made before "+before.UTC().Format(time.RFC3339))
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.moveCutOff(ctx, before); err != nil {
			return err
		}
		return tx.audit(ctx, deed)
	})
	if err != nil {
		return 0, fmt.Errorf("revoke links: %w", err)
	}
	return ended, nil
}

// liveBefore counts the links of an age that could be opened still.
func (s *Store) liveBefore(ctx context.Context, before, now time.Time) (count int, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = "SELECT count(*) FROM links WHERE created < ? AND expires > ? AND " + linkRevoked + " IS NULL"
	err = s.reads.get(ctx, query, []any{instant(before), instant(now)}, []any{&count})
	return count, err
}

// moveCutOff ends the links that were made before a time.
func (t *tx) moveCutOff(ctx context.Context, before time.Time) error {
	const query = `INSERT INTO meta (name, value) VALUES ('links_cutoff', ?1) ON CONFLICT (name) DO UPDATE
		SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))`
	return t.run(ctx, call{query, []any{fmt.Sprint(before.UnixMilli())}})
}
