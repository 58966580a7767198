package links_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// deeds are the audit's entries of a kind, each as its actor and detail.
func (h *house) deeds(kind string) (found []string) {
	h.t.Helper()
	err := h.store.Deeds(h.t.Context(), 0, func(d engine.Deed) error {
		if d.Kind == kind {
			found = append(found, d.Actor+" "+d.Detail)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

// looked ends the door's own work and tells what it has noted of looks.
func (h *house) looked() []string {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	cancel()
	if err := h.door.Run(ctx); err != nil {
		h.t.Fatal(err)
	}
	return h.deeds(engine.DeedLinkLooked)
}

func (h *house) expectLooks(want ...string) {
	h.t.Helper()
	if got := h.looked(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		h.t.Errorf("the audit says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// browser is a visitor with a browser of a person.
func (h *house) browser() *visitor {
	v := h.visitor()
	v.head.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	return v
}

func TestLooksAreNotedOnceEach(t *testing.T) {
	h := newHouse(t)
	link, address := h.mint("ticket")
	for range 5 {
		h.browser().get(address).expect(t, 200)
		h.browser().send("HEAD", address, nil)
	}
	h.browser().get(h.url+"/l/a"+strings.Repeat("b", 26)).expect(t, 404)
	h.expectLooks("link:"+link.ID.String()+" probably a person", "link:"+link.ID.String()+" probably a bot: HEAD")
}

func TestBotsAreToldByTheirSigns(t *testing.T) {
	for name, test := range map[string]struct{ head, value, method, want string }{
		"by HEAD":       {"Accept", "*/*", "HEAD", "probably a bot: HEAD"},
		"prefetch":      {"Sec-Purpose", "prefetch;prerender", "GET", "probably a bot: prefetch"},
		"old prefetch":  {"X-Moz", "prefetch", "GET", "probably a bot: prefetch"},
		"Safari's":      {"X-Purpose", "preview", "GET", "probably a bot: prefetch"},
		"of WhatsApp":   {"User-Agent", "WhatsApp/2.24.10.85 A", "GET", "probably a bot: whatsapp"},
		"headless":      {"User-Agent", "Mozilla/5.0 HeadlessChrome/140.0", "GET", "probably a bot: headlesschrome"},
		"a script":      {"User-Agent", "curl/8.5.0", "GET", "probably a bot: curl"},
		"says nothing":  {"User-Agent", "", "GET", "probably a bot: no User-Agent"},
		"just a person": {"Accept-Language", "es", "GET", "probably a person"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			link, address := h.mint("ticket")
			v := h.browser()
			v.head.Set(test.head, test.value)
			v.send(test.method, address, nil)
			h.expectLooks("link:" + link.ID.String() + " " + test.want)
		})
	}
}

// T12: a scanner follows every link of a mail within a second, as a browser would each of them.
func TestT12AllLinksOfAMessageAtOnce(t *testing.T) {
	h := newHouse(t)
	message := engine.DerivedID(engine.ID{}, "a message")
	of := func(message engine.ID) func(*engine.LinkTerms) {
		return func(terms *engine.LinkTerms) { terms.Delivery = message }
	}
	var want []string
	for range 3 {
		link, address := h.mint("once", of(message))
		h.browser().get(address).expect(t, 200, recordData...)
		h.clock.Advance(300 * time.Millisecond)
		if len(want) == 0 {
			want = append(want, "link:"+link.ID.String()+" probably a person") // nothing spoke against it yet
		}
		want = append(want, "link:"+link.ID.String()+" probably a bot: several links of one message within 2 s")
	}
	slow := engine.DerivedID(engine.ID{}, "another message")
	for range 2 {
		link, address := h.mint("once", of(slow))
		h.clock.Advance(3 * time.Second)
		h.browser().get(address).expect(t, 200)
		want = append(want, "link:"+link.ID.String()+" probably a person")
	}
	h.expectLooks(want...)
	if opened := h.deeds(engine.DeedLinkOpened); len(opened) != 0 || len(h.events()) != 0 {
		t.Errorf("looks count as %d opens and %d events", len(opened), len(h.events()))
	}
}

// stuck is a store whose audit takes nothing until it is told to, and counts what it takes.
type stuck struct {
	links.Store

	release <-chan struct{}
	noted   *atomic.Int32
}

func (s stuck) Note(context.Context, engine.Deed) error {
	<-s.release
	s.noted.Add(1)
	return nil
}

// A request never waits for the audit, and what waits for it is bounded.
func TestLooksHoldNobodyUp(t *testing.T) {
	release, noted := make(chan struct{}), &atomic.Int32{}
	free := sync.OnceFunc(func() { close(release) })
	defer free()
	h := newHouse(t, func(c *links.DoorConfig) { c.Store = stuck{c.Store, release, noted} })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { _ = h.door.Run(ctx) })
	const many, held = 1100, 1024
	for n := range many {
		_, address := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Cause = fmt.Sprint(n) })
		h.browser().get(address).expect(t, 200)
	}
	if n := noted.Load(); n != 0 {
		t.Errorf("%d looks were noted while the audit was stuck", n)
	}
	cancel()
	free()
	running.Wait()
	if n := noted.Load(); n < held || n > held+1 { // those that waited, and the one that was being written
		t.Errorf("%d of %d looks were noted, want the %d that the queue holds", n, many, held)
	}
}
