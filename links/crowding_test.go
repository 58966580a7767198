package links_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// fromHeader lets a test say where a request comes from.
func fromHeader(c *links.DoorConfig) {
	c.Client = func(r *http.Request) netip.Addr {
		address, _ := netip.ParseAddr(r.Header.Get("Test-From"))
		return address
	}
}

// from is a visitor at an address.
func (h *house) from(address string) *visitor {
	v := h.visitor()
	v.head.Set("Test-From", address)
	return v
}

func TestWrongLinksShutAnAddress(t *testing.T) {
	h := newHouse(t, fromHeader)
	link, address := h.mint("ticket")
	within := h.from("203.0.113.7")
	page := within.open(address)
	for i := range 10 {
		h.from("203.0.113.7").get("/l/a"+strings.Repeat("b", 25)+string(rune('c'+i))).expect(t, 404)
	}
	shut := h.from("203.0.113.7").get("/l/a" + strings.Repeat("c", 26))
	shut.expect(t, 429, append(recordData, "Please wait a little")...)
	if got := shut.head.Get("Retry-After"); got != "900" {
		t.Errorf("Retry-After %q, want 900", got)
	}
	h.from("203.0.113.7").send("POST", "/x/ticket/"+strings.Repeat("c", 26), nil).expect(t, 429)
	within.get(page.path).expect(t, 200) // who is inside stays inside
	h.from("203.0.113.7").get(address).expect(t, 200)
	h.from("203.0.113.7").open(address).expect(t, 200, "TT42") // a colleague's link
	h.clock.Advance(15 * time.Minute)
	h.from("203.0.113.7").get("/l/a"+strings.Repeat("c", 26)).expect(t, 404)
	if uses := h.link(link).Uses; uses != 0 {
		t.Errorf("the link has %d uses", uses)
	}
}

// Somebody whose link was cut off tries it over and over: that is slowed down, and over soon.
func TestTheSameWrongLinkOverAndOver(t *testing.T) {
	h := newHouse(t, fromHeader)
	v := h.from("2001:db8::7")
	for range 20 {
		v.get("/l/abc").expect(t, 404)
	}
	slow := v.get("/l/abc")
	slow.expect(t, 429, "Please wait a little")
	if got := slow.head.Get("Retry-After"); got != "3" {
		t.Errorf("Retry-After %q, want 3", got)
	}
	h.from("2001:db8::ffff").get("/l/abc").expect(t, 429) // the same customer
	h.clock.Advance(3 * time.Second)
	v.get("/l/abc").expect(t, 404)
}

func TestWithoutAnAddressNobodyIsHeldBack(t *testing.T) {
	h := newHouse(t)
	for i := range 40 {
		h.visitor().get("/l/a"+strings.Repeat("b", 24)+string(rune('a'+i%26))+string(rune('a'+i/26))).expect(t, 404)
	}
}

// A mail scanner follows what was revoked as well: nobody was guessing.
func TestRevokedLinksAreNoMisses(t *testing.T) {
	h := newHouse(t, fromHeader)
	for range 11 {
		link, address := h.mint("ticket")
		order := engine.Order{By: "anna", At: h.clock.Now()}
		if _, err := h.store.RevokeLinks(t.Context(), engine.LinkSelection{IDs: []engine.ID{link.ID}}, order); err != nil {
			t.Fatal(err)
		}
		h.from("203.0.113.7").get(address).expect(t, 404)
	}
	h.from("203.0.113.7").get("/l/a"+strings.Repeat("c", 26)).expect(t, 404)
}
