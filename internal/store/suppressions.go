package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"postern/engine"
)

// suppressed holds the suppressions in memory, about 150 bytes each: it is asked for every message.
type suppressed struct {
	mu     sync.RWMutex
	by     map[suppressedKey]suppressedUntil
	counts map[string]int // by channel
}

type suppressedKey struct {
	channel string
	address engine.AddressID
	list    string
}

type suppressedUntil struct {
	until  time.Time // zero for good
	reason engine.SuppressionReason
}

func (u suppressedUntil) over(now time.Time) bool { return !u.until.IsZero() && !u.until.After(now) }

const allSuppressed = `SELECT channel, address, list, reason, until FROM suppressions`

// readSuppressed fills the set from the table.
func (s *Store) readSuppressed(ctx context.Context) error {
	err := s.reads.each(ctx, allSuppressed, nil, func(row scan) error {
		var key suppressedKey
		var value suppressedUntil
		err := row(&key.channel, (*ident)(&key.address), &key.list, &value.reason, (*instant)(&value.until))
		s.suppressed.put(key, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("read which addresses are suppressed: %w", err)
	}
	return nil
}

func (s *suppressed) put(key suppressedKey, value suppressedUntil) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by, s.counts = map[suppressedKey]suppressedUntil{}, map[string]int{}
	}
	if _, there := s.by[key]; !there {
		s.counts[key.channel]++
	}
	s.by[key] = value
}

func (s *suppressed) drop(key suppressedKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.by[key]; there {
		s.counts[key.channel]--
		delete(s.by, key)
	}
}

// prune drops what is over.
func (s *suppressed) prune(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range s.by {
		if value.over(now) {
			s.counts[key.channel]--
			delete(s.by, key)
		}
	}
}

// Suppressing implements engine.HearStore.
func (s *Store) Suppressing(channel string) bool {
	s.suppressed.mu.RLock()
	defer s.suppressed.mu.RUnlock()
	return s.suppressed.counts[channel] > 0
}

// Suppressed implements engine.HearStore.
func (s *Store) Suppressed(channel string, address engine.AddressID, list string, now time.Time) (
	engine.SuppressionReason, bool,
) {
	s.suppressed.mu.RLock()
	defer s.suppressed.mu.RUnlock()
	for _, list := range []string{"", list} {
		value, there := s.suppressed.by[suppressedKey{channel, address, list}]
		if there && !value.over(now) {
			return value.reason, true
		}
	}
	return "", false
}

// One that lasts longer takes the place of one that is there, and so does what an operator wants: but what a recipient
// wants for longer stays.
const putSuppression = `INSERT INTO suppressions (channel, address, list, masked, reason, detail, by, at, until)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET masked = excluded.masked, reason = excluded.reason,
		detail = excluded.detail, by = excluded.by, at = excluded.at, until = excluded.until
	WHERE excluded.reason = 'operator' AND (excluded.until IS NULL
			OR suppressions.reason NOT IN ('opt_out', 'complaint'))
		OR suppressions.until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > suppressions.until)`

// errOutlasted is permanent: an operator's wish that ends must not end a recipient's.
var errOutlasted = engine.Permanent(errors.New("the recipient wants nothing more, for longer than that: it stays so"))

// suppress adds a suppression, with a deed; false if what is there stays.
func (t *tx) suppress(ctx context.Context, set *suppressed, s engine.Suppressed, order engine.Order) (bool, error) {
	rows, err := t.exec(ctx, putSuppression, s.Channel, ident(s.ID), s.List, s.Masked, string(s.Reason), s.Detail, s.By,
		instant(s.At), instant(s.Until))
	if err != nil || rows == 0 {
		return false, err
	}
	key := suppressedKey{s.Channel, s.ID, s.List}
	t.after = append(t.after, func() { set.put(key, suppressedUntil{s.Until, s.Reason}) })
	return true, t.audit(ctx, s.Deed(engine.DeedAddressSuppressed, order))
}

