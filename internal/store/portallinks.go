package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
	"postern/links"
	"postern/portal"
)

var _ portal.AskingStore = (*Store)(nil)

// KeepAsking implements portal.AskingStore.
func (s *Store) KeepAsking(ctx context.Context, asking portal.Asking, limits []engine.Limit) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		wait, err := tx.within(ctx, limits, asking.At)
		if err != nil || wait > 0 {
			return err
		}
		const insert = "INSERT INTO portal_askings (id, portal, what, sealed, at) VALUES (?, ?, ?, ?, ?)"
		return tx.run(ctx, call{insert, []any{
			ident(asking.ID), asking.Portal, string(asking.What), asking.Sealed, instant(asking.At),
		}})
	})
	if err != nil {
		return fmt.Errorf("keep what was asked for: %w", err)
	}
	return nil
}

// NextAsking implements portal.AskingStore. Ids rise with time.
func (s *Store) NextAsking(ctx context.Context) (portal.Asking, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var a portal.Asking
	const query = "SELECT id, portal, what, sealed, at FROM portal_askings ORDER BY id LIMIT 1"
	err := s.reads.get(ctx, query, nil, []any{(*ident)(&a.ID), &a.Portal, &a.What, &a.Sealed, (*instant)(&a.At)})
	if errors.Is(err, sql.ErrNoRows) {
		return a, engine.ErrNoThing
	}
	if err != nil {
		return a, fmt.Errorf("read what was asked for: %w", err)
	}
	return a, nil
}

// AnswerAsking implements portal.AskingStore.
func (s *Store) AnswerAsking(ctx context.Context, answer portal.Answer) error {
	event := ""
	if answer.Event != nil {
		var err error
		if event, err = tell(answer.Event); err != nil {
			return fmt.Errorf("answer what was asked for: %w", err)
		}
	}
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if !answer.Asking.IsZero() {
			rows, err := tx.exec(ctx, "DELETE FROM portal_askings WHERE id = ?", ident(answer.Asking))
			if err != nil || rows == 0 { // it was answered before
				return err
			}
		}
		if err := tx.audit(ctx, answer.Deed); err != nil || event == "" {
			return err
		}
		if err := tx.endPortalLinks(ctx, answer.Portal, answer.Subject, answer.Deed.At); err != nil {
			return err
		}
		return tx.emit(ctx, event)
	})
	if err != nil {
		return fmt.Errorf("answer what was asked for: %w", err)
	}
	return nil
}

// PortalLinksSince implements portal.AskingStore.
func (s *Store) PortalLinksSince(ctx context.Context, name string, subject engine.Ref) (time.Time, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	since, err := s.reads.portalLinksSince(ctx, name, subject)
	if err != nil {
		return since, fmt.Errorf("read which links into portal %s ended: %w", name, err)
	}
	return since, nil
}

func (s *statements) portalLinksSince(ctx context.Context, name string, subject engine.Ref) (since time.Time, err error) {
	const query = "SELECT since FROM portal_links WHERE portal = ? AND module = ? AND subject = ?"
	err = s.get(ctx, query, []any{name, subject.Module, subject.ID}, []any{(*instant)(&since)})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return since, err
}

// endPortalLinks ends the links into a portal that a subject was sent before a time. It keeps that time alone, which
// every use of a link compares with when it was made: finding the links would take a scan of all.
func (t *tx) endPortalLinks(ctx context.Context, name string, subject engine.Ref, before time.Time) error {
	const upsert = `INSERT INTO portal_links (portal, module, subject, since) VALUES (?, ?, ?, ?)
		ON CONFLICT (portal, module, subject) DO UPDATE SET since = max(since, excluded.since)`
	return t.run(ctx, call{upsert, []any{name, subject.Module, subject.ID, instant(before)}})
}

// claimPass uses a link into a portal up, and with it all that the subject was sent before. It fails with
// portal.ErrPassOver where it no longer can.
func (t *tx) claimPass(ctx context.Context, claim *portal.Claim) error {
	pass := claim.Pass
	link, err := t.live(ctx, pass.Link.ID, claim.At)
	switch {
	case linkIsOver(err):
		return fmt.Errorf("%w: %w", portal.ErrPassOver, err)
	case err != nil:
		return err
	}
	since, err := t.portalLinksSince(ctx, pass.Opens.Portal, link.Record)
	if err != nil {
		return err
	}
	if link.Created.Before(since) {
		return fmt.Errorf("%w: it was ended", portal.ErrPassOver)
	}
	used, err := tell(claim.Used)
	if err != nil {
		return err
	}
	act := links.Act{ID: claim.Visit, Flow: pass.Flow, Link: link.ID, Name: string(pass.Opens.What), At: claim.At}
	written := visit{set: "null", entries: "null", before: "null"}
	if err := t.use(ctx, act, link, written, links.Outcome{At: claim.At, Changed: true}); err != nil {
		return err
	}
	if err := t.touch(ctx, claim.At, engine.RunTopic(link.Run)); err != nil {
		return err
	}
	err = t.audit(ctx, engine.Deed{
		At: claim.At, Kind: engine.DeedLinkUsed, Actor: "link:" + link.ID.String(), Subject: link.Record.String(),
		Detail: act.Name,
	})
	if err != nil {
		return err
	}
	if err := t.emit(ctx, used); err != nil {
		return err
	}
	return t.endPortalLinks(ctx, pass.Opens.Portal, link.Record, claim.At.Add(time.Millisecond))
}

// linkIsOver tells whether an error says that a link can no longer be used, and not that it could not be looked at.
func linkIsOver(err error) bool {
	for _, over := range []error{
		links.ErrNoLink, links.ErrRevoked, links.ErrExpired, links.ErrUsed, links.ErrLocked,
	} {
		if errors.Is(err, over) {
			return true
		}
	}
	return false
}
