package links_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/links"
)

func TestActionFromDoorToReceipt(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, "Ticket TT42: Printer on fire", "It began with smoke.", "Mark as resolved", "!for the staff")
	confirm := v.get(page.path + "/resolve")
	confirm.expect(t, 200, "Status", "Open", "becomes", "Resolved", "Confirm", "Cancel")
	if len(h.events()) != 0 {
		t.Fatal("showing an action did it")
	}
	receipt := v.submit(confirm, nil)
	receipt.expect(t, 200, "Saved", "Mark as resolved", "22 November 2026 at 10:00 UTC", "Back to", page.path)
	if want := strings.Replace(page.path, "/f/", "/r/", 1); receipt.path != want {
		t.Errorf("the receipt is at %s, want %s", receipt.path, want)
	}
	h.holds(map[string]string{"ticketstatus": "Resolved"})
	if uses := h.link(link).Uses; uses != 1 {
		t.Errorf("%d uses", uses)
	}
	v.get(page.path+"/resolve").expect(t, 200, "already been done", "!Confirm")
}

func TestEventsOfAnAct(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("ticket")
	v := h.visitor()
	v.submit(v.get(v.open(address).path+"/resolve"), nil).expect(t, 200, "Saved")
	events := h.events()
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	updated, used := events[0], events[1]
	if updated.Type != engine.RecordUpdated {
		updated, used = used, updated
	}
	var data map[string]any
	if err := json.Unmarshal(used.Data, &data); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"link": link.ID.String(), "landing": "ticket", "action": "resolve", "workflow": "ticket-opened",
		"recipient": "Contacts/12x7",
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("data of link.used:\n%s", diff)
	}
	if used.Type != engine.LinkUsed || used.Subject != ticket.String() || used.CauseID != "event-1" {
		t.Errorf("link.used is %+v", used)
	}
	if updated.CauseID != used.ID || updated.Depth != 1 || updated.Change.Actor != "link:z…@acme.example" ||
		updated.Change.Old.Text("ticketstatus") != "Open" || updated.Change.Record.Text("ticketstatus") != "Resolved" {
		t.Errorf("record.updated is %+v, %+v", updated, updated.Change)
	}
}

func TestT14NothingOutsideTheLandingIsRead(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	v.get(address + "?ticketstatus=Closed")
	page := v.send("POST", address+"?ticketstatus=Closed", url.Values{"ticketstatus": {"Closed"}, "secret": {"stolen"}})
	confirm := v.get(page.path + "/resolve?ticketstatus=Closed")
	confirm.expect(t, 200, "Resolved", "!Closed")
	form := url.Values{"~seen": {confirm.seen()}, "ticketstatus": {"Closed"}, "secret": {"x"}, "set[secret]": {"x"}}
	v.send("POST", page.path+"/resolve?ticketstatus=Closed&ticket_title=x", form).expect(t, 200, "Saved")
	h.holds(map[string]string{
		"ticketstatus": "Resolved", "ticket_title": "Printer on fire", "secret": "only for the staff",
	})
}

func TestActionAfterTheRecordChanged(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("ticket")
	v := h.visitor()
	confirm := v.get(v.open(address).path + "/resolve")
	h.put(engine.Fields{"ticketstatus": "Closed"})
	again := v.submit(confirm, nil)
	again.expect(t, 409, "Someone else changed this", "Closed", "Resolved", "Confirm")
	if h.link(link).Uses != 0 {
		t.Error("a use was taken")
	}
	v.submit(again, nil).expect(t, 200, "Saved")
}

func TestAlreadySo(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("ticket")
	v := h.visitor()
	confirm := v.get(v.open(address).path + "/resolve")
	h.put(engine.Fields{"ticketstatus": "Resolved"})
	v.submit(confirm, nil).expect(t, 200, "Already done", "nothing had to be changed")
}

// The commit itself notices what changed between the door's look at the record and the write.

// stale is a CRM whose next answer is an old one, once it was told to keep it.

func TestT19DoubleClick(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("once")
	v := h.visitor()
	page := v.open(address)
	confirm := v.get(page.path + "/resolve")
	first := v.submit(confirm, nil)
	first.expect(t, 200, "Saved", "!Back to the details")
	h.clock.Advance(59 * time.Second)
	second := v.submit(confirm, nil)
	if second.text != first.text {
		t.Errorf("a double click got another receipt:\n%s", cmp.Diff(first.text, second.text))
	}
	h.clock.Advance(2 * time.Second)
	for _, late := range []shown{v.submit(confirm, nil), v.get(page.path), v.get(confirm.path), v.get(first.path)} {
		if late.text != first.text {
			t.Errorf("who acted does not see the receipt any more: status %d\n%s", late.status, late.text)
		}
	}
	if back := v.get(address); back.text != first.text || back.path != first.path {
		t.Errorf("who follows the link again does not see the receipt: %d %s\n%s", back.status, back.path, back.text)
	}
	other := h.visitor()
	other.get(address).expect(t, 410, append(recordData, "This link has been used")...)
	other.send("POST", address, nil).expect(t, 410, "This link has been used")
	if uses := h.link(link).Uses; uses != 1 || len(h.events()) != 2 {
		t.Errorf("%d uses, %d events", uses, len(h.events()))
	}
}

