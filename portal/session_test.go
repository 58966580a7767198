package portal_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

func TestT60TokensAreNewAtEverySignIn(t *testing.T) {
	p := newPeople(t, makesPasskeys(t))
	first := p.in(stranger)
	caller := stranger
	caller.Session, caller.Device = first.Token, first.Device
	second := p.in(caller)
	if second.Token == first.Token || second.Session.ID == first.Session.ID {
		t.Error("the session was kept")
	}
	_, err := p.viewer(first.Token)
	p.want(err, portal.ErrSignedOut, "the token before the sign-in")

	// A token that somebody else chose never becomes one.
	planted := stranger
	planted.Session = base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	planted.Device = planted.Session
	third := p.in(planted)
	if third.Token == planted.Session || third.Device == planted.Device || third.Device == "" {
		t.Error("a planted token was taken")
	}
	_, err = p.viewer(planted.Session)
	p.want(err, portal.ErrSignedOut, "a planted token")

	// Proving a second factor, or changing one, gives a new one; the old one is dead.
	_, renewed := p.addsPasskey(second)
	_, err = p.viewer(second.Token)
	p.want(err, portal.ErrSignedOut, "the token before it was renewed")
	v, err := p.viewer(renewed.Token)
	if err != nil || !v.Session.Second || !v.Session.Began.Equal(second.Session.Began) {
		t.Errorf("the renewed session is %+v, %v", v.Session, err)
	}
}

func TestSessionsAreOfOnePortal(t *testing.T) {
	p := newPeople(t)
	in := p.in(stranger)
	_, err := p.gate.Viewer(t.Context(), house.Staff, in.Token)
	p.want(err, portal.ErrSignedOut, "in another portal")
	_, err = p.gate.Viewer(t.Context(), "none", in.Token)
	p.want(err, portal.ErrNoPortal, "in none")
	for _, token := range []string{"", "x", in.Token + "x", in.Token[1:]} {
		_, err := p.viewer(token)
		p.want(err, portal.ErrSignedOut, "token "+token)
	}
}

