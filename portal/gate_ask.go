package portal

import (
	"context"
	"encoding/hex"
	"encoding/json"
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

// wanted is what an asking keeps sealed.
type wanted struct {
	Name string     `json:"name"`
	Of   engine.Ref `json:"of"` // whose browser it was asked from, as far as it is known; zero for nobody's
}

// ask stores what somebody wants, for the worker to look at. The name is not looked up here; the browser is, which
// tells nothing to who does not have it.
func (g *Gate) ask(
	ctx context.Context, p *engine.Portal, name string, what engine.OpensWhat, caller Caller,
) (err error) {
	now := g.with.Clock.Now()
	asking := Asking{Portal: p.Name, What: what, At: now}
	if asking.ID, err = engine.NewID(now, g.with.Random); err != nil {
		return err
	}
	of, err := g.ownerOf(ctx, p.Name, caller)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(wanted{name, of})
	if err != nil {
		return fmt.Errorf("write what was asked for: %w", err)
	}
	if asking.Sealed, err = g.with.Sealer.Seal(askingPurpose, plain); err != nil {
		return fmt.Errorf("keep what was asked for: %w", err)
	}
	limits := g.ownAskLimits(p.Name, of)
	if of.IsZero() {
		limits = append(g.askLimits(p.Name, name), g.askLimitsFrom(p.Name, name, caller)...)
	}
	if err := g.with.Store.KeepAsking(ctx, asking, limits); err != nil {
		return err
	}
	select {
	case g.asked <- struct{}{}:
	default: // the worker is to look already
	}
	return nil
}

// ownerOf is who has signed in from a browser before; the zero Ref where nobody has.
func (g *Gate) ownerOf(ctx context.Context, portal string, caller Caller) (engine.Ref, error) {
	device, err := g.with.Store.Device(ctx, portal, digestOf(caller.Device))
	if err != nil || g.with.Clock.Now().Sub(device.Seen) >= DeviceLife {
		return engine.Ref{}, err
	}
	return device.Subject, nil
}

// placeOf is an address; of IPv6 the /64 that one visitor has for themselves.
func placeOf(address netip.Addr) string {
	if address = address.Unmap(); address.Is6() {
		own, _ := address.Prefix(64) // a length that every such address has
		return own.String()
	}
	return address.String()
}

// How often links are asked for. Whoever asks, the mail goes to who has the name: once a day's number is reached one
// more goes out each hour, so that strangers who know a name can neither fill its owner's mailbox nor leave them
// without a link.
const (
	askShort = 15 * time.Minute
	askDay   = 24 * time.Hour
	askThen  = time.Hour

	askShortName, askDayName = 6, 10   // for one name, by strangers
	askShortEach, askDayEach = 3, 5    // of them, from one address: it alone never uses up a name
	askShortOwn, askDayOwn   = 3, 10   // by somebody from a browser that they have signed in from
	askShortFrom, askDayFrom = 30, 200 // from one address, for all names
)

// askLimits are how often strangers ask for links for one name.
func (g *Gate) askLimits(portal, name string) []engine.Limit {
	whose := "portal-ask:" + hex.EncodeToString(g.laneOf(portal, name)[:16])
	return []engine.Limit{
		{Key: whose, Most: askShortName, Per: askShort},
		{Key: whose, Most: askDayName, Per: askDay, Then: askThen},
	}
}

// askLimitsFrom are how often they do from one address.
func (g *Gate) askLimitsFrom(portal, name string, caller Caller) []engine.Limit {
	place := placeOf(caller.Address)
	each := "portal-ask-each:" + hex.EncodeToString(g.laneOf(portal+"\x00"+place, name)[:16])
	limits := []engine.Limit{
		{Key: each, Most: askShortEach, Per: askShort},
		{Key: each, Most: askDayEach, Per: askDay, Then: askThen},
	}
	if !caller.Address.IsValid() {
		return limits
	}
	from := "portal-ask-from:" + hex.EncodeToString(g.laneOf("", place)[:16])
	return append(limits,
		engine.Limit{Key: from, Most: askShortFrom, Per: askShort},
		engine.Limit{Key: from, Most: askDayFrom, Per: askDay},
	)
}

// ownAskLimits are how often somebody asks from a browser that they have signed in from: no stranger counts there, nor
// does whoever shares their address.
func (g *Gate) ownAskLimits(portal string, of engine.Ref) []engine.Limit {
	own := "portal-ask-own:" + hex.EncodeToString(g.laneOf(portal+"\x00own", of.String())[:16])
	return []engine.Limit{
		{Key: own, Most: askShortOwn, Per: askShort},
		{Key: own, Most: askDayOwn, Per: askDay, Then: askThen},
	}
}

// Ended implements links.Entrance.
func (g *Gate) Ended(ctx context.Context, link engine.Link, opens engine.Opens) (bool, error) {
	since, err := g.with.Store.LinksSince(ctx, opens.Portal, link.Record)
	return link.Created.Before(since), err
}

// Again implements links.Entrance.
func (g *Gate) Again(opens engine.Opens) string {
	page := "forgot"
	if opens.What == engine.OpensSignIn {
		page = "mail-link"
	}
	return "/portal/" + opens.Portal + "/" + page
}

// Path implements links.Entrance.
func (g *Gate) Path(opens engine.Opens, flow engine.ID) string {
	page := "password"
	if opens.What == engine.OpensSignIn {
		page = "link"
	}
	return "/portal/" + opens.Portal + "/" + page + "/" + flow.String()
}
