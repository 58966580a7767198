package links_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"postern/engine"
	"postern/internal/peer"
	"postern/links"
)

// Whatever visitors, operators and time do: no more guesses are looked at than may be, nobody is let in who proved
// nothing, no effect happens too often, and a revoked link stays shut.
func TestFactorProperties(t *testing.T) {
	peer.Cases(t, "100", "20")
	seen := &witness{}
	h := factorHouse(t, pin, func(c *links.DoorConfig) { seen.Store, c.Store = c.Store, seen })
	h.book.Landings["ticket"].Uses = 3
	rapid.Check(t, func(rt *rapid.T) {
		g := newGuessing(rt, h, seen)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			g.step(rt)
			g.check(rt)
		}
	})
}

// witness is a store that remembers which guesses were looked at.
type witness struct {
	links.Store

	mu     sync.Mutex
	looked []lookedAt
	right  map[engine.ID]bool
}

// lookedAt is a guess that the store let be compared, with the challenge as it then was.
type lookedAt struct {
	guess     links.Guess
	challenge links.Challenge
}

func (w *witness) Guess(ctx context.Context, g links.Guess) (links.Challenge, error) {
	ch, err := w.Store.Guess(ctx, g)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.looked = append(w.looked, lookedAt{g, ch})
	}
	return ch, err
}

func (w *witness) Prove(ctx context.Context, p links.Proof) error {
	err := w.Store.Prove(ctx, p)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.right[p.Guess] = true
	}
	return err
}

// guessing is one run of the property: visitors on one link.
type guessing struct {
	*house
	seen     *witness
	factor   string
	link     engine.Link
	address  string
	revoked  bool
	unlocked int // times
	visitors []*guesser
}

// guesser is a visitor, and what they know.
type guesser struct {
	*visitor
	page   shown  // that asks for the proof
	code   string // that would be right, or was
	mail   string // the second link, or what it was
	proved bool   // whether they ever did what proves
}

func newGuessing(rt *rapid.T, h *house, seen *witness) *guessing {
	h.clock.Advance(48 * time.Hour) // of the run before nothing counts any more
	seen.looked, seen.right = nil, map[engine.ID]bool{}
	g := &guessing{house: h, seen: seen, factor: rapid.SampledFrom([]string{pin, bySMS, byMail}).Draw(rt, "factor")}
	h.book.Landings["ticket"].Factor = h.factor(g.factor)
	g.link, g.address = h.mint("ticket")
	for range 3 {
		v := &guesser{visitor: h.visitor()}
		v.page = v.open(g.address)
		g.visitors = append(g.visitors, v)
	}
	return g
}

func (g *guessing) step(rt *rapid.T) {
	v := g.visitors[rapid.IntRange(0, len(g.visitors)-1).Draw(rt, "visitor")]
	switch rapid.SampledFrom([]string{
		"open", "send", "send", "wrong", "many", "many", "right", "right", "mail", "carry", "act", "wait", "wait", "revoke", "unlock",
	}).Draw(rt, "step") {
	case "open":
		v.page = v.send("POST", g.address, nil)
	case "send":
		g.ask(v)
	case "wrong":
		v.try(v.page, "99 999 9")
	case "many":
		g.many(v)
	case "right":
		g.right(v)
	case "mail":
		if v.mail != "" {
			v.proved = true
			v.send("POST", v.mail, nil)
		}
	case "carry":
		g.carry(v)
	case "act":
		g.act(v)
	case "wait":
		g.clock.Advance(rapid.SampledFrom([]time.Duration{
			time.Second, time.Minute, 5 * time.Minute, 11 * time.Minute, 31 * time.Minute, 13 * time.Hour,
		}).Draw(rt, "for"))
	case "revoke":
		if rapid.IntRange(0, 3).Draw(rt, "really") == 0 {
			g.revoke(rt)
		}
	case "unlock":
		if rapid.IntRange(0, 3).Draw(rt, "really") == 0 {
			if _, err := g.store.UnlockLink(context.Background(), g.link.ID, g.order()); err == nil {
				g.unlocked++
			}
		}
	}
}

// try types a code, if there is a page to type it into.
func (v *guesser) try(page shown, code string) {
	if page.path != "" {
		v.answer(page, code)
	}
}

