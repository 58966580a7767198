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

// LastVisit implements links.Store.
func (s *Store) LastVisit(ctx context.Context, flow engine.ID) (links.Visit, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	visit, err := s.reads.lastVisit(ctx, flow)
	if errors.Is(err, sql.ErrNoRows) {
		return links.Visit{}, links.ErrNoLink
	}
	if err != nil {
		return links.Visit{}, fmt.Errorf("read the last visit of flow %s: %w", flow, err)
	}
	return visit, nil
}

// lastVisit reads the latest visit of a flow; sql.ErrNoRows if there is none.
func (s *statements) lastVisit(ctx context.Context, flow engine.ID) (links.Visit, error) {
	var v links.Visit
	const query = `SELECT id, name, fields, entries, before, changed, at, undone FROM visits WHERE flow = ?
		ORDER BY at DESC, id DESC LIMIT 1`
	err := s.get(ctx, query, []any{ident(flow)}, []any{
		(*ident)(&v.ID), &v.Name,
		document{&v.Set},
		document{&v.Entries},
		document{&v.Before},
		&v.Changed,
		(*instant)(&v.At), (*instant)(&v.Undone),
	})
	return v, err
}

// Acted implements links.Store.
func (s *Store) Acted(ctx context.Context, link engine.ID, now time.Time) ([]links.Flow, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = `SELECT f.id, f.visitor, f.opened, f.expires FROM visits v JOIN flows f ON f.id = v.flow
		WHERE v.link = ? AND f.expires > ? GROUP BY f.id ORDER BY max(v.at) DESC, f.id DESC LIMIT 20`
	var flows []links.Flow
	err := s.reads.each(ctx, query, []any{ident(link), instant(now)}, func(row scan) error {
		flow := links.Flow{Link: link}
		err := row((*ident)(&flow.ID), &flow.Visitor, (*instant)(&flow.Opened), (*instant)(&flow.Expires))
		flows = append(flows, flow)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who acted by link %s: %w", link, err)
	}
	return flows, nil
}

// TakeBack implements links.Store. Everything that can be refused is refused before anything is written.
func (s *Store) TakeBack(ctx context.Context, undo links.Undo) error {
	undone, err := text(undo.Undone)
	if err != nil {
		return fmt.Errorf("take back an act on link %s: %w", undo.Link, err)
	}
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		visit, err := tx.lastVisit(ctx, undo.Flow)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return links.ErrPassed
		case err != nil:
			return err
		case visit.ID != undo.Visit || visit.Before == nil:
			return links.ErrPassed
		case !visit.Undone.IsZero():
			return nil
		}
		return tx.takeBack(ctx, undo, undone)
	})
	if err != nil {
		return fmt.Errorf("take back an act on link %s: %w", undo.Link, err)
	}
	return nil
}

func (t *tx) takeBack(ctx context.Context, undo links.Undo, undone string) error {
	link, err := t.link(ctx, undo.Link)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return links.ErrNoLink
	case err != nil:
		return err
	case !link.Revoked.IsZero():
		return links.ErrRevoked
	}
	if undo.Effect != nil {
		err = t.ask(ctx, undo.At, undo.Effect)
	} else {
		_, err = t.write(ctx, undo.Write)
	}
	if err != nil {
		return err
	}
	if err := t.giveBack(ctx, undo); err != nil {
		return err
	}
	if err := t.touch(ctx, undo.At, engine.RunTopic(link.Run)); err != nil {
		return err
	}
	err = t.audit(ctx, engine.Deed{
		At: undo.At, Kind: engine.DeedLinkUndone, Actor: "link:" + undo.Link.String(), Subject: link.Record.String(),
		Detail: by(undo.By),
	})
	if err != nil {
		return err
	}
	return t.emit(ctx, undone)
}

// giveBack marks a visit as undone and gives its use back to all links that count together, unless that was done as
// often as they may be used: whoever goes to and fro has an end.
func (t *tx) giveBack(ctx context.Context, undo links.Undo) error {
	const give = `UPDATE links SET uses = uses - 1 WHERE uses > 0 AND ` + joined + ` AND max_uses > (SELECT count(*)
		FROM visits WHERE undone IS NOT NULL AND link IN (SELECT id FROM links WHERE ` + joined + `))`
	const mark = "UPDATE visits SET undone = ? WHERE id = ?"
	return t.run(ctx, call{give, []any{ident(undo.Link)}},
		call{mark, []any{instant(undo.At), ident(undo.Visit)}})
}
