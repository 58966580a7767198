package portal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"postern/engine"
	"postern/internal/turns"
	"postern/internal/upload"
)

// Records is what pages, REST API and façade ask of the [Desk]. Errors are those of this package: ErrForbidden,
// ErrNotFound, ErrConflict, ErrFresh, ErrUnavailable, *BusyError, *Refusal and *Throttled.
type Records interface {
	// Modules are those that the viewer's role has access to, in the order of the portal's file.
	Modules(v Viewer) []ModuleView
	// List answers a question with a page of records.
	List(ctx context.Context, v Viewer, q Question) (Listing, error)
	// Count tells how many records a question is for.
	Count(ctx context.Context, v Viewer, q Question) (int, error)
	// Get reads a record.
	Get(ctx context.Context, v Viewer, ref engine.Ref) (Row, error)
	// Related lists the records of another module that belong to one; q.Module is that other module.
	Related(ctx context.Context, v Viewer, of engine.Ref, q Question) (Listing, error)
	// Targets lists the records of another module, q.Module, that a reference of a record may lead to: those that the
	// viewer sees, less those by which the record would not be theirs. Made tells a record that is being made from one
	// that is being changed.
	Targets(ctx context.Context, v Viewer, module, field string, made bool, q Question) (Listing, error)
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
	// Vouch is what to set the field to for a file that a form brought: its Arrival is staged by the same intake.
	Vouch(v Viewer, module, field string, file engine.File) (value string, err error)
	// Quota bounds what the viewer sends by a form, as it does what Stage takes in; it fails with *Throttled.
	Quota(v Viewer) upload.Quota
	// File opens the file of a field that the viewer may read.
	File(ctx context.Context, v Viewer, ref engine.Ref, field string) (engine.File, io.Reader, error)
}

// CRM is where the records are, which it must be able to search.
type CRM interface {
	engine.CRM
	engine.Searcher
}

// DeskConfig is what a desk works with.
type DeskConfig struct {
	CRM    CRM
	Store  DeskStore
	Sealer engine.Sealer  // of cursors and staged files
	Intake *upload.Intake // of files
	Files  upload.Files
	Clock  engine.Clock
	Random io.Reader
	Logger *slog.Logger
	Base   string // what the addresses of portals begin with: https://go.acme.example

	// Searches is how many questions are put to the CRM at once; DefaultSearches for 0. One subject has half of them.
	Searches int
}

// Desk is the one place through which records leave a portal and are changed. What the access of the viewer's role
// does not give, it neither shows nor takes: the rows of the access are held besides whatever is asked, in the same
// query, and a field that is hidden can be neither filtered nor sorted by.
type Desk struct {
	with     DeskConfig
	searches *turns.Turns
}

var _ Records = (*Desk)(nil)

// NewDesk returns a desk.
func NewDesk(with DeskConfig) *Desk { return &Desk{with: with, searches: newSearches(with.Searches)} }

// Modules implements Records.
func (d *Desk) Modules(v Viewer) []ModuleView {
	views := make([]ModuleView, 0, len(v.Role.Modules))
	for _, name := range v.Role.Names() {
		access := v.Role.Modules[name]
		views = append(views, ModuleView{Module: access.Module, Access: access})
	}
	return views
}

// List implements Records.
func (d *Desk) List(ctx context.Context, v Viewer, q Question) (Listing, error) {
	access := v.Access(q.Module)
	if access == nil {
		return Listing{}, ErrForbidden
	}
	return d.list(ctx, v, access, q, engine.Predicate{})
}

// Count implements Records.
func (d *Desk) Count(ctx context.Context, v Viewer, q Question) (int, error) {
	access := v.Access(q.Module)
	if access == nil {
		return 0, ErrForbidden
	}
	q.Total, q.Order, q.After, q.Offset = true, nil, "", 0
	search, err := d.searchFor(v, access, q, engine.Predicate{})
	if err != nil {
		return 0, err
	}
	search.Limit = 0
	found, err := d.search(ctx, v, search)
	switch {
	case err != nil:
		return 0, d.unanswered("count", q.Module, err)
	case found.Uncounted:
		return 0, malformed(CodeWide, "")
	}
	return found.Total, nil
}

// Get implements Records.
func (d *Desk) Get(ctx context.Context, v Viewer, ref engine.Ref) (Row, error) {
	access := v.Access(ref.Module)
	if access == nil {
		return Row{}, ErrForbidden
	}
	record, err := d.find(ctx, v, access, ref.ID)
	if err != nil {
		return Row{}, err
	}
	return d.rowOf(ctx, v, access, record)
}

// rowOf is one record as the viewer may see it.
func (d *Desk) rowOf(ctx context.Context, v Viewer, access *engine.Access, record engine.Record) (Row, error) {
	rows := []Row{newRow(v, access, record, access.Read)}
	if err := d.addTitles(ctx, v, access, rows); err != nil {
		return Row{}, err
	}
	return rows[0], nil
}

