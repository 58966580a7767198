package crowd

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var crowdNow = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestPace(t *testing.T) {
	p := pace{burst: 20, per: time.Minute}
	var due time.Time
	for n := range 20 {
		if wait := p.take(&due, crowdNow); wait != 0 {
			t.Fatalf("number %d has to wait %s", n+1, wait)
		}
	}
	if wait := p.take(&due, crowdNow); wait != 3*time.Second {
		t.Errorf("after twenty at once the wait is %s, want 3s", wait)
	}
	if wait := p.take(&due, crowdNow.Add(3*time.Second)); wait != 0 {
		t.Errorf("three seconds later it is still %s", wait)
	}
	if wait := p.take(&due, crowdNow.Add(-time.Hour)); wait != 3*time.Second {
		t.Errorf("a clock that was set back makes it %s", wait)
	}
	if wait := p.take(&due, crowdNow.Add(time.Hour)); wait != 0 {
		t.Errorf("an hour later it is %s", wait)
	}
}

// An address counts for itself, in IPv6 as the /64 that one customer has, and for the network around it.
func TestT38OnePlaceHasManyAddresses(t *testing.T) {
	for name, test := range map[string]struct {
		first, second string
		shared        bool
	}{
		"the same":              {"203.0.113.7", "203.0.113.7", true},
		"a neighbour":           {"203.0.113.7", "203.0.113.8", false},
		"the same /64":          {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		"another /64":           {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		"four written as six":   {"203.0.113.7", "::ffff:203.0.113.7", true},
		"six that ends like it": {"203.0.113.7", "2001:db8::203.0.113.7", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := New()
			first, second := netip.MustParseAddr(test.first), netip.MustParseAddr(test.second)
			for range missPace.burst {
				c.Missed(first, "same", crowdNow)
			}
			if c.Enter(first, crowdNow) == 0 {
				t.Error("the first is not held back")
			}
			if held := c.Enter(second, crowdNow) > 0; held != test.shared {
				t.Errorf("the second is held back: %v, want %v", held, test.shared)
			}
		})
	}
}

func TestCrowdHoldsBackNetworks(t *testing.T) {
	for name, address := range map[string]func(n int) netip.Addr{
		"/24": func(n int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}) },
		"/48": func(n int) netip.Addr {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(n >> 8), byte(n), 15: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := New()
			for n := range missPace.burst * networkFactor {
				if wait := c.Enter(address(n%256), crowdNow); wait > 0 {
					t.Fatalf("after %d from as many addresses the wait is %s", n, wait)
				}
				c.Missed(address(n%256), fmt.Sprint(n), crowdNow)
			}
			if c.Enter(address(255), crowdNow) == 0 {
				t.Error("one more address of the network is not held back")
			}
			if elsewhere := netip.MustParseAddr("198.51.100.1"); c.Enter(elsewhere, crowdNow) > 0 {
				t.Error("another network is")
			}
		})
	}
}

func TestCrowdShutsWhoTriesOneAfterTheOther(t *testing.T) {
	c, from := New(), netip.MustParseAddr("203.0.113.7")
	now := crowdNow
	for n := range wrongLinks {
		for range 2 { // the same twice is one
			c.Missed(from, fmt.Sprint(n), now)
			now = now.Add(10 * time.Second)
		}
	}
	wait := c.Enter(from, now)
	if wait <= shutTime-time.Minute || wait > shutTime {
		t.Errorf("the wait is %s", wait)
	}
	if wait = c.Enter(from, now.Add(wait)); wait != 0 {
		t.Errorf("after that it is still %s", wait)
	}
	for n := range 2 * wrongLinks {
		now = now.Add(2 * time.Minute)
		c.Missed(from, fmt.Sprint("slow", n), now)
	}
	if wait = c.Enter(from, now); wait != 0 {
		t.Errorf("who takes their time waits %s", wait)
	}
}

func TestCrowdCountsGuesses(t *testing.T) {
	c, from := New(), netip.MustParseAddr("203.0.113.7")
	for n := range guessPace.burst {
		if wait := c.Guess(from, crowdNow); wait > 0 {
			t.Fatalf("guess %d waits %s", n+1, wait)
		}
	}
	if wait := c.Guess(from, crowdNow); wait != 10*time.Second {
		t.Errorf("one more waits %s, want 10s", wait)
	}
	if wait := c.Enter(from, crowdNow); wait > 0 {
		t.Errorf("guesses hold back links for %s", wait)
	}
	c.Right(from, crowdNow)
	if wait := c.Guess(from, crowdNow); wait > 0 {
		t.Errorf("after one that was right the next waits %s", wait)
	}
	if wait := c.Guess(netip.Addr{}, crowdNow); wait > 0 {
		t.Errorf("who has no address waits %s", wait)
	}
}

// Memory is bounded however many come, and who comes again and again is not forgotten among them.
func TestCrowdIsBounded(t *testing.T) {
	c, steady := New(), netip.MustParseAddr("203.0.113.7")
	for range missPace.burst {
		c.Missed(steady, "same", crowdNow)
	}
	for n := range 5 * crowdSize {
		from := netip.AddrFrom4([4]byte{byte(10 + n>>24), byte(n >> 16), byte(n >> 8), byte(n)})
		c.Missed(from, "same", crowdNow)
		if n%1000 == 0 {
			c.Missed(steady, "same", crowdNow)
		}
	}
	if held := len(c.fresh) + len(c.older); held > 2*crowdSize {
		t.Errorf("%d places are remembered, want at most %d", held, 2*crowdSize)
	}
	if c.Enter(steady, crowdNow) == 0 {
		t.Error("who came all the time was forgotten")
	}
	c.Missed(steady, "x", crowdNow.Add(shutTime+time.Second))
	c.Missed(netip.MustParseAddr("198.51.100.1"), "x", crowdNow.Add(2*shutTime+2*time.Second))
	if held := len(c.fresh) + len(c.older); held > 4 {
		t.Errorf("%d places are remembered long after", held)
	}
}
