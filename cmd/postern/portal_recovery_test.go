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
		link, err := h.minter.Mint(h.T.Context(), engine.LinkTerms{
			Landing: h.book.Landings[string(what)], Record: event.Ref(), Recipient: event.Ref(), Cause: event.ID,
			Language: h.speaks,
		}, h.Clock.Now())
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
		ways = append(ways, address)
	}
	return ways
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

func TestT64AskingTellsNothing(t *testing.T) {
	h := newHall(t)
	by := engine.Order{By: "test", At: h.Clock.Now()}
	_, err := h.Gate.Order(t.Context(), portalhouse.Customers, h.name(portalhouse.Bob), portal.OrderDisable, by)
	if err != nil {
		t.Fatal(err)
	}
	h.Put(portalhouse.Eve, engine.Fields{"portal": false})
	names := []string{"nobody@acme.example", h.name(portalhouse.Bob), h.name(portalhouse.Eve), h.name(portalhouse.Ana)}
	var first *httptest.ResponseRecorder
	for _, name := range names {
		w := h.browser().send(http.MethodPost, "/portal/customers/forgot", url.Values{"name": {name}})
		if first == nil {
			first = w
		}
		if w.Code != http.StatusAccepted || w.Body.String() != first.Body.String() ||
			!maps.EqualFunc(w.Header(), first.Header(), slices.Equal) {
			t.Errorf("%s is answered %d %v\n%s", name, w.Code, w.Header(), w.Body)
		}
	}
	if ways := h.mailed(); len(ways) != 1 {
		t.Errorf("%d links go out", len(ways))
	}
	asked := 0
	for _, deed := range h.Deeds() {
		if deed.Kind == engine.DeedPortalAsked {
			asked++
		}
		if strings.Contains(deed.Subject+deed.Detail+deed.Actor, "@") {
			t.Errorf("the audit tells %+v", deed)
		}
	}
	if asked != len(names) {
		t.Errorf("%d deeds tell of %d askings", asked, len(names))
	}
	for range 10 { // who asks too often is answered alike, and gets no more
		h.browser().post("/portal/customers/forgot", url.Values{"name": {names[3]}}, http.StatusAccepted)
	}
	if ways := h.mailed(); len(ways) != 2 {
		t.Errorf("%d more links go out", len(ways))
	}
}

func TestT65LinkKnowsItsOwnHost(t *testing.T) {
	h := newHall(t)
	v := h.browser()
	v.host = "evil.example"
	v.post("/portal/customers/forgot", url.Values{"name": {h.name(portalhouse.Ana)}}, http.StatusAccepted)
	if ways := h.mailed(); len(ways) != 1 || !strings.HasPrefix(ways[0], "http://localhost:8080/l/") {
		t.Errorf("the links are %q", ways)
	}
}

func TestT66LinkWorksOnce(t *testing.T) {
	h := newHall(t)
	link, v := h.link("forgot", h.name(portalhouse.Ana)), h.browser()
	for range 5 { // a scanner
		h.browser().get(link, http.StatusOK)
	}
	_, page := v.post(link, nil, http.StatusSeeOther)
	token := strings.TrimPrefix(link, "/l/")
	if !strings.HasPrefix(page, "/portal/customers/password/") || strings.Contains(page, token) {
		t.Fatalf("the door leads to %q", page)
	}
	h.browser().get(page, http.StatusGone) // another browser
	if body, _ := v.get(page, http.StatusOK); !strings.Contains(body, h.name(portalhouse.Ana)) {
		t.Errorf("the page is\n%s", body)
	}
	v.post(page, choose("short"), http.StatusUnprocessableEntity)
	v.post(page, url.Values{"password": {another}, "again": {another + "x"}}, http.StatusUnprocessableEntity)
	v.post(page, choose(another), http.StatusSeeOther)
	v.post(page, choose(another), http.StatusGone)
	v.get(page, http.StatusGone)
	over, _ := h.browser().post(link, nil, http.StatusGone)
	if !strings.Contains(over, "has been used") || !strings.Contains(over, `href="/portal/customers/forgot"`) {
		t.Errorf("a used link leads to\n%s", over)
	}
	if _, ok := h.signsIn(another); !ok {
		t.Error("the password does not sign in")
	}

	older, newer := h.link("forgot", h.name(portalhouse.Ana)), h.link("forgot", h.name(portalhouse.Ana))
	body, _ := h.browser().post(older, nil, http.StatusGone)
	if !strings.Contains(body, "This link is no longer good") || !strings.Contains(body, `href="/portal/customers/forgot"`) {
		t.Errorf("an older link leads to\n%s", body)
	}
	_, page = v.post(newer, nil, http.StatusSeeOther)
	if _, ok := h.signsIn(another); !ok { // while the page is open
		t.Error("asking ended the password")
	}
	v.post(page, choose("eleven blue foxes dance"), http.StatusGone)
	h.browser().post(newer, nil, http.StatusGone)
}

