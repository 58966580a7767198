package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/engine"
)

const heldDeliveries = `SELECT ` + deliveryColumns + `, updated FROM deliveries WHERE state = 'sending' ORDER BY slot`

// Leaving implements engine.DeliveryStore. Once the store is closed it ends the goroutine that calls it.
func (s *Store) Leaving(slot int, delivery engine.ID, attempt int) {
	s.notes.leave(slot, delivery, attempt, s.clock.Now())
}

// Orphans implements engine.DeliveryStore. The try that a delivery was in is the one after those that are stored.
func (s *Store) Orphans(ctx context.Context) ([]engine.Orphan, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var orphans []engine.Orphan
	err := s.reads.each(ctx, heldDeliveries, nil, func(row scan) error {
		var held time.Time
		d, err := scanDelivery(row, (*instant)(&held))
		orphans = append(orphans, engine.Orphan{Delivery: d, Kept: !s.notes.left(d.Slot, d.ID, d.Attempts+1, held)})
		return err
	})
	for _, orphan := range orphans {
		if err == nil {
			err = s.reads.fillLinks(ctx, orphan.Delivery)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read what was being sent: %w", err)
	}
	return orphans, nil
}

// Outcomes implements engine.DeliveryStore.
func (s *Store) Outcomes(ctx context.Context, ids []engine.ID) ([]engine.Outcome, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var outcomes []engine.Outcome
	for _, id := range ids {
		outcome, err := s.reads.outcome(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read what became of delivery %s: %w", id, err)
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// outcome reads what became of a delivery; sql.ErrNoRows if there is none.
func (s *statements) outcome(ctx context.Context, id engine.ID) (engine.Outcome, error) {
	outcome := engine.Outcome{Delivery: id}
	var named []engine.NamedLink
	const query = "SELECT channel, state, links FROM deliveries WHERE id = ?"
	err := s.get(ctx, query, []any{ident(id)}, []any{&outcome.Channel, &outcome.State, document{&named}})
	if err != nil {
		return engine.Outcome{}, err
	}
	for _, link := range named {
		if slices.Contains(outcome.Links, link.ID) {
			continue // one link may stand under several names
		}
		outcome.Links = append(outcome.Links, link.ID)
		var used bool
		const query = "SELECT EXISTS (SELECT 1 FROM links WHERE id = ? AND uses > 0)"
		if err := s.get(ctx, query, []any{ident(link.ID)}, []any{&used}); err != nil {
			return engine.Outcome{}, err
		}
		outcome.Acted = outcome.Acted || used
	}
	return outcome, nil
}
