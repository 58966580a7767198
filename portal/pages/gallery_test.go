package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// exhibit is a page in one of its states, as it was answered.
type exhibit struct {
	name string
	shown
	alike bool // as another one is, but for a sentence: once is enough for whoever looks closely
}

// gallery leads people into every state that a page can have, in a language.
func gallery(t *testing.T, language string) (*stage, []exhibit) {
	t.Helper()
	g := &guide{language: language, desk: &moody{}}
	g.stage = newStage(t, func(c *Config) {
		g.desk.Records = wide{Records: c.Desk, only: "unicorn"}
		c.Desk = g.desk
	})
	for _, ref := range []engine.Ref{house.Ana, house.Bob, house.Alan, house.Mia} {
		g.Put(ref, engine.Fields{"template_language": language})
	}
	g.Put(house.Sam, engine.Fields{"language": language})
	for n := range 30 {
		g.Put(engine.Ref{Module: "HelpDesk", ID: fmt.Sprintf("17x%d", 100+n)}, engine.Fields{
			"ticket_no": fmt.Sprintf("TT%d", 100+n), "ticket_title": "Lamp no. " + strconv.Itoa(n) + " flickers",
			"parent_id": house.Mia.ID, "ticketstatus": "Open", "due": "2026-12-24", "rank": 3,
		})
	}
	g.Put(house.Ref("HelpDesk/17x1"), engine.Fields{
		"description": "Smoke comes out of it.\nWe have pulled the plug.", "call": "2026-11-27T09:30:00Z",
		"reply_to": "ana.with.a.long.name@a-company-with-a-very-long-name.example", "colours": []any{"Black", "Cyan"},
	})
	for _, walk := range []func(){
		g.records, g.changes, g.employee, g.signingIn, g.account, g.recovering, g.factors, g.secondStep, g.passkeys,
		g.enrolling, g.reasons,
	} {
		walk()
	}
	return g.stage, g.shown
}

// guide walks people around.
type guide struct {
	*stage
	language string
	desk     *moody
	shown    []exhibit
}

// moody is a desk whose CRM cannot always be had.
type moody struct {
	portal.Records
	down bool
}

func (m *moody) Related(
	ctx context.Context, v portal.Viewer, of engine.Ref, q portal.Question,
) (portal.Listing, error) {
	if m.down {
		return portal.Listing{}, portal.ErrUnavailable
	}
	return m.Records.Related(ctx, v, of, q)
}

// show keeps a page.
func (g *guide) show(name string, page shown, status int) shown {
	g.t.Helper()
	if page.status != status {
		g.t.Errorf("%s: status %d, want %d\n%s", name, page.status, status, page.text)
	}
	g.shown = append(g.shown, exhibit{name: name, shown: page})
	return page
}

// also keeps a page that is as the one before, but for what it says.
func (g *guide) also(name string, page shown, status int) {
	g.t.Helper()
	g.show(name, page, status)
	g.shown[len(g.shown)-1].alike = true
}

func (g *guide) records() {
	v := g.person(house.Customers, house.Mia)
	g.show("home", v.get(start), http.StatusOK)
	g.show("list", v.get(tickets+"?sort=-ticket_no&is.ticketstatus=Open&from.rank=x"), http.StatusOK)
	g.show("list-closed", v.get(tickets), http.StatusOK)
	g.show("list-last", v.get(tickets+"?at=25"), http.StatusOK)
	g.show("list-nothing", v.get(tickets+"?q=elephant"), http.StatusOK)
	g.show("list-so-far", v.get(tickets+"?q=unicorn"), http.StatusOK)
	g.show("list-invoices", v.get(start+"/records/Invoice"), http.StatusOK)
	g.Drop(house.Ref("Project/31x1"))
	g.show("list-empty", v.get(start+"/records/Project"), http.StatusOK)
	g.also("home-none", v.get(start), http.StatusOK)
	g.show("record", v.get(ticket), http.StatusOK)
	for n := range beside {
		g.Put(engine.Ref{Module: "ModComments", ID: fmt.Sprintf("29x%d", 100+n)}, engine.Fields{
			"commentcontent": "We have looked at it again, and it still smokes.", "related_to": "17x1",
		})
	}
	g.show("record-more", v.get(ticket), http.StatusOK)
	g.show("related", v.get(ticket+"/ModComments"), http.StatusOK)
	g.show("record-brief", v.get(start+"/records/Contacts/12x5"), http.StatusOK)
	g.show("record-alone", v.get(tickets+"/17x100"), http.StatusOK)
	g.desk.down = true
	g.show("record-down", v.get(ticket), http.StatusOK)
	g.desk.down = false
}

