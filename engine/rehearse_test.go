package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/memory"
	"postern/internal/pages"
	"postern/internal/store"
	"postern/links"
	"postern/tasks"
	"postern/workflows"
)

// rehearsed is a rehearsal of a book with everything in memory.
type rehearsed struct {
	*engine.Rehearsal
	t     *testing.T
	clock *engine.StillClock
	store *store.Store
	bus   *memory.Bus
	mail  *enginetest.Recorder
	told  int
	seen  []string // by the watcher
}

func rehearse(t *testing.T, files map[string]string) *rehearsed {
	t.Helper()
	r := &rehearsed{t: t, mail: &enginetest.Recorder{}}
	r.clock = engine.NewStillClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	r.bus = memory.NewBus(r.clock.Now)
	random := rand.NewChaCha8([32]byte{1})
	book, diags, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email"), KeepAll: true,
	})
	root, err := keys.NewRoot(random)
	if err = errors.Join(err, diags.Err()); err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		t.Fatal(err)
	}
	base, err := pages.ParseBase("https://go.example")
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	mould, err := store.NewMould(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer mould.Close()
	if r.store, err = mould.Open(t.Context(), r.clock, logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.store.Close() })
	r.Rehearsal, err = engine.Rehearse(t.Context(), engine.Ports{
		Bus: r.bus, CRM: crm.NewMirror(r.store), Store: r.store, Minter: links.NewMinter(base, ring.Mint(), random),
		Sealer: ring.Seal(random), Channels: map[string]engine.Channel{"email": r.mail}, Book: book, Clock: r.clock,
		Random: random, Logger: logger, Watch: func(workflow, step string, sight engine.Sight) {
			r.seen = append(r.seen, fmt.Sprintf("%s %s %s", workflow, step, sight))
		},
	}, engine.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rehearsed) event(eventType, ref string, fields engine.Fields) *engine.Event {
	r.told++
	return &engine.Event{
		ID: fmt.Sprint(r.told), Source: "crm", Type: eventType, Subject: ref, Change: &engine.Change{Record: fields},
	}
}