// Related implements Records. Both ends must be the viewer's: the record, and each one of the list.
func (d *Desk) Related(ctx context.Context, v Viewer, of engine.Ref, q Question) (Listing, error) {
	from, access := v.Access(of.Module), v.Access(q.Module)
	if from == nil || access == nil {
		return Listing{}, ErrForbidden
	}
	at := slices.IndexFunc(from.Related, func(r engine.Relative) bool { return r.Module == q.Module })
	if at < 0 {
		return Listing{}, ErrForbidden
	}
	if _, err := d.find(ctx, v, from, of.ID); err != nil {
		return Listing{}, err
	}
	belongs := engine.Predicate{Op: engine.OpEqual, Path: from.Related[at].By}
	if belongs.Path == "" {
		belongs.Op, belongs.Module = engine.OpRelated, of.Module
	}
	belongs.Values = []engine.Operand{{Value: of.ID}}
	return d.list(ctx, v, access, q, belongs)
}

// list answers a question about records of which also another predicate must hold.
func (d *Desk) list(
	ctx context.Context, v Viewer, access *engine.Access, q Question, besides engine.Predicate,
) (Listing, error) {
	fields, err := shown(access, q.Fields)
	if err != nil {
		return Listing{}, err
	}
	search, err := d.searchFor(v, access, q, besides)
	if err != nil {
		return Listing{}, err
	}
	found, err := d.search(ctx, v, search)
	if err != nil {
		return Listing{}, d.unanswered("list", q.Module, err)
	}
	listing := Listing{
		Rows: make([]Row, 0, len(found.Records)), Total: found.Total, Uncounted: found.Uncounted,
	}
	for _, record := range found.Records {
		listing.Rows = append(listing.Rows, newRow(v, access, record, fields))
	}
	if err := d.addTitles(ctx, v, access, listing.Rows); err != nil {
		return Listing{}, err
	}
	listing.Next, err = d.sealCursor(v, q.Module, found.Next)
	return listing, err
}

// find reads one record that is the viewer's. What is not is not there.
func (d *Desk) find(ctx context.Context, v Viewer, access *engine.Access, id string) (engine.Record, error) {
	if id == "" || len(id) > maxID {
		return engine.Record{}, ErrNotFound
	}
	one := engine.Predicate{Op: engine.OpEqual, Path: "id", Values: []engine.Operand{{Value: id}}}
	found, err := d.search(ctx, v, engine.Search{
		Module: access.Module, Modules: v.Portal.Modules, Where: v.rows(access).Both(one), Limit: 1,
	})
	switch {
	case err != nil:
		return engine.Record{}, d.unavailable("read", access.Module.Name, err)
	case len(found.Records) == 0 || found.Records[0].ID != id:
		return engine.Record{}, ErrNotFound
	}
	return found.Records[0], nil
}

// maxID is how long the id of a record may be.
const maxID = 255

// rows is which records of a module are the viewer's.
func (v Viewer) rows(access *engine.Access) engine.Predicate {
	return access.Rows.Bind(v.Me, v.Now, v.zone())
}

// mayChange tells whether a record of the viewer's is one that may be changed and deleted now, where the access lets
// them do that at all.
func (v Viewer) mayChange(access *engine.Access, record engine.Record) bool {
	if access.While.IsEverything() {
		return true
	}
	row := engine.Row{Record: record, Modules: v.Portal.Modules}
	return access.While.Bind(v.Me, v.Now, v.zone()).Holds(row)
}

func (v Viewer) zone() *time.Location {
	if v.Portal.Subject.Zone == nil {
		return time.UTC
	}
	return v.Portal.Subject.Zone
}

// unanswered is why the CRM did not answer a question.
func (d *Desk) unanswered(doing, module string, cause error) error {
	switch {
	case errors.Is(cause, engine.ErrTooWide):
		return malformed(CodeWide, "")
	case errors.Is(cause, engine.ErrNoPlace):
		return malformed(CodeQuestion, "").about(PartAfter, "")
	case engine.IsPermanent(cause):
		return malformed(CodeQuestion, "")
	}
	return d.unavailable(doing, module, cause)
}

// unavailable is an error of the CRM as the viewer gets it; the log has the cause.
func (d *Desk) unavailable(doing, module string, cause error) error {
	if _, busy := errors.AsType[*BusyError](cause); busy || errors.Is(cause, context.Canceled) {
		return cause
	}
	d.with.Logger.Error("a portal cannot reach records", "doing", doing, "module", module, "error", cause)
	return fmt.Errorf("%w: %s %s: %w", ErrUnavailable, doing, module, cause)
}
