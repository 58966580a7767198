package portal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

const ana = "ana@acme.example"

// people is a world with a gate, in which Ana has a password.
type people struct {
	*house.World
	gate *portal.Gate
}

func newPeople(t *testing.T, change ...func(*portal.GateConfig)) people {
	t.Helper()
	w := house.New(t)
	p := people{w, w.OpenGate(change...)}
	p.SetPassword(house.Customers, house.Ana)
	return p
}

var stranger = portal.Caller{Address: netip.MustParseAddr("192.0.2.77"), Agent: "Firefox\x00 on Linux"}

// password signs in by the form.
func (p people) password(name, password string, caller portal.Caller) (portal.SignedIn, error) {
	return p.gate.Password(p.T.Context(), house.Customers, name, password, caller)
}

// proof signs in by a challenge.
func (p people) proof(name, password string, caller portal.Caller) (portal.SignedIn, error) {
	p.T.Helper()
	client := house.NewClient(p.T, name, password)
	c, err := p.gate.Challenge(p.T.Context(), house.Customers, client.Name, client.Nonce, caller)
	if err != nil {
		p.T.Fatal(err)
	}
	in, err := p.gate.Login(p.T.Context(), house.Customers, client.Proof(c), caller)
	if err == nil && !client.Believes(in.Server) {
		p.T.Error("the client does not believe the server")
	}
	return in, err
}

// in signs Ana in.
func (p people) in(caller portal.Caller) portal.SignedIn {
	p.T.Helper()
	in, err := p.password(ana, house.Password, caller)
	if err != nil {
		p.T.Fatal(err)
	}
	return in
}

func (p people) viewer(token string) (portal.Viewer, error) {
	return p.gate.Viewer(p.T.Context(), house.Customers, token)
}

func (p people) want(got, want error, what string) {
	p.T.Helper()
	if !errors.Is(got, want) {
		p.T.Errorf("%s: %v, want %v", what, got, want)
	}
}

// told are the events of the portal since the last call, by type.
func (p people) told() (kinds []string) {
	for _, e := range p.Events() {
		if strings.HasPrefix(e.Type, "portal.") {
			kinds = append(kinds, e.Type+" "+e.Subject)
		}
	}
	return kinds
}

func TestSignsIn(t *testing.T) {
	p := newPeople(t)
	for name, way := range map[string]func(string, string, portal.Caller) (portal.SignedIn, error){
		"form": p.password, "proof": p.proof,
	} {
		for _, written := range []string{ana, " ANA@acme.EXAMPLE ", "ana＠acme.example"} {
			in, err := way(written, house.Password, stranger)
			if err != nil {
				t.Fatalf("%s as %q: %v", name, written, err)
			}
			v, err := p.viewer(in.Token)
			if err != nil || v.Ref() != house.Ana || v.Role.Name != engine.RoleDefault || in.Device == "" {
				t.Errorf("%s as %q: %+v, %v", name, written, v, err)
			}
			if v.Session.Agent != "Firefox on Linux" || v.Session.From != "192.0.2.0/24" || !v.Fresh() {
				t.Errorf("the session is %+v", v.Session)
			}
		}
	}
	deeds := 0
	for _, d := range p.Deeds() {
		if d.Kind == engine.DeedPortalSignedIn && d.Actor == "portal:"+house.Ana.String() {
			deeds++
		}
	}
	if deeds != 6 {
		t.Errorf("%d deeds tell of 6 sign-ins", deeds)
	}
}

