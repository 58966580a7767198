package main

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/pages"
	"postern/links"
	"postern/portal"
	"postern/portal/facade"
	portalpages "postern/portal/pages"
	portalhouse "postern/portal/portaltest/house"
	"postern/portal/rest"
)

// hall is a world with the door of links before its portals: what a mail leads through is real from there on. What the
// workflow does, which has tests of its own, is to make the link.
type hall struct {
	*portalhouse.World
	door    *links.Door
	minter  *links.Minter
	book    *engine.Book
	handler http.Handler
	base    string
	seen    int    // events that links went out for, or none
	speaks  string // the language of whom links go to
}

// newHall opens one; change may alter what the gate works with.
func newHall(t *testing.T, change ...func(*portal.GateConfig)) *hall {
	t.Helper()
	return newHallAt(t, "http://localhost:8080", change...)
}

// newHallAt is a hall whose addresses begin so.
func newHallAt(t *testing.T, address string, change ...func(*portal.GateConfig)) *hall {
	t.Helper()
	h := &hall{World: portalhouse.New(t), base: address}
	h.Gate = h.OpenGate(change...)
	h.book = h.Book()
	h.book.Landings = map[string]*engine.Landing{}
	for _, what := range engine.OpensWhats() {
		h.book.Landings[string(what)] = &engine.Landing{
			Name: string(what), Module: h.Modules["Contacts"], Modules: h.Modules, Expires: 20 * time.Minute, Uses: 1,
			Opens: &engine.Opens{Portal: portalhouse.Customers, What: what},
		}
	}
	base, err := pages.ParseBase(address)
	if err != nil {
		t.Fatal(err)
	}
	book := func() *engine.Book { return h.book }
	h.minter = links.NewMinter(base, h.Ring.Mint(), rand.Reader)
	h.door, err = links.NewDoor(links.DoorConfig{
		Store: h.Store, CRM: h.CRM, Book: book, Keys: h.Ring.Door(), Minter: h.minter, Base: base, Clock: h.Clock,
		Sealer: h.Ring.Seal(rand.Reader), Random: rand.Reader, Logger: h.Logger, Entrance: h.Gate,
	})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := portalpages.New(portalpages.Config{
		Gate: h.Gate, Desk: h.Desk, Book: book, Passes: passes{h.door}, Base: base, Clock: h.Clock, Random: rand.Reader,
		Logger: h.Logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	api, err := rest.New(rest.Config{Gate: h.Gate, Desk: h.Desk, Base: base, Logger: h.Logger})
	if err != nil {
		t.Fatal(err)
	}
	service := facade.New(facade.Config{
		Gate: h.Gate, Records: h.Desk, Tokens: h.Store, Book: book, Plaintext: true, AppKeys: true, Clock: h.Clock,
		Random: rand.Reader, Logger: h.Logger,
	})
	mux := http.NewServeMux()
	mux.Handle("/", h.door)
	mux.Handle("/portal/", shown)
	mux.Handle(rest.Prefix, api)
	mux.Handle("/portal/{portal}/webservice.php", service)
	h.handler = mux
	return h
}

// mailed looks after what was asked for, and returns the ways of the links that go out for it.
func (h *hall) mailed() (ways []string) {
	h.T.Helper()
	if err := h.Gate.AnswerAskings(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
	opens := map[string]engine.OpensWhat{
		engine.PortalRecovery: engine.OpensPassword, engine.PortalSignInAsked: engine.OpensSignIn,
	}
	events := h.Events()
	fresh := events[h.seen:]
	h.seen = len(events)
	for _, event := range fresh {
		what, asks := opens[event.Type]
		if !asks {
			continue
		}
		h.Advance(time.Millisecond)
		ways = append(ways, h.mint(engine.LinkTerms{
			Landing: h.book.Landings[string(what)], Record: event.Ref(), Recipient: event.Ref(), Cause: event.ID,
			Language: h.speaks,
		}))
	}
	return ways
}

// mint makes a link, and returns its address.
func (h *hall) mint(terms engine.LinkTerms) string {
	h.T.Helper()
	link, err := h.minter.Mint(h.T.Context(), terms, h.Clock.Now())
	if err == nil {
		err = h.Store.Mint(h.T.Context(), link)
	}
	if err != nil {
		h.T.Fatal(err)
	}
	address, err := h.minter.URL(link)
	if err != nil {
		h.T.Fatal(err)
	}
	return address
}

// link asks for a link for somebody, and returns its path.
func (h *hall) link(page, name string) string {
	h.T.Helper()
	h.Advance(time.Minute)
	h.browser().post("/portal/customers/"+page, url.Values{"name": {name}}, http.StatusAccepted)
	ways := h.mailed()
	if len(ways) != 1 {
		h.T.Fatalf("%s asked for %s: %q", name, page, ways)
	}
	return strings.TrimPrefix(ways[0], h.base)
}

// visitor is a browser.
type visitor struct {
	t       testing.TB
	handler http.Handler
	cookies map[string]string
	host    string
	header  http.Header // that it sends besides
}

func (h *hall) browser() *visitor {
	return newVisitor(h.T, h.handler)
}

func newVisitor(t testing.TB, handler http.Handler) *visitor {
	return &visitor{t: t, handler: handler, cookies: map[string]string{}, host: "localhost:8080"}
}

func (v *visitor) send(method, path string, form url.Values) *httptest.ResponseRecorder {
	v.t.Helper()
	r := httptest.NewRequestWithContext(v.t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Host = v.host
	if v.host != "localhost:8080" {
		r.Header.Set("X-Forwarded-Host", v.host)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(r.Header, v.header)
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if v.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(v.cookies, cookie.Name)
		}
	}
	return w
}

// get and post hold the status against what is wanted, and return the page and where it leads.
func (v *visitor) get(path string, want int) (body, to string) {
	v.t.Helper()
	return v.held(v.send(http.MethodGet, path, nil), path, want)
}

func (v *visitor) post(path string, form url.Values, want int) (body, to string) {
	v.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return v.held(v.send(http.MethodPost, path, form), path, want)
}

func (v *visitor) held(w *httptest.ResponseRecorder, path string, want int) (body, to string) {
	v.t.Helper()
	if w.Code != want {
		v.t.Errorf("%s is %d, want %d\n%s", path, w.Code, want, w.Body)
	}
	return w.Body.String(), w.Header().Get("Location")
}

const another = "nine purple otters hum"

func choose(password string) url.Values {
	return url.Values{"password": {password}, "again": {password}}
}

// signsIn tells whether a password signs Ana in, and what follows.
func (h *hall) signsIn(password string) (next string, ok bool) {
	in, err := h.Gate.Password(h.T.Context(), portalhouse.Customers, h.name(portalhouse.Ana), password, portal.Caller{})
	return in.Next, err == nil
}

func (h *hall) name(ref engine.Ref) string { return h.Fields(ref).Text("email") }

// askForAll asks for a link to choose a password for each name, each in a browser of its own, and sees that nothing
// tells the answers apart.
func askForAll(t *testing.T, open func() *visitor, names ...string) {
	t.Helper()
	var first *httptest.ResponseRecorder
	for _, name := range names {
		w := open().send(http.MethodPost, "/portal/customers/forgot", url.Values{"name": {name}})
		if first == nil {
			first = w
		}
		if w.Code != http.StatusAccepted || w.Body.String() != first.Body.String() ||
			!maps.EqualFunc(w.Header(), first.Header(), slices.Equal) {
			t.Errorf("%s is answered %d %v\n%s", name, w.Code, w.Header(), w.Body)
		}
	}
}
