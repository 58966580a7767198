package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"postern/engine"
	"postern/internal/passkey"
	"postern/portal"
	"postern/workflows"
)

// portalLook has portals looked at by the process that has the records.
var portalLook = operation[struct{}, map[string]portalSeen]{"portal/look", needsBook, (*house).lookAtPortals}

// portalSeen is what the process with the records sees of a portal.
type portalSeen struct {
	Unindexed []string        `json:"unindexed,omitempty"`
	Admits    portal.Admitted `json:"admits"`
	Tally     portal.Tally    `json:"tally"`
	Trouble   string          `json:"trouble,omitempty"` // why the CRM did not say whom it lets in
}

// Of whom the doctor asks whether they may sign in: of kept records, and of those that a CRM is asked for.
const (
	admitsKept  = 20_000
	admitsAsked = 200
)

func (h *house) lookAtPortals(ctx context.Context, _ struct{}) (map[string]portalSeen, error) {
	gate, err := h.gate()
	if err != nil {
		return nil, err
	}
	seen := map[string]portalSeen{}
	for name, p := range h.bookInUse().Portals {
		var one portalSeen
		most := admitsAsked
		if h.config.mirrors() {
			most = admitsKept
			if one.Unindexed, err = p.Unindexed(ctx, h.store); err != nil {
				return nil, err
			}
		}
		if one.Tally, err = h.store.PortalTally(ctx, name, engine.SystemClock{}.Now()); err != nil {
			return nil, err
		}
		if one.Admits, err = gate.Admits(ctx, name, most); err != nil {
			one.Trouble = err.Error()
		}
		seen[name] = one
	}
	return seen, nil
}

// portalParts are the portals of the book, each with what its people need, and before them what all of them need.
func (d *doctor) portalParts(ctx context.Context, book *engine.Book) (parts []part) {
	if book == nil || len(book.Portals) == 0 {
		return nil
	}
	look := sync.OnceValues(func() (map[string]portalSeen, error) { return d.lookAtPortals(ctx) })
	parts = append(parts, part{"portals", func(context.Context) []diagnosis { return d.portalHouse() }})
	for _, name := range slices.Sorted(maps.Keys(book.Portals)) {
		p := book.Portals[name]
		parts = append(parts, part{"portal " + name, func(context.Context) []diagnosis {
			found := append(d.portalRecords(p), portalMails(book, p)...)
			seen, err := look()
			return append(found, d.portalPeople(p, seen, err)...)
		}})
	}
	return parts
}

