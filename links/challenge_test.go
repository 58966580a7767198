package links_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

func TestT24AddressChanged(t *testing.T) {
	for name, test := range map[string]struct {
		changed engine.ChangedAddress
		person  engine.Fields
		status  int
		sent    []string // addresses that mails went to, after the one with the link
	}{
		"as it was": {engine.ChangedRefuse, engine.Fields{"email": "zoe@acme.example"}, 200, []string{"zoe@acme.example"}},
		"sent":      {engine.ChangedSend, engine.Fields{"email": "new@acme.example"}, 200, []string{"new@acme.example", "zoe@acme.example"}},
		"refused":   {engine.ChangedRefuse, engine.Fields{"email": "new@acme.example"}, 403, nil},
		"removed":   {engine.ChangedSend, engine.Fields{"email": ""}, 200, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := factorHouse(t, byMail)
			h.book.Landings["ticket"].Factor.Changed = test.changed
			_, address := h.mint("ticket", h.delivered)
			h.person(test.person)
			v := h.visitor()
			v.ask(v.open(address)).expect(t, test.status)
			var got []string
			for _, m := range h.sent["email"].Sent()[1:] {
				got = append(got, m.Recipient.Address)
				if m.Recipient.Address == "zoe@acme.example" && name == "sent" {
					if strings.Contains(m.Content.Text, "/m/") || !strings.Contains(m.Content.Text, "new address") {
						t.Errorf("the old address is told %q", m.Content.Text)
					}
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.sent) {
				t.Errorf("mails went to %q, want %q", got, test.sent)
			}
			if log := h.log.String(); strings.Contains(log, "@acme.example") {
				t.Errorf("an address is in the log:\n%s", log)
			}
		})
	}
}

func TestT30FiveGuesses(t *testing.T) {
	t.Run("one after the other", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		code := h.lastCode("sms")
		for left := 4; left > 0; left-- {
			v.answer(page, wrong(code)).expect(t, 422, fmt.Sprint("Tries left: ", left))
		}
		v.answer(page, wrong(code)).expect(t, 429, "Please wait a little", "10:01 UTC")
		v.answer(page, code).expect(t, 429, append(secretRecord, "Please wait a little")...)
		if n := len(h.deeds(engine.DeedLinkGuessed)); n != 5 {
			t.Errorf("%d guesses were looked at", n)
		}
	})
	t.Run("two hundred at once at two doors", func(t *testing.T) {
		var config links.DoorConfig
		h := factorHouse(t, bySMS, func(c *links.DoorConfig) { config = *c })
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		code := h.lastCode("sms")
		doors := []*links.Door{h.door, h.twin(config)}
		body := url.Values{"do": {"check"}, "code": {wrong(code)}}.Encode()
		var statuses [600]atomic.Int32
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				r := httptest.NewRequestWithContext(t.Context(), "POST", page.path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.AddCookie(&http.Cookie{Name: "postern", Value: v.cookie()})
				w := httptest.NewRecorder()
				doors[i%2].ServeHTTP(w, r)
				statuses[w.Code].Add(1)
			})
		}
		group.Wait()
		if n := len(h.deeds(engine.DeedLinkGuessed)); n != 5 {
			t.Errorf("%d guesses were looked at", n)
		}
		if wait := statuses[429].Load(); wait < 195 {
			t.Errorf("%d of 200 have to wait", wait)
		}
		v.answer(page, code).expect(t, 429, secretRecord...)
	})
}

func TestT31SendingAgainForgivesNothing(t *testing.T) {
	h := factorHouse(t, bySMS)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.ask(v.open(address))
	for _, pause := range []time.Duration{2 * time.Minute, 6 * time.Minute} { // the same code, another code
		for range 2 {
			v.answer(page, wrong(h.lastCode("sms"))).expect(t, 422, "Tries left")
		}
		h.clock.Advance(pause)
		v.ask(page).expect(t, 200)
	}
	v.answer(page, wrong(h.lastCode("sms"))).expect(t, 429, "Please wait a little")
	h.clock.Advance(10 * time.Minute)
	v.answer(page, h.lastCode("sms")).expect(t, 422, append(secretRecord, "This code no longer works")...)
	v.answer(v.ask(page), h.lastCode("sms")).expect(t, 200, "TT42")
}

