package portal_test

import (
	"bytes"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/passkey/passkeytest"
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

// However many passkeys somebody makes at once, their devices know them by one handle, which tells nobody who they are.
func TestOnePersonHasOneHandle(t *testing.T) {
	p := newPeople(t, makesPasskeys(t))
	in := p.in(stranger)
	one, two := passkeytest.New(t, origin), passkeytest.New(t, origin)
	var asked []portal.Asked
	for range 2 {
		made, err := p.gate.MakePasskey(t.Context(), p.keeper(in))
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, made)
	}
	for i, device := range []*passkeytest.Device{one, two} {
		added, err := p.gate.AddPasskey(t.Context(), p.keeper(in), asked[i].Token, device.Make(asked[i].Options), "",
			stranger)
		if err != nil {
			t.Fatal(err)
		}
		in = added.In
	}
	holder := portal.Holder{Portal: house.Customers, Subject: house.Ana}
	enrolled, err := p.Store.Enrolled(t.Context(), holder)
	keys := enrolled.Passkeys
	if err != nil || len(keys) != 2 || !bytes.Equal(keys[0].Handle, keys[1].Handle) {
		t.Fatalf("enrolled %+v, %v", enrolled, err)
	}
	for _, device := range []*passkeytest.Device{one, two} {
		if _, err := p.byPasskey(device); err != nil {
			t.Error(err)
		}
	}
}

// A portal that requires a second factor from now on lets nobody go on who has proved none.
func TestSessionsOfAStricterPortal(t *testing.T) {
	p := newPeople(t)
	in, program := p.in(stranger), p.program()
	p.Portals[house.Customers].SignIn.SecondFactor = engine.SecondFactorRequired
	_, err := p.viewer(in.Token)
	p.want(err, portal.ErrSignedOut, "by a password alone")
	_, err = p.viewer(program.Token)
	p.want(err, nil, "a program, which has none")
	again := p.in(stranger)
	if again.Next != portal.NextEnrol || again.Token != "" {
		t.Errorf("signed in as %+v", again)
	}
}

// Who is shut out and let in again is not let in by a link from before.
func TestLinksEndWhereSomebodyIsShutOut(t *testing.T) {
	p := newPeople(t)
	by := engine.Order{By: "test", At: p.Clock.Now()}
	link := engine.Link{Record: house.Ana, Created: p.Clock.Now()}
	for _, do := range []portal.OrderKind{portal.OrderDisable, portal.OrderEnable} {
		if _, err := p.gate.Order(t.Context(), house.Customers, ana, do, by); err != nil {
			t.Fatal(err)
		}
	}
	opens := engine.Opens{Portal: house.Customers, What: engine.OpensPassword}
	if ended, err := p.gate.Ended(t.Context(), link, opens); err != nil || !ended {
		t.Errorf("the link has ended: %v, %v", ended, err)
	}
	p.Advance(time.Second)
	link.Created = p.Clock.Now()
	if ended, err := p.gate.Ended(t.Context(), link, opens); err != nil || ended {
		t.Errorf("one that was sent afterwards has ended: %v, %v", ended, err)
	}
}
