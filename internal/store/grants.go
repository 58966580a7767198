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

// Grant implements links.FactorStore.
func (s *Store) Grant(ctx context.Context, visitor []byte, factor string) (links.Grant, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	g := links.Grant{Factor: factor}
	const query = "SELECT module, record, given, seen FROM grants WHERE visitor = ? AND factor = ?"
	dest := []any{&g.Record.Module, &g.Record.ID, (*instant)(&g.Given), (*instant)(&g.Seen)}
	err := s.reads.get(ctx, query, []any{blob(visitor), factor}, dest)
	if errors.Is(err, sql.ErrNoRows) {
		return links.Grant{}, nil
	}
	if err != nil {
		return links.Grant{}, fmt.Errorf("read grant of %s: %w", factor, err)
	}
	return g, nil
}

// Extend implements links.FactorStore.
func (s *Store) Extend(ctx context.Context, visitor []byte, factor string, now time.Time) error {
	const extend = "UPDATE grants SET seen = max(seen, ?) WHERE visitor = ? AND factor = ?"
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx, call{extend, []any{instant(now), blob(visitor), factor}})
	})
	if err != nil {
		return fmt.Errorf("extend grant of %s: %w", factor, err)
	}
	return nil
}

// Prove implements links.FactorStore.
func (s *Store) Prove(ctx context.Context, p links.Proof) error {
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error { return tx.prove(ctx, p) })
	if err != nil {
		return fmt.Errorf("grant %s: %w", p.Challenge.Factor, err)
	}
	return nil
}

// What belongs to a visitor belongs to their next cookie.
const (
	moveFlows  = "UPDATE flows SET visitor = ? WHERE visitor = ?"
	moveGrants = "UPDATE OR REPLACE grants SET visitor = ? WHERE visitor = ?"
)

func (t *tx) prove(ctx context.Context, p links.Proof) error {
	ch := p.Challenge
	if _, err := t.standing(ctx, ch.Link, p.At); err != nil {
		return err
	}
	right := call{"UPDATE guesses SET wrong = 0 WHERE id = ?", []any{ident(p.Guess)}}
	first, err := t.answered(ctx, p)
	if err != nil {
		return err
	}
	if !first {
		return t.run(ctx, right)
	}
	const grant = `REPLACE INTO grants (visitor, factor, module, record, given, seen) VALUES (?, ?, ?, ?, ?, ?)`
	move := []any{blob(p.Visitor), blob(p.Before)}
	given := []any{blob(p.Visitor), ch.Factor, p.Record.Module, p.Record.ID, instant(p.At), instant(p.At)}
	err = t.run(ctx,
		call{moveFlows, move}, call{moveGrants, move}, right, call{grant, given},
	)
	if err != nil {
		return err
	}
	return t.audit(ctx, engine.Deed{
		At: p.At, Kind: engine.DeedLinkGranted, Actor: "link:" + ch.Link.String(), Subject: p.Record.String(),
		Detail: ch.Factor,
	})
}

// answered ends a challenge of the visitor that the proof is of, and tells whether it stood until now. One that the
// same proof has ended a moment ago is answered as well, since the first answer may never have reached the browser.
func (t *tx) answered(ctx context.Context, p links.Proof) (first bool, err error) {
	ch := p.Challenge
	// One guess is left to who presses the button twice.
	const end = `UPDATE challenges SET proved = ?1, tries = min(tries, ?2 - 1), until = NULL
		WHERE flow = ?3 AND factor = ?4 AND id = ?5 AND proved IS NULL
			AND EXISTS (SELECT 1 FROM flows WHERE id = ?3 AND visitor = ?6)`
	rows, err := t.exec(ctx, end,
		instant(p.At), links.MaxTries, ident(ch.Flow), ch.Factor, ident(ch.ID), blob(p.Before))
	if err != nil || rows > 0 {
		return true, err
	}
	const again = `SELECT proved FROM challenges WHERE flow = ?1 AND factor = ?2 AND id = ?3
		AND EXISTS (SELECT 1 FROM flows WHERE id = ?1 AND visitor = ?4)`
	args := []any{ident(ch.Flow), ch.Factor, ident(ch.ID), blob(p.Visitor)}
	err = t.get(ctx, again, args, []any{(*instant)(&ch.Proved)})
	if errors.Is(err, sql.ErrNoRows) || err == nil && !ch.Pressed(p.At) {
		err = links.ErrNoChallenge
	}
	return false, err
}
