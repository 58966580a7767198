package pages

import (
	"encoding/base32"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/totp"
	"postern/portal"
	"postern/portal/portaltest/house"
)

const (
	security = "/portal/customers/security"
	second   = "/portal/customers/second"
	enrol    = "/portal/customers/enrol"
	signInAt = "/portal/customers/sign-in"
)

var (
	inToken  = regexp.MustCompile(`name="token" value="([^"]+)"`)
	inSecret = regexp.MustCompile(`<p class="code" dir="ltr">([A-Z2-7 ]+)</p>`)
	inCodes  = regexp.MustCompile(`<span class="code" dir="ltr">([a-z2-9]{5}-[a-z2-9]{5})</span>`)
)

func found(t testing.TB, pattern *regexp.Regexp, page shown) string {
	t.Helper()
	match := pattern.FindStringSubmatch(page.text)
	if match == nil {
		t.Fatalf("%s: no %s\n%s", page.path, pattern, page.text)
	}
	return html.UnescapeString(match[1])
}

// phone is somebody's authenticator.
type phone struct {
	s      *stage
	secret []byte
}

func (p phone) code() string { return totp.Code(p.secret, totp.Step(p.s.Clock.Now())) }

// phone is the telephone that has read a page that sets up an authenticator.
func (s *stage) phone(page shown) phone {
	s.t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(
		strings.ReplaceAll(found(s.t, inSecret, page), " ", ""))
	if err != nil {
		s.t.Fatal(err)
	}
	return phone{s, secret}
}

// setsUp sets up an authenticator on a page that offers it, and returns the page that follows.
func (p *person) setsUp(t testing.TB, at string) (phone, shown) {
	t.Helper()
	page := p.send("POST", at, url.Values{"do": {"authenticator"}}).expect(t, 200, "<svg", "-otpauth://")
	made := p.s.phone(page)
	add := url.Values{"do": {"add-authenticator"}, "code": {"000000"}, "token": {found(t, inToken, page)}}
	page = p.send("POST", at, add).expect(t, 422, "That is not right")
	add = url.Values{"do": {"add-authenticator"}, "code": {made.code()}, "token": {found(t, inToken, page)}}
	return made, p.send("POST", at, add).expect(t, 200, "Keep these recovery codes")
}

// signsIn types the password of somebody.
func (p *person) signsIn(who engine.Ref) shown {
	name := p.s.Fields(who).Text("email")
	return p.send("POST", signInAt, url.Values{"name": {name}, "password": {password}})
}

func (s *stage) noted(kind string) (n int) {
	for _, d := range s.Deeds() {
		if d.Kind == kind {
			n++
		}
	}
	return n
}

// All of it without a script.
func TestAuthenticatorIsTheSecondStep(t *testing.T) {
	s := newStage(t)
	ana := s.person(house.Customers, house.Ana)
	ana.get(security).expect(t, 200, "You have no authenticator yet", "You have no passkey yet", "-Recovery codes</h2>")
	app, page := ana.setsUp(t, security)
	codes := inCodes.FindAllStringSubmatch(page.text, -1)
	if len(codes) != portal.RecoveryCodes {
		t.Fatalf("%d recovery codes are shown", len(codes))
	}
	ana.get(security).expect(t, 200, "Codes left: 10", "-"+codes[0][1])
	told := 0
	for _, e := range s.Events() {
		if e.Type == engine.PortalFactorSet && e.Subject == house.Ana.String() {
			told++
		}
	}
	if told != 2 || s.noted(engine.DeedPortalFactorSet) != 2 {
		t.Errorf("%d events and %d deeds tell of an authenticator and its recovery codes", told,
			s.noted(engine.DeedPortalFactorSet))
	}

	again := s.stranger()
	again.get(second).expect(t, 200, "Sign in") // nothing is missing of no sign-in
	page = again.signsIn(house.Ana).expect(t, 200, "One more step", `autocomplete="one-time-code"`)
	again.get("/portal/customers").expect(t, 200, "-Welcome") // not signed in yet
	page = again.send("POST", second, url.Values{"code": {"123456"}}).expect(t, 422, "Tries left: 4")
	s.Advance(time.Minute)
	again.send("POST", second, url.Values{"code": {app.code()}}).expect(t, 200, "Welcome")

	// The button was pressed twice: who is in stays in.
	again.send("POST", second, url.Values{"code": {app.code()}}).expect(t, 410)
	again.get("/portal/customers").expect(t, 200, "Welcome")

	lost := s.stranger()
	lost.signsIn(house.Ana).expect(t, 200, "One more step")
	lost.send("POST", second, url.Values{"code": {app.code()}}).expect(t, 422, "used already")
	lost.send("POST", second, url.Values{"code": {strings.ToUpper(codes[3][1])}}).expect(t, 200, "Welcome")
	lost.get(security).expect(t, 200, "Codes left: 9")
	once := s.stranger()
	once.signsIn(house.Ana)
	once.send("POST", second, url.Values{"code": {codes[3][1]}}).expect(t, 422, "used already")
}

