// Package crm holds the ways to where the records live.
package crm

import (
	"context"
	"errors"
	"fmt"

	"postern/engine"
)

// Mirror is the CRM that needs no connection: the kept copies, which the event stream feeds, are the records.
type Mirror struct{ records engine.RecordStore }

var (
	_ engine.CRM      = (*Mirror)(nil)
	_ engine.Searcher = (*Mirror)(nil)
)

// NewMirror returns the kept records as a CRM.
func NewMirror(records engine.RecordStore) *Mirror { return &Mirror{records: records} }

// Traits say that the records are in Postern's own store, which tells their changes.
func (m *Mirror) Traits() engine.Traits { return engine.Traits{Local: true} }

// Get reads kept records.
func (m *Mirror) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	return m.records.Records(ctx, refs)
}

// Update writes a kept record; the change goes to the CRM, and to everyone who listens, as the write's event. What the
// record itself refuses is permanent, anything else worth another try.
func (m *Mirror) Update(ctx context.Context, write engine.Write) error {
	return final(m.records.Write(ctx, write))
}

// Create makes a kept record, whose id is the text of its event's id: a mirror has no numbering of its own.
func (m *Mirror) Create(ctx context.Context, create engine.Create) (engine.Record, error) {
	record, err := m.records.Create(ctx, create)
	return record, final(err)
}

// Delete marks a kept record as deleted.
func (m *Mirror) Delete(ctx context.Context, d engine.Delete) (engine.Record, error) {
	record, err := m.records.Delete(ctx, d)
	return record, final(err)
}

// Relate joins or parts two kept records.
func (m *Mirror) Relate(ctx context.Context, r engine.Relate) (bool, error) {
	changed, err := m.records.Relate(ctx, r)
	return changed, final(err)
}

// Find looks for kept records; see engine.RecordStore for what it costs.
func (m *Mirror) Find(ctx context.Context, module, field string, value any, limit int) ([]engine.Record, error) {
	text, err := findable(value, limit)
	if err != nil || text == "" {
		return nil, err
	}
	return m.records.Find(ctx, module, field, text, limit)
}

// List reads a page of kept records; see engine.RecordStore for what it costs. Ids are in the order of their bytes.
func (m *Mirror) List(ctx context.Context, listing engine.Listing) (engine.Page, error) {
	if err := listable(listing); err != nil {
		return engine.Page{}, err
	}
	return m.records.List(ctx, listing)
}

// Search asks the kept records; see engine.RecordStore for what it costs. Ids are in the order of their bytes.
func (m *Mirror) Search(ctx context.Context, search engine.Search) (engine.Found, error) {
	return m.records.Search(ctx, search)
}

// listable refuses what no list can give.
func listable(l engine.Listing) error {
	if l.Limit < 1 || l.Limit > engine.MaxListed {
		return engine.Permanent(fmt.Errorf("list at most %d records: between 1 and %d can be asked for",
			l.Limit, engine.MaxListed))
	}
	if _, plain := engine.PlainText(l.Value); !plain {
		return engine.Permanent(fmt.Errorf("list by a value of type %T: only a single value can be found", l.Value))
	}
	return nil
}

// findable is the value of a Find as text; "" finds nothing.
func findable(value any, limit int) (string, error) {
	if limit < 1 || limit > engine.MaxFound {
		return "", engine.Permanent(fmt.Errorf("find at most %d records: between 1 and %d can be asked for",
			limit, engine.MaxFound))
	}
	text, plain := engine.PlainText(value)
	if !plain {
		return "", engine.Permanent(fmt.Errorf("find by a value of type %T: only a single value can be found", value))
	}
	return text, nil
}

// final marks what a record itself refuses as permanent.
func final(err error) error {
	for _, refusal := range []error{engine.ErrNoRecord, engine.ErrConflict, engine.ErrTaken} {
		if errors.Is(err, refusal) {
			return engine.Permanent(err)
		}
	}
	return err
}
