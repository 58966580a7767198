package portal

import (
	"context"
	"io"

	"postern/engine"
)

// Records is what pages, REST API and façade ask of the [Desk]. Errors are those of this package: ErrForbidden,
// ErrNotFound, ErrConflict, ErrFresh, ErrUnavailable, *Refusal and *Throttled.
type Records interface {
	// Modules are those that the viewer's role has access to, by name.
	Modules(v Viewer) []ModuleView
	// List answers a question with a page of records.
	List(ctx context.Context, v Viewer, q Question) (Listing, error)
	// Count tells how many records a question is for.
	Count(ctx context.Context, v Viewer, q Question) (int, error)
	// Get reads a record.
	Get(ctx context.Context, v Viewer, ref engine.Ref) (Row, error)
	// Related lists the records of another module that belong to one; q.Module is that other module.
	Related(ctx context.Context, v Viewer, of engine.Ref, q Question) (Listing, error)
	// Create makes a record of plain values as JSON has them. The same key of the same subject makes it once; "" for
	// none. A file field takes what Stage returned.
	Create(ctx context.Context, v Viewer, module string, set engine.Fields, key string) (Done, error)
	// Update changes the fields of set and no others, if the record is still the one with the ETag; "" for any.
	Update(ctx context.Context, v Viewer, ref engine.Ref, set engine.Fields, etag string) (Done, error)
	// Delete removes a record, if it is still the one with the ETag; "" for any.
	Delete(ctx context.Context, v Viewer, ref engine.Ref, etag string) (Done, error)
	// Stage takes in the content of a file for a field that the viewer may change or give. What it returns is the
	// value to set: sealed, for this viewer and field alone, for a day.
	Stage(ctx context.Context, v Viewer, module, field, name string, content io.Reader) (Staged, error)
	// File opens the file of a field that the viewer may read.
	File(ctx context.Context, v Viewer, ref engine.Ref, field string) (engine.File, io.Reader, error)
}

// Staged is a file that was taken in and belongs to no record yet.
type Staged struct {
	Value string // to set its field to
	File  engine.File
}