// lookAtPortals asks the process that serves, or looks itself where none does; nil where there are no data yet.
func (d *doctor) lookAtPortals(ctx context.Context) (map[string]portalSeen, error) {
	if _, err := os.Stat(d.site.config.database()); errors.Is(err, fs.ErrNotExist) && !d.serving {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	d.opening.Lock()
	defer d.opening.Unlock()
	return portalLook.ask(ctx, &d.site, struct{}{})
}

// portalHouse tells of what all portals need of the configuration.
func (d *doctor) portalHouse() (found []diagnosis) {
	c := d.site.config
	base, err := c.base()
	switch {
	case err != nil:
		return []diagnosis{fault("address", "set web.base_url to the https address of this server", "%v", err)}
	case !base.Secure():
		found = append(found, look("address", "set web.base_url to the https address at which people reach it",
			"%s is for this machine alone: people elsewhere can neither reach it nor keep a session", base))
	default:
		found = append(found, good("address", "%s", base))
	}
	_, err = passkey.NewParty(base.String(), c.Web.Brand.Name, nil)
	switch {
	case errors.Is(err, passkey.ErrNoHost):
		found = append(found, look("passkeys", "give web.base_url a name, by https; to try them, http://localhost",
			"none are offered: there are none for %s", base))
	case err != nil:
		found = append(found, fault("passkeys", "look at web.base_url", "%v", err))
	default:
		found = append(found, good("passkeys", "are made for %s", base))
	}
	if base.Secure() && len(c.Web.TrustedProxies) == 0 {
		found = append(found, look("proxy", "name the proxy in front of it under web.trusted_proxies, so that its "+
			"X-Forwarded-For is believed", "web.trusted_proxies is empty: everybody seems to come from the address of "+
			"the proxy, and what is limited by address is limited for all of them together"))
	}
	return append(found, facadeLook(c.Web.Portal.Facade))
}

// facadeLook tells how clients of coreBOS may sign in.
func facadeLook(c facadeConfig) diagnosis {
	ways := "by SCRAM-SHA-256"
	if c.AppKeys {
		ways += ", programs by app keys"
	}
	if c.Default != "" {
		ways += "; /webservice.php is that of " + c.Default
	}
	if !c.Plaintext {
		return good("web service", "clients sign in %s", ways)
	}
	return look("web service", "set web.portal.facade.plaintext to false once no client needs it",
		"clients may send their password in clear (plaintext), besides signing in %s", ways)
}

// look is what is not good, and may be right all the same.
func look(what, hint, format string, args ...any) diagnosis {
	d := fault(what, hint, format, args...)
	d.Look = true
	return d
}

// portalRecords tells whether the CRM answers what the portal asks.
func (d *doctor) portalRecords(p *engine.Portal) (found []diagnosis) {
	c := d.site.config
	for _, err := range unansweredOf(c.CRM, p) {
		found = append(found, fault("records", "docs/guide/portal-search.md says what the CRM can be asked for",
			"%v", err))
	}
	if len(found) > 0 {
		return found
	}
	if c.mirrors() {
		return []diagnosis{good("records", "the copies that Postern keeps are searched")}
	}
	return []diagnosis{good("records", "the CRM can be asked for all that it shows")}
}

// portalMails tells what people of the portal will not be told.
func portalMails(book *engine.Book, p *engine.Portal) (found []diagnosis) {
	missing := workflows.Unheard(book, p)
	hint := "`postern new portal " + p.Name + "` writes what is missing"
	for _, m := range missing {
		lack := look
		if m.Opens != "" {
			lack = fault
		}
		found = append(found, lack("mails", hint, "nobody gets %s: no workflow is on %s of %s for this portal",
			m.What, m.Event, p.Subject.Module.Name))
	}
	for _, what := range engine.OpensWhats() {
		needed := slices.ContainsFunc(p.Messages(), func(m engine.PortalMessage) bool { return m.Opens == what })
		if needed && !workflows.LedInto(book, p, what) {
			found = append(found, fault("mails", hint, "no link leads into it: no landing has portal: %s and opens: %s",
				p.Name, what))
		}
	}
	if len(found) == 0 {
		return []diagnosis{good("mails", "a workflow for each of %s", counted(len(p.Messages()), "event"))}
	}
	return found
}

// portalPeople tells of the people of the portal, and whether they are found by their name.
func (d *doctor) portalPeople(p *engine.Portal, all map[string]portalSeen, err error) (found []diagnosis) {
	seen, there := all[p.Name]
	switch {
	case err != nil:
		return []diagnosis{fault("people", "look at the faults above, then again", "%v", err)}
	case all == nil:
		return []diagnosis{good("people", "not known yet: there are no data")}
	case !there:
		return []diagnosis{look("people", "postern reload brings in the book as it is now",
			"the running process has a book without this portal")}
	}
	if d.site.config.mirrors() {
		found = append(found, d.portalIndexes(seen))
	}
	if seen.Trouble != "" {
		found = append(found, fault("people", "look at crm, and at the user's rights in the CRM", "%s", seen.Trouble))
	} else {
		found = append(found, peopleOf(p, seen.Admits))
	}
	return append(found, good("accounts", "%s, %s, %d shut out", counted(seen.Tally.Passwords, "password"),
		counted(seen.Tally.Sessions, "session"), seen.Tally.Disabled))
}

// portalIndexes tells whether kept records are found without looking at all of them.
func (d *doctor) portalIndexes(seen portalSeen) diagnosis {
	lacks := strings.Join(seen.Unindexed, ", ")
	switch {
	case lacks == "":
		return good("indexes", "of what people sign in with, and of what rows compare")
	case !d.serving:
		return good("indexes", "postern serve makes those that are missing: %s", lacks)
	}
	return fault("indexes", "postern reload makes them", "missing, so lists look at every record: %s", lacks)
}

// peopleOf tells how many may sign in.
func peopleOf(p *engine.Portal, a portal.Admitted) diagnosis {
	of := fmt.Sprintf("of %s in %s", counted(a.Looked, "record"), p.Subject.Module.Name)
	if a.More {
		of = fmt.Sprintf("of the first %s in %s", counted(a.Looked, "record"), p.Subject.Module.Name)
	}
	if a.In == 0 {
		return look("people", "`postern portal explain "+p.Name+" "+p.Subject.Module.Name+"/<id>` says why somebody "+
			"may not", "nobody may sign in, %s", of)
	}
	return good("people", "%d may sign in, %s", a.In, of)
}
