package portal

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/engine"
)

// Limits of what a subject may change, for each portal.
const (
	changesPerMinute = 60
	changesPerDay    = 5000
)

// changeWait is how long a request waits for another CRM; what is not over by then goes on without it.
const (
	changeWait  = 5 * time.Second
	changeLook  = 100 * time.Millisecond
	maxKeyBytes = 255
)

// Create implements Records.
func (d *Desk) Create(ctx context.Context, v Viewer, module string, set engine.Fields, key string) (Done, error) {
	access := v.Access(module)
	if access == nil || access.Create == nil {
		return Done{}, ErrForbidden
	}
	if err := d.admit(ctx, v); err != nil {
		return Done{}, err
	}
	if len(key) > maxKeyBytes {
		return Done{}, malformed(CodeKey, "").about(PartKey, "")
	}
	ref := engine.Ref{Module: module}
	w, err := d.made(v, access, set)
	if err != nil {
		return Done{}, d.refused(ctx, v, ref, set, err)
	}
	change, err := d.creation(v, access, w, key)
	if err != nil {
		return Done{}, err
	}
	err = d.staysTheirs(ctx, v, access, engine.Record{Ref: ref, Fields: w.set}, w.set)
	if err == nil {
		err = d.namesTheirs(ctx, v, access, ref, w)
	}
	if err != nil {
		return d.again(ctx, v, access, change, w, err)
	}
	return d.commit(ctx, v, access, change, w)
}

// creation is the change that makes a new record.
func (d *Desk) creation(v Viewer, access *engine.Access, w *wishes, key string) (Change, error) {
	change, err := d.newChange(v)
	if err != nil {
		return Change{}, err
	}
	change.Create = &engine.Create{
		Module: access.Module.Name, Fields: w.set, KeyField: access.Module.ExternalID, About: v.Ref(),
		Origin: d.origin(v, change.ID),
	}
	if change.Create.KeyField != "" { // it may be the external id of the record: nobody can guess it
		secret, err := engine.RandomID(d.with.Random)
		if err != nil {
			return Change{}, err
		}
		change.Create.Key = secret.String()
	}
	if unique := access.Module.UniqueAmong(w.set); len(unique) > 0 && w.set[unique[0]] != "" {
		change.Create.Match = unique[0]
	}
	if key != "" {
		if change.Key, change.Body, err = keyOf(v, access.Module.Name, w.asked, key); err != nil {
			return Change{}, err
		}
	}
	change.Deed = d.deed(v, engine.DeedPortalCreated, engine.Ref{Module: access.Module.Name}, w.set)
	return change, nil
}

// Update implements Records.
func (d *Desk) Update(ctx context.Context, v Viewer, ref engine.Ref, set engine.Fields, etag string) (Done, error) {
	access := v.Access(ref.Module)
	if access == nil || len(access.Update) == 0 {
		return Done{}, ErrForbidden
	}
	if err := d.admit(ctx, v); err != nil {
		return Done{}, err
	}
	record, err := d.held(ctx, v, access, ref, etag)
	if err != nil {
		return Done{}, d.refused(ctx, v, ref, set, err)
	}
	w, err := d.changed(v, access, record, set)
	if err != nil {
		return Done{}, d.refused(ctx, v, ref, set, err)
	}
	if len(w.set) == 0 {
		row, err := d.rowOf(ctx, v, access, record)
		return Done{Ref: ref, Row: &row}, err
	}
	after := record
	after.Fields = maps.Clone(record.Fields)
	maps.Copy(after.Fields, w.set)
	if err := d.staysTheirs(ctx, v, access, after, w.set); err != nil {
		return Done{}, d.refused(ctx, v, ref, set, err)
	}
	if err := d.namesTheirs(ctx, v, access, ref, w); err != nil {
		return Done{}, d.refused(ctx, v, ref, set, err)
	}
	change, err := d.newChange(v)
	if err != nil {
		return Done{}, err
	}
	change.Write = &engine.Write{
		Ref: ref, Patch: engine.Patch{Set: w.set, Expect: standing(access, record, w.set, etag != "")},
		Unique: access.Module.UniqueAmong(w.set), Origin: d.origin(v, change.ID),
	}
	if err := d.moves(v, &change, record, after); err != nil {
		return Done{}, err
	}
	change.Deed = d.deed(v, engine.DeedPortalUpdated, ref, w.set)
	return d.commit(ctx, v, access, change, w)
}

