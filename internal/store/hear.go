package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

const deliveryByProvider = `SELECT id FROM deliveries WHERE provider_id = ? AND channel = ? ORDER BY rowid DESC LIMIT 1`

// Reported implements engine.HearStore.
func (s *Store) Reported(ctx context.Context, channel string, r engine.Report) (*engine.Delivery, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	d, err := s.reads.reported(ctx, channel, r)
	if err != nil {
		return nil, fmt.Errorf("find the delivery of a report: %w", err)
	}
	return d, nil
}

// reported reads the delivery that a report is about; engine.ErrNoThing if it is not there.
func (s *statements) reported(ctx context.Context, channel string, r engine.Report) (*engine.Delivery, error) {
	id := r.Delivery
	if id.IsZero() {
		err := s.get(ctx, deliveryByProvider, []any{r.ProviderID, channel}, []any{(*ident)(&id)})
		if errors.Is(err, sql.ErrNoRows) {
			return nil, engine.ErrNoThing
		}
		if err != nil {
			return nil, err
		}
	}
	return s.delivery(ctx, id)
}

// Hear implements engine.HearStore.
func (s *Store) Hear(ctx context.Context, h engine.Hearing) (outcome engine.HearOutcome, err error) {
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		outcome, err = tx.hear(ctx, &s.suppressed, h)
		return err
	})
	if err != nil {
		return engine.HearOutcome{}, fmt.Errorf("take in what was heard: %w", err)
	}
	return outcome, nil
}

func (t *tx) hear(ctx context.Context, set *suppressed, h engine.Hearing) (outcome engine.HearOutcome, err error) {
	again := false
	const known = "SELECT EXISTS (SELECT 1 FROM heard WHERE channel = ? AND key = ?)"
	if err := t.get(ctx, known, []any{h.Channel, h.Key}, []any{&again}); err != nil || again {
		return engine.HearOutcome{Again: again}, err
	}
	switch {
	case h.Report != nil:
		outcome, err = t.hearReport(ctx, h)
	case h.Reply != nil:
		outcome, err = t.hearReply(ctx, h)
	}
	if err != nil {
		return engine.HearOutcome{}, err
	}
	const insert = "INSERT INTO heard (channel, key, at) VALUES (?, ?, ?)"
	if err := t.run(ctx, call{insert, []any{h.Channel, h.Key, instant(h.Now)}}); err != nil {
		return engine.HearOutcome{}, err
	}
	return outcome, t.suppressHeard(ctx, set, h)
}

// hearReport applies a report, or keeps it for later.
func (t *tx) hearReport(ctx context.Context, h engine.Hearing) (engine.HearOutcome, error) {
	d, err := t.reported(ctx, h.Channel, *h.Report)
	switch {
	case errors.Is(err, engine.ErrNoThing) && h.Report.Delivery.IsZero():
		return engine.HearOutcome{Kept: true}, t.keepReport(ctx, aboutMessage(h.Channel, h.Report.ProviderID), h)
	case errors.Is(err, engine.ErrNoThing):
		return engine.HearOutcome{Lost: true}, nil
	case err != nil:
		return engine.HearOutcome{}, err
	case d.ID != h.Delivery:
		return engine.HearOutcome{}, engine.ErrStale
	case d.State == engine.DeliverySending:
		return engine.HearOutcome{Kept: true}, t.keepReport(ctx, aboutDelivery(d.ID), h)
	}
	was := d.State
	event, changed, err := d.Hear(h.Channel, *h.Report, h.Lineage, h.At, h.Now)
	if err != nil || !changed {
		return engine.HearOutcome{}, err
	}
	if event != nil {
		told, err := tell(event)
		if err != nil {
			return engine.HearOutcome{}, err
		}
		if err := t.emit(ctx, told); err != nil {
			return engine.HearOutcome{}, err
		}
	}
	return engine.HearOutcome{Changed: d.State != was}, t.putReported(ctx, d, h.Now)
}

// putReported stores what was heard of a delivery, and tells who waits for it.
func (t *tx) putReported(ctx context.Context, d *engine.Delivery, now time.Time) error {
	receipt, err := text(d.Receipt)
	if err != nil {
		return err
	}
	const put = "UPDATE deliveries SET receipt = ? WHERE id = ?"
	if err := t.run(ctx, call{put, []any{receipt, ident(d.ID)}}); err != nil {
		return err
	}
	return t.putDelivery(ctx, d, now)
}

// hearReply tells a reply about the record of the last message to its sender, or makes it a dead letter.
func (t *tx) hearReply(ctx context.Context, h engine.Hearing) (engine.HearOutcome, error) {
	var last engine.ID
	var record engine.Ref
	const query = "SELECT delivery, module, record FROM conversations WHERE channel = ? AND address = ?"
	err := t.get(ctx, query, []any{h.Channel, ident(h.From)}, []any{(*ident)(&last), &record.Module, &record.ID})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return engine.HearOutcome{}, err
	}
	const wrote = `INSERT INTO conversations (channel, address, module, record, heard, at)
		VALUES (?1, ?2, '', '', ?3, ?4) ON CONFLICT DO UPDATE SET heard = max(coalesce(heard, 0), ?3), at = max(at, ?4)`
	err = t.run(ctx, call{wrote, []any{h.Channel, ident(h.From), instant(h.At), instant(h.Now)}})
	if err != nil {
		return engine.HearOutcome{}, err
	}
	if last.IsZero() {
		return engine.HearOutcome{Unasked: true}, t.bury(ctx, []engine.DeadLetter{h.Unasked})
	}
	event, err := h.Replied(last, record)
	if err != nil {
		return engine.HearOutcome{}, err
	}
	told, err := tell(event)
	if err != nil {
		return engine.HearOutcome{}, err
	}
	if err := t.emit(ctx, told); err != nil {
		return engine.HearOutcome{}, err
	}
	d, err := t.delivery(ctx, last)
	if errors.Is(err, engine.ErrNoThing) {
		return engine.HearOutcome{}, nil // its history has been removed
	}
	if err != nil {
		return engine.HearOutcome{}, err
	}
	d.Replied(h.Channel, h.Now)
	return engine.HearOutcome{}, t.putDelivery(ctx, d, h.Now)
}

// reached notes the message of an outcome as the last one to its address.
func (t *tx) reached(ctx context.Context, outcome engine.Settle, now time.Time) error {
	if outcome.Address.IsZero() {
		return nil
	}
	d := outcome.Delivery
	const query = `INSERT INTO conversations (channel, address, delivery, module, record, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET delivery = excluded.delivery, module = excluded.module, record = excluded.record,
			at = max(at, excluded.at)`
	return t.run(ctx, call{query, []any{
		d.Channel, ident(outcome.Address), ident(d.ID), d.Record.Module, d.Record.ID, instant(now),
	}})
}

// LastHeard implements engine.HearStore.
func (s *Store) LastHeard(ctx context.Context, channel string, address engine.AddressID) (at time.Time, err error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	const query = "SELECT heard FROM conversations WHERE channel = ? AND address = ?"
	err = s.reads.get(ctx, query, []any{channel, ident(address)}, []any{(*instant)(&at)})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read when an address last wrote: %w", err)
	}
	return at, nil
}
