package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/passkey"
	"postern/internal/upload"
	"postern/internal/web"
	"postern/links"
	"postern/portal"
	"postern/portal/facade"
	portalpages "postern/portal/pages"
	"postern/portal/rest"
)

// refusedIn is what every refusal of a sign-in takes a multiple of. It is longer than a password's check takes.
const refusedIn = 500 * time.Millisecond

// portals are what lets people sign in and answers them: one gate and one desk for all portals of the book.
type portals struct {
	gate  *portal.Gate
	desk  *portal.Desk
	files *upload.Intake // takes them in for desk and pages
	api   *rest.API
	pages *portalpages.Pages

	facade  *facade.Facade
	service string // portal whose façade answers at /webservice.php too; "" for none
}

// openPortals opens the gate and the desk. A CRM that cannot be searched has none, and no book with a portal.
func (h *house) openPortals(ctx context.Context) error {
	if err := h.checkPortals(h.book); err != nil {
		return err
	}
	records, searches := h.crm.(portal.CRM)
	if !searches {
		return nil
	}
	gate, err := h.newGate(records)
	if err != nil {
		return err
	}
	sealer := h.ring.Seal(rand.Reader)
	intake := upload.NewIntake(h.store, sealer, rand.Reader, h.logger)
	h.portals = &portals{gate: gate, files: intake, desk: portal.NewDesk(portal.DeskConfig{
		CRM: records, Store: h.store, Sealer: sealer, Clock: engine.SystemClock{}, Random: rand.Reader,
		Logger: h.logger, Base: h.base.String(), Intake: intake,
		Files: upload.Files{Store: h.store, Sealer: sealer}, Searches: h.searches(),
	})}
	return h.indexPortals(ctx, h.book)
}

// searches is how many questions of portals are put to the CRM at once: as many as another CRM has sessions for.
func (h *house) searches() int {
	if h.config.mirrors() {
		return portal.DefaultSearches()
	}
	return h.config.CRM.Sessions
}

// newGate makes a gate over the records of the CRM.
func (h *house) newGate(records portal.CRM) (*portal.Gate, error) {
	names, err := h.root.Lasting("portal names")
	if err != nil {
		return nil, err
	}
	party, err := passkey.NewParty(h.base.String(), h.brand.Name, rand.Reader)
	if err != nil && !errors.Is(err, passkey.ErrNoHost) {
		return nil, err
	}
	return portal.NewGate(portal.GateConfig{
		Store: h.store, CRM: records, Book: h.bookInUse, Sealer: h.ring.Seal(rand.Reader), Names: names,
		Clock: engine.SystemClock{}, Random: rand.Reader, Logger: h.logger, Base: h.base.String(), Passkeys: party,
		Floor: refusedIn,
	})
}

// furnish makes what answers people: it needs the door, which leads links on into portals.
func (p *portals) furnish(h *house) (err error) {
	p.api, err = rest.New(rest.Config{
		Gate: p.gate, Desk: p.desk, Base: h.base, Name: h.brand.Name, Client: h.client(), Logger: h.logger,
	})
	if err != nil {
		return err
	}
	p.pages, err = portalpages.New(portalpages.Config{
		Gate: p.gate, Desk: p.desk, Book: h.engine.Book, Passes: passes{h.door}, Intake: p.files, Base: h.base,
		Brand: h.brand,
		Zone:  h.config.zone, Clock: engine.SystemClock{}, Random: rand.Reader, Logger: h.logger, Client: h.client(),
	})
	if err != nil {
		return err
	}
	service := h.config.Web.Portal.Facade
	p.service = service.Default
	p.facade = facade.New(facade.Config{
		Gate: p.gate, Records: p.desk, Tokens: h.store, Book: h.engine.Book, Default: service.Default,
		Plaintext: service.Plaintext, AppKeys: service.AppKeys, Prefixes: service.Prefixes,
		Origins: h.config.Web.Origins, Client: h.client(), Proxied: h.proxies.Trusts, Secure: h.base.Secure(),
		Clock: engine.SystemClock{}, Random: rand.Reader, Logger: h.logger,
	})
	return nil
}

