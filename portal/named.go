package portal

import (
	"context"
	"errors"
	"maps"
	"slices"

	"postern/engine"
)

// namesTheirs refuses what a viewer gives that names what is not theirs to name: a record that they do not see, or what
// somebody else signs in with. What the policy sets by itself it may.
func (d *Desk) namesTheirs(ctx context.Context, v Viewer, access *engine.Access, ref engine.Ref, w *wishes) error {
	for _, name := range slices.Sorted(maps.Keys(w.asked)) {
		field, id := access.Module.Fields[name], w.set.Text(name)
		if field.Type != engine.TypeReference || id == "" {
			continue
		}
		seen, err := d.sees(ctx, v, field.To, id)
		switch {
		case err != nil:
			return err
		case !seen:
			return unfit(CodeOption, name, "error.option")
		}
	}
	return d.keepsLogin(ctx, v, access, ref, w.set)
}

// sees tells whether the viewer sees a record with an id in one of some modules. Rows that hold for a record by one of
// its references would else let them put theirs beside a record of others, who are shown it as their own.
func (d *Desk) sees(ctx context.Context, v Viewer, modules []string, id string) (bool, error) {
	for _, module := range modules {
		access := v.Access(module)
		if access == nil {
			continue
		}
		_, err := d.find(ctx, v, access, id)
		if !errors.Is(err, ErrNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

// keepsLogin refuses to leave a subject without what they sign in with, which would lock them out, and to give them
// what another one signs in with: neither of them would get in any more. That tells whoever asks that there is such a
// subject; they are signed in, in the audit, and can ask only so often.
func (d *Desk) keepsLogin(
	ctx context.Context, v Viewer, access *engine.Access, ref engine.Ref, set engine.Fields,
) error {
	subject := v.Portal.Subject
	_, given := set[subject.Login]
	if access.Module.Name != subject.Module.Name || !given {
		return nil
	}
	login := set.Text(subject.Login)
	if login == "" && ref.ID != "" {
		return unfit(CodeRequired, subject.Login, "error.required")
	}
	if login == "" {
		return nil
	}
	found, err := d.search(ctx, v, engine.Search{
		Module: subject.Module, Modules: v.Portal.Modules, Limit: 2, Where: engine.Predicate{
			Op: engine.OpFold, Path: subject.Login, Values: []engine.Operand{{Value: login}},
		},
	})
	if err != nil {
		return d.unavailable("look for a login", access.Module.Name, err)
	}
	for _, other := range found.Records {
		if other.ID != ref.ID {
			return taken(access, []string{subject.Login})
		}
	}
	return nil
}
