package engine_test

import (
	"strings"
	"testing"
	"time"

	"postern/engine"
)

func TestDiversionAllowsWhatItNames(t *testing.T) {
	d := engine.Diversion{
		To: map[string]string{"sms": "+34600000001"}, Only: []string{"*@acme.example", "+34600123456", "a*b*c"},
	}
	for address, want := range map[string]bool{
		"zoe@acme.example": true, "ZOE@Acme.Example": true, "zoe@acme.example.evil.example": false, "x@acme.exampl": false,
		"+34600123456": true, "+346001234567": false, "abc": true, "a-b-b-c": true, "ab": false, "acb": false, "": true,
	} {
		if got := d.Allows("email", address); got != want {
			t.Errorf("%q is allowed: %v", address, got)
		}
	}
	if !d.Allows("sms", "+34999") {
		t.Error("what is sent elsewhere is kept back")
	}
	if !(engine.Diversion{}).Allows("email", "anybody@customer.example") {
		t.Error("nothing is said, and something kept back")
	}
}

func TestDivertedMessagesSayWhomTheyWereFor(t *testing.T) {
	d := engine.Diversion{To: map[string]string{"email": "dev@acme.example"}}
	zoe := engine.Recipient{Address: "zoe@customer.example"}
	for name, test := range map[string]struct{ content, want engine.Content }{
		"subject": {engine.Content{Subject: "Hi", Text: "x"}, engine.Content{Subject: "[z…@customer.example] Hi", Text: "x"}},
		"text":    {engine.Content{Text: "x"}, engine.Content{Text: "[z…@customer.example] x"}},
		"JSON":    {engine.Content{Text: "{}", JSON: true}, engine.Content{Text: "{}", JSON: true}},
	} {
		got := d.Divert(engine.Message{Channel: "email", Recipient: zoe, Content: test.content})
		if got.Recipient.Address != "dev@acme.example" || got.Content.Subject != test.want.Subject ||
			got.Content.Text != test.want.Text {
			t.Errorf("%s: %+v to %s", name, got.Content, got.Recipient.Address)
		}
	}
	if got := d.Divert(engine.Message{Channel: "sms", Recipient: zoe}); got.Recipient != zoe {
		t.Errorf("another channel is sent to %v", got.Recipient)
	}
}

func TestOnlySomeGetMessagesAndTheOthersAreKeptBack(t *testing.T) {
	email, sms := answering(), answering()
	h := newHouse(t, twoWays(""))
	h.limits.Diversion = engine.Diversion{Only: []string{"+34*"}}
	h.email, h.others = email, map[string]engine.Channel{"sms": sms}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{
		"name": "Zoë", "email": "zoe@acme.example", "phone": "+34600111222",
	}})
	h.ticket("1")
	h.sent(sms, 1) // the next way takes it
	if got := email.Sent(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
}

func TestMessagesWaitWhileABudgetIsSpent(t *testing.T) {
	email := answering()
	h := newHouse(t, twoWays(""))
	h.limits.Budgets = map[string]engine.Rate{"email": {Count: 2, Per: 10 * time.Minute}}
	h.email, h.others = email, map[string]engine.Channel{"sms": answering()}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{
		"name": "Zoë", "email": "zoe@acme.example", "phone": "+34600111222",
	}})
	for _, id := range []string{"1", "2", "3", "4"} {
		h.ticket(id)
	}
	h.until("the budget is spent", func() bool {
		return strings.Contains(h.logs.String(), "the budget of a channel is spent")
	})
	h.says(func() []string {
		_, warnings := h.engine.Ready(t.Context())
		return warnings
	}, "its budget is spent")
	if got := len(email.Sent()); got > 2 {
		t.Errorf("%d messages left of two in ten minutes", got)
	}
	h.clock.Advance(13 * time.Minute)
	h.sent(email, 4)
	if told := strings.Count(h.logs.String(), "the budget of a channel is spent"); told > 2 {
		t.Errorf("told %d times", told)
	}
}
