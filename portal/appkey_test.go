package portal_test

import (
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

func TestAppKeys(t *testing.T) {
	p := newPeople(t)
	by := engine.Order{By: "test", Reason: "for the depot", At: p.Clock.Now()}
	key, secret, err := p.gate.MakeAppKey(t.Context(), house.Customers, "shop", house.Ana, time.Hour, by)
	if err != nil || len(secret) < 43 {
		t.Fatalf("key %+v, secret of %d characters, %v", key, len(secret), err)
	}
	sign := func(client, with string) (portal.SignedIn, error) {
		right := func(secret string) bool { return secret == with }
		return p.gate.AppKey(t.Context(), house.Customers, client, right, stranger)
	}
	if made := p.Deeds()[len(p.Deeds())-1]; made.Actor != "operator:test" || !strings.HasSuffix(made.Detail, "depot") {
		t.Errorf("the audit tells %+v", made)
	}
	in, err := sign("shop", secret)
	if err != nil || in.Device != "" {
		t.Fatalf("signed in: %+v, %v", in, err)
	}
	v, err := p.viewer(in.Token)
	if err != nil || v.Ref() != house.Ana || v.Session.Method != portal.MethodAppKey {
		t.Errorf("the session is %+v, %v", v.Session, err)
	}
	for what, test := range map[string][2]string{
		"a wrong secret": {"shop", secret + "x"}, "another client": {"store", secret}, "no client": {"", secret},
	} {
		_, err := sign(test[0], test[1])
		p.want(err, portal.ErrRefused, what)
	}
	p.Put(house.Ana, engine.Fields{"portal": false})
	_, err = sign("shop", secret)
	p.want(err, portal.ErrRefused, "for one who may not sign in")
	p.Put(house.Ana, engine.Fields{"portal": true})

	people := p.in(stranger)
	if err := p.gate.RevokeAppKey(t.Context(), house.Customers, key.ID, by); err != nil {
		t.Fatal(err)
	}
	_, err = sign("shop", secret)
	p.want(err, portal.ErrRefused, "a revoked key")
	_, err = p.viewer(in.Token)
	p.want(err, portal.ErrSignedOut, "the program's session")
	if _, err := p.viewer(people.Token); err != nil {
		t.Errorf("the person's session: %v", err)
	}
	err = p.gate.RevokeAppKey(t.Context(), house.Customers, key.ID, by)
	p.want(err, portal.ErrNoAppKey, "revoked twice")

	_, secret, err = p.gate.MakeAppKey(t.Context(), house.Customers, "shop", house.Ana, time.Hour, by)
	if err != nil {
		t.Fatal(err)
	}
	p.Advance(time.Hour)
	_, err = sign("shop", secret)
	p.want(err, portal.ErrRefused, "an expired key")
}

// What is over is forgotten; what is not, stays.
func TestSweep(t *testing.T) {
	p := newPeople(t)
	in := p.in(stranger)
	if _, err := p.password("nobody@acme.example", house.Password, stranger); err == nil {
		t.Fatal("nobody signed in")
	}
	count := func() int {
		n := 0
		for _, table := range []string{"portal_sessions", "portal_challenges", "portal_lanes"} {
			n += len(p.dump(table))
		}
		return n
	}
	if err := p.Store.SweepPortals(t.Context(), p.Clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.viewer(in.Token); err != nil || count() == 0 {
		t.Errorf("what is in use was swept: %v", err)
	}
	if err := p.Store.SweepPortals(t.Context(), p.Clock.Now().Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 0 {
		t.Errorf("%d values of what is over are left", n)
	}
}
