package portal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

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
