package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
	"postern/links"
)

// Guess implements links.FactorStore. What locks a link is stored although the guess is refused.
func (s *Store) Guess(ctx context.Context, g links.Guess) (links.Challenge, error) {
	var ch links.Challenge
	var refused error
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		refused = nil
		link, err := tx.standing(ctx, g.Link, g.At)
		if err != nil {
			return err
		}
		many, err := tx.tooMany(ctx, g.Link, g.Principal, g.At)
		if err != nil {
			return err
		}
		if many {
			refused = links.ErrLocked
			return tx.shut(ctx, link, g)
		}
		ch, err = tx.claim(ctx, g)
		return err
	})
	if err = errors.Join(err, refused); err != nil {
		return links.Challenge{}, fmt.Errorf("guess at link %s: %w", g.Link, err)
	}
	return ch, nil
}

// claim counts the guess on its challenge.
func (t *tx) claim(ctx context.Context, g links.Guess) (links.Challenge, error) {
	ch, err := t.challenge(ctx, g.Flow, g.Factor)
	if err != nil {
		return links.Challenge{}, err
	}
	if !ch.Proved.IsZero() {
		again, err := t.pressedAgain(ctx, ch, g)
		if err == nil && !again {
			err = links.ErrNoChallenge
		}
		if err != nil {
			return links.Challenge{}, err
		}
	}
	if err := ch.Ready(g.At); err != nil {
		return links.Challenge{}, err
	}
	sprayed, err := t.sprayed(ctx, g.At)
	if err != nil {
		return links.Challenge{}, err
	}
	ch = ch.Guessed(g.At, sprayed)
	const guess = "INSERT INTO guesses (id, link, principal, wrong, forgiven, at) VALUES (?, ?, ?, 1, 0, ?)"
	err = t.run(ctx, putChallenge(ch), call{guess, []any{ident(g.ID), ident(g.Link), g.Principal, instant(g.At)}})
	return ch, err
}

// pressedAgain tells whether a guess comes with the cookie that was replaced when its challenge was proved a moment
// ago.
func (t *tx) pressedAgain(ctx context.Context, ch links.Challenge, g links.Guess) (bool, error) {
	var visitor []byte
	err := t.get(ctx, "SELECT visitor FROM flows WHERE id = ?", []any{ident(ch.Flow)}, []any{&visitor})
	return ch.Pressed(g.At) && !bytes.Equal(visitor, g.Visitor), err
}

// Miss implements links.FactorStore.
func (s *Store) Miss(ctx context.Context, m links.Miss) (links.Missed, error) {
	var missed links.Missed
	g := m.Guess
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		before, err := tx.sprayed(ctx, g.At)
		if err != nil {
			return err
		}
		if err := tx.tally(ctx, g.At, 0, 1); err != nil {
			return err
		}
		after, err := tx.sprayed(ctx, g.At)
		if err != nil {
			return err
		}
		missed = links.Missed{Spray: after && !before}
		deeds := []engine.Deed{{
			At: g.At, Kind: engine.DeedLinkGuessed, Actor: "link:" + g.Link.String(), Subject: m.Record.String(),
			Detail: g.Factor + ": wrong",
		}}
		if missed.Spray {
			spray := engine.Deed{At: g.At, Kind: engine.DeedDoorSprayed, Actor: "postern", Subject: "door"}
			deeds = append(deeds, spray)
		}
		for _, deed := range deeds {
			if err := tx.audit(ctx, deed); err != nil {
				return err
			}
		}
		missed.Locked, err = tx.lockAfter(ctx, g)
		return err
	})
	if err != nil {
		return links.Missed{}, fmt.Errorf("store the guess at link %s: %w", g.Link, err)
	}
	return missed, nil
}

// lockAfter locks the link if a guess was one too many, and tells whether it is locked.
func (t *tx) lockAfter(ctx context.Context, g links.Guess) (bool, error) {
	many, err := t.tooMany(ctx, g.Link, g.Principal, g.At)
	if err != nil || !many {
		return false, err
	}
	link, err := t.link(ctx, g.Link)
	if err != nil || links.Locked(link, g.At) {
		return true, err
	}
	return true, t.shut(ctx, link, g)
}

// shut locks a link.
func (t *tx) shut(ctx context.Context, link engine.Link, g links.Guess) error {
	event, err := text(g.Locked)
	if err != nil {
		return err
	}
	err = t.run(ctx, call{"UPDATE links SET locked = ? WHERE id = ?", []any{instant(g.At), ident(g.Link)}})
	if err != nil {
		return err
	}
	if err := t.touch(ctx, g.At, engine.RunTopic(link.Run)); err != nil {
		return err
	}
	err = t.audit(ctx, engine.Deed{
		At: g.At, Kind: engine.DeedLinkLocked, Actor: "link:" + g.Link.String(), Subject: link.Record.String(),
		Detail: g.Factor,
	})
	if err != nil {
		return err
	}
	return t.emit(ctx, event)
}

// tooMany tells whether a link, or whoever guesses, has had as many wrong guesses as they may. Those of a day count
// until an operator forgives them; those of a link's whole life always do.
func (t *tx) tooMany(ctx context.Context, link engine.ID, principal string, now time.Time) (bool, error) {
	const query = `SELECT
		(SELECT count(*) FROM guesses WHERE wrong = 1 AND link = ?1 AND at > ?3 AND forgiven = 0),
		(SELECT count(*) FROM guesses WHERE wrong = 1 AND principal = ?2 AND at > ?3 AND forgiven = 0),
		(SELECT count(*) FROM guesses WHERE wrong = 1 AND link = ?1)`
	var ofLink, ofPrincipal, ever int
	args := []any{ident(link), principal, instant(now.Add(-24 * time.Hour))}
	err := t.get(ctx, query, args, []any{&ofLink, &ofPrincipal, &ever})
	return max(ofLink, ofPrincipal) >= links.DayGuesses || ever >= links.LifeGuesses, err
}

// forgive takes back that guesses count for the day: those on a link, of those who guessed there, and of whose the link
// is, which may be locked for what was guessed on their other ones alone.
func (t *tx) forgive(ctx context.Context, link engine.Link) error {
	const query = `UPDATE guesses SET forgiven = 1 WHERE wrong = 1
		AND principal IN (SELECT principal FROM guesses WHERE wrong = 1 AND link = ?)`
	const theirs = `UPDATE guesses SET forgiven = 1 WHERE wrong = 1
		AND principal >= ?1 AND substr(principal, 1, length(?1)) = ?1`
	return t.run(ctx, call{query, []any{ident(link.ID)}}, call{theirs, []any{links.Principal(link, "")}})
}

// standing reads a link, or says why nothing can be proved on it.
func (t *tx) standing(ctx context.Context, id engine.ID, at time.Time) (engine.Link, error) {
	link, err := t.link(ctx, id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return engine.Link{}, links.ErrNoLink
	case err != nil:
		return engine.Link{}, err
	case !link.Revoked.IsZero():
		return engine.Link{}, links.ErrRevoked
	case links.Locked(link, at):
		return engine.Link{}, links.ErrLocked
	case !at.Before(link.Expires):
		return engine.Link{}, links.ErrExpired
	}
	return link, nil
}
