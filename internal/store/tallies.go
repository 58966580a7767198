package store

import (
	"context"
	"fmt"
	"time"

	"postern/links"
)

// tallySlot is how long the stretches are in which guesses are counted, in seconds.
const tallySlot = 300

func slotOf(at time.Time) int64 { return at.Unix() / tallySlot }

// Sprayed implements links.FactorStore.
func (s *Store) Sprayed(ctx context.Context, now time.Time) (bool, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	sprayed, err := s.reads.sprayed(ctx, now)
	if err != nil {
		return false, fmt.Errorf("read how much is guessed: %w", err)
	}
	return sprayed, nil
}

// sprayed holds the wrong guesses of the last hour against the challenges of the last day, to five minutes.
func (s *statements) sprayed(ctx context.Context, now time.Time) (bool, error) {
	const query = `SELECT coalesce(sum(challenges), 0), coalesce(sum(wrong) FILTER (WHERE slot > ?), 0)
		FROM tallies WHERE slot > ?`
	slot := slotOf(now)
	var challenges, wrong int
	err := s.get(ctx, query, []any{slot - 3600/tallySlot, slot - 24*3600/tallySlot}, []any{&challenges, &wrong})
	return wrong >= min(max(challenges/100, links.SprayLeast), links.SprayMost), err
}

// tally counts challenges and wrong guesses.
func (t *tx) tally(ctx context.Context, at time.Time, challenges, wrong int) error {
	const query = `INSERT INTO tallies (slot, challenges, wrong) VALUES (?, ?, ?) ON CONFLICT (slot)
		DO UPDATE SET challenges = challenges + excluded.challenges, wrong = wrong + excluded.wrong`
	return t.run(ctx, call{query, []any{slotOf(at), challenges, wrong}})
}
