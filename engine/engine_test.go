package engine_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"postern/engine"
	"postern/internal/nats"
	"postern/internal/store"
)

func TestMainJob(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	h.ticket("1")
	h.publish(engine.RecordCreated, "Tickets/2", engine.Change{Record: engine.Fields{"status": "Resolved", "contact": "p1"}})
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	own := h.ownEvents(3)
	ticket := h.record(engine.Ref{Module: "Tickets", ID: "1"})
	mail := h.mail.Sent()[0]
	ext := ticket.Fields.Text("ext")
	if len(ext) != 26 || ticket.Fields.Text("note") != "seen T1" {
		t.Errorf("record is %v", ticket.Fields)
	}
	if want := "Hello Zoë: " + ext + " https://go.example/l/"; !strings.HasPrefix(mail.Content.Text, want) {
		t.Errorf("mail says %q", mail.Content.Text)
	}
	if mail.Content.Subject != "Ticket T1" || mail.Recipient.Address != "zoe@acme.example" {
		t.Errorf("mail is %+v", mail)
	}
	types := []string{}
	for _, event := range own {
		types = append(types, event.Type)
		if event.Depth != 1 || event.CauseID == "" {
			t.Errorf("%s has depth %d and cause %q", event.Type, event.Depth, event.CauseID)
		}
	}
	if want := []string{"record.updated", "record.updated", "ticket.welcomed"}; !slices.Equal(types, want) {
		t.Errorf("events are %v", types)
	}
	if own[0].Change.Old["ext"] != nil || own[0].Change.Record.Text("ext") != ext || !slices.Equal(own[0].Change.Changed, []string{"ext"}) {
		t.Errorf("the first change is %+v", own[0].Change)
	}
}

