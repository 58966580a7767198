package links_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/passkey"
	"postern/internal/passkey/passkeytest"
	"postern/internal/store"
	"postern/internal/totp"
	"postern/links"
	"postern/portal"
)

// subjects is a house whose ticket asks for what its contact enrolled in a portal.
type subjects struct {
	*house
	gate   *portal.Gate
	secret []byte // of the contact's authenticator
}

const (
	portalOrigin = "https://my.acme.example"
	phrase       = "nine lamps on the stairs"
)

// always lets everybody in.
type always struct{}

func (always) Eval(*engine.Env) (any, error) { return true, nil }
func (always) Routes() []string              { return nil }
func (always) Source() string                { return "true" }

func newSubjects(t *testing.T, kind engine.FactorKind) *subjects {
	t.Helper()
	s := &subjects{}
	s.house = newHouse(t, func(c *links.DoorConfig) {
		party, err := passkey.NewParty(portalOrigin, "Acme", rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		kept, _ := c.Store.(*store.Store)
		records, _ := c.CRM.(*crm.Mirror)
		s.gate, err = portal.NewGate(portal.GateConfig{
			Store: kept, CRM: records, Book: c.Book, Sealer: c.Sealer, Names: bytes.Repeat([]byte{5}, 32),
			Clock: c.Clock, Random: rand.Reader, Logger: c.Logger, Base: portalOrigin, Passkeys: party, Rounds: 4096,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Portals, c.Entrance = s.gate.Proofs(portal.Cookies{}), s.gate
	})
	s.furnished(pin)
	s.book.Portals = map[string]*engine.Portal{"customers": {
		Name: "customers", Modules: s.book.Modules, Subject: engine.Subject{
			Module: s.book.Modules["Contacts"], Login: "email", Active: always{}, Zone: time.UTC,
		},
		SignIn: engine.SignIn{
			Methods: engine.SignInMethods(), Idle: time.Hour, Most: 12 * time.Hour, Sessions: 5,
		},
		Roles: map[string]*engine.Role{engine.RoleDefault: {Name: engine.RoleDefault}},
	}}
	s.book.Landings["ticket"].Factor = &engine.Factor{Name: "portal-proof", Kind: kind, Portal: "customers"}
	return s
}

// signIn signs a contact in to the portal, with a code where that is asked for.
func (s *subjects) signIn(ref engine.Ref, name string) portal.SignedIn {
	s.t.Helper()
	ctx := s.t.Context()
	if err := s.gate.SetPassword(ctx, "customers", ref, phrase, portal.Because{Actor: "test"}); err != nil {
		s.t.Fatal(err)
	}
	in, err := s.gate.Password(ctx, "customers", name, phrase, portal.Caller{})
	if err != nil || in.Token == "" {
		s.t.Fatalf("sign in: %+v, %v", in, err)
	}
	return in
}

// keeper is the contact, signed in, as the keeper of what proves them.
func (s *subjects) keeper() portal.Keeper {
	s.t.Helper()
	v, err := s.gate.Viewer(s.t.Context(), "customers", s.signIn(contact, "zoe@acme.example").Token)
	if err != nil {
		s.t.Fatal(err)
	}
	k, err := s.gate.Keeper(s.t.Context(), v)
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

// authenticator has the contact set up one, a while ago.
func (s *subjects) authenticator() *subjects {
	s.t.Helper()
	k := s.keeper()
	setup, err := s.gate.SetUpAuthenticator(s.t.Context(), k, "Acme")
	if err != nil {
		s.t.Fatal(err)
	}
	s.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(
		strings.ReplaceAll(setup.Secret, " ", ""))
	if err != nil {
		s.t.Fatal(err)
	}
	_, _, err = s.gate.AddAuthenticator(s.t.Context(), k, setup.Token, s.code(0), "Acme", portal.Caller{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.clock.Advance(10 * time.Minute)
	return s
}

// code is what the authenticator shows some steps from now.
func (s *subjects) code(steps int64) string {
	return totp.Code(s.secret, totp.Step(s.clock.Now())+steps)
}

// try opens a link anew and types a code, and tells whether that led to the record.
func (s *subjects) try(t *testing.T, code string) bool {
	t.Helper()
	_, address := s.mint("ticket")
	v := s.visitor()
	page := v.answer(v.open(address), code)
	led := strings.Contains(page.text, "TT42")
	if !led {
		page.expect(t, 422, append(secretRecord, "That is not right")...)
	}
	return led
}

func TestT41AuthenticatorOpensALink(t *testing.T) {
	s := newSubjects(t, engine.FactorTOTP).authenticator()
	_, address := s.mint("ticket")
	v := s.visitor()
	page := v.open(address)
	page.expect(t, 200, append(secretRecord, "authenticator", `autocomplete="one-time-code"`,
		`href="/portal/customers/security"`)...)
	v.answer(page, " "+s.code(0)[:3]+" "+s.code(0)[3:]).expect(t, 200, "TT42")
	v.get(page.path).expect(t, 200, "TT42")
}

func TestT41StepsOfAnAuthenticator(t *testing.T) {
	s := newSubjects(t, engine.FactorTOTP).authenticator()
	type step struct {
		what  string
		clock time.Duration // the clock moves so far first
		code  int64
		want  bool
	}
	for _, step := range []step{
		{"two steps before", 0, -2, false},
		{"two steps after", 0, 2, false},
		{"the step before", 0, -1, true},
		{"reuse", 0, -1, false},
		{"this step", 0, 0, true},
		{"the previous one after a newer", 0, -1, false},
		{"the next step", 0, 1, true},
		{"this step after the next", 0, 0, false},
		{"the clock goes back 60 s", -time.Minute, 0, false},
		{"and what was used then", 0, 2, false},
		{"and the first one after it", 0, 1, false},
		{"until the clock has caught up", 2 * time.Minute, 0, true},
	} {
		s.clock.Advance(step.clock)
		if got := s.try(t, s.code(step.code)); got != step.want {
			t.Errorf("%s: led to the record %v", step.what, got)
		}
	}
}

// Codes of an authenticator wait like all others.
func TestT41WrongCodesWait(t *testing.T) {
	s := newSubjects(t, engine.FactorTOTP).authenticator()
	_, address := s.mint("ticket")
	v := s.visitor()
	page := v.open(address)
	for range links.MaxTries - 1 {
		page = v.answer(page, "000000")
		page.expect(t, 422, "Tries left")
	}
	v.answer(page, "000000").expect(t, 429, "Please wait a little")
	v.answer(page, s.code(0)).expect(t, 429, append(secretRecord, "Please wait a little")...)
	s.clock.Advance(time.Minute)
	v.answer(page, s.code(0)).expect(t, 200, "TT42")
}

func TestNobodyToProve(t *testing.T) {
	s := newSubjects(t, engine.FactorTOTP)
	_, address := s.mint("ticket", func(terms *engine.LinkTerms) { terms.Recipient = engine.Ref{} })
	v := s.visitor()
	page := v.open(address)
	page.expect(t, 200, append(secretRecord, "authenticator")...)
	v.answer(page, "123456").expect(t, 422, append(secretRecord, "That is not right")...)
	_, address = s.mint("ticket") // who has enrolled nothing sees the same
	v.answer(v.open(address), "123456").expect(t, 422, append(secretRecord, "That is not right")...)
}

func TestPasskeyOpensALink(t *testing.T) {
	s := newSubjects(t, engine.FactorPasskey)
	device := passkeytest.New(t, portalOrigin)
	k := s.keeper()
	made, err := s.gate.MakePasskey(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	answered := device.Make(made.Options)
	_, err = s.gate.AddPasskey(t.Context(), k, made.Token, answered, "Phone", portal.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	_, address := s.mint("ticket")
	v := s.visitor()
	page := v.open(address)
	page.expect(t, 200, append(secretRecord, "Use my passkey", "!<script")...)
	asked := v.send("POST", page.path, url.Values{"do": {"passkey"}})
	asked.expect(t, 200, append(secretRecord, `data-passkey="get"`, "<noscript>", "<script src=")...)
	if policy := asked.head.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("the page may run no script: %s", policy)
	}
	token, options := passkeyForm(t, asked)
	answer := url.Values{"do": {"check"}, "token": {token}, "answer": {string(device.Use(options))}}
	other := s.visitor()
	stolen := other.open(address)
	other.send("POST", stolen.path, answer).expect(t, 422, append(secretRecord, "That is not right")...)
	v.send("POST", page.path, answer).expect(t, 422, secretRecord...) // a token takes one answer

	token, options = passkeyForm(t, v.send("POST", page.path, url.Values{"do": {"passkey"}}))
	answer = url.Values{"do": {"check"}, "token": {token}, "answer": {string(device.Use(options))}}
	v.send("POST", page.path, answer).expect(t, 200, "TT42")
}

var (
	inToken   = regexp.MustCompile(`name="token" value="([^"]+)"`)
	inOptions = regexp.MustCompile(`data-options="([^"]+)"`)
)

// passkeyForm is what a page asks a browser's script for.
func passkeyForm(t *testing.T, page shown) (token string, options []byte) {
	t.Helper()
	found, asked := inToken.FindStringSubmatch(page.text), inOptions.FindStringSubmatch(page.text)
	if found == nil || asked == nil {
		t.Fatalf("the page asks for no passkey:\n%s", page.text)
	}
	options = []byte(html.UnescapeString(asked[1]))
	if !json.Valid(options) {
		t.Fatalf("the options are no JSON: %s", options)
	}
	return html.UnescapeString(found[1]), options
}

func TestPortalOpensALink(t *testing.T) {
	s := newSubjects(t, engine.FactorPortal)
	other := engine.Ref{Module: "Contacts", ID: "12x8"}
	s.follow(&engine.Event{Type: engine.RecordCreated, Subject: other.String(), Change: &engine.Change{
		Record: engine.Fields{"lastname": "Ben", "email": "ben@acme.example"},
	}})
	_, address := s.mint("ticket")
	v := s.visitor()
	page := v.open(address)
	record := strings.Replace(page.path, "/c/", "/f/", 1)
	back := "/portal/customers/sign-in?to=" + url.QueryEscape(record)
	page.expect(t, 200, append(secretRecord, "Please sign in", `href="`+back+`"`)...)
	v.send("POST", record, url.Values{"ticketstatus": {"Resolved"}}).expect(t, 403, "Please sign in")
	v.send("POST", page.path, url.Values{"do": {"check"}, "code": {"123456"}}).expect(t, 400)

	v.wear("ps-customers", s.signIn(other, "ben@acme.example").Token)
	v.get(record).expect(t, 200, append(secretRecord, "signed in as somebody else", `href="`+back+`"`)...)
	in := s.signIn(contact, "zoe@acme.example")
	v.wear("ps-customers", in.Token)
	v.get(page.path).expect(t, 200, "TT42")
	v.get(record).expect(t, 200, "TT42")
	if err := s.gate.Logout(t.Context(), "customers", in.Token); err != nil {
		t.Fatal(err)
	}
	v.get(record).expect(t, 200, append(secretRecord, "Please sign in")...)
}

// wear gives a visitor's browser a cookie.
func (v *visitor) wear(name, value string) {
	v.h.t.Helper()
	at, err := url.Parse(v.h.url)
	if err != nil {
		v.h.t.Fatal(err)
	}
	v.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func TestPortalAsksOnceMore(t *testing.T) {
	s := newSubjects(t, engine.FactorPortal)
	s.book.Landings["ticket"].Actions[0].Within = 5 * time.Minute
	_, address := s.mint("ticket")
	v := s.visitor()
	v.wear("ps-customers", s.signIn(contact, "zoe@acme.example").Token)
	page := v.open(address)
	page.expect(t, 200, "TT42")
	v.get(page.path+"/resolve").expect(t, 200, "Mark as resolved")
	s.clock.Advance(5 * time.Minute)
	v.get(page.path).expect(t, 200, "TT42")
	v.get(page.path+"/resolve").expect(t, 200, "sign in once more")
}
