package store

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
)

// DeliveryLines implements engine.DeliveryDesk.
func (s *Store) DeliveryLines(ctx context.Context, sel engine.DeliverySelection) ([]*engine.Delivery, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	var n narrow
	if err := states(&n, sel.States); err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	n.by(sel.Channel != "", "channel = ?", sel.Channel)
	n.by(sel.Workflow != "", "workflow = ?", sel.Workflow)
	n.by(!sel.Record.IsZero(), "module = ? AND record = ?", sel.Record.Module, sel.Record.ID)
	n.made(sel.Since, sel.Before)
	query := "SELECT " + deliveryColumns + " FROM deliveries WHERE 1" + n.where + " ORDER BY id DESC LIMIT ?"
	var lines []*engine.Delivery
	err := s.reads.each(ctx, query, append(n.args, limited(sel.Limit)), func(row scan) error {
		d, err := scanDelivery(row)
		if err != nil {
			return err
		}
		d.Sealed = nil
		lines = append(lines, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return lines, nil
}

// Delivery implements engine.DeliveryDesk.
func (s *Store) Delivery(ctx context.Context, id engine.ID) (*engine.Delivery, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	d, err := s.reads.delivery(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read delivery %s: %w", id, err)
	}
	return d, nil
}

func (s *statements) delivery(ctx context.Context, id engine.ID) (*engine.Delivery, error) {
	found, err := s.deliveries(ctx, "SELECT "+deliveryColumns+" FROM deliveries WHERE id = ?", ident(id))
	if err == nil && len(found) == 0 {
		err = engine.ErrNoThing
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// RetryDelivery implements engine.DeliveryDesk.
func (s *Store) RetryDelivery(ctx context.Context, id engine.ID, order engine.Order) (*engine.Delivery, error) {
	return s.changeDelivery(ctx, engine.DeedDeliveryRetried, id, order, (*engine.Delivery).Revive)
}

// CancelDelivery implements engine.DeliveryDesk.
func (s *Store) CancelDelivery(ctx context.Context, id engine.ID, order engine.Order) (*engine.Delivery, error) {
	return s.changeDelivery(ctx, engine.DeedDeliveryCancelled, id, order, (*engine.Delivery).Cancel)
}

func (s *Store) changeDelivery(
	ctx context.Context, deed string, id engine.ID, order engine.Order,
	change func(*engine.Delivery, engine.Order) error,
) (d *engine.Delivery, err error) {
	err = s.writer.steadily(ctx, func(ctx context.Context, tx *tx) (err error) {
		if d, err = tx.delivery(ctx, id); err != nil {
			return err
		}
		was := d.State
		if err := change(d, order); err != nil {
			return err
		}
		if err := tx.putDelivery(ctx, d, order.At); err != nil {
			return err
		}
		return tx.audit(ctx, order.Deed(deed, "delivery:"+id.String(), fmt.Sprintf("%s, now %s", was, d.State)))
	})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", deed, id, err)
	}
	return d, nil
}

// putDelivery stores a delivery's state whatever it was, and tells who waits for it.
func (t *tx) putDelivery(ctx context.Context, d *engine.Delivery, now time.Time) error {
	history, err := text(d.History)
	if err != nil {
		return err
	}
	const put = `UPDATE deliveries SET state = ?, attempts = ?, due = ?, until = ?, reason = ?, history = ?, updated = ?
		WHERE id = ?`
	err = t.run(ctx, call{put, []any{
		string(d.State), d.Attempts, d.Due.UnixMilli(), instant(d.Until), d.Reason, history, instant(now), ident(d.ID),
	}})
	if err != nil {
		return err
	}
	return t.touch(ctx, now, engine.RunTopic(d.Run))
}