// unsuppress removes suppressions, with a deed for each.
func (t *tx) unsuppress(ctx context.Context, set *suppressed, all []engine.Suppressed, order engine.Order) error {
	for _, s := range all {
		const remove = "DELETE FROM suppressions WHERE channel = ? AND address = ? AND list = ?"
		if err := t.run(ctx, call{remove, []any{s.Channel, ident(s.ID), s.List}}); err != nil {
			return err
		}
		key := suppressedKey{s.Channel, s.ID, s.List}
		t.after = append(t.after, func() { set.drop(key) })
		if err := t.audit(ctx, s.Deed(engine.DeedAddressUnsuppressed, order)); err != nil {
			return err
		}
	}
	return nil
}

// suppressHeard does what something heard says of addresses. A recipient or a provider lifts no suppression that an
// operator wanted.
func (t *tx) suppressHeard(ctx context.Context, set *suppressed, h engine.Hearing) error {
	for _, lift := range h.Lift {
		const one = allSuppressions + ` WHERE channel = ? AND address = ? AND list = ? AND reason <> 'operator'`
		found, err := t.suppressions(ctx, one, lift.Channel, ident(lift.ID), lift.List)
		if err != nil {
			return err
		}
		order := engine.Order{By: nonempty(lift.By, engine.ByRecipient), At: h.Now}
		if err := t.unsuppress(ctx, set, found, order); err != nil {
			return err
		}
	}
	for _, s := range h.Suppress {
		s.By = nonempty(s.By, engine.ByProvider)
		if _, err := t.suppress(ctx, set, s, engine.Order{By: s.By, At: h.Now}); err != nil {
			return err
		}
	}
	return nil
}

func nonempty(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

const allSuppressions = `SELECT channel, address, list, masked, reason, detail, by, at, until FROM suppressions`

func (s *statements) suppressions(ctx context.Context, query string, args ...any) (all []engine.Suppressed, err error) {
	err = s.each(ctx, query, args, func(row scan) error {
		var found engine.Suppressed
		err := row(&found.Channel, (*ident)(&found.ID), &found.List, &found.Masked, &found.Reason, &found.Detail,
			&found.By, (*instant)(&found.At), (*instant)(&found.Until))
		all = append(all, found)
		return err
	})
	return all, err
}

// selected finds suppressions, the latest first.
func (s *statements) selected(ctx context.Context, sel engine.SuppressionSelection) ([]engine.Suppressed, error) {
	var n narrow
	n.by(sel.Channel != "", "channel = ?", sel.Channel)
	n.by(!sel.ID.IsZero(), "address = ?", ident(sel.ID))
	n.by(sel.List != "", "list = ?", sel.List)
	n.by(sel.Reason != "", "reason = ?", string(sel.Reason))
	n.by(!sel.Since.IsZero(), "at >= ?", instant(sel.Since))
	query := allSuppressions + " WHERE 1" + n.where + " ORDER BY at DESC, channel, address, list LIMIT ?"
	return s.suppressions(ctx, query, append(n.args, limited(sel.Limit))...)
}

// SuppressionLines implements engine.SuppressionDesk.
func (s *Store) SuppressionLines(ctx context.Context, sel engine.SuppressionSelection) ([]engine.Suppressed, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	lines, err := s.reads.selected(ctx, sel)
	if err != nil {
		return nil, fmt.Errorf("list suppressed addresses: %w", err)
	}
	return lines, nil
}

// Suppress implements engine.SuppressionDesk.
func (s *Store) Suppress(ctx context.Context, one engine.Suppressed, order engine.Order) error {
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		stored, err := tx.suppress(ctx, &s.suppressed, one, order)
		if err == nil && !stored {
			err = errOutlasted
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("suppress an address: %w", err)
	}
	return nil
}

// Unsuppress implements engine.SuppressionDesk.
func (s *Store) Unsuppress(ctx context.Context, sel engine.SuppressionSelection, order engine.Order) (
	removed []engine.Suppressed, err error,
) {
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if removed, err = tx.selected(ctx, sel); err != nil {
			return err
		}
		if len(removed) == 0 {
			return engine.ErrNoThing
		}
		return tx.unsuppress(ctx, &s.suppressed, removed, order)
	})
	if err != nil {
		return nil, fmt.Errorf("let an address get messages again: %w", err)
	}
	return removed, nil
}
