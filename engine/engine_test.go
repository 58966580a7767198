package engine_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/nats"
	"postern/internal/store"
	"postern/links"
	"postern/tasks"
	"postern/workflows"
)

// house is an engine on the real store and broker, with a recorder for email.
type house struct {
	t      *testing.T
	folder string
	clock  *enginetest.Clock
	bus    *nats.Bus
	store  *store.Store
	mail   *enginetest.Recorder
	engine *engine.Engine
	files  map[string]string
	logs   *lines
	stop   func()
}

// lines is a log that can be searched while it grows.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newHouse(t *testing.T, files map[string]string) *house {
	t.Helper()
	h := &house{
		t: t, folder: t.TempDir(), mail: &enginetest.Recorder{}, files: files, logs: &lines{},
		clock: enginetest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
	}
	bus, err := nats.Open(t.Context(), nats.Config{Listen: "127.0.0.1:0"}, filepath.Join(h.folder, "stream"), h.logger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	h.bus = bus
	return h
}

func (h *house) logger() *slog.Logger { return slog.New(slog.NewTextHandler(h.logs, nil)) }

func (h *house) load(files map[string]string) (*engine.Book, error) {
	book, diags, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: append(tasks.Kinds(), trialKinds()...), Channels: []string{"email"}, KeepAll: true,
	})
	return book, diags.Err()
}

// start opens the store and runs an engine on it until stop is called or the test ends.
func (h *house) start() {
	h.t.Helper()
	book, err := h.load(h.files)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.store, err = store.Open(h.t.Context(), filepath.Join(h.folder, "postern.db"), h.clock, h.logger()); err != nil {
		h.t.Fatal(err)
	}
	path := filepath.Join(h.folder, "root.key")
	root, err := keys.Create(path, rand.Reader)
	if err != nil {
		if root, err = keys.Open(path); err != nil {
			h.t.Fatal(err)
		}
	}
	ring, err := keys.NewRing(root)
	if err != nil {
		h.t.Fatal(err)
	}
	base, err := links.ParseBase("https://go.example")
	if err != nil {
		h.t.Fatal(err)
	}
	h.engine = engine.New(engine.Ports{
		Bus: h.bus, CRM: crm.NewMirror(h.store), Store: h.store, Minter: links.NewMinter(base, ring.Mint(), rand.Reader),
		Sealer: ring.Seal(rand.Reader), Channels: map[string]engine.Channel{"email": h.mail}, Book: book,
		Reload: func(files map[string]string) (*engine.Workflow, error) {
			book, err := h.load(files)
			if err != nil {
				return nil, err
			}
			return book.Workflows[0], nil
		},
		Clock: h.clock, Random: rand.Reader, Logger: h.logger(),
	}, engine.Settings{Grace: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.engine.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Errorf("engine: %v", err)
		}
		if err := h.store.Close(); err != nil {
			h.t.Errorf("close store: %v", err)
		}
	})
	h.t.Cleanup(func() { h.stop() })
}

var published int

// publish tells a change of a record.
func (h *house) publish(eventType, ref string, change engine.Change) {
	h.t.Helper()
	published++
	h.publishEvent(&engine.Event{ID: fmt.Sprint("e", published), Source: "crm", Type: eventType, Subject: ref, Change: &change})
}

func (h *house) publishEvent(event *engine.Event) {
	h.t.Helper()
	if err := h.bus.Publish(h.t.Context(), event); err != nil {
		h.t.Fatal(err)
	}
}

// until waits for something to become true.
func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s did not happen; log:\n%s", what, h.logs)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// record reads a kept record.
func (h *house) record(ref engine.Ref) engine.Record {
	h.t.Helper()
	records, err := h.store.Records(h.t.Context(), []engine.Ref{ref})
	if err != nil || len(records) != 1 {
		h.t.Fatalf("read %s: %d records, %v", ref, len(records), err)
	}
	return records[0]
}

