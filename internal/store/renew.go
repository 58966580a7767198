package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
	"postern/links"
)

// LinkByID implements links.Store.
func (s *Store) LinkByID(ctx context.Context, id engine.ID) (engine.Link, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	link, err := s.reads.link(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return engine.Link{}, links.ErrNoLink
	}
	if err != nil {
		return engine.Link{}, fmt.Errorf("read link %s: %w", id, err)
	}
	return link, nil
}

// Renew implements links.Store.
func (s *Store) Renew(ctx context.Context, r links.Renewal) error {
	message, err := insertDelivery(r.Message, r.Deed.At)
	if err != nil {
		return fmt.Errorf("renew links of message %s: %w", r.Message.ID, err)
	}
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		for _, link := range r.Links {
			if err := tx.renew(ctx, link, r.Deed.At); err != nil {
				return err
			}
		}
		if err := tx.run(ctx, message); err != nil {
			return err
		}
		if r.Note != "" {
			for _, link := range r.Links {
				const note = "INSERT INTO link_notes (link, at, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
				if err := tx.run(ctx, call{note, []any{ident(link.ID), instant(r.Deed.At), r.Note}}); err != nil {
					return err
				}
			}
		}
		return tx.audit(ctx, r.Deed)
	})
	if err != nil {
		return fmt.Errorf("renew links of message %s: %w", r.Message.ID, err)
	}
	return nil
}

// renew stores a link as the generation after the stored one, whose token stays known. Who is inside by that has to
// come by the new one.
func (t *tx) renew(ctx context.Context, link engine.Link, now time.Time) error {
	before := link.Generation - 1
	const know = `INSERT INTO old_tokens (key_id, digest, link)
		SELECT key_id, digest, id FROM links WHERE id = ? AND generation = ? AND ` + linkRevoked + ` IS NULL`
	known, err := t.exec(ctx, know, ident(link.ID), before)
	if err != nil {
		return err
	}
	if known == 0 { // another one was faster, or ended it
		return links.ErrReplaced
	}
	const query = `UPDATE links SET generation = ?, key_id = ?, digest = ?, not_before = ?, expires = ?, bound = NULL
		WHERE id = ?`
	const leave = "UPDATE flows SET expires = min(expires, ?) WHERE link = ?"
	return t.run(ctx, call{query, []any{
		link.Generation, link.KeyID, blob(link.Digest), instant(link.NotBefore), instant(link.Expires), ident(link.ID),
	}}, call{leave, []any{instant(now), ident(link.ID)}})
}
