package portal_test

import (
	"errors"
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
