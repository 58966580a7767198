package links_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// Each factor once, from the door to the record.
func TestFactors(t *testing.T) {
	t.Run("security code", func(t *testing.T) {
		h := factorHouse(t, pin)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.open(address)
		page.expect(t, 200, append(secretRecord, "security code", `autocomplete="off"`)...)
		v.answer(page, "blue whale 42").expect(t, 200, "TT42")
		if len(h.sent["email"].Sent())+len(h.sent["sms"].Sent()) > 0 {
			t.Error("something was sent")
		}
	})
	t.Run("code", func(t *testing.T) {
		h := factorHouse(t, bySMS)
		_, address := h.mint("ticket", h.delivered)
		v := h.visitor()
		page := v.open(address)
		page.expect(t, 200, append(secretRecord, "text message", "Send me the code", "!600000012", "!…12")...)
		if len(h.sent["sms"].Sent()) > 0 {
			t.Fatal("a code was sent before anybody asked for one")
		}
		page = v.ask(page)
		page.expect(t, 200, append(secretRecord, `inputmode="numeric"`, `autocomplete="one-time-code"`, "It works for 10 min")...)
		message := h.sent["sms"].Sent()[0]
		code := h.lastCode("sms")
		if want := "\n\n@127.0.0.1 #" + code; !strings.HasSuffix(message.Content.Text, want) {
			t.Errorf("the message ends %q, want %q", message.Content.Text, want)
		}
		if message.Recipient.Address != "+34600000012" || len(h.sent["email"].Sent()) != 1 {
			t.Errorf("sent to %s and by mail %d times", message.Recipient.Address, len(h.sent["email"].Sent()))
		}
		v.answer(page, code).expect(t, 200, "TT42")
		v.get(page.path).expect(t, 200, "TT42") // and is not asked again
	})
	t.Run("mailed link", func(t *testing.T) {
		h := factorHouse(t, byMail)
		_, address := h.mint("ticket")
		v := h.visitor()
		page := v.ask(v.open(address))
		page.expect(t, 200, append(secretRecord, "Please look at your email")...)
		mail := h.sent["email"].Sent()[0]
		if !strings.Contains(mail.Content.HTML, `<a href="`+h.lastMail()) {
			t.Errorf("the mail as a page lacks the link:\n%s", mail.Content.HTML)
		}
		v.get(h.lastMail()).expect(t, 200, append(secretRecord, "Is it you?")...)
		v.send("POST", h.lastMail(), nil).expect(t, 200, "TT42")
		v.get(h.lastMail()).expect(t, 404)
	})
}

func TestFactorOfAnAction(t *testing.T) {
	h := factorHouse(t, bySMS)
	resolve := h.book.Landings["ticket"].Actions[0]
	resolve.Factor, resolve.Within = h.factor(pin), 5*time.Minute
	_, address := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Preset = "resolve" })
	v := h.visitor()
	page := v.ask(v.open(address))
	page = v.answer(page, h.lastCode("sms")) // the preset's page asks for more
	page.expect(t, 200, append(secretRecord, "security code")...)
	if !strings.HasPrefix(page.path, "/c/") || !strings.HasSuffix(page.path, "/resolve") {
		t.Fatalf("led to %s", page.path)
	}
	record := strings.Replace(strings.TrimSuffix(page.path, "/resolve"), "/c/", "/f/", 1)
	v.get(record).expect(t, 200, "TT42") // the record itself does not
	page = v.answer(page, "BlueWhale42")
	page.expect(t, 200, "Mark as resolved")
	h.clock.Advance(5 * time.Minute)
	v.submit(page, nil).expect(t, 403, "For this we ask once more", "security code")
	h.holds(map[string]string{"ticketstatus": "Open"})
	page = v.answer(v.get(page.path), "bluewhale42")
	v.submit(page, nil).expect(t, 200, "Saved")
	h.holds(map[string]string{"ticketstatus": "Resolved"})
}

func TestActionWithinAsksForTheLandingsFactor(t *testing.T) {
	h := factorHouse(t, pin)
	h.book.Landings["ticket"].Actions[0].Within = time.Minute
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.answer(v.open(address), "blue whale 42")
	v.get(page.path+"/resolve").expect(t, 200, "Mark as resolved")
	h.clock.Advance(time.Minute)
	v.get(page.path).expect(t, 200, "TT42")
	asked := v.get(page.path + "/resolve")
	asked.expect(t, 200, append(secretRecord, "security code")...)
	v.answer(asked, "blue whale 42").expect(t, 200, "Mark as resolved")
}

func TestGrantEnds(t *testing.T) {
	for name, test := range map[string]struct {
		steps []time.Duration
		want  bool
	}{
		"soon after":               {[]time.Duration{29 * time.Minute}, true},
		"left alone":               {[]time.Duration{30 * time.Minute}, false},
		"used again and again":     {[]time.Duration{20 * time.Minute, 20 * time.Minute}, true},
		"not used for a long time": {[]time.Duration{20 * time.Minute, 31 * time.Minute}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := factorHouse(t, pin)
			_, address := h.mint("ticket")
			v := h.visitor()
			page := v.answer(v.open(address), "blue whale 42")
			for i, step := range test.steps {
				h.clock.Advance(step)
				if i < len(test.steps)-1 {
					v.submit(page, nil).expect(t, 200, "TT42")
				}
			}
			got := v.get(page.path)
			if test.want != strings.Contains(got.text, "TT42") {
				t.Errorf("the record is shown %v\n%s", !test.want, got.text)
			}
		})
	}
}

