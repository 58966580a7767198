package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
)

// provider is a channel that does what a test says.
type provider struct {
	enginetest.Recorder
	dedupes bool
}

func (p *provider) Dedupes() bool { return p.dedupes }

// answering is a provider that gives the answers in turn, and takes what comes after them.
func answering(errs ...error) *provider {
	var next atomic.Int64
	p := &provider{}
	p.Answer = func(m engine.Message) (engine.Receipt, error) {
		if n := int(next.Add(1)) - 1; n < len(errs) {
			return engine.Receipt{}, errs[n]
		}
		return engine.Receipt{Provider: m.Channel}, nil
	}
	return p
}

// deduping is answering with a provider that knows repetitions.
func deduping(errs ...error) *provider {
	p := answering(errs...)
	p.dedupes = true
	return p
}

// failing is a provider that gives one answer.
func failing(err error) *provider {
	p := &provider{}
	p.Answer = func(engine.Message) (engine.Receipt, error) { return engine.Receipt{}, err }
	return p
}

// mailJob is a book that sends one mail and does nothing else.
func mailJob(beside string) map[string]string {
	return bookOf(`
name: main
on: { event: record.created, module: Tickets }
tasks:
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket }` + beside + ` }
    retry: { attempts: 3, backoff: 10s, for: 1h }
`)
}

// twoWays is a book whose people can be reached by email and sms.
func twoWays(beside string) map[string]string {
	files := bookOf(`
name: main
on: { event: record.created, module: Tickets }
tasks:
  - notify: { to: record.contact, via: [email, sms], template: hello, link: { landing: ticket }` + beside + ` }
    retry: { attempts: 3, backoff: 10s, for: 1h }
`)
	files["modules/People.yaml"] = "module: People\ntitle: name\nfields: { name: text, email: email, phone: phone }\n"
	files["templates/hello/sms.en.txt"] = "{{ record.no }} {{ link }}"
	return files
}

// waysHouse is a house with two channels and a person who can be reached by both.
func waysHouse(t *testing.T, beside string, email, sms *provider) *house {
	t.Helper()
	h := newHouse(t, twoWays(beside))
	h.email, h.others = email, map[string]engine.Channel{"sms": sms}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{
		"name": "Zoë", "email": "zoe@acme.example", "phone": "+34600111222",
	}})
	return h
}

// outcome is what became of a delivery.
func (h *house) outcome(id engine.ID) engine.Outcome {
	h.t.Helper()
	outcomes, err := h.store.Outcomes(h.t.Context(), []engine.ID{id})
	if err != nil || len(outcomes) != 1 {
		h.t.Fatalf("outcome of %s: %v, %v", id, outcomes, err)
	}
	return outcomes[0]
}

// settled waits until a delivery is in a state, while time goes on.
func (h *house) settled(id engine.ID, state engine.DeliveryState) engine.Outcome {
	h.t.Helper()
	var got engine.Outcome
	h.until("delivery "+string(state), func() bool {
		h.clock.Advance(time.Second)
		got = h.outcome(id)
		return got.State == state
	})
	return got
}

func (h *house) sent(p *provider, n int) []engine.Message {
	h.t.Helper()
	h.until(fmt.Sprint(n, " tries"), func() bool {
		h.clock.Advance(time.Second)
		return len(p.Sent()) >= n
	})
	return p.Sent()
}

func TestFailingChannelRestsAndTheOthersGoOn(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	email := &provider{}
	email.Answer = func(engine.Message) (engine.Receipt, error) {
		if down.Load() {
			return engine.Receipt{}, errors.New("451 not now")
		}
		return engine.Receipt{Provider: "mx"}, nil
	}
	sms := answering()
	h := newHouse(t, twoWays(""))
	h.email, h.others = email, map[string]engine.Channel{"sms": sms}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{"name": "Zoë", "email": "zoe@acme.example"}})
	h.publish(engine.RecordCreated, "People/p2", engine.Change{Record: engine.Fields{"name": "Ann", "phone": "+34600111222"}})
	ticket := func(id, contact string) {
		h.publish(engine.RecordCreated, "Tickets/"+id, engine.Change{Record: engine.Fields{"no": id, "status": "Open", "contact": contact}})
	}
	for i := range 5 {
		ticket(fmt.Sprint("m", i), "p1")
	}
	h.until("the breaker", func() bool { return strings.Contains(h.logs.String(), "channel fails") })
	tried := len(email.Sent())
	for i := range 20 {
		ticket(fmt.Sprint("n", i), "p1")
	}
	for i := range 20 {
		ticket(fmt.Sprint("s", i), "p2")
	}
	h.until("the messages by sms", func() bool { return len(sms.Sent()) == 20 })
	if n := len(email.Sent()); n != tried || tried < 5 {
		t.Errorf("%d tries by email, %d before it rested", n, tried)
	}
	_, warnings := h.engine.Ready(t.Context())
	if got := strings.Join(warnings, "\n"); got != "channel email: 5 of the last 5 tries failed; next try in 15s" {
		t.Errorf("warnings: %s", got)
	}
	for range 3 { // three probes fail
		tried = len(email.Sent())
		h.until("a probe", func() bool {
			h.clock.Advance(time.Second)
			return len(email.Sent()) == tried+1
		})
	}
	down.Store(false)
	h.until("all mails", func() bool {
		h.clock.Advance(time.Second)
		arrived := map[engine.ID]bool{}
		for _, m := range email.Sent() {
			if h.outcome(m.Delivery).State == engine.DeliveryAccepted {
				arrived[m.Delivery] = true
			}
		}
		return len(arrived) == 25
	})
	log := h.logs.String()
	if fails, works := strings.Count(log, "channel fails"), strings.Count(log, "channel works again"); fails != 1 || works != 1 {
		t.Errorf("the log says %d times that it fails and %d times that it works", fails, works)
	}
	if strings.Contains(log, "state=rejected") {
		t.Error("a message was given up")
	}
}

