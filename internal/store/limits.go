package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"postern/links"
)

// Admit implements links.Store. It keeps the times themselves, so that a limit holds in any stretch of its length and
// not only in those that begin on the hour.
func (s *Store) Admit(ctx context.Context, limits []links.Limit, now time.Time) (wait time.Duration, err error) {
	err = s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		wait, err = tx.within(ctx, limits, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("hold against limits: %w", err)
	}
	return wait, nil
}

// within counts one more under every key, or nothing where a limit is reached: then it returns the time until none is.
func (t *tx) within(ctx context.Context, limits []links.Limit, now time.Time) (time.Duration, error) {
	counts := map[string]*count{}
	var wait time.Duration
	for _, limit := range limits {
		c := counts[limit.Key]
		if c == nil {
			var err error
			if c, err = t.countOf(ctx, limit.Key); err != nil {
				return 0, err
			}
			counts[limit.Key] = c
		}
		c.longest = max(c.longest, limit.Per)
		wait = max(wait, c.wait(limit, now))
	}
	if wait > 0 {
		return wait, nil
	}
	for key, c := range counts {
		if err := t.run(ctx, c.oneMore(key, now)); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// count is when something happened, the earliest first.
type count struct {
	times   []time.Time
	longest time.Duration // of the limits that look at it
}

func (t *tx) countOf(ctx context.Context, key string) (*count, error) {
	var written []byte
	err := t.get(ctx, "SELECT times FROM limits WHERE key = ?", []any{key}, []any{&written})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	var c count
	for len(written) >= 8 {
		c.times = append(c.times, time.UnixMilli(int64(binary.BigEndian.Uint64(written))).UTC())
		written = written[8:]
	}
	return &c, nil
}

// wait is how long until a limit lets one more pass. What lies in the future, since the clock was set back, counts as
// of now, so that nobody waits longer than the limit's stretch.
func (c *count) wait(limit links.Limit, now time.Time) time.Duration {
	if limit.Most < 1 {
		return limit.Per
	}
	if len(c.times) < limit.Most {
		return 0
	}
	rest := func(since time.Time, of time.Duration) time.Duration {
		if since.After(now) {
			since = now
		}
		return max(since.Add(of).Sub(now), 0)
	}
	wait := rest(c.times[len(c.times)-limit.Most], limit.Per)
	if limit.Then > 0 {
		wait = min(wait, rest(c.times[len(c.times)-1], limit.Then))
	}
	return wait
}

// oneMore stores the count with one more and without what no limit looks at any longer.
func (c *count) oneMore(key string, now time.Time) call {
	var written []byte
	for _, at := range append(c.times, now) {
		if at.After(now.Add(-c.longest)) {
			written = binary.BigEndian.AppendUint64(written, uint64(min(at.UnixMilli(), now.UnixMilli())))
		}
	}
	const query = `INSERT INTO limits (key, times, until) VALUES (?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET times = excluded.times, until = excluded.until`
	return call{query, []any{key, written, instant(now.Add(c.longest))}}
}
