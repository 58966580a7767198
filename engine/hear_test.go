package engine_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// optOut is the address at which messages end, in tests.
func optOut(o engine.OptOut) (string, error) {
	return "https://go.example/u/" + url.PathEscape(o.Channel+" "+o.Address+" "+o.List), nil
}

func (h *house) hear(heard engine.Heard) {
	h.t.Helper()
	if err := h.engine.Hear(h.t.Context(), heard); err != nil {
		h.t.Fatal(err)
	}
}

// storyOf is the history of a delivery, a line each.
func (h *house) storyOf(id engine.ID) string {
	h.t.Helper()
	d, err := h.store.Delivery(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	var lines []string
	for _, line := range d.History {
		lines = append(lines, line.Text)
	}
	return strings.Join(lines, "\n")
}

// classed is a book of two ways whose workflow has a class.
func classed(class string) map[string]string {
	files := twoWays("")
	files["w.yaml"] = strings.Replace(files["w.yaml"], "name: main\n", "name: main\nclass: "+class+"\n", 1)
	return files
}

func classedHouse(t *testing.T, class string, email, sms *provider) *house {
	h := newHouse(t, classed(class))
	h.email, h.others = email, map[string]engine.Channel{"sms": sms}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{
		"name": "Zoë", "email": "zoe@acme.example", "phone": "+34600111222",
	}})
	return h
}

func TestSuppressedAddressGetsItTheNextWay(t *testing.T) {
	email, sms := answering(), answering()
	h := waysHouse(t, "", email, sms)
	h.hear(engine.Heard{Channel: "email", Key: "1", Suppress: []engine.Suppression{
		{Address: "Zoe@acme.example", Reason: engine.SuppressedBounce},
	}})
	h.ticket("1")
	sent := h.sent(sms, 1)[0]
	h.settled(sent.Delivery, engine.DeliveryAccepted)
	const want = "rejected by email, now by sms: suppressed: nothing arrives at the address\naccepted by sms: "
	if got := h.storyOf(sent.Delivery); got != want || len(email.Sent()) > 0 {
		t.Errorf("%d mails; the history says\n%s", len(email.Sent()), got)
	}
}

// What ends the messages of a workflow holds for those of a class that may be refused.
func TestClassesDecideWhatEnds(t *testing.T) {
	for class, refusable := range map[string]bool{"transactional": false, "notice": true, "marketing": true} {
		t.Run(class, func(t *testing.T) {
			email, sms := answering(), answering()
			h := classedHouse(t, class, email, sms)
			h.ticket("1")
			mail := h.sent(email, 1)[0]
			want := ""
			if refusable {
				want = "https://go.example/u/email%20zoe@acme.example%20main"
			}
			if mail.Content.Unsubscribe != want {
				t.Errorf("it ends at %q, want %q", mail.Content.Unsubscribe, want)
			}
			h.hear(engine.Heard{Channel: "email", Key: "1", Suppress: []engine.Suppression{
				{Address: "zoe@acme.example", List: "main", Reason: engine.SuppressedOptOut, By: engine.ByRecipient},
			}})
			h.ticket("2")
			if refusable {
				h.sent(sms, 1)
			} else {
				h.sent(email, 2)
			}
		})
	}
}

// A report on a message that is still being sent resolves it, though its answer is lost.
func TestReportOvertakesTheAnswer(t *testing.T) {
	var h *house
	email := &provider{}
	email.Answer = func(m engine.Message) (engine.Receipt, error) {
		h.hear(engine.Heard{Channel: "email", Key: "1", Report: &engine.Report{
			Delivery: m.Delivery, State: engine.DeliveryBounced, Code: "5.1.1", Detail: "no such user",
		}, Suppress: []engine.Suppression{{Reason: engine.SuppressedBounce, Detail: "5.1.1"}}})
		return engine.Receipt{}, errLost
	}
	h = waysHouse(t, "", email, answering())
	h.ticket("1")
	id := h.sent(email, 1)[0].Delivery
	h.settled(id, engine.DeliveryBounced)
	const want = "unknown, held: the answer was lost\nemail reports bounced: 5.1.1 no such user"
	if got := h.storyOf(id); got != want {
		t.Errorf("the history says\n%s", got)
	}
	event := h.ownEvents(1)[0]
	var data map[string]any
	if err := json.Unmarshal(event.Data, &data); err != nil {
		t.Fatal(err)
	}
	if event.Type != engine.DeliveryBouncedEvent || event.Subject != "Tickets/1" || event.CauseID == "" ||
		data["code"] != "5.1.1" || data["recipient"] != "z…@acme.example" || data["workflow"] != "main" {
		t.Errorf("told %+v: %v", event, data)
	}
	lines, err := h.store.SuppressionLines(t.Context(), engine.SuppressionSelection{})
	if err != nil || len(lines) != 1 || lines[0].Masked != "z…@acme.example" || lines[0].Detail != "5.1.1" {
		t.Errorf("suppressed %+v, %v", lines, err)
	}
}

