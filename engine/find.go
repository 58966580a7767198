package engine

import (
	"context"
	"maps"
	"slices"
)

// Find reads the first record of a module, by id, whose field has a value, as the run leaves it; nil if there is
// none.
func (s *StepContext) Find(ctx context.Context, module, field string, value any) (*Record, error) {
	for _, ask := range s.asks.changes { // what the run asked for before may not be stored yet
		switch {
		case ask.Create != nil && ask.Create.Module == module:
			record, _ := ask.Create.Make(ask.Create.EventID.String())
			if record = s.asks.over(record); Same(record.Fields[field], value) && !s.asks.delete(record.Ref) {
				return &record, nil
			}
		case ask.Write != nil && ask.Write.Ref.Module == module && Same(ask.Write.Patch.Set[field], value):
			record, err := s.read(ctx, ask.Write.Ref)
			if record = s.asks.over(record); err != nil || Same(record.Fields[field], value) {
				return &record, err
			}
		}
	}
	listing := Listing{Module: module, Field: field, Value: value, Limit: 2}
	for {
		page, err := s.list(ctx, listing)
		if err != nil {
			return nil, err
		}
		for _, record := range page.Records {
			if record = s.asks.over(record); Same(record.Fields[field], value) && !s.asks.delete(record.Ref) {
				return &record, nil
			}
		}
		if listing.After = page.Next; page.Next == "" {
			return nil, nil
		}
	}
}

// unstored are records as the run leaves them: with what it asked to be made, written and deleted.
func (a *asks) unstored(refs []Ref, records []Record) []Record {
	if a == nil || len(a.changes) == 0 {
		return records
	}
	for _, ask := range a.changes {
		if ask.Create == nil {
			continue
		}
		if made, _ := ask.Create.Make(ask.Create.EventID.String()); slices.Contains(refs, made.Ref) {
			records = append(records, made)
		}
	}
	var left []Record
	for _, record := range records {
		if !a.delete(record.Ref) {
			left = append(left, a.over(record))
		}
	}
	return left
}

// over is a record with what was asked to be written to it.
func (a *asks) over(record Record) Record {
	fields := maps.Clone(record.Fields)
	for _, ask := range a.changes {
		if ask.Write != nil && ask.Write.Ref == record.Ref {
			maps.Copy(fields, ask.Write.Patch.Set)
		}
	}
	record.Fields = fields
	return record
}

// list reads a page of a list; one by a field of our own records goes by an index, which is made the first time.
func (e *Engine) list(ctx context.Context, listing Listing) (Page, error) {
	if e.CRM.Traits().Local && listing.Field != "" {
		if err := e.Store.Index(ctx, listing.Module, listing.Field); err != nil {
			return Page{}, err
		}
	}
	return e.CRM.List(ctx, listing)
}
