package pages

import (
	"crypto/rand"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/pages"
	"postern/internal/passkey"
	"postern/internal/upload"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// stage is the pages of the small book, served.
type stage struct {
	*house.World
	t     testing.TB
	pages *Pages
	gate  *portal.Gate
	url   string
	book  *engine.Book
	// known are who has a password.
	known  map[engine.Ref]bool
	passes passing
}

// passing are the passages that browsers have begun, by their flow, as the door of links keeps them.
type passing map[string]portal.Pass

func (p passing) Pass(_ *http.Request, flow string) (portal.Pass, error) {
	if pass, begun := p[flow]; begun {
		return pass, nil
	}
	return portal.Pass{}, portal.ErrPassed
}

// password is everybody's.
const password = "seven grey herons by the weir"

// newStage serves the pages.
func newStage(t testing.TB, change ...func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, World: house.New(t), known: map[engine.Ref]bool{}, passes: passing{}}
	s.book = &engine.Book{Portals: s.Portals, Modules: s.Modules}
	book := func() *engine.Book { return s.book }
	server := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://localhost:" + port // by its name, for which there can be passkeys
	party, err := passkey.NewParty(s.url, "Acme", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	gate := s.OpenGate(func(c *portal.GateConfig) { c.Book, c.Passkeys = book, party })
	s.gate = gate
	base, err := pages.ParseBase(s.url)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Gate: gate, Desk: s.Desk, Book: book, Base: base, Passes: s.passes,
		Brand: pages.Brand{Name: "Acme"}, Clock: s.Clock, Random: rand.Reader, Logger: s.Logger,
		Intake: upload.NewIntake(s.Store, s.Ring.Seal(rand.Reader), rand.Reader, s.Logger),
	}
	for _, c := range change {
		c(&config)
	}
	if s.pages, err = New(config); err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.pages
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// person is a browser that is signed in.
type person struct {
	s        *stage
	client   *http.Client
	language string // that the browser asks for
}

// in is the same browser, set to a language.
func (p *person) in(language string) *person {
	p.language = language
	return p
}

func (s *stage) person(name string, subject engine.Ref) *person {
	s.t.Helper()
	p := s.stranger()
	p.keeps(s.pages.cookies.Session(name, s.signIn(name, subject)))
	return p
}

// signIn is the token of a new session.
func (s *stage) signIn(name string, subject engine.Ref) string {
	s.t.Helper()
	if !s.known[subject] {
		err := s.gate.SetPassword(s.t.Context(), name, subject, password, portal.Because{Actor: "test"})
		if err != nil {
			s.t.Fatal(err)
		}
		s.known[subject] = true
	}
	login := s.Fields(subject).Text(s.Portals[name].Subject.Login)
	in, err := s.gate.Password(s.t.Context(), name, login, password, portal.Caller{Agent: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	return in.Token
}

// keeps has the browser keep a cookie.
func (p *person) keeps(cookie *http.Cookie) {
	p.s.t.Helper()
	base, err := url.Parse(p.s.url)
	if err != nil {
		p.s.t.Fatal(err)
	}
	p.client.Jar.SetCookies(base, []*http.Cookie{cookie})
}

// stranger is a browser that is not signed in.
func (s *stage) stranger() *person {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &person{s: s, client: &http.Client{Jar: jar}}
}

// shown is a page as it came.
type shown struct {
	method string
	status int
	path   string
	text   string
	header http.Header
}

func (p *person) get(path string) shown { return p.send(http.MethodGet, path, nil) }

func (p *person) send(method, path string, values url.Values) shown {
	p.s.t.Helper()
	r, err := http.NewRequestWithContext(p.s.t.Context(), method, p.s.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		p.s.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return p.do(r)
}

func (p *person) do(r *http.Request) shown {
	p.s.t.Helper()
	if p.language != "" {
		r.Header.Set("Accept-Language", p.language)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.s.t.Fatal(err)
	}
	return shown{answer.Request.Method, answer.StatusCode, answer.Request.URL.RequestURI(), string(text), answer.Header}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(~\w+)" value="([^"]*)">`)

// submit sends the form of a page with some values, and its hidden fields.
func (p *person) submit(page shown, values url.Values) shown {
	p.s.t.Helper()
	sent := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(page.text, -1) {
		sent.Set(field[1], html.UnescapeString(field[2]))
	}
	maps.Copy(sent, values)
	return p.send(http.MethodPost, page.path, sent)
}

// expect holds a page against a status and texts that it shows; one that begins with - it must not show.
func (s shown) expect(t testing.TB, status int, texts ...string) shown {
	t.Helper()
	if s.status != status {
		t.Errorf("%s: status %d, want %d\n%s", s.path, s.status, status, s.text)
	}
	for _, text := range texts {
		without, negated := strings.CutPrefix(text, "-")
		if strings.Contains(s.text, without) == negated {
			t.Errorf("%s: shows %q: %t, want %t\n%s", s.path, without, !negated == false, !negated, s.text)
		}
	}
	return s
}
