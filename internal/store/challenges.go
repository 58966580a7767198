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

const challengeColumns = `flow, factor, id, link, kind, action, key_id, digits, way, mail, made, expires, tries,
	waits, until, carried, proved`

// Challenge implements links.FactorStore.
func (s *Store) Challenge(ctx context.Context, flow engine.ID, factor string) (links.Challenge, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	ch, err := s.reads.challenge(ctx, flow, factor)
	if err != nil {
		return links.Challenge{}, fmt.Errorf("read challenge: %w", err)
	}
	return ch, nil
}

// MailChallenge implements links.FactorStore.
func (s *Store) MailChallenge(
	ctx context.Context, digest []byte, now time.Time,
) (ch links.Challenge, flow links.Flow, link engine.Link, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = "SELECT " + challengeColumns + " FROM challenges WHERE mail = ?"
	err = s.reads.get(ctx, query, []any{blob(digest)}, challengeDest(&ch))
	if errors.Is(err, sql.ErrNoRows) {
		return ch, flow, link, links.ErrNoChallenge
	}
	if err != nil {
		return ch, flow, link, fmt.Errorf("read challenge: %w", err)
	}
	flow, link, err = s.Flow(ctx, ch.Flow, now)
	return ch, flow, link, err
}

// challenge reads a challenge; links.ErrNoChallenge if there is none.
func (s *statements) challenge(ctx context.Context, flow engine.ID, factor string) (links.Challenge, error) {
	var ch links.Challenge
	const query = "SELECT " + challengeColumns + " FROM challenges WHERE flow = ? AND factor = ?"
	err := s.get(ctx, query, []any{ident(flow), factor}, challengeDest(&ch))
	if errors.Is(err, sql.ErrNoRows) {
		return links.Challenge{}, links.ErrNoChallenge
	}
	return ch, err
}

// Ask implements links.FactorStore. Everything that can be refused is refused before anything is written.
func (s *Store) Ask(ctx context.Context, a links.Asking) (wait time.Duration, err error) {
	messages := make([]call, len(a.Messages))
	for i, d := range a.Messages {
		if messages[i], err = insertDelivery(d, a.At); err != nil {
			return 0, fmt.Errorf("ask for %s: %w", a.Challenge.Factor, err)
		}
	}
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		ch, err := tx.replaced(ctx, a)
		if err != nil {
			return err
		}
		if wait, err = tx.within(ctx, a.Limits, a.At); err != nil || wait > 0 {
			return err
		}
		if err := tx.run(ctx, append(messages, putChallenge(ch))...); err != nil {
			return err
		}
		if ch.ID != a.Before {
			if err := tx.tally(ctx, a.At, 1, 0); err != nil {
				return err
			}
		}
		return tx.audit(ctx, engine.Deed{
			At: a.At, Kind: engine.DeedLinkChallenged, Actor: "link:" + ch.Link.String(), Subject: a.Record.String(),
			Detail: a.Detail,
		})
	})
	if err != nil {
		return 0, fmt.Errorf("ask for %s: %w", a.Challenge.Factor, err)
	}
	return wait, nil
}

// replaced is the challenge that is to be stored, with the counts of the one that it replaces.
func (t *tx) replaced(ctx context.Context, a links.Asking) (links.Challenge, error) {
	ch := a.Challenge
	if _, err := t.standing(ctx, ch.Link, a.At); err != nil {
		return ch, err
	}
	many, err := t.tooMany(ctx, ch.Link, a.Principal, a.At)
	switch {
	case err != nil:
		return ch, err
	case many:
		return ch, links.ErrLocked
	}
	before, err := t.challenge(ctx, ch.Flow, ch.Factor)
	if err == nil && !before.Proved.IsZero() { // nothing of it counts any more
		before, err = links.Challenge{}, links.ErrNoChallenge
	}
	switch {
	case errors.Is(err, links.ErrNoChallenge) && a.Before.IsZero():
		return ch, nil
	case err != nil:
		return ch, err
	case before.ID != a.Before:
		return ch, links.ErrNoChallenge
	case a.At.Before(before.Until):
		return ch, links.ErrWait
	}
	ch.Tries, ch.Waits = before.Tries, before.Waits
	if ch.ID == before.ID {
		ch.Carried = before.Carried
	}
	if ch.Tries >= links.MaxTries { // the wait for them is over
		ch.Tries = 0
	}
	return ch, nil
}

// Carry implements links.FactorStore.
func (s *Store) Carry(ctx context.Context, ch links.Challenge, now time.Time) error {
	const carry = "UPDATE challenges SET carried = coalesce(carried, ?) WHERE flow = ? AND factor = ? AND id = ?"
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		if _, err := tx.standing(ctx, ch.Link, now); err != nil {
			return err
		}
		rows, err := tx.exec(ctx, carry, instant(now), ident(ch.Flow), ch.Factor, ident(ch.ID))
		if err == nil && rows == 0 {
			return links.ErrNoChallenge
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("carry %s over: %w", ch.Factor, err)
	}
	return nil
}

func putChallenge(c links.Challenge) call {
	const query = "REPLACE INTO challenges (" + challengeColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	return call{query, []any{
		ident(c.Flow), c.Factor, ident(c.ID), ident(c.Link), string(c.Kind), c.Action, c.KeyID, c.Digits, c.Way,
		orNull(c.Mail), instant(c.Made), instant(c.Expires), c.Tries, c.Waits, instant(c.Until), instant(c.Carried),
		instant(c.Proved),
	}}
}

// challengeDest is where the columns of a challenge go.
func challengeDest(c *links.Challenge) []any {
	return []any{
		(*ident)(&c.Flow), &c.Factor, (*ident)(&c.ID), (*ident)(&c.Link), &c.Kind, &c.Action, &c.KeyID, &c.Digits,
		&c.Way, &c.Mail, (*instant)(&c.Made), (*instant)(&c.Expires), &c.Tries, &c.Waits, (*instant)(&c.Until),
		(*instant)(&c.Carried), (*instant)(&c.Proved),
	}
}