func (g *guide) changes() {
	v := g.person(house.Customers, house.Mia)
	page := g.show("edit", v.get(change), http.StatusOK)
	g.show("edit-unchanged", v.submit(page, nil), http.StatusOK)
	g.show("edit-faults", v.submit(page, url.Values{"ticket_title": {""}, "rank": {"x"}, "due": {"soon"}}),
		http.StatusUnprocessableEntity)
	g.Put(house.Ref("HelpDesk/17x1"), engine.Fields{"hours": 7})
	g.show("edit-conflict", v.submit(page, url.Values{"hours": {"3"}}), http.StatusConflict)
	g.show("saved", v.submit(v.get(change), url.Values{"rank": {"2"}}), http.StatusOK)
	for _, done := range []string{"made", "received", "deleted"} {
		v.keeps(g.pages.cookies.Notice(house.Customers, done))
		g.also("saved-"+done, v.get(ticket), http.StatusOK)
	}
	page = g.show("new", v.get(start+"/new/HelpDesk"), http.StatusOK)
	g.show("new-faults", v.submit(page, nil), http.StatusUnprocessableEntity)
	page = g.show("delete", v.get(start+"/delete/HelpDesk/17x5"), http.StatusOK)
	g.Put(house.Ref("HelpDesk/17x5"), engine.Fields{"hours": 7})
	g.show("delete-conflict", v.submit(page, nil), http.StatusConflict)
	own := start + "/edit/Contacts/12x5"
	page = v.get(own)
	g.Advance(engine.FreshSignIn)
	g.show("edit-fresh", v.get(own), http.StatusOK)
	g.show("edit-fresh-now", v.submit(page, url.Values{"email": {"mia.fox@acme.example"}}), http.StatusForbidden)
}

// employee is who has other things to do, and few of them.
func (g *guide) employee() {
	v := g.person(house.Staff, house.Sam)
	g.show("staff-home", v.get("/portal/staff"), http.StatusOK)
	g.show("staff-list", v.get("/portal/staff/records/Salaries"), http.StatusOK)
	g.show("staff-record", v.get("/portal/staff/records/Salaries/41x1"), http.StatusOK)
	page := g.show("staff-new", v.get("/portal/staff/new/TimeRecords"), http.StatusOK)
	g.show("staff-new-nothing", v.submit(page, nil), http.StatusUnprocessableEntity)
	role := g.Portals[house.Staff].Roles[engine.RoleDefault]
	modules := role.Modules
	role.Modules = nil
	g.show("home-empty", v.get("/portal/staff"), http.StatusOK)
	role.Modules = modules
}

// signingIn shows the pages for those who are not signed in.
func (g *guide) signingIn() {
	v := g.stranger().in(g.language)
	g.show("sign-in", v.get(signInAt), http.StatusOK)
	wrong := url.Values{"name": {"mia@acme.example"}, "password": {"not this one at all"}}
	g.show("sign-in-refused", v.send(http.MethodPost, signInAt, wrong), http.StatusUnauthorized)
	methods := &g.Portals[house.Customers].SignIn.Methods
	all := *methods
	*methods = []engine.SignInMethod{engine.SignInPasskey, engine.SignInLink}
	g.show("sign-in-otherwise", v.get(signInAt), http.StatusOK)
	*methods = all
	g.signIn(house.Customers, house.Mia)
	v.client.Jar = nil
	right := url.Values{"name": {"mia@acme.example"}, "password": {password}}
	g.show("no-cookie", v.send(http.MethodPost, signInAt, right), http.StatusUnauthorized)
	v = g.person(house.Customers, house.Mia)
	g.Advance(engine.FreshSignIn)
	g.show("sign-in-again", v.get(signInAt), http.StatusOK)
	g.show("sign-in-out", v.send(http.MethodPost, start+"/sign-out", nil), http.StatusOK)
}

// account shows what there is about being signed in.
func (g *guide) account() {
	v := g.person(house.Customers, house.Mia)
	page := g.show("sessions", v.get(start+"/sessions"), http.StatusOK)
	end := url.Values{"session": {found(g.t, inSession, page)}}
	g.show("sessions-ended", v.send(http.MethodPost, start+"/sessions", end), http.StatusOK)
	own := start + "/password"
	g.show("change-password", v.get(own), http.StatusOK)
	change := func(now, next, again string) shown {
		return v.send(http.MethodPost, own, url.Values{"password": {now}, "next": {next}, "again": {again}})
	}
	g.show("change-password-short", change(password, "short", "short"), http.StatusUnprocessableEntity)
	g.also("change-password-same", change(password, password, password), http.StatusUnprocessableEntity)
	g.also("change-password-differs", change(password, "short", "long"), http.StatusUnprocessableEntity)
	g.show("change-password-wrong", change("not this one at all", "a weir by grey herons", "a weir by grey herons"),
		http.StatusUnprocessableEntity)
	g.show("change-password-done", change(password, password+" again", password+" again"), http.StatusOK)
	delete(g.known, house.Mia)
}

