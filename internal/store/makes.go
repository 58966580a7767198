package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postern/engine"
)

// Create implements engine.RecordStore. The record's id is the text of its event's id.
func (s *Store) Create(ctx context.Context, c engine.Create) (engine.Record, error) {
	var record engine.Record
	err := s.writer.urgently(ctx, func(ctx context.Context, tx *tx) error {
		var err error
		record, err = tx.create(ctx, c)
		return err
	})
	if err != nil {
		return engine.Record{}, fmt.Errorf("create a record of %s: %w", c.Module, err)
	}
	return record, nil
}

func (t *tx) create(ctx context.Context, c engine.Create) (engine.Record, error) {
	made, err := t.made(ctx, c)
	if err != nil || made.Fields != nil {
		return made, err
	}
	if err := t.unmatched(ctx, c); err != nil {
		return engine.Record{}, err
	}
	record, event := c.Make(c.EventID.String())
	told, err := tell(event)
	if err != nil {
		return engine.Record{}, err
	}
	if err := t.storeRecord(ctx, record, c.At); err != nil {
		return engine.Record{}, err
	}
	calls := []call{remember(c.Origin)}
	if c.KeyField != "" && c.Key != "" {
		const take = `INSERT INTO record_keys (module, field, value, id) VALUES (?, ?, ?, ?)
			ON CONFLICT (module, field, value) DO UPDATE SET id = excluded.id`
		calls = append(calls, call{take, []any{c.Module, c.KeyField, c.Key, record.ID}})
	}
	if err := t.run(ctx, calls...); err != nil {
		return engine.Record{}, err
	}
	return record, t.emit(ctx, told)
}

// unmatched refuses a create whose match another record has.
func (t *tx) unmatched(ctx context.Context, c engine.Create) error {
	if c.Match == "" {
		return nil
	}
	value, _ := engine.PlainText(c.Fields[c.Match])
	found, err := t.find(ctx, place{c.Module, c.Match}, value, 1)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("field %s: %w", c.Match, engine.ErrConflict)
	}
	return err
}

// made is the record that a create made before, by its event or its key; one without fields if there is none.
func (t *tx) made(ctx context.Context, c engine.Create) (engine.Record, error) {
	done, err := t.applied(ctx, c.EventID)
	if err != nil {
		return engine.Record{}, err
	}
	record, err := t.keyed(ctx, c.Module, c.KeyField, c.Key)
	if err != nil || record.Fields != nil || !done {
		return record, err
	}
	record, err = t.record(ctx, engine.Ref{Module: c.Module, ID: c.EventID.String()})
	if err == nil && (record.Fields == nil || record.Deleted) {
		err = engine.ErrNoRecord
	}
	return record, err
}

// keyed is the record that has a value in a unique field which Postern wrote; one without fields if there is none.
func (s *statements) keyed(ctx context.Context, module, field, value string) (engine.Record, error) {
	if field == "" || value == "" {
		return engine.Record{}, nil
	}
	ref := engine.Ref{Module: module}
	const look = "SELECT id FROM record_keys WHERE module = ? AND field = ? AND value = ?"
	err := s.get(ctx, look, []any{module, field, value}, []any{&ref.ID})
	if errors.Is(err, sql.ErrNoRows) {
		return engine.Record{}, nil
	}
	if err != nil {
		return engine.Record{}, err
	}
	record, err := s.record(ctx, ref)
	if err != nil || record.Deleted || record.Fields.Text(field) != value { // the stream may have changed it since
		return engine.Record{}, err
	}
	return record, nil
}

// Find implements engine.RecordStore.
func (s *Store) Find(ctx context.Context, module, field, value string, limit int) ([]engine.Record, error) {
	if value == "" {
		return nil, nil
	}
	ctx, cancel := s.read(ctx)
	defer cancel()
	found, err := s.reads.find(ctx, place{module, field}, value, limit)
	if err != nil {
		return nil, fmt.Errorf("find records of %s by %s: %w", module, field, err)
	}
	return found, nil
}

func (s *statements) find(ctx context.Context, at place, value string, limit int) ([]engine.Record, error) {
	if err := at.checked(); err != nil {
		return nil, err
	}
	record, err := s.keyed(ctx, at.module, at.field, value)
	switch {
	case err != nil:
		return nil, err
	case record.Fields != nil:
		return []engine.Record{record}, nil
	}
	args := []any{at.module, at.path(), value, "", limit}
	if s.hasIndex(at.index()) {
		return s.records(ctx, at.module, at.listIndexed(), args)
	}
	return s.records(ctx, at.module, listMatching, append(args, ""))
}
