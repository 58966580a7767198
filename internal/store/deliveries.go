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

// errDeliveryOver is permanent: no repetition brings the delivery back.
var errDeliveryOver = engine.Permanent(errors.New("the delivery is over or was never planned"))

const deliveryColumns = `id, run, partition, workflow, version, step, channel, template, module, record,
	recipient_module, recipient, masked, links, sealed, state, slot, attempts, due, until, retry, receipt, reason,
	history, created, on_unknown`

// deliveryOver says in SQL what DeliveryState.Over says.
const deliveryOver = `state NOT IN ('planned', 'sending', 'unknown')`

// The deliveries of one channel, which is how they are looked at: others may have a hundred thousand that wait.
const (
	demanded = ` FROM deliveries WHERE state = 'planned' AND channel = ?
		AND partition IN (SELECT value FROM json_each(?))`
	dueDeliveries  = `SELECT ` + deliveryColumns + demanded + ` AND due <= ? ORDER BY due, rowid LIMIT ?`
	earliestDue    = `SELECT min(due)` + demanded
	overDeliveries = `SELECT ` + deliveryColumns + demanded + ` AND until < ? ORDER BY until, rowid LIMIT ?`
	earliestOver   = `SELECT min(until)` + demanded
	nextChannel    = `SELECT channel FROM deliveries WHERE state = 'planned' AND channel > ? ORDER BY channel LIMIT 1`
)