// recovering shows what somebody sees who has forgotten their password, or comes by a link.
func (g *guide) recovering() {
	v := g.stranger().in(g.language)
	for _, page := range []string{"forgot", "mail-link"} {
		at := start + "/" + page
		g.show(page, v.get(at), http.StatusOK)
		g.show(page+"-problem", v.send(http.MethodPost, at, nil), http.StatusUnprocessableEntity)
		asked := v.send(http.MethodPost, at, url.Values{"name": {"mia@acme.example"}})
		g.show(page+"-asked", asked, http.StatusAccepted)
	}
	g.signIn(house.Customers, house.Ana)
	at := g.flow(house.Ana, engine.OpensPassword)
	g.show("password", v.get(at), http.StatusOK)
	choose := func(password, again string) shown {
		return v.send(http.MethodPost, at, url.Values{"password": {password}, "again": {again}})
	}
	g.show("password-differs", choose("one", "other"), http.StatusUnprocessableEntity)
	for code, weak := range map[string]string{
		portal.WeakShort: "short", portal.WeakLong: strings.Repeat("weir ", 60), portal.WeakCommon: "passwordpassword",
		portal.WeakName: "ana@acme.example", portal.WeakText: "nine\u0007quiet rivers run",
	} {
		g.also("password-weak-"+code, choose(weak, weak), http.StatusUnprocessableEntity)
	}
	g.show("password-set", v.get(start+"/password-set"), http.StatusOK)
	g.show("password-over", v.get(start+"/password/unknown"), http.StatusGone)
	at = g.flow(house.Ana, engine.OpensSignIn)
	g.show("link", v.get(at), http.StatusOK)
	bob := g.person(house.Customers, house.Bob)
	g.show("link-instead", bob.get(at), http.StatusOK)
	g.also("link-not-told", bob.send(http.MethodPost, at, nil), http.StatusOK)
	g.show("link-over", v.get(start+"/link/unknown"), http.StatusGone)
}

// flow is the path of a page that somebody has come to by a link.
func (g *guide) flow(who engine.Ref, what engine.OpensWhat) string {
	id := fmt.Sprintf("flow-%d", len(g.passes))
	g.passes[id] = portal.Pass{
		Link: engine.Link{Record: who}, Opens: engine.Opens{Portal: house.Customers, What: what},
	}
	if what == engine.OpensPassword {
		return start + "/password/" + id
	}
	return start + "/link/" + id
}

// reasons shows why there is nothing to see: as people come to it, and then for every error that there is.
func (g *guide) reasons() {
	v := g.person(house.Customers, house.Mia)
	g.show("reason-missing", v.get(tickets+"/17x99"), http.StatusNotFound)
	g.show("reason-no-portal", g.stranger().in(g.language).get("/portal/nobodys"), http.StatusNotFound)
	g.show("reason-out", g.stranger().in(g.language).send(http.MethodPost, change, nil), http.StatusUnauthorized)
	g.also("reason-forbidden", v.get(start+"/records/Assets"), http.StatusForbidden)
	g.also("reason-malformed", v.send(http.MethodPost, start+"/new/HelpDesk", nil), http.StatusBadRequest)
	g.also("reason-method", v.send(http.MethodDelete, ticket, nil), http.StatusMethodNotAllowed)
	errs := []refusal{
		{&portal.BusyError{RetryAfter: time.Second}, http.StatusServiceUnavailable, "busy"},
		{&portal.CrowdedError{Wait: time.Second}, http.StatusTooManyRequests, "crowded"},
		{portal.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "unforeseen"},
	}
	g.pages.mux.Handle("POST /portal/{portal}/fails/{n}", g.pages.answering(route{open: true},
		func(c *call) (answer, error) {
			n, err := strconv.Atoi(c.PathValue("n"))
			if err != nil {
				return answer{}, err
			}
			return answer{}, errs[n].err
		}))
	errs = append(errs, refusals...)
	for n, r := range errs {
		g.also(fmt.Sprintf("reason-%d-%s", n, r.reason),
			v.send(http.MethodPost, fmt.Sprintf("%s/fails/%d", start, n), nil), r.status)
	}
	for i := range g.shown {
		if g.shown[i].name == "reason-3-unforeseen" {
			g.shown[i].alike = false // it has a code to quote
		}
	}
}
