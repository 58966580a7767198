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

const linkColumns = `id, generation, key_id, digest, landing, landing_version, preset, module, record,
	recipient_module, recipient, masked, language, not_before, expires, max_uses, uses, revoked, run, workflow, cause,
	created, counts, opened, locked, bound, external, audience, delivery`

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

// Link implements links.Store.
func (s *Store) Link(ctx context.Context, keyID string, digest []byte) (engine.Link, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var link engine.Link
	const query = "SELECT " + linkColumns + " FROM links WHERE key_id = ? AND digest = ?"
	err := s.reads.get(ctx, query, []any{keyID, blob(digest)}, linkDest(&link))
	if errors.Is(err, sql.ErrNoRows) {
		return engine.Link{}, links.ErrNoLink
	}
	if err != nil {
		return engine.Link{}, fmt.Errorf("read link: %w", err)
	}
	return link, nil
}

// Open implements links.Store.
func (s *Store) Open(ctx context.Context, flow links.Flow) error {
	const query = "INSERT INTO flows (id, link, visitor, opened, expires) VALUES (?, ?, ?, ?, ?)"
	args := []any{ident(flow.ID), ident(flow.Link), blob(flow.Visitor), instant(flow.Opened), instant(flow.Expires)}
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{query, args})
	})
	if err != nil {
		return fmt.Errorf("open link %s: %w", flow.Link, err)
	}
	return nil
}

// Flow implements links.Store.
func (s *Store) Flow(ctx context.Context, id engine.ID, now time.Time) (links.Flow, engine.Link, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	flow := links.Flow{ID: id}
	const query = "SELECT link, visitor, opened, expires FROM flows WHERE id = ? AND expires > ?"
	dest := []any{(*ident)(&flow.Link), &flow.Visitor, (*instant)(&flow.Opened), (*instant)(&flow.Expires)}
	err := s.reads.get(ctx, query, []any{ident(id), instant(now)}, dest)
	if errors.Is(err, sql.ErrNoRows) {
		return links.Flow{}, engine.Link{}, links.ErrNoLink
	}
	if err != nil {
		return links.Flow{}, engine.Link{}, fmt.Errorf("read flow %s: %w", id, err)
	}
	link, err := s.reads.link(ctx, flow.Link)
	if err != nil {
		return links.Flow{}, engine.Link{}, fmt.Errorf("read link %s: %w", flow.Link, err)
	}
	return flow, link, nil
}

// link reads a link by its id; sql.ErrNoRows if there is none.
func (s *statements) link(ctx context.Context, id engine.ID) (engine.Link, error) {
	var link engine.Link
	const query = "SELECT " + linkColumns + " FROM links WHERE id = ?"
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
		(*instant)(&l.Created), (*ident)(&l.Counts), (*instant)(&l.Opened), (*instant)(&l.Locked), &l.Bound, &l.External,
		&l.Audience, (*ident)(&l.Delivery),
	}
}
