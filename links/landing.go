package links

import (
	"context"
	"fmt"
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
	if link.Generation == 0 { // by the record's external id: what the landing allows, it allows everybody who has that
		if !now.ByExternalID {
			return nil, errRemoved
		}
		return now, nil
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
	case then == nil || then.Module.Name != link.Record.Module || !sameOpens(now.Opens, then.Opens):
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
