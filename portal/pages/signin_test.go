package pages

import (
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// newDoor serves the pages with a gate in front, by which people sign in.
func newDoor(t testing.TB) *stage {
	t.Helper()
	s := newStage(t)
	s.pages.with.Gate = s.Gate
	return s
}

// somebody is a browser that nobody is signed in with.
func (s *stage) somebody() *person {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &person{s: s, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *person) cookies() map[string]string {
	base, err := url.Parse(p.s.url)
	if err != nil {
		p.s.t.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range p.client.Jar.Cookies(base) {
		all[c.Name] = c.Value
	}
	return all
}

func (p *person) signIn(name, password string) shown {
	p.s.t.Helper()
	return p.send(http.MethodPost, "/portal/customers/sign-in", url.Values{"name": {name}, "password": {password}})
}

const start = "/portal/customers"

func TestSignInWithoutScript(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	p := s.somebody()
	page := p.get(start + "/records/HelpDesk?page=2")
	to := page.header.Get("Location")
	if want := start + "/sign-in?to=%2Fportal%2Fcustomers%2Frecords%2FHelpDesk%3Fpage%3D2"; to != want {
		t.Errorf("led to %q, want %q", to, want)
	}
	if page = p.get(to); page.status != 200 || !strings.Contains(page.text, `autocomplete="current-password"`) {
		t.Errorf("the form is %d:\n%s", page.status, page.text)
	}
	wanted := url.Values{
		"name": {"ana@acme.example"}, "password": {house.Password}, "to": {start + "/records/HelpDesk?page=2"},
	}
	page = p.send(http.MethodPost, start+"/sign-in", wanted)
	if page.status != http.StatusSeeOther {
		t.Fatalf("signed in: %d\n%s", page.status, page.text)
	}
	page = p.get(page.header.Get("Location"))
	if got := page.header.Get("Location"); got != start+"/records/HelpDesk?page=2" {
		t.Errorf("then led to %q", got)
	}
	if page = p.get(start); page.status != 200 || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("at home: %d %v", page.status, page.header)
	}
}

// T50: every refusal is the same answer, byte for byte, but for the name that was typed.
func TestT50FormsAreByteEqual(t *testing.T) {
	s := newDoor(t)
	for _, ref := range []engine.Ref{house.Ana, house.Bob, house.Alan, house.Mia} {
		s.SetPassword(house.Customers, ref)
	}
	s.Put(house.Bob, engine.Fields{"portal": false})
	s.Put(house.Alan, engine.Fields{"support_end_date": "2020-01-01"})
	order := portal.Order{
		Portal: house.Customers, Subject: house.Mia, Do: portal.OrderDisable, At: s.Clock.Now(),
		Deed: engine.Deed{At: s.Clock.Now(), Kind: engine.DeedPortalDisabled, Actor: "operator:test"},
	}
	if err := s.Store.Govern(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	look := func(name, password string) (int, http.Header, string) {
		page := s.somebody().signIn(name, password)
		page.header.Del("Date")
		page.header.Del("Content-Length") // of the name that was typed
		return page.status, page.header, strings.ReplaceAll(page.text, name, "NAME")
	}
	status, header, text := look("nobody@acme.example", house.Password)
	if status != http.StatusUnauthorized || !strings.Contains(text, "is not right") || len(header["Set-Cookie"]) != 0 {
		t.Fatalf("an unknown name is %d %v\n%s", status, header, text)
	}
	for name, password := range map[string]string{
		"ana@acme.example": "eleven green umbrellas fly", "bob@globex.example": house.Password,
		"alan@acme.example": house.Password, "mia@acme.example": house.Password, "eve@nobody.example": house.Password,
	} {
		got, also, same := look(name, password)
		if got != status || same != text || !maps.EqualFunc(also, header, slices.Equal[[]string]) {
			t.Errorf("%s is %d %v\n%s", name, got, also, same)
		}
	}
	// While strangers wait, the right password is no different either.
	for range portal.LaneFree {
		look("ana@acme.example", "eleven green umbrellas fly")
	}
	if got, also, same := look("ana@acme.example", house.Password); got != status || same != text ||
		!maps.EqualFunc(also, header, slices.Equal[[]string]) {
		t.Errorf("while strangers wait: %d %v\n%s", got, also, same)
	}
}

// T55: a password in an address signs nobody in, and stands in no log.
func TestT55NoPasswordInAddresses(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	p := s.somebody()
	query := "?" + url.Values{"name": {"ana@acme.example"}, "password": {house.Password}}.Encode()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
		page := p.send(method, start+"/sign-in"+query, nil)
		if page.status == http.StatusSeeOther || len(p.cookies()) != 0 {
			t.Errorf("%s with a password in its address: %d, cookies %v", method, page.status, p.cookies())
		}
		if strings.Contains(page.text, house.Password) {
			t.Errorf("%s: the password comes back", method)
		}
	}
	p.signIn("ana@acme.example", house.Password)
	p.signIn("ana@acme.example", house.Password+"x")
	if log := s.Log.String(); strings.Contains(log, "kettles") {
		t.Errorf("the log knows the password:\n%s", log)
	}
}

func TestT60PagesChangeTheCookie(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	p := s.somebody()
	p.signIn("ana@acme.example", house.Password)
	before := p.cookies()
	s.Advance(2 * engine.FreshSignIn)
	if page := p.get(start + "/sign-in"); page.status != 200 || !strings.Contains(page.text, "Ana Ort") {
		t.Errorf("who signed in a while ago may do so again: %d", page.status)
	}
	p.signIn("ana@acme.example", house.Password)
	after := p.cookies()
	if after["ps-customers"] == before["ps-customers"] || after["pd-customers"] != before["pd-customers"] {
		t.Errorf("cookies were %v, are %v", before, after)
	}
	_, err := s.Gate.Viewer(t.Context(), house.Customers, before["ps-customers"])
	if err == nil {
		t.Error("the former session lives on")
	}
}

// T61: what the browser keeps is out of the reach of scripts, of other sites' requests and of other hosts.
func TestT61CookieFlags(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	page := s.somebody().signIn("ana@acme.example", house.Password)
	for _, want := range []string{"ps-customers=", "pd-customers="} {
		all := slices.Clone(page.header.Values("Set-Cookie"))
		set := slices.DeleteFunc(all, func(c string) bool { return !strings.HasPrefix(c, want) })
		if len(set) != 1 || !strings.Contains(set[0], "HttpOnly") || !strings.Contains(set[0], "SameSite=Lax") ||
			!strings.Contains(set[0], "Path=/") || strings.Contains(set[0], "Domain") {
			t.Errorf("%s is set as %q", want, set)
		}
	}
	secure := portal.Cookies{Secure: true}
	for _, c := range []*http.Cookie{
		secure.Session("customers", "x"), secure.Device("customers", "x"), secure.Pending("customers", "x"),
	} {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" ||
			c.SameSite != http.SameSiteLaxMode {
			t.Errorf("by https: %s", c)
		}
	}
}

// T63: who has signed out is out, and the browser's back button finds nothing that was kept.
func TestT63SignedOutIsOut(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	p := s.somebody()
	p.signIn("ana@acme.example", house.Password)
	token := p.cookies()["ps-customers"]
	if page := p.get(start + "/sign-out"); page.status != http.StatusMethodNotAllowed {
		t.Errorf("signed out by a link: %d", page.status)
	}
	page := p.send(http.MethodPost, start+"/sign-out", nil)
	cleared := page.header.Get("Clear-Site-Data") == `"cache"` && p.cookies()["ps-customers"] == ""
	if page.status != http.StatusSeeOther || !cleared {
		t.Errorf("signed out: %d %v, cookies %v", page.status, page.header, p.cookies())
	}
	if page = p.get(page.header.Get("Location")); !strings.Contains(page.text, "You are signed out.") {
		t.Errorf("then:\n%s", page.text)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+start, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(s.pages.cookies.Session(house.Customers, token))
	if back := s.somebody().do(r); back.status != http.StatusSeeOther {
		t.Errorf("with the former cookie: %d", back.status)
	}
}

// T84: signing in leads to the portal's own pages and nowhere else.
func TestT84SignInLeadsInside(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	for _, to := range []string{
		"https://evil.example/", "//evil.example", "/\\evil.example", "/portal/customers/../../evil",
		"javascript:alert(1)", "/portal/employees/x", "/l/abc", "",
	} {
		p := s.somebody()
		form := url.Values{"name": {"ana@acme.example"}, "password": {house.Password}, "to": {to}}
		page := p.send(http.MethodPost, start+"/sign-in", form)
		if got := page.header.Get("Location"); got != start+"/signed-in" {
			t.Errorf("to %q: led to %q", to, got)
		}
		if page = p.get(start + "/signed-in?" + url.Values{"to": {to}}.Encode()); page.header.Get("Location") != start {
			t.Errorf("to %q: then led to %q", to, page.header.Get("Location"))
		}
	}
}

// T89: a browser that keeps no cookies is told so.
func TestT89NoCookies(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	p := s.somebody()
	p.client.Jar = nil
	page := p.signIn("ana@acme.example", house.Password)
	if page = p.get(page.header.Get("Location")); page.status != 401 || !strings.Contains(page.text, "allow cookies") {
		t.Errorf("%d\n%s", page.status, page.text)
	}
}

func TestSessionsPage(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	one, two := s.somebody(), s.somebody()
	one.signIn("ana@acme.example", house.Password)
	two.signIn("ana@acme.example", house.Password)
	page := one.get(start + "/sessions")
	n := strings.Count(page.text, `name="session"`)
	if page.status != 200 || n != 1 || !strings.Contains(page.text, "This browser.") {
		t.Fatalf("%d sessions to end, %d:\n%s", n, page.status, page.text)
	}
	_, after, _ := strings.Cut(page.text, `name="session" value="`)
	id, _, _ := strings.Cut(after, `"`)
	page = one.send(http.MethodPost, start+"/sessions", url.Values{"session": {id}})
	if page = one.get(page.header.Get("Location")); !strings.Contains(page.text, "That sign-in has ended.") {
		t.Errorf("ended:\n%s", page.text)
	}
	if page := two.get(start); page.status != http.StatusSeeOther {
		t.Errorf("the ended one: %d", page.status)
	}
	for _, id := range []string{"x", "", "01a2027b-d6fb-7fff-bfff"} {
		if page := one.send(http.MethodPost, start+"/sessions", url.Values{"session": {id}}); page.status != 400 {
			t.Errorf("ended %q: %d", id, page.status)
		}
	}
	page = one.send(http.MethodPost, start+"/sessions", url.Values{"all": {"yes"}})
	if page.status != http.StatusSeeOther || one.cookies()["ps-customers"] != "" {
		t.Errorf("ended all: %d, cookies %v", page.status, one.cookies())
	}
}

func TestPasswordPage(t *testing.T) {
	s := newDoor(t)
	s.SetPassword(house.Customers, house.Ana)
	p := s.somebody()
	p.signIn("ana@acme.example", house.Password)
	const next = "nine quiet rivers run uphill"
	change := func(now, next, again string) shown {
		form := url.Values{"password": {now}, "next": {next}, "again": {again}}
		return p.send(http.MethodPost, start+"/password", form)
	}
	for what, test := range map[string]struct {
		page shown
		text string
	}{
		"wrong":     {change("another one of mine", next, next), "not your present password"},
		"differing": {change(house.Password, next, next+"x"), "not the same both times"},
		"common":    {change(house.Password, "passwordpassword", "passwordpassword"), "next-problem"},
		"short":     {change(house.Password, "short", "short"), "15"},
	} {
		if test.page.status != 422 || !strings.Contains(test.page.text, test.text) {
			t.Errorf("%s: %d\n%s", what, test.page.status, test.page.text)
		}
	}
	page := change(house.Password, next, next)
	if page = p.get(page.header.Get("Location")); page.status != 200 || !strings.Contains(page.text, "was changed") {
		t.Errorf("changed: %d\n%s", page.status, page.text)
	}
	if page := s.somebody().signIn("ana@acme.example", next); page.status != http.StatusSeeOther {
		t.Errorf("signed in by the new one: %d", page.status)
	}
}