func TestSameEventTwiceIsOneRun(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	event := &engine.Event{ID: "twice", Source: "crm", Type: engine.RecordCreated, Subject: "Tickets/1", Change: &engine.Change{
		Record: engine.Fields{"no": "T1", "status": "Open", "contact": "p1"},
	}}
	marker := *event
	marker.ID, marker.Subject = "after", "Tickets/2"
	// A plain client without message ids: the stream holds the event twice.
	client, err := natsgo.Connect(h.bus.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, event := range []*engine.Event{event, event, &marker} {
		data, err := event.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Publish(event.Address().Subject(), data); err != nil {
			t.Fatal(err)
		}
	}
	h.until("both mails", func() bool { return len(h.mail.Sent()) >= 2 })
	h.stop()
	if sent := h.mail.Sent(); len(sent) != 2 || sent[0].Record == sent[1].Record {
		t.Errorf("%d mails", len(sent))
	}
}

func TestRestartInTheMiddleFinishesTheRun(t *testing.T) {
	h, entered := hangingRun(t)
	<-entered
	h.stop()
	if len(h.mail.Sent()) != 0 {
		t.Fatal("a mail left before the step was over")
	}
	trials.Delete(t.Name())
	h.start()
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	h.stop()
	h.start() // and a further start finds nothing to do
	h.ticket("2")
	h.until("the next mail", func() bool { return len(h.mail.Sent()) == 2 })
	if got := h.mail.Sent()[1].Record.ID; got != "2" {
		t.Errorf("the second mail is about %s", got)
	}
}

func TestRunEndsByTheVersionItBeganWith(t *testing.T) {
	h, entered := hangingRun(t)
	<-entered
	h.stop()
	trials.Delete(t.Name())
	h.files["templates/hello/email.en.subject"] = "Another text"
	h.start()
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	if got := h.mail.Sent()[0].Content.Subject; got != "Ticket T1" {
		t.Errorf("the subject is %q", got)
	}
}

func TestRetryCarriesTheSameMessage(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	failures := 2
	h.mail.Answer = func(engine.Message) (engine.Receipt, error) {
		if failures--; failures >= 0 {
			return engine.Receipt{}, errors.New("451 try again later")
		}
		return engine.Receipt{Provider: "test"}, nil
	}
	h.start()
	h.person()
	h.ticket("1")
	for tries := 1; tries <= 3; tries++ {
		h.until(fmt.Sprint("try ", tries), func() bool {
			h.clock.Advance(3 * time.Second)
			return len(h.mail.Sent()) >= tries
		})
		if tries == 2 { // a restart between two tries changes nothing
			h.until("the try to be settled", func() bool { return strings.Count(h.logs.String(), "state=planned") == 2 })
			h.stop()
			h.start()
		}
	}
	h.stop()
	sent := h.mail.Sent()
	if len(sent) != 3 || !reflect.DeepEqual(sent[0].Content, sent[2].Content) || sent[0].Delivery != sent[2].Delivery {
		t.Errorf("the tries differ: %+v", sent)
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		state string
	}{
		{"permanent", engine.Permanent(errors.New("550 no such user")), "state=rejected"},
		{"unknown", engine.Unknown(errors.New("no answer after the dot")), "state=unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t, bookOf(mainJob))
			h.mail.Answer = func(engine.Message) (engine.Receipt, error) { return engine.Receipt{}, tt.err }
			h.start()
			h.person()
			h.ticket("1")
			h.until("the verdict", func() bool { return strings.Contains(h.logs.String(), tt.state) })
			h.clock.Advance(48 * time.Hour)
			h.stop()
			if n := len(h.mail.Sent()); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestGivesUp(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.mail.Answer = func(engine.Message) (engine.Receipt, error) {
		return engine.Receipt{}, errors.New("connection refused")
	}
	h.start()
	h.person()
	h.ticket("1")
	h.until("the last try", func() bool {
		h.clock.Advance(5 * time.Second)
		return strings.Contains(h.logs.String(), "state=rejected")
	})
	if n := len(h.mail.Sent()); n != 3 {
		t.Errorf("sent %d times, not 3", n)
	}
}

func TestBadEventHarmsNobody(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	h.publishEvent(&engine.Event{ID: "a", Source: "crm", Type: engine.RecordCreated, Subject: "Nowhere/1", Change: &engine.Change{Record: engine.Fields{}}})
	h.publish(engine.RecordCreated, "Tickets/9", engine.Change{Record: engine.Fields{"count": "many"}})
	h.publish(engine.RecordCreated, "Tickets/9", engine.Change{Record: engine.Fields{"no": []any{"x"}}})
	h.ticket("1")
	h.until("the mail after them", func() bool { return len(h.mail.Sent()) == 1 })
	for _, want := range []string{
		`module \"Nowhere\" is not described`,
		`data.record: field count: expected a number, found other text`,
		`data.record: field no: expected text, found a list`,
	} {
		if !strings.Contains(h.logs.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

func TestFailingStepFailsOnlyItsRun(t *testing.T) {
	workflow := strings.Replace(mainJob, "  - notify", "  - trial: { name: "+t.Name()+" }\n  - notify", 1)
	h := newHouse(t, bookOf(workflow))
	trials.Store(t.Name(), func(_ context.Context, step *engine.StepContext) error {
		switch step.Ref.ID {
		case "1":
			panic("a broken task")
		case "2":
			return engine.Permanent(errors.New("cannot be done"))
		}
		return nil
	})
	h.start()
	h.person()
	for _, id := range []string{"1", "2", "3"} {
		h.ticket(id)
	}
	h.until("the mail of the third", func() bool { return len(h.mail.Sent()) == 1 })
	h.until("both failures", func() bool { return strings.Count(h.logs.String(), "state=failed") == 2 })
	if got := h.record(engine.Ref{Module: "Tickets", ID: "2"}).Fields.Text("note"); got != "seen T2" {
		t.Errorf("the step before the failing one wrote %q", got)
	}
}

func TestLoopEnds(t *testing.T) {
	h := newHouse(t, bookOf(`
name: loop
on: { event: record.updated, module: Tickets, changed: count }
tasks:
  - update: { set: { count: "{{ record.count + 1 }}" } }
`))
	h.start()
	h.publish(engine.RecordCreated, "Tickets/1", engine.Change{Record: engine.Fields{"count": 0}})
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{Record: engine.Fields{"count": 1}})
	h.until("the end of the loop", func() bool { return strings.Contains(h.logs.String(), "state=stopped") })
	if got := h.record(engine.Ref{Module: "Tickets", ID: "1"}).Fields.Text("count"); got != "10" {
		t.Errorf("the loop ended at %s", got)
	}
}

func TestChangedAgainstTheKeptRecord(t *testing.T) {
	h := newHouse(t, bookOf(`
name: changes
on: { event: record.updated, module: Tickets, changed: status }
if: changed_from("status", "Open")
tasks:
  - emit: { type: ticket.moved, data: { was: "{{ old.status }}", is: "{{ record.status }}", no: "{{ record.no }}" } }
`))
	h.start()
	h.publish(engine.RecordCreated, "Tickets/1", engine.Change{Record: engine.Fields{"no": "T1", "status": "Open"}})
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{Record: engine.Fields{"no": "T1", "status": "Open", "note": "x"}})
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{Record: engine.Fields{"status": "Resolved"}, Partial: true})
	own := h.ownEvents(1)
	if got := string(own[0].Data); got != `{"is":"Resolved","no":"T1","was":"Open"}` {
		t.Errorf("the event says %s", got)
	}
}

func TestOtherStreamIsRefused(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	h.ticket("1")
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	h.stop()
	other, err := nats.Open(t.Context(), nats.Config{Listen: "off"}, filepath.Join(t.TempDir(), "stream"), h.logger())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s, err := store.Open(t.Context(), filepath.Join(h.folder, "postern.db"), h.clock, h.logger())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	book, err := h.load(h.files)
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Ports{Bus: other, Store: s, Book: book, Clock: h.clock, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler)}, engine.Settings{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := e.Run(ctx); err == nil || !strings.Contains(err.Error(), "stream") {
		t.Errorf("got %v", err)
	}
}
