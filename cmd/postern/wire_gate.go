package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"postern/engine"
	"postern/internal/passkey"
	"postern/links"
	"postern/portal"
)

// refusalTime is what every refused sign-in takes a multiple of.
const refusalTime = 500 * time.Millisecond

// errUnsearched says that the CRM has no answers for portals.
var errUnsearched = errors.New("the CRM cannot be searched, which portals need")

// openGate opens what proves who signs in to the portals; the CRM comes with it. It fails with errUnsearched where that
// cannot be searched.
func (h *house) openGate() (err error) {
	if h.gate != nil {
		return nil
	}
	if err := h.openCRM(); err != nil {
		return err
	}
	crm, ok := h.crm.(portal.CRM)
	if !ok {
		return errUnsearched
	}
	party, err := passkey.NewParty(h.base.String(), h.brand.Name, rand.Reader)
	if err != nil && !errors.Is(err, passkey.ErrNoHost) {
		return err
	}
	names, err := h.root.Lasting("portal names")
	if err != nil {
		return err
	}
	h.gate, err = portal.NewGate(portal.GateConfig{
		Store: h.store, CRM: crm, Book: h.bookInUse, Sealer: h.ring.Seal(rand.Reader), Names: names,
		Clock: engine.SystemClock{}, Random: rand.Reader, Logger: h.logger, Floor: refusalTime, Passkeys: party,
	})
	return err
}

// passes finds who came through a link into a portal.
type passes struct{ door *links.Door }

// Pass implements portal.Passes.
func (p passes) Pass(r *http.Request, flow string) (portal.Pass, error) {
	found, link, opens, err := p.door.Passage(r, flow)
	if err != nil && links.Over(err) {
		err = fmt.Errorf("%w: %w", portal.ErrPassed, err)
	}
	return portal.Pass{Flow: found.ID, Link: link, Opens: opens}, err
}

var (
	_ portal.Passes  = passes{}
	_ links.Entrance = (*portal.Gate)(nil)
)

// gated has the gate do something for an operator. Without a running engine it is opened for that alone.
func gated[Result any](
	h *house, ctx context.Context, do func(context.Context, *portal.Gate) (Result, error),
) (result Result, err error) {
	if err := h.openGate(); err != nil {
		return result, err
	}
	return do(ctx, h.gate)
}