// Delete implements Records.
func (d *Desk) Delete(ctx context.Context, v Viewer, ref engine.Ref, etag string) (Done, error) {
	access := v.Access(ref.Module)
	if access == nil || !access.Delete {
		return Done{}, ErrForbidden
	}
	if err := d.admit(ctx, v); err != nil {
		return Done{}, err
	}
	record, err := d.held(ctx, v, access, ref, etag)
	if err != nil {
		return Done{}, d.refused(ctx, v, ref, nil, err)
	}
	change, err := d.newChange(v)
	if err != nil {
		return Done{}, err
	}
	change.Delete = &engine.Delete{
		Ref: ref, Expect: standing(access, record, nil, true), Origin: d.origin(v, change.ID),
	}
	change.Deed = d.deed(v, engine.DeedPortalDeleted, ref, nil)
	return d.commit(ctx, v, access, change, &wishes{})
}

// held reads a record that is to be changed, and holds it against what may be, and against the ETag.
func (d *Desk) held(
	ctx context.Context, v Viewer, access *engine.Access, ref engine.Ref, tag string,
) (engine.Record, error) {
	record, err := d.find(ctx, v, access, ref.ID)
	switch {
	case err != nil:
	case !v.mayChange(access, record):
		err = unfit(CodeSettled, "", "error."+CodeSettled)
	case tag != "" && tag != etag(access, record):
		err = ErrConflict
	}
	return record, err
}

// standing is what must still stand when a change is made: what it replaces, and what makes the record the viewer's to
// change. It is all that the viewer reads of it where they saw that and say so by an ETag, and where all of it goes.
func standing(access *engine.Access, record engine.Record, set engine.Fields, all bool) engine.Fields {
	names := slices.AppendSeq(append(access.Rows.Fields(), access.While.Fields()...), maps.Keys(set))
	if all {
		names = append(names, access.Read...)
	}
	expect := engine.Fields{}
	for _, name := range names {
		expect[name] = record.Fields[name]
	}
	return expect
}

// staysTheirs refuses a record that would not be the viewer's once it is written. set is what is written.
func (d *Desk) staysTheirs(
	ctx context.Context, v Viewer, access *engine.Access, after engine.Record, set engine.Fields,
) error {
	rows := v.rows(access)
	env := engine.Env{Ref: after.Ref, Module: access.Module, Modules: v.Portal.Modules, Record: after.Fields}
	err := engine.Trace(ctx, d.with.CRM, &env, rows.Routes())
	if err == nil { // a record may refer to itself, and is not written yet
		env.WriteRoutes(after.Ref, set)
		err = engine.Trace(ctx, d.with.CRM, &env, rows.Routes())
	}
	if err != nil {
		return d.unavailable("follow routes", access.Module.Name, err)
	}
	related, err := d.relations(ctx, v, access, after.Ref, rows.Relations())
	if err != nil {
		return err
	}
	candidate := engine.Row{Record: after, Routes: env.Routes, Modules: v.Portal.Modules, Related: related}
	if rows.Holds(candidate) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if slices.Contains(access.Rows.Fields(), name) {
			return unfit(CodeRows, readable(access, name), "error."+CodeRows)
		}
	}
	return unfit(CodeRows, "", "error."+CodeRows).about(PartSet, "")
}

