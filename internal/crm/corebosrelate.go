package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"postern/engine"
)

// Delete reads the record, refuses if what is expected does not stand, and moves it to the CRM's recycle bin. coreBOS
// refuses to delete what is gone in the words in which it refuses what its user may not do, so that the record is read
// once more after a refusal.
func (c *Corebos) Delete(ctx context.Context, d engine.Delete) (engine.Record, error) {
	record, err := c.read(ctx, d.Ref)
	if err != nil || record == nil {
		return engine.Record{}, err
	}
	m, err := c.module(ctx, d.Ref.Module)
	if err != nil {
		return engine.Record{}, fmt.Errorf("delete %s: %w", d.Ref, err)
	}
	if field, differs := m.differs(record.Fields, d.Expect); differs {
		err := fmt.Errorf("delete %s: field %s: %w", d.Ref, field, engine.ErrConflict)
		return engine.Record{}, engine.Permanent(err)
	}
	var answer any
	err = c.call(ctx, request{operation: "delete", values: map[string]string{"id": d.Ref.ID}, changes: true}, &answer)
	if refusedWith(err, codeDenied) || refusedWith(err, codeWrongID) {
		if still, err := c.read(ctx, d.Ref); err != nil || still == nil {
			return engine.Record{}, err
		}
	}
	if err != nil {
		return engine.Record{}, fmt.Errorf("delete %s: %w", d.Ref, err)
	}
	return *record, nil
}

// Relate sees that both records are there and joins or parts them. coreBOS does not say whether they were joined
// before: joining anew and parting anew change nothing there, and count as a change here. It parts two records of
// different modules only, and says that it did where it did not.
func (c *Corebos) Relate(ctx context.Context, r engine.Relate) (bool, error) {
	changed, err := c.relate(ctx, r)
	if err != nil {
		return false, fmt.Errorf("relate %s and %s: %w", r.From, r.To, err)
	}
	return changed, nil
}

func (c *Corebos) relate(ctx context.Context, r engine.Relate) (bool, error) {
	for _, end := range []engine.Ref{r.From, r.To} {
		switch record, err := c.read(ctx, end); {
		case err != nil:
			return false, err
		case record == nil && r.Part:
			return false, nil
		case record == nil:
			return false, engine.Permanent(fmt.Errorf("%s: %w", end, engine.ErrNoRecord))
		}
	}
	if r.Part && r.From.Module == r.To.Module {
		return false, engine.Permanent(errors.New("coreBOS parts no two records of the same module"))
	}
	with, err := json.Marshal([]string{r.To.ID})
	if err != nil {
		return false, err
	}
	ask := request{operation: "SetRelation", changes: true, values: map[string]string{
		"relate_this_id": r.From.ID, "with_these_ids": string(with),
	}}
	if r.Part {
		ask = request{operation: "UnsetRelation", changes: true, values: map[string]string{
			"unrelate_this_id": r.From.ID, "with_these_ids": string(with),
		}}
	}
	var done bool
	if err := c.call(ctx, ask, &done); err != nil {
		return false, err
	}
	if !done {
		return false, engine.Unknown(errors.New("the CRM does not say that it did it"))
	}
	return true, nil
}
