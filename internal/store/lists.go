package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"postern/engine"
)

// listLook is how many records of a module one page looks at, at most, where no index finds them: about 0.1 s.
const listLook = 20_000

// place is a field of a module, as queries name it.
type place struct{ module, field string }

// checked refuses names that do not fit into the path of a JSON value.
func (p place) checked() error {
	if strings.ContainsAny(p.field, "\"\\\x00") || strings.Contains(p.module, "\x00") {
		return engine.Permanent(fmt.Errorf("%q is no name of a field", p.field))
	}
	return nil
}

// path is where the field stands in the JSON of a record.
func (p place) path() string { return `$."` + p.field + `"` }

// index is the name of the index by the field's values.
func (p place) index() string { return "records of " + p.module + " by " + p.field }

// foldedIndex is the name of that by its values without case.
func (p place) foldedIndex() string { return p.index() + " without case" }

// quoted is a text as a literal of SQL.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// valueAt is the single value of a field as text, numbers as they were written; NULL for any other. It stands in
// queries with a parameter for the path, and in an index and the queries that use it with the path itself.
func valueAt(path string) string { return valueIn("fields", path) }

// valueOf is that of a row by its name, with the path itself.
func valueOf(row string, at place) string { return valueIn(row+".fields", quoted(at.path())) }

func valueIn(fields, path string) string {
	return `CASE json_type(` + fields + `, ` + path + `) WHEN 'text' THEN ` + fields + ` ->> ` + path +
		` WHEN 'null' THEN NULL WHEN 'array' THEN NULL WHEN 'object' THEN NULL ELSE ` + fields + ` -> ` + path + ` END`
}

// foldOf is the single value of a field without its case, as text.
func foldOf(fields string, at place) string {
	return "postern_fold(" + fields + " -> " + quoted(at.path()) + ")"
}

const listColumns = `SELECT id, fields, written, version, seq FROM records `

// The queries of lists. An index is used by those alone that name module and field as it does.
var (
	listAll = listColumns + `WHERE module = ?1 AND deleted = 0 AND id > ?4 ORDER BY id LIMIT ?5`

	listMatching = listColumns + `WHERE module = ?1 AND deleted = 0 AND id > ?4 AND (?6 = '' OR id <= ?6)
		AND ` + valueAt("?2") + ` = ?3 ORDER BY id LIMIT ?5`
)

func (p place) listIndexed() string {
	return listColumns + `WHERE module = ` + quoted(p.module) + ` AND deleted = 0
		AND ` + valueAt(quoted(p.path())) + ` = ?3 AND id > ?4 ORDER BY id LIMIT ?5`
}

// Index implements engine.RecordStore.
func (s *Store) Index(ctx context.Context, module, field string) error {
	at := place{module, field}
	if err := at.checked(); err != nil {
		return fmt.Errorf("index %s by %s: %w", module, field, err)
	}
	if err := s.index(ctx, at.index(), module, valueAt(quoted(at.path()))); err != nil {
		return fmt.Errorf("index %s by %s: %w", module, field, err)
	}
	return nil
}

// IndexFolded implements engine.RecordStore. Programs that do not know our functions can read a database with such an
// index, but not write records to it.
func (s *Store) IndexFolded(ctx context.Context, module, field string) error {
	at := place{module, field}
	err := at.checked()
	if err == nil {
		err = s.index(ctx, at.foldedIndex(), module, foldOf("fields", at))
	}
	if err != nil {
		return fmt.Errorf("index %s by %s without case: %w", module, field, err)
	}
	return nil
}

// Indexed implements engine.Indexes, by what is in the database and not by what this process has asked for.
func (s *Store) Indexed(ctx context.Context, module, field string, folded bool) (bool, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	name := place{module, field}.index()
	if folded {
		name = place{module, field}.foldedIndex()
	}
	var there bool
	const query = `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?)`
	if err := s.reads.get(ctx, query, []any{name}, []any{&there}); err != nil {
		return false, fmt.Errorf("look for the index of %s by %s: %w", module, field, err)
	}
	return there, nil
}

// index makes an index of the records of a module that are there, if there is none of that name.
func (s *Store) index(ctx context.Context, name, module, value string) error {
	if s.reads.hasIndex(name) {
		return nil
	}
	make := `CREATE INDEX IF NOT EXISTS "` + strings.ReplaceAll(name, `"`, `""`) + `" ON records (` + value + `, id)
		WHERE module = ` + quoted(module) + ` AND deleted = 0`
	err := s.writer.steadily(ctx, func(ctx context.Context, tx *tx) error { return tx.run(ctx, call{make, nil}) })
	if err != nil {
		return err
	}
	s.reads.indexed.Store(name, true)
	s.writer.statements.indexed.Store(name, true)
	return nil
}

func (s *statements) hasIndex(name string) bool {
	_, there := s.indexed.Load(name)
	return there
}

// List implements engine.RecordStore.
func (s *Store) List(ctx context.Context, l engine.Listing) (engine.Page, error) {
	ctx, cancel := s.read(ctx)
	defer cancel()
	page, err := s.list(ctx, l)
	if err != nil {
		return engine.Page{}, fmt.Errorf("list records of %s: %w", l.Module, err)
	}
	return page, nil
}

func (s *Store) list(ctx context.Context, l engine.Listing) (engine.Page, error) {
	at := place{l.Module, l.Field}
	value, _ := engine.PlainText(l.Value)
	if l.Field != "" && value == "" {
		return engine.Page{}, nil
	}
	if err := at.checked(); err != nil {
		return engine.Page{}, err
	}
	query, border, args := listAll, "", []any{l.Module, at.path(), value, l.After, l.Limit + 1}
	if s.reads.hasIndex(at.index()) {
		query = at.listIndexed()
	} else if l.Field != "" {
		var err error
		if border, err = s.reads.border(ctx, l); err != nil {
			return engine.Page{}, err
		}
		query, args = listMatching, append(args, border)
	}
	records, err := s.reads.records(ctx, l.Module, query, args)
	if err != nil {
		return engine.Page{}, err
	}
	if len(records) > l.Limit {
		return engine.Page{Records: records[:l.Limit], Next: records[l.Limit-1].ID}, nil
	}
	return engine.Page{Records: records, Next: border}, nil
}

// border is the id of the last record that a page without an index looks at; "" if the module ends before.
func (s *statements) border(ctx context.Context, l engine.Listing) (string, error) {
	var id string
	const query = "SELECT id FROM records WHERE module = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?"
	err := s.get(ctx, query, []any{l.Module, l.After, listLook - 1}, []any{&id})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// records reads rows of listColumns.
func (s *statements) records(ctx context.Context, module, query string, args []any) ([]engine.Record, error) {
	var found []engine.Record
	err := s.each(ctx, query, args, func(row scan) error {
		record := engine.Record{Ref: engine.Ref{Module: module}}
		err := row(&record.ID, document{&record.Fields}, document{&record.Written}, &record.Version, &record.Seq)
		found = append(found, record)
		return err
	})
	return found, err
}