// Take implements engine.DeliveryStore.
func (s *Store) Take(ctx context.Context, demand engine.Demand) (taken []*engine.Delivery, next time.Time, err error) {
	mine, err := partitionsOf(demand.Fences)
	if err != nil {
		return nil, time.Time{}, err
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		taken, next = nil, time.Time{}
		if err := tx.fences(ctx, demand.Fences); err != nil {
			return err
		}
		channels, err := tx.demanded(ctx, demand)
		if err != nil {
			return err
		}
		for _, channel := range channels {
			found, earliest, err := tx.takeOf(ctx, channel, mine, demand, demand.Slots[len(taken):])
			if err != nil {
				return err
			}
			taken = append(taken, found...)
			if next.IsZero() || !earliest.IsZero() && earliest.Before(next) {
				next = earliest
			}
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("take deliveries: %w", err)
	}
	return taken, next, nil
}

// demanded are the channels of a demand, by name: those that it names, or all others for which something is planned.
func (t *tx) demanded(ctx context.Context, demand engine.Demand) ([]string, error) {
	if !demand.Others {
		return demand.Channels, nil
	}
	var others []string
	for channel := ""; ; {
		err := t.get(ctx, nextChannel, []any{channel}, []any{&channel})
		if errors.Is(err, sql.ErrNoRows) {
			return others, nil
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(demand.Channels, channel) {
			others = append(others, channel)
		}
	}
}

// takeOf puts deliveries of one channel into slots. earliest is of those that are left.
func (t *tx) takeOf(ctx context.Context, channel, mine string, demand engine.Demand, slots []int) (
	taken []*engine.Delivery, earliest time.Time, err error,
) {
	find, least := dueDeliveries, earliestDue
	if demand.Over {
		find, least = overDeliveries, earliestOver
	}
	if taken, err = t.deliveries(ctx, find, channel, mine, demand.Now.UnixMilli(), len(slots)); err != nil {
		return nil, time.Time{}, err
	}
	for i, d := range taken {
		d.State, d.Slot = engine.DeliverySending, slots[i]
		const hold = "UPDATE deliveries SET state = 'sending', slot = ?, updated = ? WHERE id = ?"
		if err := t.run(ctx, call{hold, []any{d.Slot, instant(demand.Now), ident(d.ID)}}); err != nil {
			return nil, time.Time{}, err
		}
	}
	err = t.get(ctx, least, []any{channel, mine}, []any{(*instant)(&earliest)})
	return taken, earliest, err
}

// Settle implements engine.DeliveryStore. A delivery that is over stays so.
func (s *Store) Settle(ctx context.Context, outcome engine.Settle) error {
	now := s.clock.Now()
	prepared, err := prepareOutcome(outcome, now)
	if err != nil {
		return fmt.Errorf("settle delivery %s: %w", outcome.Delivery.ID, engine.Permanent(err))
	}
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error {
		if err := tx.fence(ctx, outcome.Fence); err != nil {
			return err
		}
		settled := prepared
		if tx.kept.has(outcome) {
			if settled, err = tx.resolve(ctx, outcome, now); err != nil {
				return err
			}
		}
		rows, err := tx.exec(ctx, settled.update.query, settled.update.args...)
		if err == nil && rows == 0 {
			return errDeliveryOver
		}
		if err != nil {
			return err
		}
		if err := tx.emit(ctx, settled.events...); err != nil {
			return err
		}
		if err := tx.reached(ctx, outcome, now); err != nil {
			return err
		}
		return tx.touch(ctx, now, engine.RunTopic(outcome.Delivery.Run))
	})
	if err != nil {
		return fmt.Errorf("settle delivery %s: %w", outcome.Delivery.ID, err)
	}
	return nil
}

// settled is the outcome of a try as statements.
type settled struct {
	update call
	events []string
}

func prepareOutcome(outcome engine.Settle, now time.Time) (s settled, err error) {
	if s.update, err = settleCall(outcome.Delivery, outcome.ProviderID, now); err != nil {
		return settled{}, err
	}
	s.events, err = tellAll(outcome.Events)
	return s, err
}

func settleCall(d *engine.Delivery, providerID string, now time.Time) (call, error) {
	receipt, err := text(d.Receipt)
	if err != nil {
		return call{}, err
	}
	history, err := text(d.History)
	if err != nil {
		return call{}, err
	}
	const query = `UPDATE deliveries SET state = ?, channel = ?, masked = ?, attempts = ?, due = ?, until = ?,
		receipt = ?, reason = ?, history = ?, updated = ?, provider_id = ? WHERE id = ? AND NOT ` + deliveryOver
	return call{query, []any{
		string(d.State), d.Channel, d.Masked, d.Attempts, d.Due.UnixMilli(), instant(d.Until), receipt, d.Reason,
		history, instant(now), orNothing(providerID), ident(d.ID),
	}}, nil
}

// insertDelivery stores a delivery without its recipient's name and address, which are only within Sealed.
func insertDelivery(d *engine.Delivery, now time.Time) (call, error) {
	var columns [4]string
	for i, v := range []any{d.Links, d.Retry, d.Receipt, d.History} {
		written, err := text(v)
		if err != nil {
			return call{}, err
		}
		columns[i] = written
	}
	const query = `INSERT INTO deliveries (` + deliveryColumns + `, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	return call{query, []any{
		ident(d.ID), d.Run[:], d.Partition, d.Workflow, d.Version, d.Step, d.Channel, d.Template, d.Record.Module,
		d.Record.ID, d.Recipient.Ref.Module, d.Recipient.Ref.ID, d.Masked, columns[0], blob(d.Sealed), string(d.State),
		d.Slot, d.Attempts, d.Due.UnixMilli(), instant(d.Until), columns[1], columns[2], d.Reason, columns[3],
		instant(d.Created), string(d.Unknown), instant(now),
	}}, nil
}

// deliveries reads what a query finds, each with its links as they are now.
func (s *statements) deliveries(ctx context.Context, query string, args ...any) ([]*engine.Delivery, error) {
	var found []*engine.Delivery
	err := s.each(ctx, query, args, func(row scan) error {
		d, err := scanDelivery(row)
		found = append(found, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if err := s.fillLinks(ctx, d); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// fillLinks reads the links of a delivery. One that is gone leaves its place empty: only this delivery can then not be
// sent.
func (s *statements) fillLinks(ctx context.Context, d *engine.Delivery) error {
	for i := range d.Links {
		link, err := s.link(ctx, d.Links[i].ID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		d.Links[i].Link = link
	}
	return nil
}

// scanDelivery reads the columns of a delivery, and what a query has after them.
func scanDelivery(row scan, more ...any) (*engine.Delivery, error) {
	var d engine.Delivery
	dest := []any{
		(*ident)(&d.ID), (*ident)(&d.Run), &d.Partition, &d.Workflow, &d.Version, &d.Step, &d.Channel, &d.Template,
		&d.Record.Module, &d.Record.ID, &d.Recipient.Ref.Module, &d.Recipient.Ref.ID, &d.Masked,
		document{&d.Links},
		&d.Sealed, &d.State, &d.Slot, &d.Attempts, (*instant)(&d.Due), (*instant)(&d.Until),
		document{&d.Retry},
		document{&d.Receipt},
		&d.Reason,
		document{&d.History},
		(*instant)(&d.Created), &d.Unknown,
	}
	err := row(append(dest, more...)...)
	return &d, err
}