func TestT32CodesAreGoodOnce(t *testing.T) {
	t.Run("after five wrong ones", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		code := h.lastCode("sms")
		for range 5 {
			v.answer(page, wrong(code))
		}
		v.answer(page, code).expect(t, 429, secretRecord...)
		h.clock.Advance(time.Minute)
		v.answer(page, code).expect(t, 422, append(secretRecord, "This code no longer works")...)
		v.answer(v.ask(page), code).expect(t, 422, append(secretRecord, "That is not right")...)
		v.answer(page, h.lastCode("sms")).expect(t, 200, "TT42")
	})
	t.Run("after ten minutes", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		h.clock.Advance(10*time.Minute - time.Second)
		late := h.visitor()
		late.client.Jar.SetCookies(mustURL(t, h.url), v.client.Jar.Cookies(mustURL(t, h.url)))
		h.clock.Advance(time.Second)
		late.answer(page, h.lastCode("sms")).expect(t, 422, append(secretRecord, "This code no longer works")...)
	})
	t.Run("a second time", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		code := h.lastCode("sms")
		before := v.cookie()
		v.answer(page, code).expect(t, 200, "TT42")
		other := h.visitor()
		other.answer(other.open(address), code).expect(t, 422, secretRecord...)
		thief := h.visitor()
		thief.client.Jar.SetCookies(mustURL(t, h.url), []*http.Cookie{{Name: "postern", Value: before}})
		h.clock.Advance(links.RepeatWindow) // until then it is a second press: TestT19SecondPressOfARightCode
		thief.answer(page, code).expect(t, 404, append(secretRecord, "open your link again")...)
		h.clock.Advance(31 * time.Minute) // the grant is over, the visit is not
		v.answer(v.get(page.path), code).expect(t, 422, secretRecord...)
	})
}

func TestT33CodesAreOfOneVisit(t *testing.T) {
	h := factorHouse(t, bySMS)
	_, address := h.mint("ticket")
	one, two := h.visitor(), h.visitor()
	first := one.ask(one.open(address))
	code := h.lastCode("sms")
	h.clock.Advance(time.Minute)
	second := two.ask(two.open(address))
	if h.lastCode("sms") == code {
		t.Fatal("two visits have one code")
	}
	two.answer(second, code).expect(t, 422, append(secretRecord, "That is not right")...)
	h.clock.Advance(5 * time.Minute)
	one.ask(first)
	if h.lastCode("sms") == code {
		t.Fatal("the code did not change")
	}
	one.answer(first, code).expect(t, 422, append(secretRecord, "That is not right")...)
	one.answer(first, h.lastCode("sms")).expect(t, 200, "TT42")
}

func TestT34CookiesCountNothing(t *testing.T) {
	h := factorHouse(t, bySMS)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.ask(v.open(address))
	old := v.client.Jar.Cookies(mustURL(t, h.url))
	for range 4 {
		v.answer(page, wrong(h.lastCode("sms")))
		v.client.Jar.SetCookies(mustURL(t, h.url), old)
	}
	v.answer(page, wrong(h.lastCode("sms"))).expect(t, 429)
	v.client.Jar.SetCookies(mustURL(t, h.url), old)
	v.answer(page, h.lastCode("sms")).expect(t, 429, secretRecord...)
}

func TestT35TenGuessesLock(t *testing.T) {
	h := factorHouse(t, pin)
	link, address := h.mint("ticket")
	other, _ := h.mint("ticket") // of the same recipient
	granted := h.visitor()
	inside := granted.answer(granted.open(address), "blue whale 42")
	v := h.visitor()
	page := v.open(address)
	for i := range 10 {
		if i == 5 {
			h.clock.Advance(time.Minute)
		}
		v.answer(page, "red whale 42")
	}
	v.answer(page, "blue whale 42").expect(t, 403, append(secretRecord, "This link is locked")...)
	granted.get(inside.path).expect(t, 403, append(secretRecord, "This link is locked")...)
	v.send("POST", address, nil).expect(t, 403, "This link is locked")
	locked := h.eventsOf(engine.LinkLocked)
	if len(locked) != 1 || locked[0].Subject != ticket.String() || !strings.Contains(string(locked[0].Data), link.ID.String()) {
		t.Errorf("the sender is told %v", locked)
	}
	if n := len(h.deeds(engine.DeedLinkGuessed)); n != 10 {
		t.Errorf("%d guesses were looked at", n)
	}
	if !h.link(other).Locked.IsZero() {
		t.Error("another link is locked before anybody guesses there")
	}
	t.Run("an operator unlocks it", func(t *testing.T) {
		h.unlock(link)
		v.answer(page, "blue whale 42").expect(t, 429) // the wait is the visitor's own
		h.clock.Advance(2 * time.Minute)
		v.answer(page, "blue whale 42").expect(t, 200, "TT42")
	})
}

