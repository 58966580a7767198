package portal_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// Every way to try to get in counts for one address, and is refused alike once too much was tried.
func TestOneAddressTriesOnlySoMuch(t *testing.T) {
	p := newPeople(t)
	ctx, from := t.Context(), portal.Caller{Address: netip.MustParseAddr("198.51.100.9")}
	nonce := "0123456789abcdefghijklmn"
	ways := map[string]func() error{
		"challenge": func() error {
			_, err := p.gate.Challenge(ctx, house.Customers, ana, nonce, from)
			return err
		},
		"proof": func() error {
			_, err := p.gate.Login(ctx, house.Customers, portal.Proof{Nonce: nonce, Proof: make([]byte, 32)}, from)
			return err
		},
		"password": func() error { _, err := p.password("who@acme.example", "nothing of all this", from); return err },
		"second": func() error {
			_, err := p.gate.Second(ctx, house.Customers, "x", portal.SecondProof{Code: "123456"}, from)
			return err
		},
		"asking": func() error { return p.gate.Ask(ctx, house.Customers, ana, engine.OpensPassword, from) },
		"app key": func() error {
			_, err := p.gate.AppKey(ctx, house.Customers, "robot", func(string) bool { return false }, from)
			return err
		},
	}
	var crowded *portal.CrowdedError
	for n := range 100 {
		if err := ways["password"](); !errors.Is(err, portal.ErrRefused) {
			t.Fatalf("try %d: %v", n+1, err)
		}
	}
	for way, try := range ways {
		if err := try(); !errors.As(err, &crowded) || crowded.Wait != 3*time.Second {
			t.Errorf("%s: %v", way, err)
		}
	}
	if _, err := p.password(ana, house.Password, from); !errors.As(err, &crowded) {
		t.Errorf("the right password: %v", err)
	}
	if _, err := p.password(ana, house.Password, stranger); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	p.Advance(3 * time.Second)
	if err := ways["password"](); !errors.Is(err, portal.ErrRefused) {
		t.Errorf("after the wait: %v", err)
	}
}

// A whole office signs in behind one address, in either way, and some mistype.
func TestAnOfficeSignsInOnMonday(t *testing.T) {
	p := newPeople(t)
	office := portal.Caller{Address: netip.MustParseAddr("198.51.100.9")}
	for n := range 300 {
		sign := p.password
		if n%2 == 0 {
			sign = p.proof
		}
		if _, err := sign(ana, house.Password, office); err != nil {
			t.Fatalf("number %d: %v", n+1, err)
		}
		if n%10 == 0 {
			_, err := p.password(fmt.Sprintf("p%d@acme.example", n), "mistyped all of it", office)
			p.want(err, portal.ErrRefused, "a mistake")
		}
	}
}

// Programs take no place from people, and their sign-ins end nothing of theirs.
func TestProgramsAndPeopleAreCountedApart(t *testing.T) {
	p := newPeople(t)
	_, secret, err := p.gate.MakeAppKey(t.Context(), house.Customers, "robot", house.Ana, time.Hour, engine.Order{By: "test", At: p.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var people []string
	for range p.Portals[house.Customers].SignIn.Sessions {
		people = append(people, p.in(stranger).Token)
	}
	since, err := p.Store.LinksSince(t.Context(), house.Customers, house.Ana)
	if err != nil {
		t.Fatal(err)
	}
	p.Advance(time.Minute)
	caller := stranger
	caller.Session = people[0]
	var programs []string
	for range portal.AppKeySessions + 1 {
		in, err := p.gate.AppKey(t.Context(), house.Customers, "robot", func(s string) bool { return s == secret }, caller)
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, in.Token)
		p.Advance(time.Second)
	}
	for n, token := range append(people, programs[1:]...) {
		if _, err := p.viewer(token); err != nil {
			t.Errorf("session %d: %v", n, err)
		}
	}
	_, err = p.viewer(programs[0])
	p.want(err, portal.ErrSignedOut, "the first of too many programs")
	if now, err := p.Store.LinksSince(t.Context(), house.Customers, house.Ana); err != nil || !now.Equal(since) {
		t.Errorf("a program has ended the links of people: %s, before %s, %v", now, since, err)
	}
	last := p.in(stranger)
	if _, err := p.viewer(programs[1]); err != nil {
		t.Errorf("somebody signed in, and the program is out: %v", err)
	}
	if _, err := p.viewer(last.Token); err != nil {
		t.Error(err)
	}
}
