package portal

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"postern/engine"
)

// askingPurpose is what a name that somebody gave is sealed for.
const askingPurpose = "portal-asking"

// methodOf is the way to sign in that a link into a portal belongs to.
func methodOf(what engine.OpensWhat) engine.SignInMethod {
	if what == engine.OpensSignIn {
		return engine.SignInLink
	}
	return engine.SignInPassword
}

// ask stores what somebody wants, for the worker to look at.
func (g *Gate) ask(
	ctx context.Context, p *engine.Portal, name string, what engine.OpensWhat, caller Caller,
) (err error) {
	now := g.with.Clock.Now()
	asking := Asking{Portal: p.Name, What: what, At: now}
	if asking.ID, err = engine.NewID(now, g.with.Random); err != nil {
		return err
	}
	if asking.Sealed, err = g.with.Sealer.Seal(askingPurpose, []byte(name)); err != nil {
		return fmt.Errorf("keep what was asked for: %w", err)
	}
	if err := g.with.Store.KeepAsking(ctx, asking, g.askLimits(p.Name, name, caller)); err != nil {
		return err
	}
	select {
	case g.asked <- struct{}{}:
	default: // the worker is to look already
	}
	return nil
}

// placeOf is an address; of IPv6 the /64 that one visitor has for themselves.
func placeOf(address netip.Addr) string {
	if address = address.Unmap(); address.Is6() {
		own, _ := address.Prefix(64) // a length that every such address has
		return own.String()
	}
	return address.String()
}

// askLimits are how often links are asked for: for one name, and from one address.
func (g *Gate) askLimits(portal, name string, caller Caller) []engine.Limit {
	whose := "portal-ask:" + hex.EncodeToString(g.laneOf(portal, name)[:16])
	limits := []engine.Limit{
		{Key: whose, Most: 3, Per: 15 * time.Minute},
		{Key: whose, Most: 10, Per: 24 * time.Hour},
	}
	if !caller.Address.IsValid() {
		return limits
	}
	from := "portal-ask-from:" + hex.EncodeToString(g.laneOf("", placeOf(caller.Address))[:16])
	return append(limits,
		engine.Limit{Key: from, Most: 30, Per: 15 * time.Minute},
		engine.Limit{Key: from, Most: 200, Per: 24 * time.Hour},
	)
}

// Ended implements links.Entrance.
func (g *Gate) Ended(ctx context.Context, link engine.Link, opens engine.Opens) (bool, error) {
	since, err := g.with.Store.LinksSince(ctx, opens.Portal, link.Record)
	return link.Created.Before(since), err
}

// Path implements links.Entrance.
func (g *Gate) Path(opens engine.Opens, flow engine.ID) string {
	page := "password"
	if opens.What == engine.OpensSignIn {
		page = "link"
	}
	return "/portal/" + opens.Portal + "/" + page + "/" + flow.String()
}