func TestEmployeesSignIn(t *testing.T) {
	p := newPeople(t)
	p.SetPassword(house.Staff, house.Sam)
	in, err := p.gate.Password(t.Context(), house.Staff, "sam@acme.example", house.Password, stranger)
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.gate.Viewer(t.Context(), house.Staff, in.Token)
	if err != nil || v.Ref() != house.Sam || v.Access("Salaries") == nil || v.Access("HelpDesk") != nil {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestT62IdleAbsoluteAndExtend(t *testing.T) {
	p := newPeople(t)
	sign := p.Portals[house.Customers].SignIn
	idle := p.in(stranger)
	p.Advance(sign.Idle - time.Second)
	if _, err := p.viewer(idle.Token); err != nil {
		t.Errorf("just before it is idle: %v", err)
	}
	p.Advance(sign.Idle)
	_, err := p.viewer(idle.Token)
	p.want(err, portal.ErrSignedOut, "idle")
	_, err = p.gate.Extend(t.Context(), house.Customers, idle.Token)
	p.want(err, portal.ErrSignedOut, "what is idle is not extended")

	long := p.in(stranger)
	began := p.Clock.Now()
	for p.Clock.Now().Sub(began) < sign.Most-sign.Idle/2 {
		p.Advance(sign.Idle / 2)
		if _, err := p.gate.Extend(t.Context(), house.Customers, long.Token); err != nil {
			t.Fatalf("after %s: %v", p.Clock.Now().Sub(began), err)
		}
	}
	p.Clock.Set(began.Add(sign.Most - time.Second))
	if _, err := p.gate.Extend(t.Context(), house.Customers, long.Token); err != nil {
		t.Errorf("just before its end in any case: %v", err)
	}
	p.Advance(time.Second)
	_, err = p.gate.Extend(t.Context(), house.Customers, long.Token)
	p.want(err, portal.ErrSignedOut, "after its end in any case, although it was extended")

	// A policy that is stricter now holds for sessions that began before.
	now := p.in(stranger)
	p.Portals[house.Customers].SignIn.Most = time.Hour
	p.Portals[house.Customers].SignIn.Idle = 2 * time.Hour
	p.Advance(time.Hour)
	_, err = p.viewer(now.Token)
	p.want(err, portal.ErrSignedOut, "an hour on, where an hour is the most")
}

func TestT62TheSixthSessionEndsTheOneIdleForLongest(t *testing.T) {
	p := newPeople(t)
	var in []portal.SignedIn
	for range engine.SessionsAtOnce {
		in = append(in, p.in(stranger))
		p.Advance(2 * time.Minute)
	}
	if _, err := p.viewer(in[0].Token); err != nil { // the second is the one that is idle for longest now
		t.Fatal(err)
	}
	sixth := p.in(stranger)
	for i, s := range append(in, sixth) {
		_, err := p.viewer(s.Token)
		if gone := errors.Is(err, portal.ErrSignedOut); gone != (i == 1) {
			t.Errorf("session %d: %v", i+1, err)
		}
	}
}

// sessionEnds are ways to end all of Ana's sessions, by what happens.
func sessionEnds() map[string]func(people, portal.SignedIn) {
	order := func(do portal.OrderKind) func(people, portal.SignedIn) {
		return func(p people, _ portal.SignedIn) { p.governs(do) }
	}
	record := func(name string, value any) func(people, portal.SignedIn) {
		return func(p people, _ portal.SignedIn) { p.Put(house.Ana, engine.Fields{name: value}) }
	}
	return map[string]func(people, portal.SignedIn){
		"disabled": order(portal.OrderDisable), "ended": order(portal.OrderEndAll),
		"no password": order(portal.OrderDeletePassword), "the flag": record("portal", false),
		"the end date": record("support_end_date", "2026-11-25"), "the begin": record("support_start_date", "2027-01-01"),
		"a new password":     func(p people, _ portal.SignedIn) { p.SetPassword(house.Customers, house.Ana) },
		"the record is gone": func(p people, _ portal.SignedIn) { p.Drop(house.Ana) },
		"every session": func(p people, in portal.SignedIn) {
			v, err := p.viewer(in.Token)
			if err != nil {
				p.T.Fatal(err)
			}
			if err := p.gate.EndAll(p.T.Context(), v); err != nil {
				p.T.Error(err)
			}
		},
	}
}

// governs does what an operator orders about Ana.
func (p people) governs(do portal.OrderKind) {
	p.T.Helper()
	err := p.Store.Govern(p.T.Context(), portal.Order{
		Portal: house.Customers, Subject: house.Ana, Do: do, At: p.Clock.Now(),
		Deed: engine.Deed{At: p.Clock.Now(), Kind: "test", Actor: "operator:test"},
	})
	if err != nil {
		p.T.Fatal(err)
	}
}

func TestT63SessionsEnd(t *testing.T) {
	for what, end := range sessionEnds() {
		t.Run(what, func(t *testing.T) {
			p := newPeople(t)
			in, other := p.in(stranger), p.in(stranger)
			end(p, in)
			for _, s := range []portal.SignedIn{in, other} {
				_, err := p.viewer(s.Token)
				p.want(err, portal.ErrSignedOut, what)
			}
		})
	}
}

func TestT63SignedOut(t *testing.T) {
	p := newPeople(t)
	in, other := p.in(stranger), p.in(stranger)
	for range 2 { // the second time there is nothing to do
		p.want(p.gate.Logout(t.Context(), house.Customers, in.Token), nil, "signing out")
	}
	_, err := p.viewer(in.Token)
	p.want(err, portal.ErrSignedOut, "signed out")
	_, err = p.viewer(other.Token)
	p.want(err, nil, "the other session")
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	p := newPeople(t)
	p.SetPassword(house.Customers, house.Bob)
	bobs, err := p.password("bob@globex.example", house.Password, stranger)
	if err != nil {
		t.Fatal(err)
	}
	one := p.in(stranger)
	p.Advance(2 * time.Minute)
	two := p.in(stranger)
	v, err := p.viewer(two.Token)
	if err != nil {
		t.Fatal(err)
	}
	list := func() (ids []engine.ID) {
		sessions, err := p.gate.Sessions(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sessions {
			ids = append(ids, s.ID)
		}
		return ids
	}
	if got := list(); len(got) != 2 || got[0] != two.Session.ID || got[1] != one.Session.ID {
		t.Errorf("sessions %v", got)
	}
	p.want(p.gate.End(t.Context(), v, bobs.Session.ID), portal.ErrSignedOut, "the session of another")
	if err := p.gate.End(t.Context(), v, one.Session.ID); err != nil {
		t.Error(err)
	}
	if got := list(); len(got) != 1 || got[0] != two.Session.ID {
		t.Errorf("sessions %v", got)
	}
	_, err = p.viewer(one.Token)
	p.want(err, portal.ErrSignedOut, "an ended session")
	if _, err := p.gate.Viewer(t.Context(), house.Customers, bobs.Token); err != nil {
		t.Errorf("Bob's session: %v", err)
	}
}

func TestChangePassword(t *testing.T) {
	p := newPeople(t)
	in, other := p.in(stranger), p.in(stranger)
	caller := stranger
	caller.Device, caller.Session = in.Device, in.Token
	v, err := p.viewer(in.Token)
	if err != nil {
		t.Fatal(err)
	}
	const next = "nine quiet rivers run uphill"
	change := func(password, next string) error {
		_, err := p.gate.ChangePassword(t.Context(), v, password, next, caller)
		return err
	}
	p.want(change("a wrong password of some length", next), portal.ErrRefused, "a wrong password")
	for next, code := range map[string]string{
		"short": portal.WeakShort, house.Password: portal.WeakSame, "passwordpassword": portal.WeakCommon,
		"Ana Ort 12345678": portal.WeakName,
	} {
		var w *portal.WeakError
		if err := change(house.Password, next); !errors.As(err, &w) || w.Code != code {
			t.Errorf("%q: %v, want %s", next, err, code)
		}
	}
	changed, err := p.gate.ChangePassword(t.Context(), v, house.Password, next, caller)
	if err != nil || changed.Token == in.Token {
		t.Fatalf("changed: %+v, %v", changed, err)
	}
	for what, token := range map[string]string{"the token before": in.Token, "another session": other.Token} {
		_, err := p.viewer(token)
		p.want(err, portal.ErrSignedOut, what)
	}
	if _, err := p.viewer(changed.Token); err != nil {
		t.Errorf("this session: %v", err)
	}
	_, err = p.password(ana, house.Password, stranger)
	p.want(err, portal.ErrRefused, "the former password")
	again, err := p.password(ana, next, caller)
	if err != nil || again.Device != "" {
		t.Errorf("the new password, from the browser that stays known: %+v, %v", again, err)
	}
	// Who has a session and not the password gets no more than a few tries.
	for range portal.LaneFree {
		_ = change("a wrong password of some length", house.Password)
	}
	p.want(change(next, "seven loud mountains stand still"), portal.ErrRefused, "the right one after five wrong ones")
}
