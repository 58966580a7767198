package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/portal"
)

// TryPassword implements portal.LaneStore.
func (s *Store) TryPassword(ctx context.Context, try portal.Try) (open bool, err error) {
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		lane, err := tx.lane(ctx, try.Lane)
		if err != nil {
			return err
		}
		if open = lane.Open(try.At); open {
			return tx.putLane(ctx, try.Lane, lane.Tried(try.At))
		}
		// A try that is not counted is written, too: it must not be quicker.
		lane.Last = try.At
		tell := try.Shut != nil && lane.Tell(try.At)
		if tell {
			lane.Told = try.At
		}
		if err := tx.putLane(ctx, try.Lane, lane); err != nil {
			return err
		}
		if !tell {
			return nil
		}
		return tx.attest(ctx, *try.Deed, try.Shut)
	})
	if err != nil {
		return false, fmt.Errorf("count a try of a password: %w", err)
	}
	return open, nil
}

// Lane implements portal.LaneStore.
func (s *Store) Lane(ctx context.Context, digest []byte) (portal.Lane, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	lane, err := s.reads.lane(ctx, digest)
	if err != nil {
		return lane, fmt.Errorf("read how often a password was tried: %w", err)
	}
	return lane, nil
}

// lane reads a lane; one that nobody has tried is the zero Lane.
func (s *statements) lane(ctx context.Context, digest []byte) (lane portal.Lane, err error) {
	const query = "SELECT wrong, until, last, told FROM portal_lanes WHERE lane = ?"
	err = s.get(ctx, query, []any{blob(digest)}, []any{
		&lane.Wrong, (*instant)(&lane.Until), (*instant)(&lane.Last), (*instant)(&lane.Told),
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return lane, err
}

func (t *tx) putLane(ctx context.Context, digest []byte, lane portal.Lane) error {
	const put = "REPLACE INTO portal_lanes (lane, wrong, until, last, told) VALUES (?, ?, ?, ?, ?)"
	return t.run(ctx, call{put, []any{
		blob(digest), lane.Wrong, instant(lane.Until), instant(lane.Last), instant(lane.Told),
	}})
}

// openLanes forgets what was tried in vain.
func (t *tx) openLanes(ctx context.Context, lanes ...[]byte) error {
	for _, digest := range lanes {
		if err := t.run(ctx, call{"DELETE FROM portal_lanes WHERE lane = ?", []any{blob(digest)}}); err != nil {
			return err
		}
	}
	return nil
}

const (
	// laneLife is how long a few tries in vain are remembered, and shutLife how long those that made strangers wait.
	laneLife = 24 * time.Hour
	shutLife = 90 * 24 * time.Hour
	// keyLife is how long an app key that is over is still listed.
	keyLife = 90 * 24 * time.Hour
)

// SweepPortals implements portal.Store.
func (s *Store) SweepPortals(ctx context.Context, now time.Time) error {
	at := func(ago time.Duration) []any { return []any{instant(now.Add(-ago))} }
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		return tx.run(ctx,
			call{"DELETE FROM portal_sessions WHERE ends <= ?", at(0)},
			call{"DELETE FROM portal_challenges WHERE expires <= ?", at(0)},
			call{"DELETE FROM portal_ceremonies WHERE ends <= ?", at(0)},
			call{"DELETE FROM portal_pending WHERE ends <= ?", at(0)},
			call{"DELETE FROM portal_lanes WHERE last < ? AND wrong < 5", at(laneLife)},
			call{"DELETE FROM portal_lanes WHERE last < ?", at(shutLife)},
			call{`DELETE FROM portal_lanes WHERE lane IN
				(SELECT lane FROM portal_lanes ORDER BY last DESC LIMIT -1 OFFSET ?)`, []any{portal.MaxLanes}},
			call{"DELETE FROM portal_devices WHERE seen < ?", at(portal.DeviceLife)},
			call{"DELETE FROM portal_app_keys WHERE min(expires, coalesce(revoked, expires)) < ?", at(keyLife)},
		)
	})
	if err != nil {
		return fmt.Errorf("sweep the portals: %w", err)
	}
	return nil
}
