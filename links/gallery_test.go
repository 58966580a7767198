package links_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/pages"
	"postern/links"
)

// exhibit is a page in one of its states, as the door answered it.
type exhibit struct {
	name string
	shown
}

// gallery leads visitors into every state that a page can have, in the language of their links. The house is one of
// those they were in.
func gallery(t *testing.T, language string) (*house, []exhibit) {
	t.Helper()
	branded := func(c *links.DoorConfig) {
		c.Hosts = []string{"shop.acme.example"}
		c.Secrets = func(string) ([]byte, bool) { return []byte("a secret that is long enough to sign with"), true }
		c.Brand = pages.Brand{Name: "Acme", Logo: []byte(logo), Accent: "#1d5c56"}
		if language == "ar" {
			c.Brand = pages.Brand{Name: "Acme"}
		}
		withOptOuts(t, c)
	}
	g := &guide{house: newHouse(t, branded), language: language}
	g.door()
	g.record()
	g.action()
	g.receipt()
	g.survey()
	g.handOver()
	g.reasons()
	g.unsubscribe()
	for _, walk := range []struct {
		factor string
		lead   func()
	}{{pin, g.securityCode}, {bySMS, g.code}, {byMail, g.mailedLink}} {
		g.house = factorHouse(t, walk.factor, branded)
		walk.lead()
	}
	p := newPost(t, branded)
	g.house = p.house
	g.resent(p)
	return g.house, g.shown
}

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect width="40" height="40" rx="9" ` +
	`fill="#1d5c56"/><path d="M12 30 20 9l8 21z" fill="#fff"/><text x="50" y="28" font-family="sans-serif" ` +
	`font-weight="700" font-size="24" fill="#1d5c56">acme</text></svg>`

// guide walks visitors around.
type guide struct {
	*house
	language string
	shown    []exhibit
}

// show keeps a page.
func (g *guide) show(name string, page shown, status int) shown {
	g.t.Helper()
	if page.status != status {
		g.t.Errorf("%s: status %d, want %d\n%s", name, page.status, status, page.text)
	}
	g.shown = append(g.shown, exhibit{name, page})
	return page
}

func (g *guide) link(landing string, change ...func(*engine.LinkTerms)) string {
	g.t.Helper()
	change = append(change, func(terms *engine.LinkTerms) { terms.Language = g.language })
	_, address := g.mint(landing, change...)
	return address
}

func (g *guide) visitor() *visitor {
	v := g.house.visitor()
	v.head.Set("Accept-Language", g.language)
	return v
}

func (g *guide) door() {
	g.show("door", g.visitor().get(g.link("ticket")), http.StatusOK)
	nobody := func(terms *engine.LinkTerms) { terms.Masked = "" }
	g.show("door-of-nobody", g.visitor().get(g.link("ticket", nobody)), http.StatusOK)
}

func (g *guide) record() {
	v := g.visitor()
	page := g.show("record", v.open(g.link("ticket")), http.StatusOK)
	g.show("record-unchanged", v.submit(page, nil), http.StatusOK)
	wrong := url.Values{
		"ticket_title": {""}, "hours": {"many"}, "due": {"soon"}, "email": {"nobody"}, "ticketstatus": {"Broken"},
	}
	g.show("record-faults", v.submit(page, wrong), http.StatusUnprocessableEntity)
	g.put(engine.Fields{"ticket_title": "Printer under water"})
	g.show("record-conflict", v.submit(page, url.Values{"ticket_title": {"Printer out"}}), http.StatusConflict)
	g.show("record-only-shown", g.visitor().open(g.link("look")), http.StatusOK)
}

func (g *guide) action() {
	v := g.visitor()
	page := v.get(v.open(g.link("ticket")).path + "/resolve")
	g.show("action", page, http.StatusOK)
	g.put(engine.Fields{"ticketstatus": "In Progress"})
	g.show("action-conflict", v.submit(page, nil), http.StatusConflict)
	g.put(engine.Fields{"ticketstatus": "Resolved"})
	g.show("action-already", v.get(page.path), http.StatusOK)
	resolve := g.book.Landings["ticket"].Actions[0]
	resolve.If = never{}
	g.show("action-gone", v.get(page.path), http.StatusOK)
	resolve.If, resolve.Undo = nil, 15*time.Minute
	resolve.Ask = []*engine.Edit{{Field: g.text("reason", "Why?", 500)}}
	g.put(engine.Fields{"ticketstatus": "Open"})
	g.show("action-asks", v.get(page.path), http.StatusOK)
	g.show("action-faults", v.submit(page, url.Values{"reason": {""}}), http.StatusUnprocessableEntity)
	resolve.Ask = nil
	page = v.get(page.path)
	receipt := g.show("receipt-with-undo", v.submit(page, nil), http.StatusOK)
	late := url.Values{"~seen": {"another"}}
	g.show("undo-late", v.send("POST", receipt.path+"/undo", late), http.StatusConflict)
	undo := url.Values{"~seen": {receipt.seen()}}
	g.show("undo-done", v.send("POST", receipt.path+"/undo", undo), http.StatusOK)
	resolve.Undo = 0
}

// never is a condition that no record fulfils.
type never struct{}

func (never) Eval(*engine.Env) (any, error) { return false, nil }
func (never) Routes() []string              { return nil }
func (never) Source() string                { return "false" }

// text is an entry that must be filled in.
func (g *guide) text(name, label string, longest int) *engine.Field {
	f := field(name, engine.TypeText, label)
	f.Required, f.Max = true, longest
	return f
}

// survey is a form with a scale, a comment and a file.
func (g *guide) survey() {
	made := &engine.Module{Name: "ModComments", Keep: true, Fields: map[string]*engine.Field{
		"commentcontent": field("commentcontent", engine.TypeText, "Comment"),
		"related_to":     field("related_to", engine.TypeReference, "About"),
	}}
	made.Fields["related_to"].To = []string{"HelpDesk"}
	module := g.book.Modules["HelpDesk"]
	module.Fields["score"] = field("score", engine.TypeInteger, "How was it?")
	module.Fields["score"].Required = true
	creates := &engine.Creation{Module: made, Field: "commentcontent", By: "related_to"}
	g.book.Modules["ModComments"] = made
	g.book.Landings["survey"] = &engine.Landing{
		Name: "survey", Version: "v1", Module: module, Modules: g.book.Modules, Expires: time.Hour, Uses: 20,
		Title: map[string]engine.Template{"en": numbered{}},
		After: engine.After{Redirect: "https://shop.acme.example/thanks"},
		Edit: []*engine.Edit{
			{Field: module.Fields["score"], Scale: &engine.Scale{From: 0, To: 10}},
			{Field: field("comment", engine.TypeText, "What could be better?"), Max: 2000, Creates: creates},
			{
				Field: field("photo", engine.TypeText, "A picture of it"), Creates: creates,
				Upload: &engine.Upload{Max: 5 << 20, Types: []string{"image/jpeg", "image/png", "application/pdf"}},
			},
		},
	}
	v := g.visitor()
	page := g.show("survey", v.open(g.link("survey")), http.StatusOK)
	g.show("survey-faults", v.upload(page, map[string]string{"score": "11"},
		attached{"photo", "letter.exe", "MZ not a picture"}), http.StatusUnprocessableEntity)
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if left := v.submit(page, url.Values{"score": {"9"}, "comment": {"Nothing."}}); left.status != http.StatusSeeOther {
		g.t.Errorf("the survey was answered %d", left.status)
	}
	g.show("receipt-onward", v.get(strings.Replace(page.path, "/f/", "/r/", 1)), http.StatusOK)
}

func (g *guide) handOver() {
	once := g.book.Landings["once"]
	once.HandOver = &engine.HandOver{To: "https://shop.acme.example/orders", Secret: "shop", Life: 2 * time.Minute}
	page := g.show("hand-over", g.visitor().open(g.link("once")), http.StatusOK)
	if !strings.Contains(page.text, "shop.acme.example") {
		g.t.Error("the page does not say where it leads")
	}
}

func (g *guide) receipt() {
	v := g.visitor()
	page := v.open(g.link("ticket"))
	g.show("receipt", v.submit(page, url.Values{"ticket_title": {"Printer out"}, "due": {"2026-12-01"}}), http.StatusOK)
	preset := func(terms *engine.LinkTerms) { terms.Preset = "resolve" }
	once := g.link("once", preset)
	v = g.visitor()
	page = v.open(once)
	g.show("receipt-of-last-use", v.submit(page, nil), http.StatusOK)
	g.show("reason-used", g.visitor().send("POST", once, nil), http.StatusGone)
	v = g.visitor()
	page = v.open(g.link("once", preset))
	g.show("receipt-already", v.submit(page, nil), http.StatusOK)
	g.put(engine.Fields{"ticketstatus": "Open"})
}

func (g *guide) reasons() {
	v := g.visitor()
	g.show("reason-unknown", v.get("/l/nothing"), http.StatusNotFound)
	open := g.link("ticket")
	flow := v.open(open).path
	g.show("reason-reopen", g.visitor().get(flow), http.StatusNotFound)
	forgetful := g.visitor()
	forgetful.client.Jar = nil
	g.show("reason-cookies", forgetful.send("POST", open, nil), http.StatusForbidden)
	g.show("reason-method", v.send("DELETE", open, nil), http.StatusMethodNotAllowed)
	g.show("reason-large", v.send("POST", flow, url.Values{"ticket_title": {string(make([]byte, 70000))}}),
		http.StatusRequestEntityTooLarge)
	foreign := g.visitor()
	foreign.head.Set("Origin", "https://elsewhere.example")
	g.show("reason-origin", foreign.send("POST", open, nil), http.StatusForbidden)
	g.book.Landings["look"].Bind = true
	bound := g.link("look")
	v.open(bound)
	g.show("reason-bound", g.visitor().send("POST", bound, nil), http.StatusConflict)
	short := g.link("once")
	g.clock.Advance(2 * time.Hour)
	g.show("reason-expired", g.visitor().get(short), http.StatusGone)
}

// unsubscribe are the pages on which messages end.
func (g *guide) unsubscribe() {
	v, address := g.visitor(), g.unsubscribeAt(g.language)
	g.show("unsubscribe", v.get(address), http.StatusOK)
	g.show("unsubscribe-done", v.send("POST", address, oneClick), http.StatusOK)
	g.show("unsubscribe-undone", v.send("POST", address+"/undo", oneClick), http.StatusOK)
}

// resent are the pages of a link that has expired and is sent once more.
func (g *guide) resent(p post) {
	link, _, _ := p.links()
	g.clock.Advance(2 * time.Hour)
	v := g.visitor()
	g.show("resend", v.get(link), http.StatusGone)
	g.show("resend-sent", v.send("POST", link+"/again", nil), http.StatusOK)
	p.settle()
	g.show("resend-wait", v.send("POST", link+"/again", nil), http.StatusTooManyRequests)
	g.show("reason-replaced", v.get(link), http.StatusGone)
}

func (g *guide) securityCode() {
	v := g.visitor()
	page := g.show("challenge-security-code", v.open(g.link("ticket")), http.StatusOK)
	g.show("challenge-empty", v.answer(page, ""), http.StatusUnprocessableEntity)
	for range 4 {
		page = v.answer(page, "red whale 41")
	}
	g.show("challenge-wrong", page, http.StatusUnprocessableEntity)
	g.show("challenge-wait", v.answer(page, "red whale 41"), http.StatusTooManyRequests)
	g.clock.Advance(2 * time.Minute)
	for range 5 {
		page = v.answer(page, "red whale 41")
	}
	g.show("reason-locked", page, http.StatusForbidden)
}

func (g *guide) code() {
	resolve := g.book.Landings["ticket"].Actions[0]
	resolve.Factor = g.factor(pin)
	v := g.visitor()
	page := g.show("challenge-code", v.open(g.link("ticket", g.delivered)), http.StatusOK)
	page = g.show("challenge-code-sent", v.ask(page), http.StatusOK)
	g.show("challenge-code-too-early", v.ask(page), http.StatusTooManyRequests)
	g.show("challenge-code-wrong", v.answer(page, wrong(g.lastCode("sms"))), http.StatusUnprocessableEntity)
	g.clock.Advance(2 * time.Minute)
	g.show("challenge-code-again", v.ask(page), http.StatusOK)
	g.clock.Advance(15 * time.Minute)
	g.show("challenge-code-dead", v.answer(page, g.lastCode("sms")), http.StatusUnprocessableEntity)
	v.ask(page)
	page = v.answer(page, g.lastCode("sms"))
	g.show("challenge-step-up", v.get(page.path+"/resolve"), http.StatusOK)
}

func (g *guide) mailedLink() {
	v := g.visitor()
	page := g.show("challenge-mail", v.open(g.link("ticket")), http.StatusOK)
	page = g.show("challenge-mail-sent", v.ask(page), http.StatusOK)
	g.show("challenge-mail-not-yet", v.send("POST", page.path, url.Values{"do": {"continue"}}), http.StatusOK)
	g.show("mail", v.get(g.lastMail()), http.StatusOK)
	g.show("carry", g.visitor().send("POST", g.lastMail(), nil), http.StatusOK)
	sent := g.sent["email"].Sent()
	g.show("message", shown{status: http.StatusOK, text: sent[len(sent)-1].Content.HTML}, http.StatusOK)
	v = g.visitor()
	v.ask(v.open(g.link("ticket")))
	g.clock.Advance(11 * time.Minute)
	g.show("reason-mail", v.get(g.lastMail()), http.StatusGone)
	g.book.Landings["ticket"].Factor.Changed = engine.ChangedRefuse
	v = g.visitor()
	page = v.open(g.link("ticket", g.delivered))
	g.person(engine.Fields{"email": "zoe@elsewhere.example"})
	g.show("challenge-changed", v.ask(page), http.StatusForbidden)
}
