package engine_test

import (
	"errors"
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
		"text":    {engine.Content{Text: "x"}, engine.Content{Text: "[to z..@customer.example]\nx"}},
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

func TestADiversionIsToldInTheHistory(t *testing.T) {
	email := answering()
	h := newHouse(t, twoWays(""))
	h.email, h.others = email, map[string]engine.Channel{"sms": answering()}
	h.limits.Diversion = engine.Diversion{To: map[string]string{"email": "dev@acme.example"}}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{
		"name": "Zoë", "email": "zoe@customer.example", "phone": "+34600111222",
	}})
	h.ticket("1")
	sent := h.sent(email, 1)[0]
	h.settled(sent.Delivery, engine.DeliveryAccepted)
	d, err := h.store.Delivery(t.Context(), sent.Delivery)
	if err != nil {
		t.Fatal(err)
	}
	told := d.History[len(d.History)-1].Text
	if sent.Recipient.Address != "dev@acme.example" || !strings.Contains(told, "diverted to d…@acme.example: ") {
		t.Errorf("sent to %s, and the history says %q", sent.Recipient.Address, told)
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

// A channel that had no room for a message asks for it again: of the budget it is one message all the same.
func TestBusyTriesClaimABudgetOnce(t *testing.T) {
	busy := engine.Busy(errors.New("no connection is free"))
	email := answering(busy, busy, busy)
	h := newHouse(t, twoWays(""))
	h.limits.Budgets = map[string]engine.Rate{"email": {Count: 2, Per: 10 * time.Minute}}
	h.email, h.others = email, map[string]engine.Channel{"sms": answering()}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{
		"name": "Zoë", "email": "zoe@acme.example", "phone": "+34600111222",
	}})
	h.ticket("1")
	for tries := 1; tries <= 3; tries++ {
		h.sent(email, tries)
		h.clock.Advance(5 * time.Second)
	}
	h.sent(email, 4)
	h.ticket("2")
	h.sent(email, 5)
	if strings.Contains(h.logs.String(), "the budget of a channel is spent") {
		t.Error("two messages are more than two")
	}
}

// What comes back from where all messages go says nothing of the address that one was for.
func TestDivertedBounceSuppressesWhereItWent(t *testing.T) {
	email := answering()
	h := newHouse(t, twoWays(""))
	h.limits.Diversion = engine.Diversion{To: map[string]string{"email": "dev@acme.example"}}
	h.email, h.others = email, map[string]engine.Channel{"sms": answering()}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{
		"name": "Zoë", "email": "zoe@acme.example", "phone": "+34600111222",
	}})
	h.ticket("1")
	id := h.sent(email, 1)[0].Delivery
	h.settled(id, engine.DeliveryAccepted)
	h.hear(engine.Heard{Channel: "email", Key: "1", Report: &engine.Report{
		Delivery: id, State: engine.DeliveryBounced, Code: "5.1.1",
	}, Suppress: []engine.Suppression{{Reason: engine.SuppressedBounce}}})
	lines, err := h.store.SuppressionLines(t.Context(), engine.SuppressionSelection{})
	if err != nil || len(lines) != 1 || lines[0].Masked != "d…@acme.example" {
		t.Errorf("suppressed are %+v, %v", lines, err)
	}
}