func TestT35LocksOfARecipient(t *testing.T) {
	h := factorHouse(t, pin)
	var addresses []string
	var last engine.Link
	for range 4 {
		link, address := h.mint("ticket")
		addresses, last = append(addresses, address), link
	}
	for _, address := range addresses[:2] {
		v := h.visitor()
		page := v.open(address)
		for range 5 {
			v.answer(page, "red whale 42")
		}
	}
	v := h.visitor()
	v.answer(v.open(addresses[2]), "blue whale 42").expect(t, 403, append(secretRecord, "This link is locked")...)
	page := v.open(addresses[3])
	v.answer(page, "blue whale 42").expect(t, 403, append(secretRecord, "This link is locked")...)
	h.unlock(last) // on which nobody has guessed wrong
	v.answer(page, "blue whale 42").expect(t, 200, "TT42")
	h.clock.Advance(24*time.Hour + time.Minute)
	v.answer(v.open(addresses[2]), "blue whale 42").expect(t, 200, "TT42") // by itself
}

// However often it is unlocked, a link takes no more than so many wrong guesses.
func TestT35LifeOfALink(t *testing.T) {
	h := factorHouse(t, pin)
	link, address := h.mint("ticket")
	for range 40 {
		v := h.visitor()
		page := v.send("POST", address, nil)
		if page.status == http.StatusForbidden {
			h.unlock(link)
			page = v.send("POST", address, nil)
		}
		v.answer(page, "red whale 42")
		h.clock.Advance(time.Hour)
	}
	if n := len(h.deeds(engine.DeedLinkGuessed)); n != links.LifeGuesses {
		t.Errorf("%d guesses were looked at, want %d", n, links.LifeGuesses)
	}
}

func TestT37Spray(t *testing.T) {
	h := factorHouse(t, pin)
	spray := "many wrong codes on many links"
	for i := range links.SprayLeast {
		if strings.Contains(h.log.String(), spray) {
			t.Fatalf("sprayed after %d guesses", i)
		}
		_, address := h.mint("ticket", func(terms *engine.LinkTerms) {
			terms.Recipient.ID = fmt.Sprint("12x", 1000+i)
		})
		v := h.visitor()
		v.answer(v.open(address), "red whale 42").expect(t, 422)
	}
	if !strings.Contains(h.log.String(), spray) || len(h.deeds(engine.DeedDoorSprayed)) != 1 {
		t.Fatal("nobody is told that somebody guesses at large")
	}
	// Slower: one guess, then a wait.
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	v.answer(page, "red whale 42").expect(t, 429, "Please wait a little")
	v.answer(page, "blue whale 42").expect(t, 429, secretRecord...)
	// Longer codes.
	h.book.Landings["ticket"].Factor = h.factor(bySMS)
	v = h.visitor()
	page = v.ask(v.open(address))
	page.expect(t, 200, "Code of 8 digits")
	if code := h.lastCode("sms"); len(code) != 8 {
		t.Errorf("the code is %s", code)
	}
	v.answer(page, h.lastCode("sms")).expect(t, 200, "TT42")
	h.clock.Advance(70 * time.Minute) // until it is over
	v = h.visitor()
	v.ask(v.open(address)).expect(t, 200, "Code of 6 digits")
}

func TestT39StoreDown(t *testing.T) {
	var down atomic.Bool
	h := factorHouse(t, bySMS, func(c *links.DoorConfig) { c.Store = uncounting{c.Store, &down} })
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.ask(v.open(address))
	code := h.lastCode("sms")
	down.Store(true)
	v.answer(page, code).expect(t, 503, append(secretRecord, "Not just now, sorry")...)
	v.ask(page).expect(t, 503, "Not just now, sorry")
	v.get(page.path).expect(t, 200, "Please enter the code")
	v.get(address).expect(t, 200, "Is this for you?")
	down.Store(false)
	v.answer(page, code).expect(t, 200, "TT42")
}

// uncounting is a store that counts nothing while it is down.
type uncounting struct {
	links.Store
	down *atomic.Bool
}

var errDown = errors.New("the disk is full")

func (s uncounting) Ask(ctx context.Context, a links.Asking) (time.Duration, error) {
	if s.down.Load() {
		return 0, errDown
	}
	return s.Store.Ask(ctx, a)
}

func (s uncounting) Guess(ctx context.Context, g links.Guess) (links.Challenge, error) {
	if s.down.Load() {
		return links.Challenge{}, errDown
	}
	return s.Store.Guess(ctx, g)
}
