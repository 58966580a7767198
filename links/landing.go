package links

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"postern/engine"
)

// maxKept is how many compiled landings a door keeps at most. There is one for each edit of a landing or its modules
// within the life of its links.
const maxKept = 256

// landing is what a link opens: what its landing allowed when the link was made and still allows now. An admin who
// takes something out of a landing takes it out of every link that is out there; one who puts something in puts it into
// the links made from then on, for nobody thought of it when the others were sent.
func (d *Door) landing(ctx context.Context, link engine.Link) (*engine.Landing, error) {
	now := d.with.Book().Landings[link.Landing]
	if now == nil || now.Module == nil || now.Module.Name != link.Record.Module {
		return nil, errRemoved
	}
	if now.Version == link.LandingVersion {
		return now, nil
	}
	then, err := d.kept.landing(ctx, link)
	switch {
	case engine.IsPermanent(err):
		d.with.Logger.WarnContext(ctx, "landing of a link is gone", "landing", link.Landing, "error", err)
		return nil, errRemoved
	case err != nil:
		return nil, fmt.Errorf("find landing: %w", err)
	case then == nil || then.Module.Name != link.Record.Module:
		return nil, errRemoved
	}
	return narrow(now, then), nil
}

// kept are landings by name and version, which never change once compiled.
type kept struct {
	compile func(ctx context.Context, name, version string) (*engine.Landing, error)

	mu       sync.Mutex
	landings map[[2]string]*engine.Landing
}

// landing is the one that a link was made with, compiled when it is first asked for.
func (k *kept) landing(ctx context.Context, link engine.Link) (*engine.Landing, error) {
	key := [2]string{link.Landing, link.LandingVersion}
	k.mu.Lock()
	found := k.landings[key]
	k.mu.Unlock()
	if found != nil {
		return found, nil
	}
	made, err := k.compile(ctx, link.Landing, link.LandingVersion)
	if made == nil || err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.landings == nil || len(k.landings) >= maxKept {
		k.landings = map[[2]string]*engine.Landing{}
	}
	k.landings[key] = made
	return made, nil
}

// narrow is the landing as it is now without what it did not allow then. What does not widen it, such as its title, is
// as it is now.
func narrow(now, then *engine.Landing) *engine.Landing {
	both := *now
	both.Show, both.Edit, both.Actions = nil, nil, nil
	for _, name := range now.Show {
		if slices.Contains(then.Show, name) {
			both.Show = append(both.Show, name)
		}
	}
	for _, edit := range now.Edit {
		i := slices.IndexFunc(then.Edit, func(e *engine.Edit) bool { return e.Field.Name == edit.Field.Name })
		if i < 0 {
			continue
		}
		if common := narrowEdit(edit, then.Edit[i]); common != nil {
			both.Edit = append(both.Edit, common)
		}
	}
	for _, action := range now.Actions {
		old := then.Action(action.Name)
		if old != nil && maps.EqualFunc(action.Set, old.Set, engine.Same) {
			both.Actions = append(both.Actions, action)
		}
	}
	stricter(&both, then)
	return &both
}

// narrowEdit is a field with what both allow to be entered; nil if that is nothing, or if the field is another kind of
// field now.
func narrowEdit(now, then *engine.Edit) *engine.Edit {
	both, old := now.Allowed(), then.Allowed()
	if both.Type != old.Type {
		return nil
	}
	if old.Max > 0 && (both.Max == 0 || old.Max < both.Max) {
		both.Max = old.Max
	}
	switch {
	case len(old.Options) == 0: // any
	case len(both.Options) == 0:
		both.Options = old.Options
	default:
		both.Options = slices.DeleteFunc(slices.Clone(both.Options), func(option string) bool {
			return !slices.Contains(old.Options, option)
		})
		if len(both.Options) == 0 {
			return nil
		}
	}
	return &engine.Edit{Field: both}
}