// What was proved for one record does not count for another, and one that is proved later takes its place.
func TestGrantIsForOneRecord(t *testing.T) {
	h := factorHouse(t, pin)
	other := engine.Ref{Module: "HelpDesk", ID: "17x43"}
	h.follow(&engine.Event{Type: engine.RecordCreated, Subject: other.String(), Change: &engine.Change{
		Record: engine.Fields{"ticket_no": "TT43", "parent_id": contact.ID, "ticketstatus": "Open"},
	}})
	_, one := h.mint("ticket")
	_, same := h.mint("ticket")
	_, two := h.mint("ticket", func(terms *engine.LinkTerms) { terms.Record = other })
	v := h.visitor()
	first := v.answer(v.open(one), "blue whale 42")
	first.expect(t, 200, "TT42")
	v.open(same).expect(t, 200, "TT42") // the same record by another link
	second := v.open(two)
	second.expect(t, 200, "!TT43", "security code")
	v.answer(second, "blue whale 42").expect(t, 200, "TT43")
	v.get(first.path).expect(t, 200, "!TT42", "security code")
}

// Whoever takes the factor out of a landing means the links from then on, not those that were sent with it.
func TestOldLinksKeepTheirFactor(t *testing.T) {
	var then *engine.Landing
	h := factorHouse(t, pin, func(c *links.DoorConfig) {
		c.Landing = func(context.Context, string, string) (*engine.Landing, error) { return then, nil }
	})
	then = h.book.Landings["ticket"]
	_, address := h.mint("ticket")
	now := *h.book.Landings["ticket"]
	now.Version, now.Factor = "v2", nil
	h.book.Landings["ticket"] = &now
	h.visitor().open(address).expect(t, 200, append(secretRecord, "security code")...)
	_, fresh := h.mint("ticket")
	h.visitor().open(fresh).expect(t, 200, "TT42")
}

func TestNobodyToSendTo(t *testing.T) {
	h := factorHouse(t, bySMS)
	_, address := h.mint("ticket", h.delivered)
	v := h.visitor()
	reached := v.ask(v.open(address))
	h.person(engine.Fields{"lastname": "Zoe", "email": "zoe@acme.example", "mobile": ""})
	h.clock.Advance(2 * time.Minute)
	lost := h.visitor()
	missed := lost.ask(lost.open(address))
	same := func(page shown) string {
		text := strings.ReplaceAll(page.text, strings.TrimPrefix(page.path, "/c/"), "<flow>")
		return strings.ReplaceAll(strings.ReplaceAll(text, "10:10", "<time>"), "10:12", "<time>")
	}
	if missed.status != reached.status || same(missed) != same(reached) {
		t.Errorf("who has no telephone is shown another page:\n%s\n%s", same(reached), same(missed))
	}
	if sent := len(h.sent["sms"].Sent()); sent != 1 {
		t.Errorf("%d messages were sent", sent)
	}
	deeds := h.deeds(engine.DeedLinkChallenged)
	if last := deeds[len(deeds)-1]; !strings.HasSuffix(last, " code-by-sms: no address") {
		t.Errorf("the audit says %q", last)
	}
	if !strings.Contains(h.log.String(), "there is no address to send a proof to") {
		t.Error("the log says nothing")
	}
	lost.answer(missed, "000000").expect(t, 422, "That is not right")
}

func TestSendsAreLimited(t *testing.T) {
	h := factorHouse(t, bySMS)
	_, address := h.mint("ticket")
	v := h.visitor()
	page := v.ask(v.open(address))
	first := h.lastCode("sms")
	v.ask(page).expect(t, 429, "You can have it sent again after 10:01 UTC")
	other := h.visitor()
	other.ask(other.open(address)).expect(t, 429) // of another visitor too: it is the same telephone
	for i, want := range []int{200, 200, 429} {   // three in fifteen minutes
		h.clock.Advance(time.Minute)
		again := v.ask(page)
		again.expect(t, want)
		if said := strings.Contains(again.text, "It has been sent again."); said != (want == 200) {
			t.Errorf("after %d min the page says that it was sent again: %v", i+1, said)
		}
		if got := h.lastCode("sms"); got != first {
			t.Errorf("after %d min the code is %s, want the first, %s", i+1, got, first)
		}
	}
	if sent := len(h.sent["sms"].Sent()); sent != 3 {
		t.Errorf("%d messages were sent", sent)
	}
	h.clock.Advance(13 * time.Minute)
	v.ask(page).expect(t, 200)
	if h.lastCode("sms") == first {
		t.Error("the code never changes")
	}
}
