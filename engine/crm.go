package engine

import "context"

// CRM is where the records live.
type CRM interface {
	// Get reads records; those that are not there are left out. The order is not promised.
	Get(ctx context.Context, refs ...Ref) ([]Record, error)
	// Update applies a write outside of a run; those of runs commit with them while the records live in
	// Postern's own store. It applies a write once: the same EventID again changes nothing. It fails with ErrNoRecord,
	// ErrConflict or ErrTaken, each Permanent.
	Update(ctx context.Context, write Write) error
}