// events reads n events of the stream that Postern published itself.
func (h *house) ownEvents(n int) []*engine.Event {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Second)
	defer cancel()
	var own []*engine.Event
	enough := errors.New("enough")
	err := h.bus.Read(ctx, 0, 100, func(_ context.Context, entries []engine.Entry) error {
		for _, entry := range entries {
			at, err := engine.ParseAddress(entry.Subject)
			if err != nil {
				return err
			}
			event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
			if err == nil && event.Source == engine.Source {
				own = append(own, event)
			}
		}
		if len(own) >= n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		h.t.Fatalf("%d of %d events of ours: %v", len(own), n, err)
	}
	return own
}

// trial is a task kind of the tests: it does what the test says.
type trial struct {
	Name string `yaml:"name"`
}

var trials sync.Map // name → func(ctx, step) error

func (t *trial) Run(ctx context.Context, step *engine.StepContext) error {
	if do, ok := trials.Load(t.Name); ok {
		return do.(func(context.Context, *engine.StepContext) error)(ctx, step) //nolint:forcetypeassert // stored so
	}
	return nil
}

func trialKinds() []engine.TaskKind {
	return []engine.TaskKind{{Name: "trial", New: func() engine.Task { return &trial{} }}}
}

const (
	ticketModule = `
module: Tickets
title: no
fields:
  no: text
  status: { type: picklist, options: [Open, Resolved] }
  note: text
  ext: { type: text, unique: true }
  count: integer
  contact: { type: reference, to: People }
`
	peopleModule = `
module: People
title: name
fields: { name: text, email: email }
`
	ticketLanding = `
landing: ticket
module: Tickets
show: [no, status]
actions: { resolve: { set: { status: Resolved } } }
expires: 7d
`
)

func bookOf(workflow string) map[string]string {
	return map[string]string{
		"w.yaml": workflow, "modules/Tickets.yaml": ticketModule, "modules/People.yaml": peopleModule,
		"landings/ticket.yaml":             ticketLanding,
		"templates/hello/email.en.subject": "Ticket {{ record.no }}",
		"templates/hello/email.en.txt":     "Hello {{ recipient.name }}: {{ record.ext }} {{ link }}",
	}
}

const mainJob = `
name: main
on: { event: record.created, module: Tickets }
if: record.status == "Open" && record.contact.email != ""
tasks:
  - fill: { field: ext }
  - update: { set: { note: "seen {{ record.no }}" } }
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
    retry: { attempts: 3, backoff: 10s, for: 1h }
  - emit: { type: ticket.welcomed, data: { no: "{{ record.no }}" } }
`

func (h *house) person() {
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{"name": "Zoë", "email": "zoe@acme.example"}})
}

func (h *house) ticket(id string) {
	h.publish(engine.RecordCreated, "Tickets/"+id, engine.Change{
		Record: engine.Fields{"no": "T" + id, "status": "Open", "contact": "p1"}, Actor: "anna",
	})
}

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
	workflow := strings.Replace(mainJob, "tasks:\n", "tasks:\n  - trial: { name: "+t.Name()+" }\n", 1)
	h := newHouse(t, bookOf(workflow))
	entered := make(chan struct{}, 1)
	trials.Store(t.Name(), func(ctx context.Context, _ *engine.StepContext) error {
		entered <- struct{}{}
		<-ctx.Done() // hangs until the grace time is over
		return ctx.Err()
	})
	h.start()
	h.person()
	h.ticket("1")
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
	workflow := strings.Replace(mainJob, "tasks:\n", "tasks:\n  - trial: { name: "+t.Name()+" }\n", 1)
	h := newHouse(t, bookOf(workflow))
	entered := make(chan struct{}, 1)
	trials.Store(t.Name(), func(ctx context.Context, _ *engine.StepContext) error {
		entered <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	h.start()
	h.person()
	h.ticket("1")
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
	if len(sent) != 3 || sent[0].Content != sent[2].Content || sent[0].Delivery != sent[2].Delivery {
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
		`data.record: field count: expected a number, found \"many\"`,
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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := e.Run(ctx); err == nil || !strings.Contains(err.Error(), "stream") {
		t.Errorf("got %v", err)
	}
}
