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
	for range 3 {
		_, address := h.mint("ticket")
		addresses = append(addresses, address)
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
	alarm := "many wrong codes on many links"
	for i := range links.AlarmLeast {
		if strings.Contains(h.log.String(), alarm) {
			t.Fatalf("alarmed after %d guesses", i)
		}
		_, address := h.mint("ticket", func(terms *engine.LinkTerms) {
			terms.Recipient.ID = fmt.Sprint("12x", 1000+i)
		})
		v := h.visitor()
		v.answer(v.open(address), "red whale 42").expect(t, 422)
	}
	if !strings.Contains(h.log.String(), alarm) || len(h.deeds(engine.DeedDoorAlarmed)) != 1 {
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

func TestT40CodesAsPeopleTypeThem(t *testing.T) {
	right := map[string]func(code string) string{
		"spaces":        func(code string) string { return " " + code[:3] + " " + code[3:] + "\t" },
		"a dash":        func(code string) string { return code[:3] + "-" + code[3:] },
		"full width":    func(code string) string { return shift(code, '\uff10') },
		"Arabic digits": func(code string) string { return shift(code, '\u0660') },
		"isolated":      func(code string) string { return "\u2066" + code + "\u2069" },
	}
	for name, typed := range right {
		t.Run(name, func(t *testing.T) {
			h := factorHouse(t, bySMS)
			_, address := h.mint("ticket")
			v := h.visitor()
			v.answer(v.ask(v.open(address)), typed(h.lastCode("sms"))).expect(t, 200, "TT42")
		})
	}
	t.Run("no code at all", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		code := h.lastCode("sms")
		for typed, status := range map[string]int{
			"": 422, "   ": 422, "abcdef": 422, "12a456": 422, code + "\x00": 400, "\x00": 400, strings.Repeat("1", 10<<10): 400,
			"\xff\xfe": 422, strings.Repeat("\ufdfa", 300): 422,
		} {
			v.answer(page, typed).expect(t, status, secretRecord...)
		}
		v.send("POST", page.path, url.Values{"code": {code}}).expect(t, 400)
		v.send("POST", page.path, url.Values{"do": {"check"}}).expect(t, 422)
		if n := len(h.deeds(engine.DeedLinkGuessed)); n != 0 {
			t.Errorf("%d of them counted as guesses", n)
		}
		v.answer(page, strings.TrimLeft(code, "0")+"").expect(t, map[bool]int{true: 422, false: 200}[code[0] == '0'])
	})
	t.Run("zeros in front count", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		v.answer(page, "0"+h.lastCode("sms")).expect(t, 422, append(secretRecord, "That is not right")...)
	})
}

// shift writes digits in another script, whose zero is given.
func shift(code string, zero rune) string {
	return strings.Map(func(r rune) rune { return zero + r - '0' }, code)
}

func TestT42SecurityCodesOfAllKinds(t *testing.T) {
	for name, test := range map[string]struct {
		stored, typed string
		status        int
	}{
		"as it stands":              {"Blue-Whale 42", "Blue-Whale 42", 200},
		"in small letters":          {"Blue-Whale 42", "blue whale 42", 200},
		"without spaces":            {"12 34 56 78", "12345678", 200},
		"a letter with its accent":  {"contrase\u00f1a", "CONTRASEN\u0303A", 200},
		"sharp s":                   {"stra\u00dfe99", "STRASSE99", 200},
		"full width":                {"ab12cd34", "\uff41\uff42\uff11\uff12\uff43\uff44\uff13\uff14", 200},
		"Greek":                     {"\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3", 200},
		"another":                   {"Blue-Whale 42", "blue whale 43", 422},
		"the beginning":             {"Blue-Whale 42", "blue", 422},
		"a long one":                {"Blue-Whale 42", strings.Repeat("a", 1<<10), 422},
		"a very long one":           {"Blue-Whale 42", strings.Repeat("a", 1<<10+1), 400},
		"the record has none":       {"", "anything", 422},
		"too short to be one":       {"12-345", "12345", 422},
		"none, and only signs of 0": {" - ", "-", 422},
	} {
		t.Run(name, func(t *testing.T) {
			h := factorHouse(t, pin)
			h.person(engine.Fields{"cf_pin": test.stored})
			_, address := h.mint("ticket")
			v := h.visitor()
			page := v.answer(v.open(address), test.typed)
			page.expect(t, test.status)
			if shown := strings.Contains(page.text, "TT42"); shown != (test.status == 200) {
				t.Errorf("the record is shown: %v", shown)
			}
		})
	}
	t.Run("no code locks like a wrong one", func(t *testing.T) {
		h := factorHouse(t, pin)
		h.put(engine.Fields{"parent_id": ""})
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.open(address)
		for i := range 10 {
			if i == 5 {
				h.clock.Advance(time.Minute)
			}
			v.answer(page, "anything")
		}
		v.get(page.path).expect(t, 403, "This link is locked")
	})
}

