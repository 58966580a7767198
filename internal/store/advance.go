package store

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
)

// Advance implements engine.RunStore.
func (s *Store) Advance(ctx context.Context, step engine.Advance) error {
	now := s.clock.Now()
	asks, err := prepareAsks(step, now)
	if err != nil {
		return engine.Permanent(fmt.Errorf("write the run's asks: %w", err))
	}
	// No prefix here: a refusal becomes the reason that an admin reads in the run's history.
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fence(ctx, step.Fence); err != nil {
			return err
		}
		for _, ask := range step.Changes {
			if err := tx.change(ctx, ask); err != nil {
				return err
			}
		}
		if err := tx.run(ctx, asks.inserts...); err != nil {
			return err
		}
		if err := tx.emit(ctx, asks.events...); err != nil {
			return err
		}
		if err := tx.keepMemories(ctx, step.Memories, now); err != nil {
			return err
		}
		if err := tx.rest(ctx, step, now); err != nil {
			return err
		}
		rows, err := tx.exec(ctx, asks.update.query, asks.update.args...)
		if err == nil && rows == 0 {
			return tx.stale(ctx, step.Run.ID)
		}
		return err
	})
	if err == nil {
		step.Run.Revision++
	}
	return err
}

// stale says why a run could not be moved on.
func (t *tx) stale(ctx context.Context, id engine.ID) error {
	var lives bool
	const query = "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ? AND state NOT IN ('done', 'failed', 'stopped'))"
	switch err := t.get(ctx, query, []any{ident(id)}, []any{&lives}); {
	case err != nil:
		return err
	case lives:
		return engine.ErrStale
	}
	return errRunOver
}

// asks is what a step leads to, as statements.
type asks struct {
	inserts []call // of effects, links and deliveries
	events  []string
	update  call // of the run
}

func prepareAsks(step engine.Advance, now time.Time) (asks, error) {
	var a asks
	for _, effect := range step.Effects {
		insert, err := insertEffect(effect, now)
		if err != nil {
			return asks{}, err
		}
		a.inserts = append(a.inserts, insert)
	}
	for _, link := range step.Links {
		a.inserts = append(a.inserts, insertLink(link))
	}
	for _, d := range step.Deliveries {
		insert, err := insertDelivery(d, now)
		if err != nil {
			return asks{}, err
		}
		a.inserts = append(a.inserts, insert)
	}
	var err error
	if a.events, err = tellAll(step.Events); err != nil {
		return asks{}, err
	}
	a.update, err = updateRun(step.Run, now)
	return a, err
}

// updateRun stores a run's new state; one that is over stays as it is.
func updateRun(run *engine.Run, now time.Time) (call, error) {
	progress, err := text(run.Progress)
	if err != nil {
		return call{}, err
	}
	history, err := text(run.History)
	if err != nil {
		return call{}, err
	}
	const query = `UPDATE runs SET state = ?, reason = ?, progress = ?, history = ?, updated = ?,
			revision = revision + 1
		WHERE id = ? AND revision = ? AND state NOT IN ('done', 'failed', 'stopped')`
	return call{query, []any{
		string(run.State), run.Reason, progress, history, instant(now), ident(run.ID), run.Revision,
	}}, nil
}
