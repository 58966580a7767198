package portal

import (
	"context"
	"errors"

	"postern/engine"
)

// commit makes a change and tells what became of it.
func (d *Desk) commit(
	ctx context.Context, v Viewer, access *engine.Access, change Change, w *wishes,
) (Done, error) {
	change.Files = w.files
	if !d.with.CRM.Traits().Local {
		id := engine.DerivedID(change.ID, "effect")
		change.Effect = engine.NewEffect(id, change.ID, change.Ask, engine.DefaultRetry(), change.At)
	}
	outcome, err := d.with.Store.Commit(ctx, change)
	if err != nil {
		return Done{}, d.failed(access, change, err)
	}
	return d.done(ctx, v, access, change, outcome)
}

// again is what was made under the key of a change before, where it cannot be made now for some reason: mostly because
// it was, and what has to be one record's alone is taken.
func (d *Desk) again(
	ctx context.Context, v Viewer, access *engine.Access, change Change, w *wishes, why error,
) (Done, error) {
	outcome, err := d.with.Store.Repeated(ctx, change)
	switch {
	case err != nil:
		return Done{}, d.failed(access, change, err)
	case !outcome.Repeated:
		return Done{}, d.refused(ctx, v, engine.Ref{Module: access.Module.Name}, w.asked, why)
	}
	return d.done(ctx, v, access, change, outcome)
}

// done waits for what another CRM has to do, and shows the record as it is now.
func (d *Desk) done(
	ctx context.Context, v Viewer, access *engine.Access, change Change, outcome Outcome,
) (Done, error) {
	ref, deleted := outcome.Record, change.Delete != nil
	if !d.with.CRM.Traits().Local {
		effect, err := d.await(ctx, outcome.Change)
		switch {
		case err != nil:
			return Done{}, d.unavailable("wait for the CRM", ref.Module, err)
		case effect == nil || !effect.State.Over():
			return Done{Ref: ref, Pending: true}, nil
		case effect.State != engine.EffectDone:
			return Done{}, d.gaveUp(access, effect)
		case effect.Result != nil && !deleted:
			ref.ID = effect.Result.ID
		}
	}
	done := Done{Ref: ref}
	if deleted {
		return done, nil
	}
	// It is done, whether or not it can be read back now: whoever heard of an error would do it again.
	if row, err := d.Get(ctx, v, ref); err == nil {
		done.Row = &row
	}
	return done, nil
}

// failed is why a change was not committed, as the viewer hears it.
func (d *Desk) failed(access *engine.Access, change Change, err error) error {
	switch {
	case errors.Is(err, ErrReused):
		return unfit(CodeKey, "", "error."+CodeKey).about(PartKey, "")
	case errors.Is(err, ErrStaged):
		return unfit(CodeFile, "", "error.file").about(PartSet, "")
	case errors.Is(err, engine.ErrTaken):
		return taken(access, access.Module.UniqueAmong(change.Write.Patch.Set))
	case errors.Is(err, engine.ErrConflict) && change.Create != nil:
		return taken(access, []string{change.Create.Match})
	case errors.Is(err, engine.ErrConflict):
		return ErrConflict
	case errors.Is(err, engine.ErrNoRecord):
		return ErrNotFound
	case engine.IsPermanent(err):
		return unfit(CodeLong, "", "error.text").about(PartSet, "")
	}
	return d.unavailable("change a record", access.Module.Name, err)
}

// await waits for the effect of a change to be over, as long as a request may wait; nil if it is not known (any more).
func (d *Desk) await(ctx context.Context, change engine.ID) (*engine.Effect, error) {
	until := d.with.Clock.Now().Add(changeWait)
	for {
		effects, err := d.with.Store.Effects(ctx, change)
		if err != nil || len(effects) == 0 {
			return nil, err
		}
		if effects[0].State.Over() || !d.with.Clock.Now().Before(until) {
			return effects[0], nil
		}
		if err := d.with.Clock.Wait(ctx, changeLook); err != nil {
			return nil, err
		}
	}
}

// gaveUp is why another CRM did not make a change.
func (d *Desk) gaveUp(access *engine.Access, effect *engine.Effect) error {
	switch {
	case effect.State == engine.EffectConflict && effect.Create != nil:
		return taken(access, []string{effect.Create.Match})
	case effect.State == engine.EffectConflict:
		return ErrConflict
	}
	d.with.Logger.Warn("the CRM refused a change from a portal", "record", effect.Record.String(),
		"effect", effect.ID.String(), "reason", effect.Reason)
	return unfit(CodeValue, "", "error.text").about(PartSet, "")
}
