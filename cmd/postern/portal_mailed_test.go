package main

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/peer"
	"postern/portal"
	"postern/workflows"
)

// The people of these tests.
var (
	zoe = person{"customers", "Contacts/12x1", "zoe@acme.example", "es"}
	bob = person{"customers", "Contacts/12x2", "bob@acme.example", "en"}
	gus = person{"customers", "Contacts/12x3", "gus@acme.example", "en"}
	ann = person{"employees", "Employees/30x1", "ann@home.example", "nl"}
)

// second is a password after another one.
const second = "seven green lamps whisper"

// both are a customer and an employee; under the race detector, which takes ten times as long for passwords, the first.
func both(people ...person) []person {
	if peer.Race {
		return people[:1]
	}
	return people
}

// T66: from the form to the password and in, by mails that an SMTP server took. Scanners use nothing up, a link is good
// for one password, a later one ends it, and so does a sign-in.
func TestT66MailedLinkWorksOnce(t *testing.T) {
	h := newMailedHouse(t)
	h.known(zoe, ann)
	for _, p := range both(zoe, ann) {
		h.asks(p, "forgot")
		link := h.linkIn(h.mail(p, "portal-recovery"))
		h.scanned(link)
		v := h.browser()
		page := v.passes(link)
		v.get(page, http.StatusOK)
		v.post(page, choose(another), http.StatusSeeOther)
		h.mail(p, "portal-password-set")
		h.over(v, page, link)
		if to := v.enters(p, another, http.StatusSeeOther); strings.Contains(to, "sign-in") {
			t.Errorf("signing in leads to %s", to)
		}
		v.get("/portal/"+p.portal, http.StatusOK)
		h.mail(p, "portal-new-device")

		h.asks(p, "forgot")
		older := h.linkIn(h.mail(p, "portal-recovery"))
		h.asks(p, "forgot")
		newer := h.linkIn(h.mail(p, "portal-recovery"))
		h.over(h.browser(), "", older)
		page = v.passes(newer)
		v.get(page, http.StatusOK)
		v.enters(p, another, http.StatusSeeOther) // while the page is open
		v.post(page, choose(second), http.StatusGone)
		h.over(v, page, newer)
		if left := h.unread(p.address); len(left) > 0 {
			t.Errorf("more mails came: %q", left)
		}
	}
}

// over sees that what a link led to is over, and that its page is a calm one that tells nothing of whose it was.
func (h *mailedHouse) over(v *visitor, page, link string) {
	h.t.Helper()
	var pages []string
	if page != "" {
		body, _ := v.get(page, http.StatusGone)
		more, _ := v.post(page, choose(second), http.StatusGone)
		pages = append(pages, body, more)
	}
	body, _ := h.browser().post(link, nil, http.StatusGone)
	for _, body := range append(pages, body) {
		named := strings.Contains(body, "O&#39;Brien") && v.cookies["ps-customers"]+v.cookies["ps-employees"] == ""
		if !strings.Contains(body, "<h1") || strings.Contains(body, "@") || named {
			h.t.Errorf("the page of what is over is\n%s", body)
		}
	}
}

// An operator invites; the link is for a password, for a day.
func TestInvitationIsMailed(t *testing.T) {
	h := newMailedHouse(t)
	h.known(bob, ann)
	for _, p := range both(bob, ann) {
		done, err := h.inviteSubject(t.Context(), whoOrder{Portal: p.portal, Who: p.address})
		if err != nil || done.Record != p.subject {
			t.Fatalf("invited %+v, %v", done, err)
		}
		v, link := h.browser(), h.linkIn(h.mail(p, "portal-invitation"))
		v.post(v.passes(link), choose(another), http.StatusSeeOther)
		h.mail(p, "portal-password-set")
		h.over(v, "", link)
	}
}