// lead has the door of links lead on into portals, and ask people for what they enrolled there.
func (p *portals) lead(door *links.DoorConfig) {
	if p == nil {
		return
	}
	door.Entrance = p.gate
	door.Portals = p.gate.Proofs(portal.Cookies{Secure: door.Base.Secure()})
}

// routes are the handlers for people, by pattern.
func (p *portals) routes() map[string]http.Handler {
	if p == nil {
		return nil
	}
	routes := map[string]http.Handler{
		rest.Prefix: p.api, "/portal/": p.pages, "/portal/{portal}/webservice.php": p.facade,
	}
	if p.service != "" {
		routes["/webservice.php"] = p.facade
	}
	return routes
}

// passes finds who came through a link.
type passes struct{ door *links.Door }

// Pass implements portal.Passes.
func (p passes) Pass(r *http.Request, flow string) (portal.Pass, error) {
	found, link, opens, err := p.door.Passage(r, flow)
	switch {
	case links.Over(err):
		return portal.Pass{}, portal.ErrPassed
	case err != nil:
		return portal.Pass{}, err
	}
	return portal.Pass{Flow: found.ID, Link: link, Opens: opens}, nil
}

// checkPortals refuses portals that the CRM has no answers for, and takes from others what it cannot do.
func (h *house) checkPortals(book *engine.Book) error {
	if _, searches := h.crm.(portal.CRM); !searches && len(book.Portals) > 0 {
		return fmt.Errorf("portal %s: the CRM (crm.kind: %s) cannot be searched, which a portal needs; "+
			"leave the folder portal out of the book, or let Postern keep the records (crm.kind: mirror)",
			strings.Join(slices.Sorted(maps.Keys(book.Portals)), ", "), h.config.CRM.Kind)
	}
	var wrong []error
	if named := h.config.Web.Portal.Facade.Default; named != "" && book.Portals[named] == nil {
		wrong = append(wrong, errors.New(noFacade(named)))
	}
	if h.crm.Traits().Local {
		return errors.Join(wrong...)
	}
	wrong = append(wrong, unanswered(h.config.CRM, book)...)
	h.makeLess(book)
	return errors.Join(wrong...)
}

// makeLess takes from portals the making of records of modules without an external id: another CRM could not be asked
// by it whether it has made one already, so that one order might become two records.
func (h *house) makeLess(book *engine.Book) {
	for _, name := range slices.Sorted(maps.Keys(book.Portals)) {
		without := map[string]bool{}
		for _, role := range book.Portals[name].Roles {
			for module, access := range role.Modules {
				if access.Create != nil && access.Module.ExternalID == "" {
					access.Create, without[module] = nil, true
				}
			}
		}
		for _, module := range slices.Sorted(maps.Keys(without)) {
			h.logger.Warn("a portal makes no records of a module: it has no external_id, by which the CRM could be "+
				"asked whether it has made one already", "portal", name, "module", module)
		}
	}
}

// indexPortals makes the indexes by which kept records are found for portals.
func (h *house) indexPortals(ctx context.Context, book *engine.Book) error {
	if !h.config.mirrors() {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(book.Portals)) {
		if err := book.Portals[name].Index(ctx, h.store); err != nil {
			return err
		}
	}
	return nil
}

// tellPortals says where people sign in.
func (h *house) tellPortals() {
	for _, name := range slices.Sorted(maps.Keys(h.book.Portals)) {
		p := h.book.Portals[name]
		h.logger.Info("people can sign in", "portal", name, "who", p.Subject.Module.Name,
			"pages", p.URL(h.base.String()), "api", h.base.String()+rest.Prefix+name+"/")
	}
}

// peopleRoutes are the handlers for people once the house has started.
func (h *house) peopleRoutes(mux *http.ServeMux) {
	for pattern, handler := range h.portals.routes() {
		mux.Handle(pattern, web.OnceStarted(h.engine.Running, handler))
	}
}
