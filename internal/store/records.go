package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"postern/engine"
)

// Records implements engine.RecordStore. A deleted record is not there.
func (s *Store) Records(ctx context.Context, refs []engine.Ref) ([]engine.Record, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	records := make([]engine.Record, 0, len(refs))
	for _, ref := range refs {
		record, err := s.reads.record(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", ref, err)
		}
		if record.Fields != nil && !record.Deleted {
			records = append(records, record)
		}
	}
	return records, nil
}

// Write implements engine.RecordStore.
func (s *Store) Write(ctx context.Context, w engine.Write) error {
	return s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		_, err := tx.write(ctx, w)
		return err
	})
}

// record reads a kept record; one that was never kept has no fields.
func (s *statements) record(ctx context.Context, ref engine.Ref) (engine.Record, error) {
	record := engine.Record{Ref: ref}
	const query = "SELECT fields, written, version, seq, deleted FROM records WHERE module = ? AND id = ?"
	dest := []any{
		document{&record.Fields}, document{&record.Written}, &record.Version, &record.Seq, &record.Deleted,
	}
	err := s.get(ctx, query, []any{ref.Module, ref.ID}, dest)
	if errors.Is(err, sql.ErrNoRows) {
		return engine.Record{Ref: ref}, nil
	}
	return record, err
}

// keep lets the copy of a record follow an event.
func (t *tx) keep(ctx context.Context, kept engine.Kept, now time.Time) error {
	before, err := t.record(ctx, kept.Event.Ref())
	if err != nil {
		return err
	}
	after, changed := engine.Follow(before, kept.Event, kept.Seq)
	if !changed {
		return nil
	}
	if err := t.storeRecord(ctx, after, now); err != nil {
		return err
	}
	if kept.Event.Change.Related != "" {
		if err := t.keepRelation(ctx, kept.Event, now); err != nil {
			return err
		}
	}
	return t.touch(ctx, now, engine.RecordTopic(after.Ref))
}

func (t *tx) storeRecord(ctx context.Context, r engine.Record, now time.Time) error {
	if r.Fields == nil {
		r.Fields = engine.Fields{} // a deletion may be the first that is heard of a record
	}
	fields, err := text(r.Fields)
	if err != nil {
		return err
	}
	if r.Written == nil {
		r.Written = map[string]string{}
	}
	written, err := text(r.Written)
	if err != nil {
		return err
	}
	const query = `INSERT INTO records (module, id, fields, written, version, seq, deleted, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (module, id) DO UPDATE SET fields = excluded.fields, written = excluded.written,
			version = excluded.version, seq = excluded.seq, deleted = excluded.deleted, updated = excluded.updated`
	return t.run(ctx, call{query, []any{
		r.Module, r.ID, fields, written, r.Version, int64(r.Seq), r.Deleted, instant(now),
	}})
}

// write applies a write and puts its event into the outbox, once for one EventID. It tells whether the record changed.
// What it refuses, it refuses before it has written anything.
func (t *tx) write(ctx context.Context, w engine.Write) (bool, error) {
	done, err := t.applied(ctx, w.EventID)
	if err != nil || done {
		return false, err
	}
	before, err := t.record(ctx, w.Ref)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", w.Ref, err)
	}
	if before.Fields == nil {
		return false, fmt.Errorf("write %s: %w", w.Ref, engine.ErrNoRecord)
	}
	after, event, err := w.Apply(before)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", w.Ref, err)
	}
	told, err := tell(event)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", w.Ref, err)
	}
	claims, err := t.claims(ctx, w, before)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", w.Ref, err)
	}
	if err := t.run(ctx, append(claims, remember(w.Origin))...); err != nil {
		return false, fmt.Errorf("write %s: %w", w.Ref, err)
	}
	if event == nil {
		return false, nil
	}
	if err := t.storeRecord(ctx, after, w.At); err != nil {
		return false, fmt.Errorf("write %s: %w", w.Ref, err)
	}
	if err := t.touch(ctx, w.At, engine.RecordTopic(w.Ref)); err != nil {
		return false, fmt.Errorf("write %s: %w", w.Ref, err)
	}
	if err := t.emit(ctx, told); err != nil {
		return true, err
	}
	for _, besides := range w.Besides {
		if err := t.emit(ctx, string(besides)); err != nil {
			return true, err
		}
	}
	return true, nil
}

// tell writes an event for the outbox. One that could never be published is refused together with what it tells.
func tell(event *engine.Event) (string, error) {
	if event == nil {
		return "", nil
	}
	written, err := event.MarshalJSON()
	if err == nil && len(written) > engine.MaxEventBytes {
		err = fmt.Errorf("its event would have %d bytes; at most %d are taken", len(written), engine.MaxEventBytes)
	}
	if err != nil {
		return "", engine.Permanent(err)
	}
	return string(written), nil
}

func tellAll(events []*engine.Event) ([]string, error) {
	told := make([]string, 0, len(events))
	for _, event := range events {
		written, err := tell(event)
		if err != nil {
			return nil, err
		}
		told = append(told, written)
	}
	return told, nil
}

func (t *tx) applied(ctx context.Context, event engine.ID) (bool, error) {
	var done bool
	const query = "SELECT EXISTS (SELECT 1 FROM writes WHERE event_id = ?)"
	err := t.get(ctx, query, []any{ident(event)}, []any{&done})
	return done, err
}

// claims checks that no other record has the values a write gives to unique fields, and returns what takes them and
// gives up those it replaces. An empty value may be had by many.
func (t *tx) claims(ctx context.Context, w engine.Write, before engine.Record) ([]call, error) {
	var claims []call
	for _, field := range w.Unique {
		value, err := keyText(w.Patch.Set[field])
		if err != nil {
			return nil, err
		}
		old, err := keyText(before.Fields[field])
		if err != nil {
			return nil, err
		}
		if old != value {
			const leave = "DELETE FROM record_keys WHERE module = ? AND field = ? AND value = ? AND id = ?"
			claims = append(claims, call{leave, []any{w.Ref.Module, field, old, w.Ref.ID}})
		}
		if value == "" {
			continue
		}
		holder := w.Ref.ID
		const look = "SELECT id FROM record_keys WHERE module = ? AND field = ? AND value = ?"
		err = t.get(ctx, look, []any{w.Ref.Module, field, value}, []any{&holder})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if holder != w.Ref.ID {
			return nil, fmt.Errorf("field %s: %w", field, engine.ErrTaken)
		}
		const take = "INSERT INTO record_keys (module, field, value, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
		claims = append(claims, call{take, []any{w.Ref.Module, field, value, w.Ref.ID}})
	}
	return claims, nil
}

// keyText is a value as unique fields compare it: text and numbers as written, anything else as JSON.
func keyText(v any) (string, error) {
	if plain := (engine.Fields{"": v}).Text(""); plain != "" || v == nil || v == "" {
		return plain, nil
	}
	return text(v)
}