// T64, T65: who asks is answered alike; only who is known and may come in is mailed, with a link of our own address.
func TestT64OnlyWhoMayComeInIsMailed(t *testing.T) {
	h := newMailedHouse(t)
	h.known(zoe, bob, gus)
	order := whoOrder{Portal: gus.portal, Who: gus.address, Do: portal.OrderDisable}
	if _, err := h.governSubject(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	h.shutOut(bob)
	askForAll(t, h.browser, "nobody@acme.example", gus.address, bob.address, zoe.address)
	h.mail(zoe, "portal-recovery") // she asked last: what the others asked for was looked at before
	for _, p := range []person{bob, gus, {address: "nobody@acme.example"}} {
		if mails := h.unread(p.address); len(mails) > 0 {
			t.Errorf("%s is mailed %q", p.address, mails)
		}
	}
	if asked := h.deeds(engine.DeedPortalAsked); len(asked) != 4 || strings.Contains(asked[3].Detail, ":") ||
		!strings.Contains(asked[0].Detail, ":") || !strings.Contains(asked[1].Detail, ":") ||
		!strings.Contains(asked[2].Detail, ":") {
		t.Errorf("noted %+v", asked)
	}
}

func TestT65MailedLinkKnowsItsOwnHost(t *testing.T) {
	h := newMailedHouse(t)
	h.known(zoe)
	v := h.browser()
	v.host, v.header = "evil.example", http.Header{"Forwarded": {"host=evil.example;proto=https"}}
	v.post("/portal/customers/forgot", url.Values{"name": {zoe.address}}, http.StatusAccepted)
	h.linkIn(h.mail(zoe, "portal-recovery"))
	for _, m := range h.server.Mails() {
		if strings.Contains(string(m.Raw), "evil.example") {
			t.Errorf("the mail is\n%s", m.Raw)
		}
	}
}

// T67: another address is told to the mailbox before at once, and so is a password that is chosen then; sessions end,
// and what was enrolled is asked for as before.
func TestT67MailedRecoverySkipsNothing(t *testing.T) {
	h := newMailedHouse(t)
	for _, p := range both(zoe, ann) {
		h.known(p)
		v := h.browser()
		h.asks(p, "forgot")
		v.post(v.passes(h.linkIn(h.mail(p, "portal-recovery"))), choose(another), http.StatusSeeOther)
		h.mail(p, "portal-password-set")
		v.enters(p, another, http.StatusSeeOther)
		h.asks(p, "forgot")
		sent := h.linkIn(h.mail(p, "portal-recovery")) // is in the mailbox that is left

		after := p
		after.address = "new-" + p.address
		h.patches(v, p, engine.Fields{"email": after.address})
		h.mail(p, "portal-address-changed")
		h.over(v, "", sent)
		h.enrols(p)

		h.asks(after, "forgot")
		other := h.browser()
		other.post(other.passes(h.linkIn(h.mail(after, "portal-recovery"))), choose(second), http.StatusSeeOther)
		h.mail(after, "portal-password-set")
		h.mail(p, "portal-password-set")
		v.get("/portal/"+p.portal, http.StatusSeeOther) // signed out
		if to := other.enters(after, second, http.StatusSeeOther); !strings.Contains(to, "/second") {
			t.Errorf("signing in leads to %s", to)
		}
	}
}

// T68: a link to sign in that is followed where somebody else is signed in names both, and asks.
func TestT68MailedLinkAsksBeforeItSwitches(t *testing.T) {
	h := newMailedHouse(t)
	h.known(zoe, bob, ann)
	for _, p := range both(zoe, ann) {
		v := h.browser()
		h.asks(p, "mail-link")
		link := h.linkIn(h.mail(p, "portal-sign-in"))
		h.scanned(link)
		v.post(v.passes(link), nil, http.StatusSeeOther)
		v.get("/portal/"+p.portal, http.StatusOK)
		h.mail(p, "portal-new-device")
	}
	v := h.browser()
	h.asks(bob, "mail-link")
	v.post(v.passes(h.linkIn(h.mail(bob, "portal-sign-in"))), nil, http.StatusSeeOther)
	h.asks(zoe, "mail-link")
	page := v.passes(h.linkIn(h.mail(zoe, "portal-sign-in")))
	body, _ := v.get(page, http.StatusOK)
	if !strings.Contains(body, zoe.address) || !strings.Contains(body, bob.address) {
		t.Errorf("the page is\n%s", body)
	}
	v.post(page, nil, http.StatusOK) // without having read who is signed in
	h.signedIn(v, bob)
	v.post(page, url.Values{"now": {bob.address}}, http.StatusSeeOther)
	h.signedIn(v, zoe)
}

// Strangers who guess have the owner told.
func TestLockedIsMailed(t *testing.T) {
	h := newMailedHouse(t)
	h.known(bob)
	gate := h.portals.gate
	for range 6 { // by proofs, which cost nothing here
		challenge, err := gate.Challenge(t.Context(), bob.portal, bob.address, strings.Repeat("n", 24), portal.Caller{})
		if err != nil {
			t.Fatal(err)
		}
		proof := portal.Proof{Nonce: challenge.Nonce, Proof: make([]byte, 32)}
		if _, err = gate.Login(t.Context(), bob.portal, proof, portal.Caller{}); !errors.Is(err, portal.ErrRefused) {
			t.Fatalf("a wrong proof is answered %v", err)
		}
	}
	h.mail(bob, "portal-locked")
}

// What was asked for yesterday, and waited behind a broker that was away, sends nothing.
func TestEventThatWaitedForTooLongSendsNoLink(t *testing.T) {
	h := newMailedHouse(t)
	h.known(zoe, bob)
	for kind, p := range map[string]person{"portal.recovery": zoe, "portal.signin_asked": bob} {
		ref, err := engine.ParseRef(p.subject)
		if err != nil {
			t.Fatal(err)
		}
		id, at := engine.ID{byte(len(kind))}, time.Now().Add(-24*time.Hour)
		customers := h.bookInUse().Portals["customers"]
		event, err := engine.NewPortalEvent(customers, doorstep, engine.Record{Ref: ref}, kind, id, at, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer := portal.Answer{Portal: "customers", Subject: ref, Event: event, Deed: engine.Deed{
			At: at, Kind: engine.DeedPortalAsked, Actor: "test", Subject: p.subject,
		}}
		if err := h.store.AnswerAsking(t.Context(), answer); err != nil {
			t.Fatal(err)
		}
	}
	h.asks(zoe, "forgot")
	h.asks(bob, "mail-link")
	h.mail(zoe, "portal-recovery")
	h.mail(bob, "portal-sign-in")
	if left := append(h.unread(zoe.address), h.unread(bob.address)...); len(left) > 0 {
		t.Errorf("what was asked for yesterday brings %q", left)
	}
}

// partners is a further portal for contacts: what the shipped ones have for customers, with a name of its own.
func partners(t *testing.T) func(*config) {
	return func(c *config) {
		for from, to := range map[string]string{
			"portal/customers.yaml":         "portal/partners.yaml",
			"portal-recovery.yaml":          "portal-recovery-partners.yaml",
			"landings/portal-password.yaml": "landings/portal-password-partners.yaml",
		} {
			text, err := fs.ReadFile(workflows.Shipped, from)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.NewReplacer(
				"portal: customers", "portal: partners", `"customers"`, `"partners"`, "Portal de clientes",
				"Portal de socios", "name: portal-recovery", "name: portal-recovery-partners", "portal-password",
				"portal-password-partners",
			).Replace(string(text))
			if err := os.WriteFile(filepath.Join(c.Book, to), []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Of two portals that one record signs in to, each mail names the one that it is of, and what is asked for in one
// leaves the links into the other.
func TestMailedLinksOfTwoPortals(t *testing.T) {
	h := newMailedHouse(t, partners(t))
	h.known(zoe)
	partner := zoe
	partner.portal = "partners"
	h.asks(partner, "forgot")
	h.asks(zoe, "forgot")
	for _, p := range []person{zoe, partner} {
		v, link := h.browser(), h.linkIn(h.mail(p, "portal-recovery"))
		page := v.passes(link)
		if !strings.HasPrefix(page, "/portal/"+p.portal+"/password/") {
			t.Errorf("the door leads to %s", page)
		}
		v.post(page, choose(another), http.StatusSeeOther)
		h.mail(p, "portal-password-set")
	}
	v := h.browser()
	v.enters(partner, another, http.StatusSeeOther)
	h.mail(partner, "portal-new-device")
	if left := h.unread(zoe.address); len(left) > 0 {
		t.Errorf("more mails came: %q", left)
	}
}
