package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"postern/engine"
)

const movedJob = `
name: moved
on: { event: record.updated, module: Tickets, changed: status }
tasks:
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
`

// plain is a NATS client as any CRM may be.
func (h *house) plain() jetstream.JetStream {
	h.t.Helper()
	conn, err := natsgo.Connect(h.bus.Address())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		h.t.Fatal(err)
	}
	return js
}

// keyless publishes a change of a ticket's status without a key.
func (h *house) keyless(js jetstream.JetStream, id, ticket, status string, options ...jetstream.PublishOpt) {
	h.t.Helper()
	body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm","type":"record.updated","subject":"Tickets/%s",
		"causeid":"before","depth":1,"data":{"record":{"status":%q,"note":%q}}}`, id, ticket, status, id)
	if _, err := js.Publish(h.t.Context(), "crm.Tickets.updated", []byte(body), options...); err != nil {
		h.t.Fatal(err)
	}
}

// entries reads the first n entries of the stream.
func (h *house) entries(n int) []engine.Entry {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	var got []engine.Entry
	enough := errors.New("enough")
	err := h.bus.Read(ctx, 0, 100, func(_ context.Context, entries []engine.Entry) error {
		if got = append(got, entries...); len(got) >= n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		h.t.Fatalf("%d of %d entries: %v", len(got), n, err)
	}
	return got[:n]
}

func TestKeylessEventIsTakenInOnce(t *testing.T) {
	h := newHouse(t, bookOf(movedJob))
	h.start()
	h.person()
	h.ticket("1")
	js := h.plain()
	h.keyless(js, "k0", "1", "Open")
	h.keyless(js, "k1", "1", "Resolved")
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	h.stop()
	h.start()
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{Record: engine.Fields{"status": "Open"}})
	h.until("the next mail", func() bool { return len(h.mail.Sent()) >= 2 })
	h.stop()
	if n := len(h.mail.Sent()); n != 2 {
		t.Errorf("%d mails, not 2", n)
	}
}

// The broker takes what has a message id it knows for a repetition. A CRM that gives its keyless message the id of the
// event must not have the keyed copy swallowed.
func TestKeyedCopyIsNoRepetitionOfTheMessage(t *testing.T) {
	h := newHouse(t, bookOf(movedJob))
	h.start()
	h.person()
	h.ticket("1")
	h.keyless(h.plain(), "k1", "1", "Resolved", jetstream.WithMsgID("crm/k1"))
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	entry := h.entries(4)[3]
	at, err := engine.ParseAddress(entry.Subject)
	if err != nil || at != (engine.Address{Domain: "crm", Noun: "Tickets", Verb: "updated", Key: "1"}) {
		t.Fatalf("the copy came by %s, %v", entry.Subject, err)
	}
	event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
	if err != nil {
		t.Fatal(err)
	}
	if event.ID != "k1" || event.Source != "crm" || event.CauseID != "before" || event.Depth != 1 {
		t.Errorf("the copy is %+v", event)
	}
	h.stop()
	if n := len(h.mail.Sent()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestKeylessEventsOfARecordKeepTheirOrder(t *testing.T) {
	const tickets, changes = 7, 210
	h := newHouse(t, bookOf(movedJob))
	js := h.plain()
	want := map[string][]string{}
	for i := range changes {
		ticket, id := fmt.Sprint(i%tickets), fmt.Sprint("k", i)
		h.keyless(js, id, ticket, "Open")
		want[ticket] = append(want[ticket], id)
	}
	h.start() // with all of them waiting
	got := map[string][]string{}
	for _, entry := range h.entries(2 * changes)[changes:] {
		at, err := engine.ParseAddress(entry.Subject)
		if err != nil {
			t.Fatal(err)
		}
		event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
		if err != nil {
			t.Fatal(err)
		}
		got[at.Key] = append(got[at.Key], event.ID)
	}
	for ticket, ids := range want {
		if !slices.Equal(got[ticket], ids) {
			t.Errorf("ticket %s: %q, want %q", ticket, got[ticket], ids)
		}
	}
}

// forgetful loses the news that events were published, once: they are published again.
type forgetful struct {
	engine.Store
	lost *atomic.Int64
}

func (s forgetful) Published(ctx context.Context, upTo int64) error {
	if s.lost.Add(1) == 1 {
		return errors.New("the disk was away")
	}
	return s.Store.Published(ctx, upTo)
}

// A crash between publishing a copy and forgetting it publishes it twice. The broker drops the second for a while, and
// what comes even later starts nothing again.
func TestKeyedCopyThatComesTwiceStartsOneRun(t *testing.T) {
	h := newHouse(t, bookOf(movedJob))
	lost := &atomic.Int64{}
	h.wrap = func(s engine.Store) engine.Store { return forgetful{s, lost} }
	h.start()
	h.person()
	h.ticket("1")
	js := h.plain()
	h.keyless(js, "k1", "1", "Resolved")
	h.until("the second publishing", func() bool { h.clock.Advance(time.Second); return lost.Load() >= 2 })
	copied := h.entries(4)[3]
	if _, err := js.Publish(t.Context(), "crm.Tickets.updated.1", copied.Data); err != nil { // after two minutes
		t.Fatal(err)
	}
	h.keyless(js, "k2", "1", "Open")
	h.until("both mails", func() bool { return len(h.mail.Sent()) >= 2 })
	h.stop()
	if n := len(h.mail.Sent()); n != 2 {
		t.Errorf("%d mails for 2 changes", n)
	}
	if position, err := h.bus.Position(t.Context()); err != nil || position.Last != 7 {
		t.Errorf("the stream is at %+v, %v; want 7 entries", position, err)
	}
}

func TestKeylessEventThatIsNoneIsADeadLetter(t *testing.T) {
	h := newHouse(t, bookOf(movedJob))
	h.start()
	h.person()
	h.ticket("1")
	js := h.plain()
	for _, body := range []string{
		`{"specversion":"1.0","id":"1","source":"crm","type":"record.updated","subject":"Tickets/1"}`,
		`{"specversion":"1.0","id":"2","source":"crm","type":"record.updated","subject":"Tickets/1",
			"data":{"record":{"count":"many"}}}`,
		`{"specversion":"1.0","id":"3","source":"postern","type":"record.updated","subject":"Tickets/1",
			"data":{"record":{"status":"Resolved"}}}`,
		`{"specversion":"1.0","id":"4","source":"crm","type":"record.updated","subject":"Tickets/1",
			"data":{"record":{"note":"` + strings.Repeat("\u2028", engine.MaxEventBytes/3-100) + `"}}}`,
	} {
		if _, err := js.Publish(t.Context(), "crm.Tickets.updated", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	h.keyless(js, "good", "1", "Resolved")
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	for _, reason := range []string{"needs", "count", "is Postern itself", "with it would have"} {
		if !strings.Contains(h.logs.String(), reason) {
			t.Errorf("no dead letter says %q: %s", reason, h.logs)
		}
	}
	if position, err := h.bus.Position(t.Context()); err != nil || position.Last != 8 {
		t.Errorf("the stream is at %+v, %v; want one copy alone", position, err)
	}
}