func TestSecondStepEndsAfterWrongCodes(t *testing.T) {
	s := newStage(t)
	app, _ := s.person(house.Customers, house.Ana).setsUp(t, security)
	s.Advance(time.Minute)
	thief := s.stranger()
	thief.signsIn(house.Ana).expect(t, 200, "One more step")
	for range portal.MaxPendingTries - 1 {
		thief.send("POST", second, url.Values{"code": {"000000"}}).expect(t, 422, "Tries left")
	}
	thief.send("POST", second, url.Values{"code": {"000000"}})
	thief.send("POST", second, url.Values{"code": {app.code()}}).expect(t, 410)
	// They are counted together, however many second steps a thief of the password begins.
	thief.signsIn(house.Ana).expect(t, 200, "One more step")
	thief.send("POST", second, url.Values{"code": {app.code()}}).expect(t, 422)
	s.Advance(2 * time.Hour)
	s.stranger().signsIn(house.Ana).expect(t, 200, "One more step")
}

func TestRequiredFactorIsEnrolledFirst(t *testing.T) {
	s := newStage(t)
	s.signIn(house.Customers, house.Ana)
	s.Portals[house.Customers].SignIn.SecondFactor = engine.SecondFactorRequired
	early := s.stranger()
	early.signsIn(house.Ana).expect(t, 200, "Choose a second way")
	ana := s.stranger()
	ana.signsIn(house.Ana).expect(t, 200, "Choose a second way", "Add a passkey")
	ana.get("/portal/customers").expect(t, 200, "-Welcome")
	app, _ := ana.setsUp(t, enrol)
	ana.get("/portal/customers").expect(t, 200, "Welcome")
	ana.send("POST", security, url.Values{"do": {"remove-authenticator"}}).expect(t, 409, "cannot be removed")

	// Whoever had the password before, and has not enrolled, is not let in by enrolling now.
	early.send("POST", enrol, url.Values{"do": {"authenticator"}}).expect(t, 410)
	s.Advance(time.Minute)
	next := s.stranger()
	next.signsIn(house.Ana).expect(t, 200, "One more step")
	next.send("POST", second, url.Values{"code": {app.code()}}).expect(t, 200, "Welcome")
}

func TestFactorsChangeAfterAProofAlone(t *testing.T) {
	s := newStage(t)
	ana := s.person(house.Customers, house.Ana)
	app, _ := ana.setsUp(t, security)
	s.Advance(engine.FreshSignIn)
	ana.get(security).expect(t, 200, "show once more", "-Set up another one", "-Make new codes")
	for _, do := range []string{"authenticator", "codes", "remove-authenticator", "passkey"} {
		ana.send("POST", security, url.Values{"do": {do}}).expect(t, 403, "show once more")
	}
	ana.send("POST", security, url.Values{"do": {"code"}, "code": {"000000"}}).expect(t, 422, "That is not right")
	before := s.session(ana)
	ana.send("POST", security, url.Values{"do": {"code"}, "code": {app.code()}}).expect(t, 200, "for ten minutes")
	if after := s.session(ana); after == before {
		t.Error("the session has the token of before")
	}
	ana.send("POST", security, url.Values{"do": {"codes"}}).expect(t, 200, "Keep these recovery codes")
	ana.send("POST", security, url.Values{"do": {"remove-authenticator"}}).
		expect(t, 200, "It has been removed", "You have no authenticator yet", "-Recovery codes</h2>")
	s.stranger().signsIn(house.Ana).expect(t, 200, "Welcome")
}

// session is the token of somebody's session.
func (s *stage) session(p *person) string {
	s.t.Helper()
	at, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, cookie := range p.client.Jar.Cookies(at) {
		if cookie.Name == "ps-"+house.Customers {
			return cookie.Value
		}
	}
	return ""
}

func TestNobodyChangesAnothersFactors(t *testing.T) {
	s := newStage(t)
	ana, bob := s.person(house.Customers, house.Ana), s.person(house.Customers, house.Bob)
	page := ana.send("POST", security, url.Values{"do": {"authenticator"}}).expect(t, 200, "<svg")
	bob.send("POST", security, url.Values{
		"do": {"add-authenticator"}, "code": {"123456"}, "token": {found(t, inToken, page)},
	}).expect(t, 410, "Please begin again")
	id := engine.ID{7}.String()
	bob.send("POST", security, url.Values{"do": {"remove"}, "id": {id}}).expect(t, 404)
	bob.send("POST", security, url.Values{"do": {"rename"}, "id": {id}, "name": {"x"}}).expect(t, 404)
	bob.send("POST", security, url.Values{"do": {"rename"}, "id": {"no id"}}).expect(t, 400)
	bob.send("POST", security, url.Values{"do": {"dance"}}).expect(t, 400)
	s.stranger().get(security).expect(t, 200, "Sign in")
}

// Who comes by a link that asks for a sign-in is led back to it.
func TestWaysBackToALink(t *testing.T) {
	c := &call{portal: &engine.Portal{Name: "customers"}}
	flow := "01a202b2-c500-75d8-920e-ecc9163e6ef6"
	for to, want := range map[string]bool{
		"/f/" + flow: true, "/f/" + flow + "/resolve": true, "/c/" + flow: true, "/l/" + flow: false,
		"/f/" + flow + "/../x": false, "//f/" + flow: false, "/f/" + flow + "?x=1": false,
		"https://evil.example/f/" + flow: false, "/f/" + flow + "/a/b": false,
	} {
		if got := c.inside(to) == to; got != want {
			t.Errorf("%s: led there %v", to, got)
		}
	}
}
