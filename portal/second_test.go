package portal_test

import (
	"encoding/base32"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/totp"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// keeper is somebody who has just signed in, as the keeper of their factors.
func (p people) keeper(in portal.SignedIn) portal.Keeper {
	p.T.Helper()
	v, err := p.viewer(in.Token)
	if err != nil {
		p.T.Fatal(err)
	}
	k, err := p.gate.Keeper(p.T.Context(), v)
	if err != nil {
		p.T.Fatal(err)
	}
	return k
}

// enrols sets Ana's authenticator up, and returns what shows its code.
func (p people) enrols() (code func() string) {
	p.T.Helper()
	k := p.keeper(p.in(stranger))
	setup, err := p.gate.SetUpAuthenticator(p.T.Context(), k, "Acme")
	if err != nil {
		p.T.Fatal(err)
	}
	code = appOf(p.T, setup, p.Clock)
	if _, _, err := p.gate.AddAuthenticator(p.T.Context(), k, setup.Token, code(), "Acme", stranger); err != nil {
		p.T.Fatal(err)
	}
	p.Advance(totp.Period)
	return code
}

// appOf is an app that an authenticator was set up in: it shows the code of the moment.
func appOf(t testing.TB, setup portal.Setup, clock engine.Clock) func() string {
	t.Helper()
	typed := strings.ReplaceAll(setup.Secret, " ", "")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(typed)
	if err != nil {
		t.Fatal(err)
	}
	return func() string { return totp.Code(secret, totp.Step(clock.Now())) }
}

// byLink signs Ana in by a link that she was sent.
func (p people) byLink() (portal.SignedIn, error) {
	return p.gate.SignInByLink(p.T.Context(), portal.Pass{
		Link:  engine.Link{Record: house.Ana},
		Opens: engine.Opens{Portal: house.Customers, What: engine.OpensSignIn},
	}, stranger)
}

// A sign-in link opens whatever strangers have tried who know no more than the name, with a second step too.
func TestT58ASecondStepIsNotShutByStrangers(t *testing.T) {
	p := newPeople(t)
	code := p.enrols()
	for n := range portal.LaneFree {
		_, err := p.password(ana, fmt.Sprint("a wrong password ", n), stranger)
		p.want(err, portal.ErrRefused, "a wrong password")
	}
	in, err := p.byLink()
	if err != nil || in.Next != portal.NextSecond {
		t.Fatalf("the link led to %+v, %v", in, err)
	}
	in, err = p.gate.Second(t.Context(), house.Customers, in.Pending, portal.SecondProof{Code: code()}, stranger)
	if err != nil || in.Token == "" {
		t.Fatalf("the second step led to %+v, %v", in, err)
	}
	if _, err := p.password(ana, house.Password, stranger); err != nil {
		t.Errorf("the link did not open the lane of strangers: %v", err)
	}
}

// Answers to second steps are counted however many of them are begun, and an operator can let somebody try again.
func TestSecondStepsAreCountedTogether(t *testing.T) {
	p := newPeople(t)
	code := p.enrols()
	second := func(code string) error {
		in, err := p.byLink()
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.gate.Second(t.Context(), house.Customers, in.Pending, portal.SecondProof{Code: code}, stranger)
		return err
	}
	for range portal.LaneFree {
		p.want(second("000000"), portal.ErrWrong, "a wrong code")
	}
	p.want(second(code()), portal.ErrWrong, "the right code while one has to wait")
	order := engine.Order{By: "test", At: p.Clock.Now()}
	if _, err := p.gate.Order(t.Context(), house.Customers, ana, portal.OrderUnlock, order); err != nil {
		t.Fatal(err)
	}
	p.want(second(code()), nil, "after an operator opened it")
}

// A program acts as its subject, and never changes what proves them or what is sensitive: its key ends, a passkey that
// it made would not.
func TestProgramsChangeNoFactors(t *testing.T) {
	p := newPeople(t)
	in := p.program()
	v, err := p.viewer(in.Token)
	if err != nil || v.Fresh() {
		t.Errorf("the viewer is %+v, %v", v.Session, err)
	}
	k := p.keeper(in)
	p.want(p.gate.MayChange(t.Context(), k), portal.ErrFresh, "a program")
	_, err = p.gate.SetUpAuthenticator(t.Context(), k, "Acme")
	p.want(err, portal.ErrFresh, "an authenticator of a program's")
	p.want(p.gate.RenamePasskey(t.Context(), k, engine.ID{1}, "mine"), portal.ErrForbidden, "another name")
}

// Whoever has the key of a program neither guesses at what proves the person, nor sees from where they are signed in,
// nor ends that.
func TestProgramsLeaveThePersonsSessionsAlone(t *testing.T) {
	p := newPeople(t)
	code := p.enrols()
	person, err := p.password(ana, house.Password, stranger)
	if err != nil {
		t.Fatal(err)
	}
	person, err = p.gate.Second(t.Context(), house.Customers, person.Pending, portal.SecondProof{Code: code()}, stranger)
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.viewer(p.program().Token)
	if err != nil {
		t.Fatal(err)
	}
	p.Advance(totp.Period)
	_, err = p.gate.StepUp(t.Context(), v, portal.SecondProof{Code: code()}, stranger)
	p.want(err, portal.ErrForbidden, "a proof of the person")
	_, err = p.gate.AskStepUp(t.Context(), v)
	p.want(err, portal.ErrForbidden, "being asked for one")
	p.want(p.gate.EndAll(t.Context(), v), portal.ErrForbidden, "ending all sessions")
	p.want(p.gate.End(t.Context(), v, person.Session.ID), portal.ErrSignedOut, "ending the person's")
	sessions, err := p.gate.Sessions(t.Context(), v)
	if err != nil || len(sessions) != 1 || sessions[0].ID != v.Session.ID {
		t.Errorf("a program is shown %+v, %v", sessions, err)
	}
	if _, err := p.viewer(person.Token); err != nil {
		t.Errorf("the person's session: %v", err)
	}
	p.want(p.gate.End(t.Context(), v, v.Session.ID), nil, "ending its own")
}

// program signs a program in that acts as Ana.
func (p people) program() portal.SignedIn {
	p.T.Helper()
	ctx := p.T.Context()
	order := engine.Order{By: "test", At: p.Clock.Now()}
	_, secret, err := p.gate.MakeAppKey(ctx, house.Customers, "shop", house.Ana, time.Hour, order)
	if err != nil {
		p.T.Fatal(err)
	}
	in, err := p.gate.AppKey(ctx, house.Customers, "shop", func(s string) bool { return s == secret }, stranger)
	if err != nil {
		p.T.Fatal(err)
	}
	return in
}

// Programs sign in all day: that ends no session of the person whom they act as, and no link that the person was sent.
func TestProgramsEndNothingOfPeople(t *testing.T) {
	p := newPeople(t)
	person := p.in(stranger)
	p.Advance(time.Minute)
	before, err := p.Store.LinksSince(t.Context(), house.Customers, house.Ana)
	if err != nil {
		t.Fatal(err)
	}
	for range p.Portals[house.Customers].SignIn.Sessions + 1 {
		p.program()
	}
	if _, err := p.viewer(person.Token); err != nil {
		t.Errorf("the person's session: %v", err)
	}
	after, err := p.Store.LinksSince(t.Context(), house.Customers, house.Ana)
	if err != nil || !after.Equal(before) {
		t.Errorf("links made before %s end, want %s, %v", after, before, err)
	}
}

// Whoever has a network of IPv6 has as many addresses as they like.
func TestAskingIsLimitedByNetwork(t *testing.T) {
	p := newPeople(t)
	for n := range 60 {
		caller := portal.Caller{Address: netip.MustParseAddr(fmt.Sprintf("2001:db8:1:1::%x", n+1))}
		name := fmt.Sprintf("nobody%d@acme.example", n)
		if err := p.gate.Ask(t.Context(), house.Customers, name, engine.OpensPassword, caller); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.dump("portal_askings")); n > 5*30 {
		t.Errorf("%d values of askings of one network are kept", n)
	}
}

// What can be no name is refused as every other name is.
func TestT50NamesThatAreNone(t *testing.T) {
	p := newPeople(t)
	long := strings.Repeat("x", portal.MaxName)
	for _, name := range []string{"", " ", "a\x00b", "\xff", "=,=2C", "a\u0300\u200e", long} {
		c, err := p.gate.Challenge(t.Context(), house.Customers, name, strings.Repeat("n", 24), stranger)
		if err != nil {
			t.Errorf("the challenge of %q: %v", name, err)
			continue
		}
		proof := portal.Proof{Nonce: c.Nonce, Proof: make([]byte, 32)}
		_, err = p.gate.Login(t.Context(), house.Customers, proof, stranger)
		p.want(err, portal.ErrRefused, fmt.Sprintf("the proof of %q", name))
		_, err = p.password(name, house.Password, stranger)
		p.want(err, portal.ErrRefused, fmt.Sprintf("the password of %q", name))
	}
}
