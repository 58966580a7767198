package portal_test

import (
	"net/netip"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// asks asks for a link from a browser at an address, and tells how many mails go out for it.
func (p people) asks(name string, from netip.Addr, device string) (mails int) {
	p.T.Helper()
	before := p.askedFor()
	caller := portal.Caller{Address: from, Device: device}
	if err := p.gate.Ask(p.T.Context(), house.Customers, name, engine.OpensPassword, caller); err != nil {
		p.T.Fatal(err)
	}
	if err := p.gate.AnswerAskings(p.T.Context()); err != nil {
		p.T.Fatal(err)
	}
	return p.askedFor() - before
}

// askedFor counts the mails that were asked for.
func (p people) askedFor() (mails int) {
	p.T.Helper()
	for _, event := range p.Events() {
		if event.Type == engine.PortalRecovery {
			mails++
		}
	}
	return mails
}

// addresses are those of strangers, each of another network.
func addresses() func() netip.Addr {
	n := 0
	return func() netip.Addr {
		n++
		return netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 7})
	}
}

// Strangers who know a name, at ever other addresses, neither fill its owner's mailbox nor use up their askings.
func TestT64StrangersDoNotUseUpAName(t *testing.T) {
	p, another := newPeople(t), addresses()
	in := p.in(stranger)
	own := netip.MustParseAddr("198.51.100.7")
	day, last := 0, p.Clock.Now()
	for n := range 24 * 12 {
		if p.asks(ana, another(), "") > 0 {
			day++
			last = p.Clock.Now()
		}
		if waited := p.Clock.Now().Sub(last); waited > time.Hour {
			t.Fatalf("no link goes out for %s", waited)
		}
		if n%60 == 50 && p.asks(ana, own, in.Device) != 1 {
			t.Errorf("the owner's own browser gets no link after %d askings of strangers", n)
		}
		p.Advance(5 * time.Minute)
	}
	if day < 24 || day > 10+24 {
		t.Errorf("%d mails go out in a day for what strangers ask", day)
	}
	// The browser of somebody else is a stranger's, too.
	p.SetPassword(house.Customers, house.Bob)
	bob, err := p.password("bob@globex.example", house.Password, stranger)
	if err != nil {
		t.Fatal(err)
	}
	if p.asks(ana, own, bob.Device) != 0 {
		t.Error("the browser of somebody else goes around the limit")
	}
	if p.asks("bob@globex.example", own, bob.Device) != 1 {
		t.Error("and its owner gets no link")
	}
}

// Who has one address uses up what is theirs, and leaves some to others.
func TestT64OneAddressLeavesAskingsToOthers(t *testing.T) {
	p := newPeople(t)
	theirs, own := netip.MustParseAddr("192.0.2.66"), netip.MustParseAddr("198.51.100.7")
	mails := 0
	for range 24 * 4 {
		for range 5 {
			mails += p.asks(ana, theirs, "")
		}
		if mails >= 5 && p.asks(ana, own, "") != 1 {
			t.Error("another address gets no link")
		}
		if mails >= 5 {
			break
		}
		p.Advance(15 * time.Minute)
	}
	if mails != 5 {
		t.Errorf("one address has %d mails sent", mails)
	}
}

// Somebody who asks again and again from their own browser hears once an hour at last.
func TestT64TheOwnBrowserHasALimitToo(t *testing.T) {
	p, another := newPeople(t), addresses()
	in, mails := p.in(stranger), 0
	for range 24 * 12 {
		mails += p.asks(ana, another(), in.Device)
		p.Advance(5 * time.Minute)
	}
	if mails < 24 || mails > 10+24 {
		t.Errorf("%d mails go out in a day", mails)
	}
}