func TestUsedUpByAnother(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("once")
	one, two := h.visitor(), h.visitor()
	first, second := one.open(address), two.open(address)
	confirm := two.get(second.path + "/resolve")
	one.submit(one.get(first.path+"/resolve"), nil).expect(t, 200, "Saved")
	two.submit(confirm, nil).expect(t, 410, append(recordData, "This link has been used")...)
	two.get(second.path).expect(t, 410, append(recordData, "This link has been used")...)
	two.send("POST", second.path+"/close", nil).expect(t, 410, recordData...)
}

func TestT18OneEffectFromAHundred(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("once")
	visitors := make([]*visitor, 20)
	confirms := make([]shown, len(visitors))
	for i := range visitors {
		visitors[i] = h.visitor()
		confirms[i] = visitors[i].get(visitors[i].open(address).path + "/resolve")
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	saved := 0
	for i := range 100 {
		group.Go(func() {
			v, confirm := visitors[i%len(visitors)], confirms[i%len(visitors)]
			reply := v.submit(confirm, nil)
			mu.Lock()
			defer mu.Unlock()
			if reply.status == http.StatusOK {
				saved++
			}
		})
	}
	group.Wait()
	if uses := h.link(link).Uses; uses != 1 || len(h.events()) != 2 {
		t.Errorf("%d uses, %d events, want one effect", uses, len(h.events()))
	}
	// All presses of the one who was first lead to the receipt, nobody else's do.
	if want := 100 / len(visitors); saved != want {
		t.Errorf("%d saw a receipt, want %d", saved, want)
	}
}

func TestT22OneLandingDoesNotOpenAnother(t *testing.T) {
	h := newHouse(t)
	_, address := h.mint("look")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, "Ticket 17x42", "Printer on fire", "!<form", "!TT42")
	for _, action := range []string{"resolve", "close", "edit", "done"} {
		v.get(page.path+"/"+action).expect(t, 404)
		v.send("POST", page.path+"/"+action, nil).expect(t, 404)
	}
	v.send("POST", page.path, url.Values{"ticket_title": {"x"}, "ticketstatus": {"Closed"}}).expect(t, 200, "!Saved")
	_, second := h.mint("ticket")
	other := h.visitor()
	other.get(other.open(second).path+"/close").expect(t, 404) // an action of "once"
	if len(h.events()) != 0 {
		t.Error("a link did what its landing does not allow")
	}
}

// A link made for no use at all only shows.
func TestLinkOnlyToLook(t *testing.T) {
	h := newHouse(t)
	h.book.Landings["ticket"].Uses = 0
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, "TT42", "!<form", "!Mark as resolved")
	v.get(page.path+"/resolve").expect(t, 404)
	v.send("POST", page.path+"/resolve", nil).expect(t, 404)
	v.send("POST", page.path, url.Values{"ticket_title": {"x"}, "~seen": {""}}).expect(t, 409)
	h.holds(map[string]string{"ticket_title": "Printer on fire", "ticketstatus": "Open"})
}

func TestT83TokenIsNeverLogged(t *testing.T) {
	broken := &breaking{}
	h := newHouse(t, func(c *links.DoorConfig) { broken.CRM, c.CRM = c.CRM, broken })
	_, address := h.mint("ticket")
	token := address[strings.LastIndex(address, "/")+1:]
	v := h.visitor()
	page := v.open(address)
	v.submit(v.get(page.path+"/resolve"), nil)
	broken.err = context.DeadlineExceeded
	v.get(page.path).expect(t, 503)
	h.store.Close()
	for _, path := range []string{address, address + "?x=" + token, strings.ToUpper("/l/" + token), page.path} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
			v.send(method, path, nil)
		}
	}
	h.visitor().get("/l/"+token+"/x").expect(t, 404)
	log := strings.ToLower(h.log.String())
	if !strings.Contains(log, "door could not answer") {
		t.Fatalf("nothing was logged:\n%s", log)
	}
	cookies := v.client.Jar.Cookies(mustURL(t, h.url))
	for what, secret := range map[string]string{"token": token[1:], "cookie": cookies[0].Value} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds the %s:\n%s", what, log)
		}
	}
}

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestT85WhatRecordsHoldIsOnlyText(t *testing.T) {
	h := newHouse(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}`
	for _, address := range []string{
		"javascript:alert(1)", "data:text/html,x", "//evil.example", " java\tscript:alert(1)", "https:evil",
	} {
		h.put(engine.Fields{
			"ticket_title": evil, "description": evil + "</textarea>" + evil, "ticket_no": evil, "web": address,
			"ticketstatus": evil, "hours": evil, "due": evil, "email": evil, "colours": evil, "urgent": evil,
			"call": evil,
		})
		for landing, status := range map[string]struct{ action, form int }{"ticket": {200, 422}, "look": {404, 200}} {
			_, link := h.mint(landing)
			v := h.visitor()
			page := v.open(link)
			page.expect(t, 200, "&lt;script&gt;", "!<script", "!<img", `!href="`+address, "!#Zgotmpl")
			v.get(page.path+"/resolve").expect(t, status.action, "!<script", "!<img")
			again := v.submit(page, url.Values{"ticket_title": {evil + "x"}, "hours": {evil + "x"}})
			again.expect(t, status.form, "!<script", "!<img")
		}
	}
}
