package links_test

import (
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
			same := func(page shown) string {
				text := strings.ReplaceAll(page.text, strings.TrimPrefix(page.path, "/c/"), "<flow>")
				return strings.NewReplacer("10:10", "<time>", "10:12", "<time>").Replace(text)
			}
			if missed.status != reached.status || same(missed) != same(reached) {
				t.Errorf("the page is another one:\n%s\n%s", same(reached), same(missed))
			}
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