func TestSignInIsTold(t *testing.T) {
	p := newPeople(t)
	in := p.in(stranger)
	known := stranger
	known.Device = in.Device
	if again := p.in(known); again.Device != "" {
		t.Error("a browser that is known got a second token")
	}
	ref := " " + house.Ana.String()
	want := []string{
		"portal.password_set" + ref, "portal.signed_in" + ref, "portal.new_device" + ref, "portal.signed_in" + ref,
	}
	if got := p.told(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// refusals are sign-ins that must all look the same.
func refusals(p people) map[string]func() (name, password string) {
	change := func(ref engine.Ref, field string, value any) { p.Put(ref, engine.Fields{field: value}) }
	return map[string]func() (string, string){
		"unknown":        func() (string, string) { return "nobody@acme.example", house.Password },
		"nothing":        func() (string, string) { return "", house.Password },
		"wrong password": func() (string, string) { return ana, "violet lamp under nine trees" },
		"no password":    func() (string, string) { return "bob@globex.example", house.Password },
		"flag": func() (string, string) {
			p.SetPassword(house.Customers, house.Alan)
			change(house.Alan, "portal", false)
			return "alan@acme.example", house.Password
		},
		"not yet": func() (string, string) {
			p.SetPassword(house.Customers, house.Mia)
			change(house.Mia, "support_start_date", "2026-11-27")
			return "mia@acme.example", house.Password
		},
		"no longer": func() (string, string) {
			p.SetPassword(house.Customers, house.Eve)
			change(house.Eve, "support_end_date", "2026-11-25")
			return "eve@nobody.example", house.Password
		},
		"disabled": func() (string, string) {
			p.SetPassword(house.Customers, house.Bob)
			order := portal.Order{
				Portal: house.Customers, Subject: house.Bob, Do: portal.OrderDisable, At: p.Clock.Now(),
				Deed: engine.Deed{At: p.Clock.Now(), Kind: engine.DeedPortalDisabled, Actor: "operator:test"},
			}
			if err := p.Store.Govern(p.T.Context(), order); err != nil {
				p.T.Fatal(err)
			}
			return "bob@globex.example", house.Password
		},
		"two of one name": func() (string, string) {
			change(engine.Ref{Module: "Contacts", ID: "12x98"}, "email", "two@acme.example")
			twin := engine.Fields{"email": "TWO@acme.example", "portal": true}
			p.Put(engine.Ref{Module: "Contacts", ID: "12x99"}, twin)
			p.Put(engine.Ref{Module: "Contacts", ID: "12x98"}, engine.Fields{"portal": true})
			p.SetPassword(house.Customers, engine.Ref{Module: "Contacts", ID: "12x99"})
			return "two@acme.example", house.Password
		},
	}
}

func TestT50RefusalsAreOneError(t *testing.T) {
	p := newPeople(t)
	for name, of := range refusals(p) {
		who, password := of()
		for way, try := range map[string]func(string, string, portal.Caller) (portal.SignedIn, error){
			"form": p.password, "proof": p.proof,
		} {
			in, err := try(who, password, stranger)
			bare := err == portal.ErrRefused //nolint:errorlint // not even wrapped
			if !bare || in.Token+in.Device+in.Next+in.Pending != "" || in.Server != nil {
				t.Errorf("%s by %s: %+v, %v", name, way, in, err)
			}
		}
	}
}

func TestTheDaysOfASubject(t *testing.T) {
	p := newPeople(t)
	p.Portals[house.Customers].Subject.Zone = time.FixedZone("UTC+9", 9*60*60)
	for _, moment := range []struct {
		at    string
		opens bool
	}{
		{"2026-11-29T14:59:59Z", false},
		{"2026-11-29T15:00:00Z", true}, // the 30th begins
		{"2026-12-01T14:59:59Z", true},
		{"2026-12-01T15:00:00Z", false}, // the 1st ends
	} {
		p.Put(house.Ana, engine.Fields{"support_start_date": "2026-11-30", "support_end_date": "2026-12-01"})
		now, err := time.Parse(time.RFC3339, moment.at)
		if err != nil {
			t.Fatal(err)
		}
		p.Clock.Set(now)
		_, err = p.password(ana, house.Password, stranger)
		if opens := err == nil; opens != moment.opens {
			t.Errorf("at %s: %v", moment.at, err)
		}
	}
	for field, value := range map[string]string{"support_start_date": "soon", "support_end_date": "0000-00-00"} {
		p.Put(house.Ana, engine.Fields{"support_start_date": "", "support_end_date": ""})
		if _, err := p.password(ana, house.Password, stranger); err != nil {
			t.Errorf("without days: %v", err)
		}
		p.Put(house.Ana, engine.Fields{field: value})
		if _, err := p.password(ana, house.Password, stranger); !errors.Is(err, portal.ErrRefused) {
			t.Errorf("%s is %q: %v", field, value, err)
		}
	}
}

func TestT52ChallengesAreHeldToTheProtocol(t *testing.T) {
	p := newPeople(t)
	for _, nonce := range []string{"", "short", strings.Repeat("x", 129), strings.Repeat("x", 20) + ",a=b"} {
		_, err := p.gate.Challenge(t.Context(), house.Customers, ana, nonce, stranger)
		p.want(err, portal.ErrMalformed, "nonce "+nonce)
	}
	client := house.NewClient(t, ana, house.Password)
	c, err := p.gate.Challenge(t.Context(), house.Customers, ana, client.Nonce, stranger)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.Nonce, client.Nonce) || len(c.Nonce) < len(client.Nonce)+24 || c.Rounds != house.Rounds {
		t.Errorf("challenge %+v", c)
	}
	right := client.Proof(c)
	for what, proof := range map[string]portal.Proof{
		"another nonce": {Nonce: right.Nonce + "x", Proof: right.Proof}, "no nonce": {Proof: right.Proof},
		"the client's alone": {Nonce: client.Nonce, Proof: right.Proof},
		"a short proof":      {Nonce: right.Nonce, Proof: right.Proof[1:]},
		"no proof":           {Nonce: right.Nonce},
	} {
		if _, err := p.gate.Login(t.Context(), house.Customers, proof, stranger); err == nil {
			t.Errorf("%s signs in", what)
		}
	}
	in, err := p.gate.Login(t.Context(), house.Customers, right, stranger)
	if err != nil || !client.Believes(in.Server) {
		t.Errorf("the right proof: %v", err)
	}
	_, err = p.gate.Login(t.Context(), house.Customers, right, stranger)
	p.want(err, portal.ErrRefused, "the final message once more")
}

func TestT53SaltsOfUnknownNamesStand(t *testing.T) {
	p := newPeople(t)
	nonce := strings.Repeat("n", 24)
	salt := func(gate *portal.Gate, name string) []byte {
		c, err := gate.Challenge(t.Context(), house.Customers, name, nonce, stranger)
		if err != nil {
			t.Fatal(err)
		}
		return c.Salt
	}
	first := salt(p.gate, "nobody@acme.example")
	p.Advance(1000 * time.Hour)
	node := p.OpenGate()
	otherKey := p.OpenGate(func(c *portal.GateConfig) { c.Names = bytes.Repeat([]byte{7}, 32) })
	for what, test := range map[string]struct {
		got  []byte
		same bool
	}{
		"later":             {salt(p.gate, "nobody@acme.example"), true},
		"in capitals":       {salt(p.gate, "NOBODY@ACME.example"), true},
		"on another node":   {salt(node, "nobody@acme.example"), true},
		"another name":      {salt(node, "nobody@b.example"), false},
		"under another key": {salt(otherKey, "nobody@acme.example"), false},
	} {
		if bytes.Equal(test.got, first) != test.same {
			t.Errorf("%s: %x, first %x", what, test.got, first)
		}
	}
	if len(salt(p.gate, ana)) != len(first) {
		t.Error("a known name's salt has another length")
	}
}

func TestT54ChallengesAreSingleUseOnAnyNode(t *testing.T) {
	p := newPeople(t)
	one, two := p.OpenGate(), p.OpenGate()
	client := house.NewClient(t, ana, house.Password)
	first, err := one.Challenge(t.Context(), house.Customers, ana, client.Nonce, stranger)
	second, again := one.Challenge(t.Context(), house.Customers, ana, client.Nonce, stranger)
	if err = errors.Join(err, again); err != nil || first.Nonce == second.Nonce {
		t.Fatalf("two challenges are the same: %v", err)
	}
	proof := client.Proof(first)
	if _, err := two.Login(t.Context(), house.Customers, proof, stranger); err != nil {
		t.Errorf("on another node: %v", err)
	}
	_, err = one.Login(t.Context(), house.Customers, proof, stranger)
	p.want(err, portal.ErrRefused, "a second time")

	late := house.NewClient(t, ana, house.Password)
	c, err := one.Challenge(t.Context(), house.Customers, ana, late.Nonce, stranger)
	if err != nil {
		t.Fatal(err)
	}
	p.Advance(portal.ChallengeLife)
	_, err = one.Login(t.Context(), house.Customers, late.Proof(c), stranger)
	p.want(err, portal.ErrRefused, "after a minute")

	wrong := house.NewClient(t, ana, "another password of mine")
	c, err = one.Challenge(t.Context(), house.Customers, ana, wrong.Nonce, stranger)
	if err != nil {
		t.Fatal(err)
	}
	_, err = one.Login(t.Context(), house.Staff, wrong.Proof(c), stranger)
	p.want(err, portal.ErrRefused, "in another portal")
}

func TestT58StrangersWaitAndTheOwnerDoesNot(t *testing.T) {
	for _, name := range []string{ana, "nobody@acme.example"} {
		t.Run(name, func(t *testing.T) { strangersWait(t, name) })
	}
}

func strangersWait(t *testing.T, name string) {
	p := newPeople(t)
	known := stranger
	known.Device = p.in(stranger).Device
	wrong := func(n int) {
		for i := range n {
			_, err := p.password(name, fmt.Sprint("a wrong password ", i), stranger)
			p.want(err, portal.ErrRefused, "a wrong password")
		}
	}
	wrong(portal.LaneFree)
	// The right one is answered as a wrong one is while strangers wait, and does not shorten the wait.
	_, err := p.password(name, house.Password, stranger)
	p.want(err, portal.ErrRefused, "the right password while strangers wait")
	if _, err := p.password(ana, house.Password, known); err != nil {
		t.Errorf("a browser that is known has to wait: %v", err)
	}
	if name != ana {
		return
	}
	if got := p.told(); !slices.Contains(got, "portal.locked "+house.Ana.String()) {
		t.Errorf("the owner did not hear: %q", got)
	}
	p.Advance(portal.LaneFirst)
	if _, err := p.password(name, house.Password, stranger); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	wrong(portal.LaneFree - 1)
	if _, err := p.password(name, house.Password, stranger); err != nil {
		t.Errorf("a sign-in did not open the lane: %v", err)
	}
}

func TestT58WaitsDouble(t *testing.T) {
	lane := portal.Lane{}
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	var waits []time.Duration
	for n := 1; n <= portal.LaneLast; n++ {
		lane = lane.Tried(now)
		wait := max(lane.Until.Sub(now), 0)
		if n <= 13 {
			waits = append(waits, wait)
		}
		if n == portal.LaneLast-1 && wait != portal.LaneMost {
			t.Errorf("try %d waits %s", n, wait)
		}
		now = now.Add(wait)
	}
	s, m := time.Second, time.Minute
	want := []time.Duration{0, 0, 0, 0, 30 * s, m, 2 * m, 4 * m, 8 * m, 16 * m, 32 * m, time.Hour, time.Hour}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	if lane.Open(time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error("a hundred tries in vain, and there is another")
	}
}

// After a hundred tries in vain no password opens the lane any more; an operator does.
func TestT58AHundredFailures(t *testing.T) {
	p := newPeople(t)
	for n := range portal.LaneLast {
		_, err := p.password(ana, fmt.Sprint("a wrong password ", n), stranger)
		p.want(err, portal.ErrRefused, "a wrong password")
		p.Advance(portal.LaneMost)
	}
	p.Advance(100 * 24 * time.Hour)
	_, err := p.password(ana, house.Password, stranger)
	p.want(err, portal.ErrRefused, "after a hundred")
	order := portal.Order{
		Portal: house.Customers, Subject: house.Ana, Do: portal.OrderUnlock,
		Lanes: [][]byte{p.gate.Lane(house.Customers, ana)},
		Deed:  engine.Deed{At: p.Clock.Now(), Kind: engine.DeedPortalUnlocked, Actor: "operator:test"},
	}
	if err := p.Store.Govern(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if _, err := p.password(ana, house.Password, stranger); err != nil {
		t.Errorf("after an operator opened it: %v", err)
	}
	told := 0
	for _, kind := range p.told() {
		if strings.HasPrefix(kind, "portal.locked") {
			told++
		}
	}
	if told < 1 || told > 6 {
		t.Errorf("the owner heard of it %d times in four days", told)
	}
}

func TestT58ParallelTriesAreAllCounted(t *testing.T) {
	p := newPeople(t, func(c *portal.GateConfig) { c.Hashers = 4 })
	const tries = 40
	errs := make(chan error, tries)
	for n := range tries {
		go func() {
			password := "a wrong password of some length"
			if n == tries-1 {
				password = house.Password
			}
			_, err := p.proof(ana, password, stranger)
			errs <- err
		}()
	}
	for range tries {
		<-errs
	}
	lane, err := p.Store.Lane(context.WithoutCancel(t.Context()), p.gate.Lane(house.Customers, ana))
	if err != nil || lane.Wrong > portal.LaneFree {
		t.Errorf("%d of %d tries at once were judged: %v", lane.Wrong, tries, err)
	}
}

func TestAnotherBrowserIsNoDeviceOfOthers(t *testing.T) {
	p := newPeople(t)
	p.SetPassword(house.Customers, house.Bob)
	bobs, err := p.password("bob@globex.example", house.Password, stranger)
	if err != nil {
		t.Fatal(err)
	}
	caller := stranger
	caller.Device = bobs.Device
	for range portal.LaneFree {
		_, err := p.password(ana, "a wrong password of some length", caller)
		p.want(err, portal.ErrRefused, "a wrong password")
	}
	_, err = p.password(ana, house.Password, caller)
	p.want(err, portal.ErrRefused, "Bob's browser has a lane of its own for Ana")
}

func TestMethodsOfAPortal(t *testing.T) {
	p := newPeople(t)
	p.Portals[house.Customers].SignIn.Methods = []engine.SignInMethod{engine.SignInLink}
	_, err := p.password(ana, house.Password, stranger)
	p.want(err, portal.ErrMethod, "the form")
	_, err = p.gate.Challenge(t.Context(), house.Customers, ana, strings.Repeat("n", 24), stranger)
	p.want(err, portal.ErrMethod, "a challenge")
	_, err = p.gate.Password(t.Context(), "none", ana, house.Password, stranger)
	p.want(err, portal.ErrNoPortal, "no portal")
}