// Who chooses their first password is told of no sessions and no password before.
func TestFirstPasswordEndsNothing(t *testing.T) {
	h := newHall(t)
	for _, first := range []bool{true, false} {
		v := h.browser()
		_, way := v.post(h.link("forgot", h.name(portalhouse.Bob)), nil, http.StatusSeeOther)
		page, _ := v.get(way, http.StatusOK)
		if strings.Contains(page, "you are signed out everywhere") == first {
			t.Errorf("first: %v\n%s", first, page)
		}
		h.SetPassword(portalhouse.Customers, portalhouse.Bob)
	}
}

// The page behind the door speaks as the door does, whatever the browser would like.
func TestLinkKeepsItsLanguage(t *testing.T) {
	h := newHall(t)
	h.speaks = "es"
	v := h.browser()
	link := h.link("forgot", h.name(portalhouse.Ana))
	if body, _ := v.get(link, http.StatusOK); !strings.Contains(body, `lang="es"`) {
		t.Errorf("the door is\n%s", body)
	}
	_, page := v.post(link, nil, http.StatusSeeOther)
	if body, _ := v.get(page, http.StatusOK); !strings.Contains(body, `lang="es"`) {
		t.Errorf("the page is\n%s", body)
	}
	body, _ := v.post(page, choose("short"), http.StatusUnprocessableEntity)
	if !strings.Contains(body, `lang="es"`) || !strings.Contains(body, "15") {
		t.Errorf("the refusal is\n%s", body)
	}
}

func TestT67RecoverySkipsNothing(t *testing.T) {
	h := newHall(t)
	token := h.SignIn(portalhouse.Customers, portalhouse.Ana)
	before := h.name(portalhouse.Ana)
	if err := h.Store.PutAuthenticator(t.Context(), portal.Authenticator{
		Holder: portal.Holder{Portal: portalhouse.Customers, Subject: portalhouse.Ana}, Secret: []byte("sealed"),
		Added: h.Clock.Now(),
	}, portal.Told{Deed: engine.Deed{At: h.Clock.Now(), Kind: "portal.factor_set", Actor: "test"}}); err != nil {
		t.Fatal(err)
	}
	h.Put(portalhouse.Ana, engine.Fields{"email": "ana@new.example"})
	v := h.browser()
	_, page := v.post(h.link("forgot", "ana@new.example"), nil, http.StatusSeeOther)
	v.post(page, choose(another), http.StatusSeeOther)
	if _, signedIn := v.cookies["ps-customers"]; signedIn {
		t.Error("choosing a password signed in")
	}
	if _, err := h.Gate.Viewer(t.Context(), portalhouse.Customers, token); err == nil {
		t.Error("a session outlived the password")
	}
	if next, ok := h.signsIn(another); !ok || next != portal.NextSecond {
		t.Errorf("signing in leads to %q, %v", next, ok)
	}
	told := ""
	for _, event := range h.Events() {
		if event.Type == engine.PortalPasswordSet {
			told = string(event.Data)
		}
	}
	if !strings.Contains(told, `"old_address":"`+before+`"`) {
		t.Errorf("told %s", told)
	}
}

func TestT68LinkAsksBeforeItSwitches(t *testing.T) {
	h := newHall(t)
	v := h.browser()
	v.cookies["ps-customers"] = h.SignIn(portalhouse.Customers, portalhouse.Bob)
	_, page := v.post(h.link("mail-link", h.name(portalhouse.Ana)), nil, http.StatusSeeOther)
	body, _ := v.get(page, http.StatusOK)
	if !strings.Contains(body, h.name(portalhouse.Ana)) || !strings.Contains(body, h.name(portalhouse.Bob)) {
		t.Errorf("the page is\n%s", body)
	}
	who := func() engine.Ref {
		viewer, err := h.Gate.Viewer(t.Context(), portalhouse.Customers, v.cookies["ps-customers"])
		if err != nil {
			t.Fatal(err)
		}
		return viewer.Ref()
	}
	v.post(page, nil, http.StatusOK) // without having read who is signed in
	if who() != portalhouse.Bob {
		t.Error("the browser was taken over without a word")
	}
	v.post(page, url.Values{"now": {h.name(portalhouse.Bob)}}, http.StatusSeeOther)
	if who() != portalhouse.Ana {
		t.Error("the link did not sign in")
	}
}
