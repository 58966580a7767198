// Package crm holds the ways to where the records live.
package crm

import (
	"context"
	"errors"

	"postern/engine"
)

// Mirror is the CRM that needs no connection: the kept copies, which the event stream feeds, are the records.
type Mirror struct{ records engine.RecordStore }

var _ engine.CRM = (*Mirror)(nil)

// NewMirror returns the kept records as a CRM.
func NewMirror(records engine.RecordStore) *Mirror { return &Mirror{records: records} }

// Get reads kept records.
func (m *Mirror) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	return m.records.Records(ctx, refs)
}

// Update writes a kept record; the change goes to the CRM, and to everyone who listens, as the write's event. What the
// record itself refuses is permanent, anything else worth another try.
func (m *Mirror) Update(ctx context.Context, write engine.Write) error {
	err := m.records.Write(ctx, write)
	for _, refusal := range []error{engine.ErrNoRecord, engine.ErrConflict, engine.ErrTaken} {
		if errors.Is(err, refusal) {
			return engine.Permanent(err)
		}
	}
	return err
}
