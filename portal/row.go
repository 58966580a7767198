package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"postern/engine"
)

// newRow is a record with the fields that were asked for, all of which may be read.
func newRow(v Viewer, access *engine.Access, record engine.Record, fields []string) Row {
	open := v.mayChange(access, record)
	row := Row{
		Ref: engine.Ref{Module: access.Module.Name, ID: record.ID}, Fields: make(engine.Fields, len(fields)),
		ETag: etag(access, record), Update: open && len(access.Update) > 0, Delete: open && access.Delete,
	}
	row.Title, _ = titleOf(access, record)
	for _, name := range fields {
		row.Fields[name] = record.Fields[name]
	}
	return row
}

// titleOf names a record to people by what the viewer may read of it; its id, and false, if that is nothing.
func titleOf(access *engine.Access, record engine.Record) (string, bool) {
	open := engine.Record{Ref: record.Ref, Fields: engine.Fields{}}
	for _, name := range access.Module.Title {
		if slices.Contains(access.Read, name) {
			open.Fields[name] = record.Fields[name]
		}
	}
	title := access.Module.TitleOf(open)
	return title, title != record.ID
}

// etag names the state of what the viewer may read of a record: a change of what is hidden does not show.
func etag(access *engine.Access, record engine.Record) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q", record.Ref.String())
	for _, name := range slices.Sorted(slices.Values(access.Read)) {
		value, plain := engine.PlainText(record.Fields[name])
		if !plain {
			written, _ := json.Marshal(record.Fields[name]) // a plain value can be written
			value = string(written)
		}
		_, _ = fmt.Fprintf(h, "%q%q", name, value)
	}
	return `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
}

// addTitles names what the references of rows lead to, as far as the viewer may see those records themselves.
func (d *Desk) addTitles(ctx context.Context, v Viewer, access *engine.Access, rows []Row) error {
	asked := map[string][]string{} // ids by module
	for _, row := range rows {
		for name := range row.Fields {
			field, id := access.Module.Fields[name], row.Fields.Text(name)
			if field == nil || field.Type != engine.TypeReference || id == "" {
				continue
			}
			for _, module := range field.To {
				if v.Access(module) != nil && !slices.Contains(asked[module], id) {
					asked[module] = append(asked[module], id)
				}
			}
		}
	}
	titles := map[engine.Ref]string{}
	for module, ids := range asked {
		if err := d.titlesOf(ctx, v, v.Access(module), ids, titles); err != nil {
			return err
		}
	}
	for i := range rows {
		rows[i].Titles = rowTitles(access, rows[i], titles)
	}
	return nil
}

// titlesOf reads the titles of records of one module.
func (d *Desk) titlesOf(
	ctx context.Context, v Viewer, access *engine.Access, ids []string, titles map[engine.Ref]string,
) error {
	for some := range slices.Chunk(ids, MaxValues) {
		among := engine.Predicate{Op: engine.OpIn, Path: "id"}
		for _, id := range some {
			among.Values = append(among.Values, engine.Operand{Value: id})
		}
		found, err := d.search(ctx, v, engine.Search{
			Module: access.Module, Modules: v.Portal.Modules, Where: v.rows(access).Both(among), Limit: len(some),
		})
		if err != nil {
			return d.unavailable("read titles", access.Module.Name, err)
		}
		for _, record := range found.Records {
			if title, ok := titleOf(access, record); ok {
				titles[engine.Ref{Module: access.Module.Name, ID: record.ID}] = title
			}
		}
	}
	return nil
}

// rowTitles are the titles of what the references of a row lead to, by field.
func rowTitles(access *engine.Access, row Row, titles map[engine.Ref]string) map[string]string {
	found := map[string]string{}
	for name := range row.Fields {
		field := access.Module.Fields[name]
		if field == nil || field.Type != engine.TypeReference {
			continue
		}
		for _, module := range field.To {
			if title, ok := titles[engine.Ref{Module: module, ID: row.Fields.Text(name)}]; ok {
				found[name] = title
				break
			}
		}
	}
	return found
}
