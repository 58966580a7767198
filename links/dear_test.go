package links_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/phone"
	"postern/links"
)

// TestT45NoCodeToADearNumber: whoever may change a record's number cannot have codes sent to one that costs much, and
// learns nothing from the page; an operator is told.
func TestT45NoCodeToADearNumber(t *testing.T) {
	spain := func(config *links.DoorConfig) {
		sms := config.Carriers["sms"]
		sms.Proper = phone.Rules{Region: "ES", Countries: []string{"ES"}}.Proper
		config.Carriers["sms"] = sms
	}
	for name, number := range map[string]string{
		"premium rate": "+34803123456", "another country": "+212650123456", "the world's premium rate": "+979123456789",
	} {
		t.Run(name, func(t *testing.T) {
			h := factorHouse(t, bySMS, spain)
			_, address := h.mint("ticket", h.delivered)
			v := h.visitor()
			reached := v.ask(v.open(address))
			h.person(engine.Fields{"mobile": number})
			h.clock.Advance(2 * time.Minute)
			thief := h.visitor()
			missed := thief.ask(thief.open(address))
			sameChallenge(t, reached, missed)
			if sent := h.sent["sms"].Sent(); len(sent) != 1 || sent[0].Recipient.Address != "+34600000012" {
				t.Errorf("%d messages were sent, the first to %s", len(sent), sent[0].Recipient.Address)
			}
			log := h.log.String()
			if !strings.Contains(log, "there is no address to send a proof to") || strings.Contains(log, number) {
				t.Errorf("the log says:\n%s", log)
			}
			thief.answer(missed, h.lastCode("sms")).expect(t, 422, "That is not right")
		})
	}
}

// TestT45NoCodeBeyondTheBudget: whoever asks for codes cannot spend more than was granted; the page is the same, the
// code is given up when it is no longer good, and an operator is told once.
func TestT45NoCodeBeyondTheBudget(t *testing.T) {
	h := newLimitedHouse(t, engine.Settings{
		Budgets: map[string]engine.Rate{"sms": {Count: 1, Per: 24 * time.Hour}},
	}).furnished(bySMS)
	_, address := h.mint("ticket", h.delivered)
	v := h.visitor()
	reached := v.ask(v.open(address))
	for range 2 {
		h.clock.Advance(2 * time.Minute)
		thief := h.visitor()
		sameChallenge(t, reached, thief.ask(thief.open(address)))
	}
	h.clock.Advance(25 * time.Hour)
	h.settle()
	if n := len(h.sent["sms"].Sent()); n != 1 {
		t.Errorf("%d codes were sent", n)
	}
	if n := strings.Count(h.log.String(), "the budget of a channel is spent"); n != 1 {
		t.Errorf("an operator was told %d times:\n%s", n, h.log.String())
	}
}

// sameChallenge holds two pages that ask for a proof against each other: they differ in their flow and the time alone.
func sameChallenge(t *testing.T, a, b shown) {
	t.Helper()
	plain := func(page shown) string {
		text := strings.ReplaceAll(page.text, strings.TrimPrefix(page.path, "/c/"), "<flow>")
		return regexp.MustCompile(`10:\d\d`).ReplaceAllString(text, "<time>")
	}
	if a.status != b.status || plain(a) != plain(b) {
		t.Errorf("the page is another one, %d and %d:\n%s\n%s", a.status, b.status, plain(a), plain(b))
	}
}
