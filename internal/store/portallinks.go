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

var _ portal.Store = (*Store)(nil)

// KeepAsking implements portal.AskingStore.
func (s *Store) KeepAsking(ctx context.Context, asking portal.Asking, limits []engine.Limit) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		wait, err := tx.within(ctx, limits, asking.At)
		if err != nil || wait > 0 {
			return err
		}
		full, err := tx.full(ctx, "portal_askings", portal.MaxAskings)
		if err != nil || full { // it is answered as to who asks too often
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

// LinksSince implements portal.AskingStore.
func (s *Store) LinksSince(ctx context.Context, name string, subject engine.Ref) (time.Time, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	since, err := s.reads.portalLinksSince(ctx, name, subject)
	if err != nil {
		return since, fmt.Errorf("read which links into portal %s ended: %w", name, err)
	}
	return since, nil
}

func (s *statements) portalLinksSince(
	ctx context.Context, name string, subject engine.Ref,
) (since time.Time, err error) {
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

// claimPortalLink uses up the link by which a subject came into a portal; nothing for the zero link. It fails with
// portal.ErrPassed where it no longer can. The caller ends all links of the subject.
func (t *tx) claimPortalLink(
	ctx context.Context, name string, subject engine.Ref, id engine.ID, what engine.OpensWhat, at time.Time,
) error {
	if id.IsZero() {
		return nil
	}
	link, err := t.live(ctx, id, at)
	switch {
	case linkIsOver(err):
		return fmt.Errorf("%w: %w", portal.ErrPassed, err)
	case err != nil:
		return err
	}
	since, err := t.portalLinksSince(ctx, name, subject)
	if err != nil {
		return err
	}
	if link.Record != subject || link.Created.Before(since) {
		return fmt.Errorf("%w: the link was ended, or is of another subject", portal.ErrPassed)
	}
	act := links.Act{ID: engine.DerivedID(id, "visit", name), Link: id, Name: string(what), At: at}
	const latest = "SELECT id FROM flows WHERE link = ? ORDER BY opened DESC, id DESC LIMIT 1"
	if err := t.get(ctx, latest, []any{ident(id)}, []any{(*ident)(&act.Flow)}); err != nil {
		return fmt.Errorf("find the flow of link %s: %w", id, err)
	}
	written := visit{set: "null", entries: "null", before: "null"}
	if err := t.use(ctx, act, link, written, links.Outcome{At: at, Changed: true}); err != nil {
		return err
	}
	return t.tellUse(ctx, act, link)
}

// tellUse tells of the use of a link into a portal: who waits for it, the audit, and by an event.
func (t *tx) tellUse(ctx context.Context, act links.Act, link engine.Link) error {
	if err := t.touch(ctx, act.At, engine.RunTopic(link.Run)); err != nil {
		return err
	}
	err := t.audit(ctx, engine.Deed{
		At: act.At, Kind: engine.DeedLinkUsed, Actor: "link:" + link.ID.String(), Subject: link.Record.String(),
		Detail: act.Name,
	})
	if err != nil {
		return err
	}
	id := engine.DerivedID(act.ID, "used")
	event, err := engine.NewLinkEvent(link, engine.LinkUsed, id, act.At, map[string]any{"action": act.Name})
	if err != nil {
		return err
	}
	used, err := tell(event)
	if err != nil {
		return err
	}
	return t.emit(ctx, used)
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