// relations asks the CRM which of some records it relates a record to. A record that is not made yet has none.
func (d *Desk) relations(
	ctx context.Context, v Viewer, access *engine.Access, of engine.Ref, to []engine.Ref,
) (func(engine.Ref) bool, error) {
	related := map[engine.Ref]bool{}
	for _, far := range to {
		if of.ID == "" || related[far] {
			continue
		}
		found, err := d.search(ctx, v, engine.Search{
			Module: access.Module, Modules: v.Portal.Modules, Limit: 1, Where: engine.Predicate{Of: []engine.Predicate{
				{Op: engine.OpEqual, Path: "id", Values: []engine.Operand{{Value: of.ID}}},
				{Op: engine.OpRelated, Module: far.Module, Values: []engine.Operand{{Value: far.ID}}},
			}},
		})
		if err != nil {
			return nil, d.unavailable("read relations", access.Module.Name, err)
		}
		related[far] = len(found.Records) == 1
	}
	return func(ref engine.Ref) bool { return related[ref] }, nil
}

// admit holds a change against what a subject may change in a time.
func (d *Desk) admit(ctx context.Context, v Viewer) error {
	key := "portal:" + v.Portal.Name + ":" + v.Ref().String()
	return d.within(ctx, []engine.Limit{
		{Key: key, Most: changesPerMinute, Per: time.Minute}, {Key: key, Most: changesPerDay, Per: 24 * time.Hour},
	})
}

// within counts one more under limits; *Throttled where one is reached.
func (d *Desk) within(ctx context.Context, limits []engine.Limit) error {
	wait, err := d.with.Store.Admit(ctx, limits, d.with.Clock.Now())
	switch {
	case err != nil:
		return d.unavailable("count changes", "", err)
	case wait > 0:
		return &Throttled{Wait: wait}
	}
	return nil
}

func (d *Desk) newChange(v Viewer) (Change, error) {
	now := d.with.Clock.Now()
	id, err := engine.NewID(now, d.with.Random)
	return Change{ID: id, At: now}, err
}

// origin is where the event of a change comes from.
func (d *Desk) origin(v Viewer, change engine.ID) engine.Origin {
	return engine.Origin{
		EventID: engine.DerivedID(change, "event"), Source: engine.Source, Actor: v.Actor(), At: change.Time(),
	}
}

// deed is a change in the audit: ids and names of fields, never values.
func (d *Desk) deed(v Viewer, kind string, ref engine.Ref, set engine.Fields) engine.Deed {
	detail := "portal " + v.Portal.Name
	if len(set) > 0 {
		detail += ": " + strings.Join(slices.Sorted(maps.Keys(set)), ", ")
	}
	return engine.Deed{At: d.with.Clock.Now(), Kind: kind, Actor: v.Actor(), Subject: ref.String(), Detail: detail}
}

// refused notes in the audit that a change was refused, and returns why. Names that are no fields are not written down:
// they could be anything.
func (d *Desk) refused(ctx context.Context, v Viewer, ref engine.Ref, set engine.Fields, why error) error {
	if _, busy := errors.AsType[*BusyError](why); busy || errors.Is(why, ErrUnavailable) ||
		errors.Is(why, context.Canceled) {
		return why
	}
	fields := engine.Fields{}
	for name := range set {
		if v.Access(ref.Module).Module.Fields[name] == nil {
			name = "unknown"
		}
		fields[name] = nil
	}
	if len(ref.ID) > maxID {
		ref.ID = "unknown"
	}
	deed := d.deed(v, engine.DeedPortalRefused, ref, fields)
	if refusal, ok := errors.AsType[*Refusal](why); ok {
		deed.Detail += "; " + refusal.Code
	}
	if err := d.with.Store.Note(ctx, deed); err != nil {
		return d.unavailable("note a refusal", ref.Module, err)
	}
	return why
}

// keyOf is an Idempotency-Key as the store knows it, and the hash of what was asked for with it.
func keyOf(v Viewer, module string, asked engine.Fields, key string) (name, body []byte, err error) {
	written, err := json.Marshal(asked)
	if err != nil {
		return nil, nil, fmt.Errorf("write what was asked for: %w", err)
	}
	whose := sha256.Sum256(fmt.Appendf(nil, "%q%q%q%q", v.Portal.Name, v.Ref().String(), module, key))
	what := sha256.Sum256(written)
	return whose[:], what[:], nil
}
