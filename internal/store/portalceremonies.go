package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/portal"
)

// BeginCeremony implements portal.FactorStore.
func (s *Store) BeginCeremony(ctx context.Context, c portal.Ceremony) error {
	const begin = `INSERT INTO portal_ceremonies (token, kind, portal, module, subject, binding, state, ends)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	args := append([]any{blob(c.Token), string(c.Kind)}, holding(c.Holder)...)
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		begun := c.Ends.Add(-portal.CeremonyLife)
		if err := tx.room(ctx, "portal_ceremonies", "token", "ends", portal.MaxCeremonies, begun); err != nil {
			return err
		}
		return tx.run(ctx, call{begin, append(args, orNull(c.Binding), blob(c.State), instant(c.Ends))})
	})
	if err != nil {
		return fmt.Errorf("begin to %s: %w", c.Kind, err)
	}
	return nil
}

// FinishCeremony implements portal.FactorStore. It takes the ceremony away whatever comes of its answer.
func (s *Store) FinishCeremony(ctx context.Context, token []byte, now time.Time) (portal.Ceremony, error) {
	const find = `SELECT kind, portal, module, subject, binding, state, ends FROM portal_ceremonies WHERE token = ?`
	c := portal.Ceremony{Token: token}
	dest := []any{
		&c.Kind, &c.Holder.Portal, &c.Holder.Subject.Module, &c.Holder.Subject.ID, &c.Binding, &c.State,
		(*instant)(&c.Ends),
	}
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.get(ctx, find, []any{blob(token)}, dest); err != nil {
			return err
		}
		return tx.run(ctx, call{"DELETE FROM portal_ceremonies WHERE token = ?", []any{blob(token)}})
	})
	if errors.Is(err, sql.ErrNoRows) || err == nil && !now.Before(c.Ends) {
		return portal.Ceremony{}, portal.ErrPassed
	}
	if err != nil {
		return portal.Ceremony{}, fmt.Errorf("take ceremony: %w", err)
	}
	return c, nil
}

// Pend implements portal.FactorStore.
func (s *Store) Pend(ctx context.Context, p portal.Pending) error {
	const pend = `INSERT INTO portal_pending (token, portal, module, subject, epoch, method, next, lanes, link, cause,
		ends, tries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	args := append([]any{blob(p.Token)}, holding(p.Holder)...)
	args = append(args, p.Epoch, string(p.Method), p.Next, blob(slices.Concat(p.Lanes...)), ident(p.Link), p.Cause,
		instant(p.Ends), p.Tries)
	const surplus = `DELETE FROM portal_pending WHERE token IN (SELECT token FROM portal_pending
		WHERE portal = ? AND module = ? AND subject = ? ORDER BY ends DESC LIMIT -1 OFFSET ?)`
	old := append(holding(p.Holder), portal.MaxPending-1)
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{surplus, old}, call{pend, args})
	})
	if err != nil {
		return fmt.Errorf("begin a second step: %w", err)
	}
	return nil
}

// Pending implements portal.FactorStore.
func (s *Store) Pending(ctx context.Context, token []byte, now time.Time) (portal.Pending, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	p, err := s.reads.pending(ctx, token, now)
	if err != nil {
		return portal.Pending{}, fmt.Errorf("find second step: %w", err)
	}
	return p, nil
}

func (s *statements) pending(ctx context.Context, token []byte, now time.Time) (portal.Pending, error) {
	const query = `SELECT portal, module, subject, epoch, method, next, lanes, link, cause, ends, tries
		FROM portal_pending WHERE token = ?`
	p := portal.Pending{Token: token}
	var lanes []byte
	err := s.get(ctx, query, []any{blob(token)}, []any{
		&p.Holder.Portal, &p.Holder.Subject.Module, &p.Holder.Subject.ID, &p.Epoch, &p.Method, &p.Next, &lanes,
		(*ident)(&p.Link), &p.Cause, (*instant)(&p.Ends), &p.Tries,
	})
	if errors.Is(err, sql.ErrNoRows) || err == nil && (!now.Before(p.Ends) || p.Tries >= portal.MaxPendingTries) {
		return portal.Pending{}, portal.ErrPassed
	}
	for lane := range slices.Chunk(lanes, sha256.Size) {
		p.Lanes = append(p.Lanes, lane)
	}
	return p, err
}

// TryPending implements portal.FactorStore.
func (s *Store) TryPending(ctx context.Context, token []byte, now time.Time) (p portal.Pending, err error) {
	const try = "UPDATE portal_pending SET tries = tries + 1 WHERE token = ?"
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if p, err = tx.pending(ctx, token, now); err != nil {
			return err
		}
		p.Tries++
		return tx.run(ctx, call{try, []any{blob(token)}})
	})
	if err != nil {
		return portal.Pending{}, fmt.Errorf("count an answer: %w", err)
	}
	return p, nil
}

// EndPending implements portal.FactorStore.
func (s *Store) EndPending(ctx context.Context, token []byte) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error { return tx.endPending(ctx, token) })
	if err != nil {
		return fmt.Errorf("end a second step: %w", err)
	}
	return nil
}

func (t *tx) endPending(ctx context.Context, token []byte) error {
	rows, err := t.exec(ctx, "DELETE FROM portal_pending WHERE token = ?", blob(token))
	if err == nil && rows == 0 {
		err = portal.ErrPassed
	}
	return err
}
