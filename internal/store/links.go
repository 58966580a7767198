package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postern/engine"
	"postern/links"
)

const (
	linkFirst = `id, generation, key_id, digest, landing, landing_version, preset, module, record,
	recipient_module, recipient, masked, language, not_before, expires, max_uses, uses, `
	linkLast = `, run, workflow, cause, created, counts, opened, locked, bound, external, audience, delivery`

	linkColumns = linkFirst + "revoked" + linkLast
	// linkRevoked is when a link was revoked: one that was made before the cut-off, then. See RevokeBefore.
	linkRevoked = `coalesce(revoked, (SELECT CAST(value AS INTEGER) FROM meta
		WHERE name = 'links_cutoff' AND CAST(value AS INTEGER) > created))`
	linkRead = linkFirst + linkRevoked + linkLast

	linkByToken    = "SELECT " + linkRead + " FROM links WHERE key_id = ? AND digest = ?"
	linkByOldToken = "SELECT " + linkRead + ` FROM links
		WHERE id = (SELECT link FROM old_tokens WHERE key_id = ? AND digest = ?)`
)

// Mint implements links.Store.
func (s *Store) Mint(ctx context.Context, link engine.Link) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, insertLink(link))
	})
	if err != nil {
		return fmt.Errorf("store link %s: %w", link.ID, err)
	}
	return nil
}

// Keep implements links.Store.
func (s *Store) Keep(ctx context.Context, link engine.Link) (kept engine.Link, err error) {
	insert := insertLink(link)
	insert.query += ` ON CONFLICT (id) DO UPDATE SET key_id = excluded.key_id, digest = excluded.digest,
		external = excluded.external, expires = excluded.expires, landing_version = excluded.landing_version,
		max_uses = excluded.max_uses`
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.run(ctx, insert); err != nil {
			return err
		}
		kept, err = tx.link(ctx, link.ID)
		return err
	})
	if err != nil {
		return engine.Link{}, fmt.Errorf("keep link %s: %w", link.ID, err)
	}
	return kept, nil
}

// Link implements links.Store.
func (s *Store) Link(ctx context.Context, keyID string, digest []byte) (engine.Link, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var link engine.Link
	err := s.reads.get(ctx, linkByToken, []any{keyID, blob(digest)}, linkDest(&link))
	if err == nil {
		return link, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = s.reads.get(ctx, linkByOldToken, []any{keyID, blob(digest)}, linkDest(&link))
	}
	switch {
	case err == nil:
		return link, links.ErrReplaced
	case errors.Is(err, sql.ErrNoRows):
		return engine.Link{}, links.ErrNoLink
	}
	return engine.Link{}, fmt.Errorf("read link: %w", err)
}

// link reads a link by its id; sql.ErrNoRows if there is none.
func (s *statements) link(ctx context.Context, id engine.ID) (engine.Link, error) {
	var link engine.Link
	const query = "SELECT " + linkRead + " FROM links WHERE id = ?"
	err := s.get(ctx, query, []any{ident(id)}, linkDest(&link))
	return link, err
}

func insertLink(l engine.Link) call {
	const query = `INSERT INTO links (` + linkColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	return call{query, []any{
		ident(l.ID), l.Generation, l.KeyID, blob(l.Digest), l.Landing, l.LandingVersion, l.Preset, l.Record.Module,
		l.Record.ID, l.Recipient.Module, l.Recipient.ID, l.Masked, l.Language, instant(l.NotBefore), instant(l.Expires),
		l.MaxUses, l.Uses, instant(l.Revoked), ident(l.Run), l.Workflow, l.Cause, instant(l.Created), ident(l.Counts),
		instant(l.Opened), instant(l.Locked), orNull(l.Bound), orNull(l.External), orNull(l.Audience),
		ident(l.Delivery),
	}}
}

// linkDest is where the columns of a link go.
func linkDest(l *engine.Link) []any {
	return []any{
		(*ident)(&l.ID), &l.Generation, &l.KeyID, &l.Digest, &l.Landing, &l.LandingVersion, &l.Preset, &l.Record.Module,
		&l.Record.ID, &l.Recipient.Module, &l.Recipient.ID, &l.Masked, &l.Language, (*instant)(&l.NotBefore),
		(*instant)(&l.Expires), &l.MaxUses, &l.Uses, (*instant)(&l.Revoked), (*ident)(&l.Run), &l.Workflow, &l.Cause,
		(*instant)(&l.Created), (*ident)(&l.Counts), (*instant)(&l.Opened), (*instant)(&l.Locked), &l.Bound,
		&l.External, &l.Audience, (*ident)(&l.Delivery),
	}
}