// settle publishes events and lets everything happen.
func (r *rehearsed) settle(events ...*engine.Event) time.Time {
	r.t.Helper()
	if err := r.bus.Publish(r.t.Context(), events...); err != nil {
		r.t.Fatal(err)
	}
	next, err := r.Settle(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return next
}

func person() engine.Fields { return engine.Fields{"name": "Zoë", "email": "zoe@acme.example"} }

func openTicket() engine.Fields {
	return engine.Fields{"no": "T1", "status": "Open", "contact": "p1"}
}

// Nothing is left to be waited for when Settle returns, and the same story gives the same bytes.
func TestRehearsalIsTheSameEachTime(t *testing.T) {
	play := func() (told []string) {
		r := rehearse(t, bookOf(mainJob))
		r.settle(r.event(engine.RecordCreated, "People/p1", person()))
		r.settle(r.event(engine.RecordCreated, "Tickets/1", openTicket()))
		for _, m := range r.mail.Sent() {
			told = append(told, m.Content.Text)
		}
		for _, entry := range r.bus.All() {
			told = append(told, string(entry.Data))
		}
		return told
	}
	first, again := play(), play()
	if len(first) < 5 {
		t.Fatalf("only this happened: %q", first)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the second time differs: %s", diff)
	}
}

// Time goes from one moment at which something happens to the next.
func TestRehearsalLetsTimeGoOn(t *testing.T) {
	r := rehearse(t, bookOf(`
name: main
on: { event: record.created, module: Tickets }
tasks:
  - wait: { for: 36h }
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
    retry: { attempts: 3, backoff: 10s, for: 1h }
`))
	var tries []time.Time
	r.mail.Answer = func(engine.Message) (engine.Receipt, error) {
		tries = append(tries, r.clock.Now())
		if len(tries) == 1 {
			return engine.Receipt{}, errors.New("not now")
		}
		return engine.Receipt{Provider: "recorder"}, nil
	}
	began := r.clock.Now()
	if err := r.Seed(t.Context(), r.event(engine.RecordCreated, "People/p1", person())); err != nil {
		t.Fatal(err)
	}
	next := r.settle(r.event(engine.RecordCreated, "Tickets/1", openTicket()))
	if !next.Equal(began.Add(36 * time.Hour)) {
		t.Errorf("something happens at %v", next)
	}
	if err := r.Advance(t.Context(), 36*time.Hour-time.Millisecond); err != nil || len(tries) > 0 {
		t.Errorf("%d tries too soon, %v", len(tries), err)
	}
	if err := r.Advance(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if len(tries) != 2 || !tries[0].Equal(began.Add(36*time.Hour)) {
		t.Fatalf("tried at %v", tries)
	}
	if pause := tries[1].Sub(tries[0]); pause < 10*time.Second || pause > 20*time.Second {
		t.Errorf("the second try came after %v", pause)
	}
	if now := r.clock.Now(); !now.Equal(began.Add(60*time.Hour - time.Millisecond)) {
		t.Errorf("it is %v", now)
	}
}

// A schedule whose walk found nothing to do is due again at its next tick, and not when time is moved on next.
func TestRehearsalGoesFromTickToTick(t *testing.T) {
	r := rehearse(t, bookOf(`
name: main
on: { schedule: { cron: "0 9 * * *", each: { module: Tickets, where: 'now() >= date("2026-03-04")' } } }
tasks:
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
`))
	began := r.clock.Now()
	var sent []time.Time
	r.mail.Answer = func(engine.Message) (engine.Receipt, error) {
		sent = append(sent, r.clock.Now())
		return engine.Receipt{Provider: "recorder"}, nil
	}
	r.settle(r.event(engine.RecordCreated, "People/p1", person()),
		r.event(engine.RecordCreated, "Tickets/1", openTicket()))
	if err := r.Advance(t.Context(), 68*time.Hour+59*time.Minute); err != nil || len(sent) > 0 {
		t.Errorf("sent at %v, %v", sent, err)
	}
	if err := r.Advance(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if want := began.Add(69 * time.Hour); len(sent) != 1 || !sent[0].Equal(want) {
		t.Errorf("sent at %v, not at %v", sent, want)
	}
}

// What was there before starts nothing, and is there.
func TestSeedsStartNothing(t *testing.T) {
	r := rehearse(t, bookOf(mainJob))
	seeds := []*engine.Event{
		r.event(engine.RecordCreated, "People/p1", person()), r.event(engine.RecordCreated, "Tickets/1", openTicket()),
	}
	if err := r.Seed(t.Context(), seeds...); err != nil {
		t.Fatal(err)
	}
	if sent := r.mail.Sent(); len(sent) > 0 || len(r.bus.All()) != len(seeds) {
		t.Errorf("%d mails, %d events", len(sent), len(r.bus.All()))
	}
	r.settle(r.event(engine.RecordCreated, "Tickets/2", openTicket()))
	if sent := r.mail.Sent(); len(sent) != 1 || sent[0].Recipient.Address != "zoe@acme.example" {
		t.Errorf("sent %v", sent)
	}
}

func TestOnlyAStillClockRehearses(t *testing.T) {
	ports := engine.Ports{Clock: engine.SystemClock{}}
	if _, err := engine.Rehearse(t.Context(), ports, engine.Settings{}); err == nil {
		t.Error("it rehearses by the machine's clock")
	}
	clock := engine.NewStillClock(time.Now())
	if err := clock.Wait(context.Background(), time.Hour); err == nil {
		t.Error("an hour passed at once")
	}
}

// A watcher sees which way each condition goes, and how steps and waits end.
func TestWatcher(t *testing.T) {
	r := rehearse(t, bookOf(`
name: watched
on: { event: record.created, module: Tickets }
if: record.status == "Open"
tasks:
  - wait: { for: 1h, until: 'record.note != ""' }
  - if: record.note == "x"
    update: { set: { note: "y" } }
  - update: { set: { ext: taken } }
    on_error: continue
`))
	closed := openTicket()
	closed["status"] = "Resolved"
	taken := engine.Fields{"no": "T9", "status": "Resolved", "ext": "taken"}
	r.settle(r.event(engine.RecordCreated, "Tickets/1", closed), r.event(engine.RecordCreated, "Tickets/9", taken))
	r.settle(r.event(engine.RecordCreated, "Tickets/2", openTicket()))
	changed := r.event(engine.RecordUpdated, "Tickets/2", engine.Fields{"note": "x"})
	changed.Change.Partial, changed.Change.Changed = true, []string{"note"}
	r.settle(changed)
	r.settle(r.event(engine.RecordCreated, "Tickets/3", openTicket()))
	if err := r.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"watched  left", "watched  begun", "watched 1 taken", "watched 1 met", "watched 1 time up", "watched 2 taken",
		"watched 2 skipped", "watched 2 passed", "watched 3 taken", "watched 3 failed",
	} {
		if !slices.Contains(r.seen, want) {
			t.Errorf("%q was not seen, but %q", want, r.seen)
		}
	}
}

// Weighing tells why a workflow does not begin, and begins none.
func TestWeigh(t *testing.T) {
	r := rehearse(t, bookOf(`
name: weighed
on:
  - { event: record.created, module: Tickets }
  - { event: record.updated, module: Tickets, changed: [note] }
if: record.status == "Open" && record.contact.name != ""
tasks:
  - emit: { type: ticket.seen }
`))
	if err := r.Seed(t.Context(), r.event(engine.RecordCreated, "People/p1", person())); err != nil {
		t.Fatal(err)
	}
	stranger := openTicket()
	stranger["contact"] = ""
	other := r.event(engine.RecordUpdated, "Tickets/1", openTicket())
	other.Change.Changed = []string{"count"}
	for _, c := range []struct {
		event  *engine.Event
		reason string
		parts  string
	}{
		{r.event(engine.RecordCreated, "Tickets/1", openTicket()), "", "true true"},
		{r.event(engine.RecordCreated, "Tickets/1", stranger), engine.NotMet, "true false"},
		{r.event(engine.RecordDeleted, "Tickets/1", openTicket()), "it begins on record.created, record.updated", ""},
		{other, "it looks for a change of note; changed is count", ""},
	} {
		weighed, err := r.Weigh(t.Context(), c.event)
		if err != nil || len(weighed) != 1 {
			t.Fatalf("%d workflows weighed, %v", len(weighed), err)
		}
		var parts []string
		for _, p := range weighed[0].Parts {
			parts = append(parts, fmt.Sprint(p.Value))
		}
		if got := weighed[0]; got.Reason != c.reason || strings.Join(parts, " ") != c.parts {
			t.Errorf("%s: %q, parts %q", c.event.Type, got.Reason, parts)
		}
	}
	if len(r.bus.All()) != 1 {
		t.Errorf("%d events", len(r.bus.All()))
	}
}