func (g *guessing) ask(v *guesser) {
	before := len(g.sent["sms"].Sent()) + len(g.sent["email"].Sent())
	if v.page.path != "" {
		v.visitor.ask(v.page)
	}
	if len(g.sent["sms"].Sent())+len(g.sent["email"].Sent()) == before {
		return
	}
	if g.factor == byMail {
		v.mail = g.lastMail()
		return
	}
	v.code = g.lastCode("sms")
}

func (g *guessing) right(v *guesser) {
	code := v.code
	if g.factor == pin {
		code = "blue whale 42"
	}
	if code != "" {
		v.proved = true
		v.try(v.page, code)
	}
}

// carry follows the second link in a browser that has nothing to do with it.
func (g *guessing) carry(v *guesser) {
	if v.mail == "" {
		return
	}
	page := g.visitor().send("POST", v.mail, nil)
	if _, after, ok := strings.Cut(page.text, `class="code" dir="ltr">`); ok {
		v.code = after[:6]
	}
}

func (g *guessing) many(v *guesser) {
	if v.page.path == "" {
		return
	}
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			body := strings.NewReader(url.Values{"do": {"check"}, "code": {"999999"}}.Encode())
			r := httptest.NewRequest("POST", v.page.path, body)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.AddCookie(&http.Cookie{Name: "postern", Value: v.cookie()})
			g.door.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	group.Wait()
}

func (g *guessing) act(v *guesser) {
	if v.page.path == "" {
		return
	}
	status := "Open"
	if g.fields().Text("ticketstatus") == "Open" {
		status = "Resolved"
	}
	record := strings.Replace(v.page.path, "/c/", "/f/", 1)
	page := v.get(record)
	v.send("POST", record, url.Values{"~seen": {page.seen()}, "ticketstatus": {status}})
}

func (g *guessing) revoke(rt *rapid.T) {
	g.revoked = true
	selection := engine.LinkSelection{IDs: []engine.ID{g.link.ID}}
	if _, err := g.store.RevokeLinks(context.Background(), selection, g.order()); err != nil {
		rt.Fatal(err)
	}
}

// order is what an operator says with what they do.
func (g *guessing) order() engine.Order { return engine.Order{By: "anna", At: g.clock.Now()} }

func (g *guessing) check(rt *rapid.T) {
	g.checkGuesses(rt)
	for i, v := range g.visitors {
		if v.page.path == "" {
			continue
		}
		page := v.get(strings.Replace(v.page.path, "/c/", "/f/", 1))
		switch inside := strings.Contains(page.text, "TT42"); {
		case inside && !v.proved:
			rt.Fatalf("visitor %d is inside and proved nothing", i)
		case inside && g.revoked:
			rt.Fatalf("visitor %d is inside by a revoked link", i)
		case inside && links.Locked(g.house.link(g.link), g.clock.Now()):
			rt.Fatalf("visitor %d is inside by a locked link", i)
		}
	}
	link := g.house.link(g.link)
	if link.Uses > link.MaxUses {
		rt.Fatalf("%d uses of %d", link.Uses, link.MaxUses)
	}
	if g.revoked && link.Revoked.IsZero() {
		rt.Fatal("a revoked link stands again")
	}
}

func (g *guessing) checkGuesses(rt *rapid.T) {
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	type round struct {
		challenge engine.ID
		waits     int
	}
	rounds, day, ever := map[round]int{}, 0, 0
	for _, l := range g.seen.looked {
		before := l.challenge.Waits
		if l.challenge.Tries == links.MaxTries {
			before--
		}
		if rounds[round{l.challenge.ID, before}]++; rounds[round{l.challenge.ID, before}] > links.MaxTries {
			rt.Fatalf("more than %d guesses at one code", links.MaxTries)
		}
		if g.seen.right[l.guess.ID] {
			continue
		}
		ever++
		if l.guess.At.After(g.clock.Now().Add(-24 * time.Hour)) {
			day++
		}
	}
	if day > links.DayGuesses*(1+g.unlocked) || ever > links.LifeGuesses {
		rt.Fatalf("%d wrong guesses in a day and %d in all were looked at, unlocked %d times", day, ever, g.unlocked)
	}
}
