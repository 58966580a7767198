package links_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
)

// T36: a thousand addresses, a network each, share one link and guess. What is counted is the link's, wherever a guess
// comes from.
func TestT36AThousandAddressesOneLink(t *testing.T) {
	h := factorHouse(t, pin, fromHeader)
	link, address := h.mint("ticket")
	var inside, refused atomic.Int64
	guess := func(n int) {
		v := h.from(fmt.Sprintf("10.%d.%d.9", n/250, n%250))
		page := v.send("POST", address, nil)
		if page.status != 200 {
			refused.Add(1)
			return
		}
		answered := v.answer(page, fmt.Sprintf("Blue-Whale %d", 1000+n))
		if strings.Contains(answered.text, "TT42") {
			inside.Add(1)
		}
		if answered.status != 200 && answered.status != 422 {
			refused.Add(1)
		}
	}
	var all sync.WaitGroup
	next := make(chan int)
	for range 16 {
		all.Go(func() {
			for n := range next {
				guess(n)
			}
		})
	}
	for n := range 1000 {
		next <- n
	}
	close(next)
	all.Wait()
	if looked := len(h.deeds(engine.DeedLinkGuessed)); looked != 10 {
		t.Errorf("%d guesses were compared, want 10", looked)
	}
	if inside.Load() != 0 || refused.Load() < 900 {
		t.Errorf("%d came in, %d were refused", inside.Load(), refused.Load())
	}
	if h.link(link).Locked.IsZero() || len(h.eventsOf(engine.LinkLocked)) != 1 {
		t.Errorf("locked %s, told %d times", h.link(link).Locked, len(h.eventsOf(engine.LinkLocked)))
	}
	owner := h.from("192.0.2.1")
	owner.get(address).expect(t, 403, secretRecord...)
	h.clock.Advance(24 * time.Hour)
	owner.answer(owner.open(address), "Blue-Whale 42").expect(t, 200, "TT42")
}

// One address that guesses on many links is held back by what it is, before the links are.
func TestOneAddressGuessesOnManyLinks(t *testing.T) {
	h := factorHouse(t, pin, fromHeader)
	compared := 0
	for n := range 12 {
		_, address := h.mint("ticket", func(terms *engine.LinkTerms) {
			terms.Recipient = engine.Ref{Module: "Contacts", ID: fmt.Sprint(n)}
		})
		v := h.from("203.0.113.7")
		page := v.open(address)
		for range 3 {
			if v.answer(page, "wrong 1").status != 429 {
				compared++
			}
		}
	}
	if compared != 30 {
		t.Errorf("%d guesses went through, want 30", compared)
	}
	_, address := h.mint("ticket")
	held := h.from("203.0.113.7")
	page := held.open(address)
	shut := held.answer(page, "Blue-Whale 42")
	shut.expect(t, 429, append(secretRecord, "Please wait a little")...)
	if got := shut.head.Get("Retry-After"); got != "10" {
		t.Errorf("Retry-After %q, want 10", got)
	}
	neighbour := h.from("203.0.113.8")
	neighbour.answer(neighbour.open(address), "Blue-Whale 42").expect(t, 200, "TT42")
	h.clock.Advance(10 * time.Second)
	held.answer(page, "Blue-Whale 42").expect(t, 200, "TT42")
}
