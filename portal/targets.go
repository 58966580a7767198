package portal

import (
	"context"
	"reflect"
	"slices"

	"postern/engine"
)

// Targets implements Records. Another CRM is asked for what the viewer sees alone: it has to be told each way in which
// a question may hold, and two at once would soon be too many. What no record of the module can be is known without it.
func (d *Desk) Targets(
	ctx context.Context, v Viewer, module, field string, made bool, q Question,
) (Listing, error) {
	access, to := v.Access(module), v.Access(q.Module)
	if access == nil || to == nil {
		return Listing{}, ErrForbidden
	}
	fits := v.rows(access).Target(access.Module, field, to.Module, v.known(access, made))
	switch {
	case fits.IsNothing():
		return Listing{}, nil
	case !d.with.CRM.Traits().Local, reflect.DeepEqual(fits, v.rows(to)):
		fits = engine.Everything()
	}
	return d.list(ctx, v, to, q, fits)
}

// known is what a record that is being made holds whatever the viewer gives. Of one that is being changed nothing is
// said here.
func (v Viewer) known(access *engine.Access, made bool) engine.Fields {
	if !made || access.Create == nil {
		return nil
	}
	set, err := access.Create.Values(access.Module, v.Me, v.Now, v.zone())
	if err != nil { // nothing can be made, and Create says so
		return nil
	}
	for _, name := range access.Module.Names {
		if _, given := set[name]; !given && !slices.Contains(access.Create.Fields, name) {
			set[name] = nil
		}
	}
	return set
}