func TestT43MailedLinks(t *testing.T) {
	t.Run("in another browser", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		first, phone := h.visitor(), h.visitor()
		page := first.ask(first.open(address))
		first.answer(page, "123456").expect(t, 422, secretRecord...) // there is no code yet
		carried := phone.send("POST", h.lastMail(), nil)
		carried.expect(t, 200, append(secretRecord, "Enter this code on the other page", "Tell it to nobody")...)
		phone.get(strings.Replace(page.path, "/c/", "/f/", 1)).expect(t, 404, secretRecord...)
		if again := phone.send("POST", h.lastMail(), nil); again.text != carried.text {
			t.Error("the second press shows something else")
		}
		first.send("POST", page.path, url.Values{"do": {"continue"}}).expect(t, 200, append(secretRecord, "has not been opened yet")...)
		code := codeOn(t, carried)
		first.answer(page, wrong(code)).expect(t, 422, "Tries left: 3")
		first.answer(page, code).expect(t, 200, "TT42")
	})
	t.Run("begun by a thief", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		thief, owner := h.visitor(), h.visitor()
		page := thief.ask(thief.open(address))
		owner.get(h.lastMail()).expect(t, 200, "Not you?")
		carried := owner.send("POST", h.lastMail(), nil)
		thief.get(page.path).expect(t, 200, secretRecord...)
		thief.get(strings.Replace(page.path, "/c/", "/f/", 1)).expect(t, 200, append(secretRecord, "Please look at your email")...)
		code := codeOn(t, carried)
		for range 5 {
			thief.answer(page, wrong(code))
		}
		thief.answer(page, code).expect(t, 429, secretRecord...)
		owner.send("POST", h.lastMail(), nil).expect(t, 410) // and the mailed link is dead with its code
	})
	t.Run("by a scanner", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		for range 10 {
			h.visitor().get(h.lastMail())
		}
		v.send("POST", page.path, url.Values{"do": {"continue"}}).expect(t, 200, append(secretRecord, "has not been opened yet")...)
		v.send("POST", h.lastMail(), nil).expect(t, 200, "TT42")
	})
	t.Run("too late", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		v := h.visitor()
		v.ask(v.open(address))
		first := h.lastMail()
		h.clock.Advance(4 * time.Minute)
		v.ask(v.open(address)) // another visit, another link
		if h.lastMail() == first {
			t.Error("two visits have one link")
		}
		h.clock.Advance(6 * time.Minute)
		v.get(first).expect(t, 410, "only good for a few minutes")
		v.send("POST", first, nil).expect(t, 410, secretRecord...)
		v.send("POST", h.lastMail(), nil).expect(t, 200, "TT42")
	})
	t.Run("sent again it is the same", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		first := h.lastMail()
		h.clock.Advance(4 * time.Minute)
		v.ask(page)
		if h.lastMail() != first || len(h.sent["email"].Sent()) != 2 {
			t.Errorf("%d mails, the last with %s, the first with %s", len(h.sent["email"].Sent()), h.lastMail(), first)
		}
		h.clock.Advance(2 * time.Minute)
		v.ask(page)
		v.get(first).expect(t, 404)
		v.get(h.lastMail()).expect(t, 200)
	})
	t.Run("a token of a link is none", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		v := h.visitor()
		v.ask(v.open(address))
		v.get(strings.Replace(address, "/l/", "/m/", 1)).expect(t, 404)
		v.get(strings.Replace(h.lastMail(), "/m/", "/l/", 1)).expect(t, 404)
	})
}

// codeOn is the code that the page in the other browser shows.
func codeOn(t *testing.T, page shown) string {
	t.Helper()
	_, after, _ := strings.Cut(page.text, `class="code" dir="ltr">`)
	if len(after) < 6 {
		t.Fatalf("no code on the page:\n%s", page.text)
	}
	return after[:6]
}

func TestT44ProofsCannotBeSkipped(t *testing.T) {
	h := factorHouse(t, pin)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.open(address)
	record := strings.Replace(page.path, "/c/", "/f/", 1)
	for _, path := range []string{record, record + "/resolve", strings.Replace(page.path, "/c/", "/r/", 1)} {
		got := v.get(path)
		got.expect(t, 200, append(secretRecord, "security code")...)
		if got.path != page.path {
			t.Errorf("%s led to %s", path, got.path)
		}
	}
	v.send("POST", record, url.Values{"ticket_title": {"mine"}}).expect(t, 403, append(secretRecord, "security code")...)
	v.send("POST", record+"/resolve", url.Values{"~seen": {"x"}}).expect(t, 403, secretRecord...)
	v.send("POST", page.path, url.Values{"do": {"send"}}).expect(t, 400) // there is nothing to send
	stranger := h.visitor()
	stranger.answer(page, "blue whale 42").expect(t, 404, append(secretRecord, "open your link again")...)
	for _, path := range []string{"/c/nonsense", "/c/" + (engine.ID{7}).String(), page.path + "/nonsense", "/m/nonsense"} {
		v.get(path).expect(t, 404, secretRecord...)
		v.answer(shown{path: path}, "blue whale 42").expect(t, 404, secretRecord...)
	}
	if len(h.eventsOf(engine.LinkUsed)) > 0 || len(h.deeds(engine.DeedLinkGuessed)) > 0 {
		t.Errorf("a skipped step had an effect: %v", h.events())
	}
	h.holds(map[string]string{"ticket_title": "Printer on fire", "ticketstatus": "Open"})
}
