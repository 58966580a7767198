package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// Delete implements engine.RecordStore.
func (s *Store) Delete(ctx context.Context, d engine.Delete) (engine.Record, error) {
	var last engine.Record
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		var err error
		last, err = tx.delete(ctx, d)
		return err
	})
	return last, err
}

// Relate implements engine.RecordStore.
func (s *Store) Relate(ctx context.Context, r engine.Relate) (bool, error) {
	var changed bool
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		var err error
		changed, err = tx.relate(ctx, r)
		return err
	})
	return changed, err
}

// change does what a run asks of a kept record.
func (t *tx) change(ctx context.Context, ask engine.Ask) error {
	var err error
	switch {
	case ask.Write != nil:
		_, err = t.write(ctx, *ask.Write)
	case ask.Create != nil:
		_, err = t.create(ctx, *ask.Create)
	case ask.Delete != nil:
		_, err = t.delete(ctx, *ask.Delete)
	case ask.Relate != nil:
		_, err = t.relate(ctx, *ask.Relate)
	default:
		err = engine.Permanent(errors.New("a run asks the store for something that is no change of a record"))
	}
	return err
}

// delete marks a record as deleted. The values of its unique fields are free from then on.
func (t *tx) delete(ctx context.Context, d engine.Delete) (last engine.Record, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("delete %s: %w", d.Ref, err)
		}
	}()
	if done, err := t.applied(ctx, d.EventID); err != nil || done {
		return engine.Record{}, err
	}
	before, err := t.record(ctx, d.Ref)
	if err != nil {
		return engine.Record{}, err
	}
	after, event := d.Apply(before)
	if event != nil {
		if err := d.Check(before); err != nil {
			return engine.Record{}, err
		}
	}
	told, err := tell(event)
	if err != nil {
		return engine.Record{}, err
	}
	if err := t.run(ctx, remember(d.Origin)); err != nil || event == nil {
		return engine.Record{}, err
	}
	if err := t.storeRecord(ctx, after, d.At); err != nil {
		return engine.Record{}, err
	}
	fields, err := text(before.Fields)
	if err != nil {
		return engine.Record{}, err
	}
	const free = `DELETE FROM record_keys WHERE module = ?1 AND id = ?2
		AND (field, value) IN (SELECT key, CAST(value AS TEXT) FROM json_each(?3))`
	if err := t.run(ctx, call{free, []any{d.Ref.Module, d.Ref.ID, fields}}); err != nil {
		return engine.Record{}, err
	}
	if err := t.touch(ctx, d.At, engine.RecordTopic(d.Ref)); err != nil {
		return engine.Record{}, err
	}
	return before, t.emit(ctx, told)
}

// remember keeps that a change was applied, by the id of its event.
func remember(o engine.Origin) call {
	return call{"INSERT INTO writes (event_id, at) VALUES (?, ?)", []any{ident(o.EventID), instant(o.At)}}
}

// relate joins or parts two records.
func (t *tx) relate(ctx context.Context, r engine.Relate) (changed bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("relate %s and %s: %w", r.From, r.To, err)
		}
	}()
	if done, err := t.applied(ctx, r.EventID); err != nil || done {
		return false, err
	}
	from, err := t.record(ctx, r.From)
	if err != nil {
		return false, err
	}
	to, err := t.record(ctx, r.To)
	if err != nil {
		return false, err
	}
	gone := from.Fields == nil || from.Deleted || to.Fields == nil || to.Deleted
	stands, _, err := t.relation(ctx, r.From, r.To)
	if err != nil {
		return false, err
	}
	if gone && !r.Part {
		return false, engine.ErrNoRecord
	}
	told, err := tellAll(r.Tell(from.Fields, to.Fields))
	if err != nil {
		return false, err
	}
	if err := t.run(ctx, remember(r.Origin)); err != nil || stands != r.Part || gone {
		return false, err
	}
	if err := t.storeRelation(ctx, r.From, r.To, !r.Part, r.FarEventID().String()); err != nil {
		return false, err
	}
	if err := t.touch(ctx, r.At, engine.RecordTopic(r.From), engine.RecordTopic(r.To)); err != nil {
		return false, err
	}
	return true, t.emit(ctx, told...)
}

// pair is two records in the order in which their relation is stored.
func pair(a, b engine.Ref) (one, other engine.Ref) {
	if b.String() < a.String() {
		return b, a
	}
	return a, b
}

// relation tells whether two records are joined, and which event of ours about it has not come back yet.
func (t *tx) relation(ctx context.Context, a, b engine.Ref) (stands bool, written string, err error) {
	one, other := pair(a, b)
	const query = `SELECT stands, written FROM relations
		WHERE module = ? AND id = ? AND other_module = ? AND other_id = ?`
	err = t.get(ctx, query, []any{one.Module, one.ID, other.Module, other.ID}, []any{&stands, &written})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return stands, written, err
}

func (t *tx) storeRelation(ctx context.Context, a, b engine.Ref, stands bool, written string) error {
	one, other := pair(a, b)
	if !stands && written == "" {
		const drop = "DELETE FROM relations WHERE module = ? AND id = ? AND other_module = ? AND other_id = ?"
		return t.run(ctx, call{drop, []any{one.Module, one.ID, other.Module, other.ID}})
	}
	const query = `INSERT INTO relations (module, id, other_module, other_id, stands, written) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET stands = excluded.stands, written = excluded.written`
	return t.run(ctx, call{query, []any{one.Module, one.ID, other.Module, other.ID, stands, written}})
}

// keepRelation lets a relation follow an event of the stream. One that we wrote waits for the last of its own events:
// whatever comes before that is older in the stream.
func (t *tx) keepRelation(ctx context.Context, event *engine.Event, now time.Time) error {
	far, err := engine.ParseRef(event.Change.Related)
	if err != nil {
		return fmt.Errorf("follow %s: %w", event.ID, err)
	}
	_, written, err := t.relation(ctx, event.Ref(), far)
	if err != nil || (written != "" && (event.Source != engine.Source || event.ID != written)) {
		return err
	}
	if err := t.storeRelation(ctx, event.Ref(), far, event.Type == engine.RecordRelated, ""); err != nil {
		return err
	}
	return t.touch(ctx, now, engine.RecordTopic(far))
}
