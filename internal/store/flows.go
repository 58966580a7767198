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

// Open implements links.Store.
func (s *Store) Open(ctx context.Context, opening links.Opening) error {
	flow := opening.Flow
	told, err := tell(opening.Event)
	if err != nil {
		return fmt.Errorf("open link %s: %w", flow.Link, err)
	}
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error { return tx.open(ctx, opening, told) })
	if err != nil {
		return fmt.Errorf("open link %s: %w", flow.Link, err)
	}
	return nil
}

// open stores a flow, and tells that its link was opened if it is the first.
func (t *tx) open(ctx context.Context, opening links.Opening, told string) error {
	flow := opening.Flow
	if err := t.bind(ctx, flow.Link, opening.Bound); err != nil {
		return err
	}
	const first = "UPDATE links SET opened = ? WHERE id = ? AND opened IS NULL"
	rows, err := t.exec(ctx, first, instant(flow.Opened), ident(flow.Link))
	if err != nil {
		return err
	}
	if rows > 0 {
		if err := t.emit(ctx, told); err != nil {
			return err
		}
	}
	const insert = "INSERT INTO flows (id, link, visitor, opened, expires) VALUES (?, ?, ?, ?, ?)"
	err = t.run(ctx, call{insert, []any{
		ident(flow.ID), ident(flow.Link), blob(flow.Visitor), instant(flow.Opened), instant(flow.Expires),
	}})
	if err != nil {
		return err
	}
	return t.audit(ctx, engine.Deed{
		At: flow.Opened, Kind: engine.DeedLinkOpened, Actor: "link:" + flow.Link.String(),
		Subject: opening.Event.Subject, Detail: "flow " + flow.ID.String(),
	})
}

// openOnce is open for a flow that begins with its first act, and may stand already.
func (t *tx) openOnce(ctx context.Context, opening *links.Opening, told string) error {
	if opening == nil {
		return nil
	}
	var stands bool
	const query = "SELECT EXISTS (SELECT 1 FROM flows WHERE id = ?)"
	if err := t.get(ctx, query, []any{ident(opening.Flow.ID)}, []any{&stands}); err != nil || stands {
		return err
	}
	return t.open(ctx, *opening, told)
}

// bind lets a link open in one browser alone from now on, unless another one was first.
func (t *tx) bind(ctx context.Context, link engine.ID, browser []byte) error {
	if len(browser) == 0 {
		return nil
	}
	const query = "UPDATE links SET bound = ?1 WHERE id = ?2 AND (bound IS NULL OR bound = ?1)"
	rows, err := t.exec(ctx, query, browser, ident(link))
	if err == nil && rows == 0 {
		return links.ErrBound
	}
	return err
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