func TestMessagesWaitNoLongerThanTheirTime(t *testing.T) {
	h := newHouse(t, mailJob(""))
	email := failing(engine.Misconfigured(errors.New("535 wrong password")))
	h.email = email
	h.start()
	h.person()
	for i := range 12 {
		h.ticket(fmt.Sprint(i))
	}
	h.until("the end of all", func() bool {
		h.clock.Advance(30 * time.Second)
		return strings.Count(h.logs.String(), "state=rejected") == 12
	})
	for _, event := range h.ownEvents(12) {
		if event.Type != engine.DeliveryFailedEvent || !strings.Contains(string(event.Data), "given up after ") {
			t.Errorf("told %s: %s", event.Type, event.Data)
		}
	}
	if n := len(email.Sent()); n > 40 {
		t.Errorf("%d tries with a wrong password", n)
	}
}

func TestRateOfAChannelIsKept(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.rates = map[string]engine.Rate{"email": {Count: 120, Per: time.Minute}}
	h.start()
	h.person()
	began := h.clock.Now()
	const tickets = 12
	for i := range tickets {
		h.ticket(fmt.Sprint(i))
	}
	for sent := 2; sent <= tickets; sent++ {
		h.until(fmt.Sprint("mail ", sent), func() bool {
			if len(h.mail.Sent()) < sent {
				h.clock.Advance(10 * time.Millisecond)
			}
			return len(h.mail.Sent()) >= sent
		})
		if most := 2 + int(h.clock.Now().Sub(began).Seconds()*2); len(h.mail.Sent()) > most {
			t.Fatalf("%d mails after %s", len(h.mail.Sent()), h.clock.Now().Sub(began))
		}
	}
	if took := h.clock.Now().Sub(began); took < 5*time.Second {
		t.Errorf("%d mails at 2/s took %s", tickets, took)
	}
}

func TestSlowChannelLeavesRoomForOthers(t *testing.T) {
	slow, sms := &gate{}, answering()
	h := newHouse(t, twoWays(""))
	h.email, h.others = slow, map[string]engine.Channel{"sms": sms}
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{"name": "Zoë", "email": "zoe@acme.example"}})
	h.publish(engine.RecordCreated, "People/p2", engine.Change{Record: engine.Fields{"name": "Ann", "phone": "+34600111222"}})
	for i := range 200 {
		h.publish(engine.RecordCreated, fmt.Sprint("Tickets/", i), engine.Change{Record: engine.Fields{"no": "1", "status": "Open", "contact": "p1"}})
	}
	h.until("the slow channel to be full", func() bool { return slow.inside.Load() == 96 })
	for i := range 20 {
		h.publish(engine.RecordCreated, fmt.Sprint("Tickets/s", i), engine.Change{Record: engine.Fields{"no": "1", "status": "Open", "contact": "p2"}})
	}
	h.until("the messages of the other", func() bool { return len(sms.Sent()) == 20 })
	if n := slow.inside.Load(); n != 96 {
		t.Errorf("the slow channel holds %d slots", n)
	}
}

func TestWaitingForAConnectionIsNoTry(t *testing.T) {
	busy := engine.Busy(errors.New("no connection is free"))
	email := answering(busy, busy, busy, busy, busy, busy)
	h := newHouse(t, bookOf(mainJob)) // three attempts
	h.email = email
	h.start()
	h.person()
	h.ticket("1")
	h.settled(h.sent(email, 7)[0].Delivery, engine.DeliveryAccepted)
	if strings.Contains(h.logs.String(), "channel fails") {
		t.Error("the breaker took it for failures")
	}
}
