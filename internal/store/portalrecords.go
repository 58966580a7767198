package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postern/engine"
	"postern/portal"
)

// Commit implements portal.DeskStore.
func (s *Store) Commit(ctx context.Context, change portal.Change) (portal.Outcome, error) {
	var outcome portal.Outcome
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		var err error
		if outcome, err = tx.repeated(ctx, change); err != nil || outcome.Repeated {
			return err
		}
		if err := tx.areStaged(ctx, change.Files); err != nil {
			return err
		}
		record, err := tx.changeRecord(ctx, change)
		if err != nil {
			return err
		}
		for i := range change.Files {
			change.Files[i].Record, change.Files[i].Link = record, change.ID // there is no link that it came by
		}
		if err := tx.keepFiles(ctx, change.Files); err != nil {
			return err
		}
		if change.Moved != "" {
			if err := tx.endPortalLinks(ctx, change.Moved, record, change.At); err != nil {
				return err
			}
		}
		outcome = portal.Outcome{Change: change.ID, Record: record}
		if err := tx.rememberKey(ctx, change, record); err != nil {
			return err
		}
		if record.ID != "" {
			change.Deed.Subject = record.String()
		}
		return tx.audit(ctx, change.Deed)
	})
	if err != nil {
		return portal.Outcome{}, fmt.Errorf("change by a portal: %w", err)
	}
	return outcome, nil
}

// Repeated implements portal.DeskStore.
func (s *Store) Repeated(ctx context.Context, change portal.Change) (portal.Outcome, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	outcome, err := s.reads.repeated(ctx, change)
	if err != nil {
		return portal.Outcome{}, fmt.Errorf("look up a change by its key: %w", err)
	}
	return outcome, nil
}

// areStaged refuses files that were kept already, or whose pieces are forgotten.
func (t *tx) areStaged(ctx context.Context, files []engine.File) error {
	for _, file := range files {
		var staged bool
		const query = `SELECT EXISTS (SELECT 1 FROM file_pieces WHERE file = ?1)
			AND NOT EXISTS (SELECT 1 FROM files WHERE id = ?1)`
		if err := t.get(ctx, query, []any{ident(file.ID)}, []any{&staged}); err != nil {
			return err
		}
		if !staged {
			return portal.ErrStaged
		}
	}
	return nil
}

// changeRecord makes the change, or stores the effect that will, and names the record.
func (t *tx) changeRecord(ctx context.Context, change portal.Change) (engine.Ref, error) {
	if change.Effect != nil {
		return change.Effect.Record, t.ask(ctx, change.At, change.Effect)
	}
	switch {
	case change.Create != nil:
		record, err := t.create(ctx, *change.Create)
		return record.Ref, err
	case change.Write != nil:
		_, err := t.write(ctx, *change.Write)
		return change.Write.Ref, err
	case change.Delete != nil:
		gone, err := t.delete(ctx, *change.Delete)
		if err == nil && gone.IsZero() {
			err = engine.ErrNoRecord
		}
		return change.Delete.Ref, err
	}
	return engine.Ref{}, engine.Permanent(errors.New("nothing is asked for"))
}

// repeated finds what was done under the key of a change before.
func (t *statements) repeated(ctx context.Context, change portal.Change) (portal.Outcome, error) {
	if change.Key == nil {
		return portal.Outcome{}, nil
	}
	var body []byte
	first := portal.Outcome{Repeated: true}
	const query = "SELECT body, change, module, record FROM portal_writes WHERE key = ? AND at > ?"
	err := t.get(ctx, query, []any{change.Key, instant(change.At.Add(-portal.KeyWindow))},
		[]any{&body, (*ident)(&first.Change), &first.Record.Module, &first.Record.ID})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return portal.Outcome{}, nil
	case err != nil:
		return portal.Outcome{}, err
	case !bytes.Equal(body, change.Body):
		return portal.Outcome{}, portal.ErrReused
	}
	return first, nil
}

// rememberKey stores what was done under a key, and forgets keys that are no longer known.
func (t *tx) rememberKey(ctx context.Context, change portal.Change, record engine.Ref) error {
	if change.Key == nil {
		return nil
	}
	const insert = `INSERT OR REPLACE INTO portal_writes (key, body, change, module, record, at)
		VALUES (?, ?, ?, ?, ?, ?)`
	return t.run(ctx,
		call{"DELETE FROM portal_writes WHERE at <= ?", []any{instant(change.At.Add(-portal.KeyWindow))}},
		call{insert, []any{change.Key, change.Body, ident(change.ID), record.Module, record.ID, instant(change.At)}})
}
