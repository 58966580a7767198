package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// errEffectOver is permanent: no repetition brings the effect back.
var errEffectOver = engine.Permanent(errors.New("the effect is over or was never asked for"))

const (
	takeable = ` FROM effects WHERE state = 'planned' AND behind = 0 AND host = ?
		AND partition IN (SELECT value FROM json_each(?))`
	dueEffects    = `SELECT ` + effectColumns + takeable + ` AND due <= ? ORDER BY due, number LIMIT ?`
	nextEffect    = `SELECT min(due)` + takeable
	effectsOfRun  = `SELECT ` + effectColumns + ` FROM effects WHERE run = ? ORDER BY number`
	recentlyWrote = `SELECT ` + effectColumns + ` FROM (SELECT * FROM effects ORDER BY number DESC LIMIT ?)
		WHERE (state = 'done' OR doubtful = 1) AND record <> '' AND updated >= ? ORDER BY number DESC`
	// callHosts goes from one host to the next by the index, however many calls each has.
	callHosts = `WITH RECURSIVE hosts (host) AS (
			SELECT min(host) FROM effects WHERE state = 'planned' AND behind = 0 AND host > ''
			UNION ALL
			SELECT (SELECT min(e.host) FROM effects e
				WHERE e.state = 'planned' AND e.behind = 0 AND e.host > hosts.host)
			FROM hosts WHERE hosts.host IS NOT NULL
		) SELECT host, (SELECT min(e.due) FROM effects e
			WHERE e.state = 'planned' AND e.behind = 0 AND e.host = hosts.host)
		FROM hosts WHERE host IS NOT NULL`
	followingEffect = `UPDATE effects SET behind = 0 WHERE number = (SELECT min(number) FROM effects
		WHERE module = ? AND record = ? AND record <> '' AND ` + openEffects + `)`
)

// TakeEffects implements engine.EffectStore.
func (s *Store) TakeEffects(ctx context.Context, demand engine.EffectDemand) (
	taken []*engine.Effect, next time.Time, err error,
) {
	mine, err := partitionsOf(demand.Fences)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("take effects: %w", err)
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fences(ctx, demand.Fences); err != nil {
			return err
		}
		now := demand.Now
		taken, err = tx.effects(ctx, dueEffects, demand.Host, mine, now.UnixMilli(), demand.Limit)
		if err != nil {
			return err
		}
		for _, effect := range taken {
			effect.State = engine.EffectSending
			const hold = "UPDATE effects SET state = 'sending', updated = ? WHERE id = ?"
			if err := tx.run(ctx, call{hold, []any{instant(now), ident(effect.ID)}}); err != nil {
				return err
			}
		}
		return tx.get(ctx, nextEffect, []any{demand.Host, mine}, []any{(*instant)(&next)})
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("take effects: %w", err)
	}
	return taken, next, nil
}

// CallHosts implements engine.EffectStore.
func (s *Store) CallHosts(ctx context.Context) (hosts []engine.CallHost, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	err = s.reads.each(ctx, callHosts, nil, func(row scan) error {
		var host engine.CallHost
		err := row(&host.Host, (*instant)(&host.Due))
		hosts = append(hosts, host)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find hosts to call: %w", err)
	}
	return hosts, nil
}

// SettleEffect implements engine.EffectStore. An effect that is over stays so.
func (s *Store) SettleEffect(
	ctx context.Context, fence engine.Fence, effect *engine.Effect, events ...*engine.Event,
) error {
	now := s.clock.Now()
	settle, told, err := prepareSettle(effect, events, now)
	if err != nil {
		return fmt.Errorf("settle effect %s: %w", effect.ID, engine.Permanent(err))
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fence(ctx, fence); err != nil {
			return err
		}
		rows, err := tx.exec(ctx, settle.query, settle.args...)
		if err == nil && rows == 0 {
			return errEffectOver
		}
		if err != nil {
			return err
		}
		if err := tx.emit(ctx, told...); err != nil || !effect.State.Over() {
			return err
		}
		if err := tx.run(ctx, call{followingEffect, []any{effect.Record.Module, effect.Record.ID}}); err != nil {
			return err
		}
		return tx.wake(ctx, effect.Run, now)
	})
	if err != nil {
		return fmt.Errorf("settle effect %s: %w", effect.ID, err)
	}
	return nil
}

func prepareSettle(effect *engine.Effect, events []*engine.Event, now time.Time) (call, []string, error) {
	told, err := tellAll(events)
	if err != nil {
		return call{}, nil, err
	}
	settle, err := settleEffect(effect, now)
	return settle, told, err
}

// wake makes a run due whose effects are all over.
func (t *tx) wake(ctx context.Context, run engine.ID, now time.Time) error {
	const wake = `INSERT INTO waits (run, topic, partition, due, marks)
		SELECT id, '', partition, ?2, 0 FROM runs WHERE id = ?1 AND state NOT IN ('done', 'failed', 'stopped')
			AND NOT EXISTS (SELECT 1 FROM effects WHERE run = ?1 AND ` + openEffects + `)
		ON CONFLICT (run, topic) DO UPDATE SET due = min(coalesce(due, excluded.due), excluded.due)`
	rows, err := t.exec(ctx, wake, ident(run), now.UnixMilli())
	t.woke = t.woke || rows > 0
	return err
}

// Effects implements engine.EffectStore.
func (s *Store) Effects(ctx context.Context, run engine.ID) ([]*engine.Effect, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	found, err := s.reads.effects(ctx, effectsOfRun, ident(run))
	if err != nil {
		return nil, fmt.Errorf("read the effects of run %s: %w", run, err)
	}
	return found, nil
}

// RecentWrites implements engine.EffectStore.
func (s *Store) RecentWrites(ctx context.Context, since time.Time, limit int) ([]*engine.Effect, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	found, err := s.reads.effects(ctx, recentlyWrote, limit, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read recent writes: %w", err)
	}
	return found, nil
}
