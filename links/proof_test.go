package links_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

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
		first.send("POST", page.path, url.Values{"do": {"continue"}}).expect(t, 200, append(secretRecord, "has not been opened in this browser yet")...)
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
		v.send("POST", page.path, url.Values{"do": {"continue"}}).expect(t, 200, append(secretRecord, "has not been opened in this browser yet")...)
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
