package main

import (
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"postern/internal/typist"
	portalhouse "postern/portal/portaltest/house"
)

// T87: whoever has forgotten their password comes to another one, and whoever is sent a link is let in by it: in a
// browser on a telephone, with scripts switched off, by the keyboard alone.
func TestT87LinksIntoPortalsByKeyboard(t *testing.T) {
	browser := startBrowser(t)
	server := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	h := newHallAt(t, "http://localhost:"+port)
	server.Config.Handler = h.handler
	server.Start()
	t.Cleanup(server.Close)
	h.SetPassword(portalhouse.Customers, portalhouse.Ana)
	h.SetPassword(portalhouse.Customers, portalhouse.Bob)
	ana := typist.New(browser, t, 360)
	h.forgets(ana)
	h.switches(ana)
}

// signsInBy types a name and a password.
func signsInBy(p *typist.Typist, name, password, heading string) {
	p.Types("#name", name)
	p.Types("#password", password)
	p.Reads(chromedp.KeyEvent("\r"), heading)
}

// forgets comes from the form for a forgotten password, by the mail, to another one, and signs in with it.
func (h *hall) forgets(p *typist.Typist) {
	p.Opens(h.base+"/portal/customers", "Sign in")
	p.Presses(`main a[href$="/forgot"]`, "Forgot your password?")
	p.Types("#name", "ana@acme.example")
	p.Reads(chromedp.KeyEvent("\r"), "Please look at your mail")
	ways := h.mailed()
	if len(ways) != 1 {
		h.T.Fatalf("she is sent %q", ways)
	}
	p.Opens(ways[0], "Is this for you?")
	p.Presses("main button", "Choose a password")
	p.Types("#password", "short")
	p.Types("#again", "short")
	p.Keys("\r") // the browser itself holds it back: the form says how long it has to be
	p.Tabs("#password")
	p.Edits("selectAll")
	p.Keys(another)
	p.Tabs("#again")
	p.Edits("selectAll")
	p.Keys(another)
	p.Reads(chromedp.KeyEvent("\r"), "Your password is saved")
	p.Presses("main a.button", "Sign in")
	signsInBy(p, "ana@acme.example", another, "Welcome, Ana Ort")
	p.Opens(ways[0], "This link")
}

// switches follows a link of Bob's while Ana is signed in: it asks first, and names both. Ana stays as she is; then Bob
// comes by the link.
func (h *hall) switches(p *typist.Typist) {
	way := h.base + h.link("mail-link", "bob@globex.example")
	asked := func() {
		p.Opens(way, "Is this for you?")
		p.Presses("main button", "Sign in?")
		for _, name := range []string{"bob@globex.example", "ana@acme.example"} {
			if text := p.Says("main"); !strings.Contains(text, name) {
				h.T.Errorf("the page does not name %s: %s", name, text)
			}
		}
	}
	asked()
	p.Presses(`main a[href="/portal/customers"]`, "Welcome, Ana Ort")
	asked()
	p.Presses("main button", "Welcome, Bob Roe")
	p.Opens(way, "This link")
}
