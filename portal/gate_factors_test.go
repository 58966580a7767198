package portal_test

import (
	"testing"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// Who has lost all factors gets in again once an operator has deleted them: every session ends, and they hear of it.
func TestOperatorDeletesFactors(t *testing.T) {
	p := newPeople(t)
	by := engine.Order{By: "operator:test", At: p.Clock.Now(), Reason: "lost her telephone"}
	remove := func() error {
		_, err := p.gate.Order(t.Context(), house.Customers, ana, portal.OrderDeleteFactors, by)
		return err
	}
	in := p.in(stranger)
	p.want(remove(), portal.ErrNoFactor, "deleting what is not there")
	if _, err := p.viewer(in.Token); err != nil {
		t.Errorf("nothing was deleted, and the session has ended: %v", err)
	}
	holder := portal.Holder{Portal: house.Customers, Subject: house.Ana}
	told := portal.Told{Deed: engine.Deed{At: p.Clock.Now(), Kind: "test", Actor: "operator:test"}}
	a := portal.Authenticator{Holder: holder, Secret: []byte("sealed"), Added: p.Clock.Now()}
	if err := p.Store.PutAuthenticator(t.Context(), a, told); err != nil {
		t.Fatal(err)
	}
	if err := p.Store.PutRecoveryCodes(t.Context(), holder, [][]byte{make([]byte, 32)}, told); err != nil {
		t.Fatal(err)
	}
	owed := p.in(stranger)
	if owed.Next != portal.NextSecond {
		t.Fatalf("signed in as %+v, want a second step", owed)
	}
	before := len(p.told())
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if told := p.told()[before:]; len(told) != 1 || told[0] != engine.PortalFactorSet+" "+house.Ana.String() {
		t.Errorf("told %v", told)
	}
	enrolled, err := p.Store.Enrolled(t.Context(), holder)
	if err != nil || enrolled.Second() || enrolled.RecoveryCodes > 0 {
		t.Errorf("still enrolled: %+v, %v", enrolled, err)
	}
	_, err = p.viewer(in.Token)
	p.want(err, portal.ErrSignedOut, "the session from before")
	_, err = p.gate.Owed(t.Context(), house.Customers, owed.Pending)
	p.want(err, portal.ErrPassed, "the sign-in that was under way")
	if in := p.in(stranger); in.Next != "" || in.Token == "" {
		t.Errorf("afterwards the password alone gives %+v", in)
	}
}
