package links_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// newInto is a house with a landing that leads into a portal; change may alter the landing.
func newInto(t *testing.T, change ...func(*engine.Landing)) *subjects {
	t.Helper()
	s := newSubjects(t, engine.FactorTOTP)
	landing := &engine.Landing{
		Name: "into", Module: s.book.Modules["Contacts"], Modules: s.book.Modules, Expires: engine.UsualOpens, Uses: 1,
		Opens: &engine.Opens{Portal: "customers", What: engine.OpensPassword},
	}
	for _, c := range change {
		c(landing)
	}
	s.book.Landings["into"] = landing
	return s
}

// into is the address of a link into the portal.
func (s *subjects) into(change ...func(*engine.LinkTerms)) (engine.Link, string) {
	s.t.Helper()
	about := func(terms *engine.LinkTerms) { terms.Record, terms.Recipient = contact, contact }
	return s.mint("into", append([]func(*engine.LinkTerms){about}, change...)...)
}

const passwordPage = "/portal/customers/password/"

// passes tells whether the portal lets a browser that stands at one of its pages go on.
func (s *subjects) passes(v *visitor, page string) bool {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+page, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, cookie := range v.client.Jar.Cookies(request.URL) {
		request.AddCookie(cookie)
	}
	_, link, opens, err := s.door.Passage(request, strings.TrimPrefix(page, passwordPage))
	if err != nil && !links.Over(err) {
		s.t.Fatal(err)
	}
	if err == nil && (link.Record != contact || opens.What != engine.OpensPassword) {
		s.t.Errorf("it leads to %s, to %s", link.Record, opens.What)
	}
	return err == nil
}

// enters goes through the door of a link, and returns the page of the portal that it leads to; the portal is not here.
func (v *visitor) enters(address string) string {
	v.h.t.Helper()
	page := v.send("POST", address, nil)
	if page.status != http.StatusNotFound || !strings.HasPrefix(page.path, passwordPage) {
		v.h.t.Fatalf("the door leads to %s, %d\n%s", page.path, page.status, page.text)
	}
	return page.path
}

func TestLinkIntoAPortalExpires(t *testing.T) {
	s := newInto(t)
	_, address := s.into()
	v := s.visitor()
	s.clock.Advance(engine.UsualOpens - time.Minute)
	v.get(address).expect(t, 200, "Is this for you?", "!Zoë")
	page := v.enters(address)
	if !s.passes(v, page) || s.passes(s.visitor(), page) {
		t.Error("the passage is not for the browser that began it alone")
	}
	s.clock.Advance(time.Minute) // on the page of the portal
	if s.passes(v, page) {
		t.Error("the passage outlives the link")
	}
	v.get(address).expect(t, 410, "This link has expired", `href="/portal/customers/forgot"`)
	v.send("POST", address, nil).expect(t, 410, "This link has expired", `href="/portal/customers/forgot"`)
}

// A link that expired is not sent again to where it went: the mailbox may be another's by now. The portal, where one
// asks for another, sends to the address that the record has.
func TestLinkIntoAPortalIsNotSentAgain(t *testing.T) {
	s := newInto(t)
	_, address := s.into(s.delivered)
	sent := len(s.sent["email"].Sent())
	v := s.visitor()
	s.clock.Advance(engine.UsualOpens)
	v.get(address).expect(t, 410, "!Send me a new link")
	v.send("POST", address+"/again", nil).expect(t, 410, "This link has expired", `href="/portal/customers/forgot"`)
	s.settle()
	if now := len(s.sent["email"].Sent()); now != sent {
		t.Errorf("%d messages were sent", now-sent)
	}
}

func TestLinkIntoAPortalForOneBrowser(t *testing.T) {
	s := newInto(t, func(l *engine.Landing) { l.Bind = true })
	_, address := s.into()
	owner, other := s.visitor(), s.visitor()
	other.get(address).expect(t, 200, "Is this for you?") // looking binds nothing
	page := owner.enters(address)
	other.send("POST", address, nil).expect(t, 409, "This link belongs to another browser")
	if s.passes(other, page) || !s.passes(owner, page) {
		t.Error("the passage is not for the browser that the link belongs to")
	}
}

// What a landing asks for comes before the portal: its page opens to nobody who has not proved it.
func TestLinkIntoAPortalAsksFirst(t *testing.T) {
	s := newInto(t).authenticator()
	s.book.Landings["into"].Factor = s.book.Landings["ticket"].Factor
	_, address := s.into()
	v := s.visitor()
	asked := v.open(address)
	flow, asks := strings.CutPrefix(asked.path, "/c/")
	if !asks || s.passes(v, passwordPage+flow) {
		t.Fatalf("the door leads to %s", asked.path)
	}
	v.answer(asked, wrong(s.code(0))).expect(t, 422, "That is not right")
	if s.passes(v, passwordPage+flow) {
		t.Error("a wrong code leads on")
	}
	page := v.answer(asked, s.code(0))
	if page.path != passwordPage+flow || !s.passes(v, page.path) {
		t.Errorf("from %s the code leads to %s, %d", asked.path, page.path, page.status)
	}
	if s.passes(s.visitor(), page.path) {
		t.Error("another browser goes on")
	}
}

// A link that the portal ended, by what its recipient did since, opens nothing, and nor does a passage that was begun.
func TestLinkIntoAPortalIsEnded(t *testing.T) {
	s := newInto(t)
	_, address := s.into()
	v := s.visitor()
	page := v.enters(address)
	s.clock.Advance(time.Second)
	s.signIn(contact, "zoe@acme.example")
	if s.passes(v, page) {
		t.Error("the passage goes on")
	}
	for _, browser := range []*visitor{v, s.visitor()} {
		browser.send("POST", address, nil).expect(t, 410, `href="/portal/customers/forgot"`, "!Zoë")
	}
}