// A reply is about the record of the last message, and opens a conversation.
func TestRepliesAndConversations(t *testing.T) {
	sms := answering()
	h := newHouse(t, twoWays(""))
	h.others = map[string]engine.Channel{"sms": sms}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{"name": "Zoë", "phone": "+34600111222"}})
	h.ticket("1")
	first := h.sent(sms, 1)[0]
	h.settled(first.Delivery, engine.DeliveryAccepted)
	if !first.Heard.IsZero() {
		t.Errorf("who never wrote was heard at %v", first.Heard)
	}
	wrote := h.clock.Now()
	reply := engine.Heard{Channel: "sms", Key: "SM1", At: wrote, Reply: &engine.Reply{
		From: "+34600111222", To: "+34911000111", Text: strings.Repeat("é", 5000), ID: "SM1",
	}}
	h.hear(reply)
	h.hear(reply)
	event := h.ownEvents(1)[0]
	var data struct {
		Channel, Text, From string
		Delivery            engine.ID
	}
	if err := json.Unmarshal(event.Data, &data); err != nil {
		t.Fatal(err)
	}
	if event.Type != engine.ReplyReceivedEvent || event.Subject != "Tickets/1" || data.From != "…22" ||
		data.Delivery != first.Delivery || data.Text != strings.Repeat("é", 3999)+"…" {
		t.Errorf("told %s about %s: %.80s", event.Type, event.Subject, event.Data)
	}
	h.ticket("2")
	second := h.sent(sms, 2)[1]
	if second.Heard.UnixMilli() != wrote.UnixMilli() {
		t.Errorf("heard at %v, want %v", second.Heard, wrote)
	}

	reply.Key, reply.Reply.From = "SM2", "+34600999999"
	h.hear(reply)
	letters, err := h.store.DeadLetters(t.Context(), engine.LetterSelection{})
	if err != nil || len(letters) != 1 || letters[0].Subject != "reply.sms" ||
		letters[0].Reason != "a reply by sms from …99, to whom no message was ever sent" {
		t.Errorf("dead letters %+v, %v", letters, err)
	}
}

func TestHearRefuses(t *testing.T) {
	h := newHouse(t, mailJob(""))
	h.start()
	report := func(change func(*engine.Heard)) engine.Heard {
		heard := engine.Heard{Channel: "email", Key: "1", At: time.Time{}, Report: &engine.Report{
			ProviderID: "m1", State: engine.DeliveryDelivered,
		}}
		change(&heard)
		return heard
	}
	for name, heard := range map[string]engine.Heard{
		"it names no channel":                  report(func(x *engine.Heard) { x.Channel = "" }),
		"its key has 0 bytes":                  report(func(x *engine.Heard) { x.Key = "" }),
		"its key has 201 bytes":                report(func(x *engine.Heard) { x.Key = strings.Repeat("k", 201) }),
		"it is a report and a reply":           report(func(x *engine.Heard) { x.Reply = &engine.Reply{} }),
		"nobody sent the reply":                report(func(x *engine.Heard) { x.Report, x.Reply = nil, &engine.Reply{} }),
		"the report names no message":          report(func(x *engine.Heard) { x.Report.ProviderID = "" }),
		`"accepted" is nothing that is report`: report(func(x *engine.Heard) { x.Report.State = engine.DeliveryAccepted }),
		`"gone" is nothing that is reported`:   report(func(x *engine.Heard) { x.Report.State = "gone" }),
	} {
		err := h.engine.Hear(t.Context(), heard)
		if !engine.IsPermanent(err) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
