package engine_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/keys"
	"postern/internal/nats"
	"postern/internal/pages"
	"postern/internal/store"
	"postern/internal/store/storetest"
	"postern/links"
	"postern/tasks"
	"postern/workflows"
)

// house is an engine on the real store and broker, with a recorder for email.
type house struct {
	t      testing.TB
	folder string
	clock  *enginetest.Clock
	bus    *nats.Bus
	store  *store.Store
	mail   *enginetest.Recorder
	engine *engine.Engine
	files  map[string]string
	wrap   func(engine.Store) engine.Store // what the engine sees of the store; nil for all
	email  engine.Channel                  // in place of the recorder
	others map[string]engine.Channel       // besides email
	rates  map[string]engine.Rate
	limits engine.Settings // Budgets and Diversion of it
	crm    engine.CRM      // in place of the mirror
	caller engine.Caller
	logs   *enginetest.Log
	system bool // the engine goes by the machine's clock
	ours   bool // the book is a part of the shipped one: what needs a channel that is not there is left out
	book   *engine.Book
	stop   func()
}

func newHouse(t testing.TB, files map[string]string) *house {
	t.Helper()
	h := &house{
		t: t, folder: t.TempDir(), mail: &enginetest.Recorder{}, files: files, logs: &enginetest.Log{},
		clock: enginetest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
	}
	bus, err := nats.Open(t.Context(), nats.Config{Listen: "127.0.0.1:0"},
		filepath.Join(h.folder, "stream"), h.logger())
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
		Tasks:    append(tasks.Kinds(), trialKinds()...),
		Carriers: enginetest.Carriers(slices.Sorted(maps.Keys(h.channels()))...),
		KeepAll:  h.crm == nil, Shipped: h.ours,
		Kinds: []string{"email", "sms", "whatsapp", "push", "webpush", "mattermost", "webhook"},
	})
	return book, diags.Err()
}

// channels are those of the engine.
func (h *house) channels() map[string]engine.Channel {
	channels := map[string]engine.Channel{"email": h.mail}
	if h.email != nil {
		channels["email"] = h.email
	}
	maps.Copy(channels, h.others)
	return channels
}

// start opens the store and runs an engine on it until stop is called or the test ends.
func (h *house) start() {
	h.t.Helper()
	h.open()
	h.run()
}

// open opens the store and makes an engine on it.
func (h *house) open() {
	h.t.Helper()
	book, err := h.load(h.files)
	if err != nil {
		h.t.Fatal(err)
	}
	database := filepath.Join(h.folder, "postern.db")
	storetest.Blank(h.t, database, store.Open)
	if h.store, err = store.Open(h.t.Context(), database, h.clock, h.logger()); err != nil {
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
	signer, err := keys.NewSigner(root)
	if err != nil {
		h.t.Fatal(err)
	}
	base, err := pages.ParseBase("https://go.example")
	if err != nil {
		h.t.Fatal(err)
	}
	var seen engine.Store = h.store
	if h.wrap != nil {
		seen = h.wrap(h.store)
	}
	var records engine.CRM = crm.NewMirror(seen)
	if h.crm != nil {
		records = h.crm
	}
	h.book = book
	var clock engine.Clock = h.clock
	if h.system {
		clock = engine.SystemClock{}
	}
	h.engine = engine.New(engine.Ports{
		Bus: h.bus, CRM: records, Caller: h.caller, Store: seen,
		Minter: links.NewMinter(base, ring.Mint(), rand.Reader),
		Sealer: ring.Seal(rand.Reader), Signer: signer, Channels: h.channels(), Book: book,
		Reload: func(files map[string]string) (*engine.Workflow, error) {
			book, err := h.load(files)
			if err != nil {
				return nil, err
			}
			return book.Workflows[0], nil
		},
		Clock: clock, Random: rand.Reader, Logger: h.logger(), AddressKey: []byte("key"), OptOut: optOut,
		Carriers: map[string]engine.Carrier{
			"email": {Kind: "email"}, "sms": {Kind: "sms", Replies: true, Converses: true},
		},
	}, engine.Settings{
		Grace: 200 * time.Millisecond, Rates: h.rates, Budgets: h.limits.Budgets, Diversion: h.limits.Diversion,
	})
}

// run runs the engine.
func (h *house) run() {
	h.t.Helper()
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

// position is the identity of the stream.
func (h *house) position() string {
	h.t.Helper()
	position, err := h.bus.Position(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return position.Stream
}

var published atomic.Int64

// publish tells a change of a record.
func (h *house) publish(eventType, ref string, change engine.Change) {
	h.t.Helper()
	id := fmt.Sprint("e", published.Add(1))
	h.publishEvent(&engine.Event{ID: id, Source: "crm", Type: eventType, Subject: ref, Change: &change})
}

func (h *house) publishEvent(event *engine.Event) {
	h.t.Helper()
	if err := h.bus.Publish(h.t.Context(), event); err != nil {
		h.t.Fatal(err)
	}
}

// until waits for something to become true, for longer than the slowest machine takes.
func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	h.waitFor(time.Minute, what, holds)
}

// waitFor is until with a time of its own.
func (h *house) waitFor(most time.Duration, what string, holds func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(most)
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
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
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
	person := engine.Fields{"name": "Zoë", "email": "zoe@acme.example"}
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: person})
}

func (h *house) ticket(id string) {
	h.publish(engine.RecordCreated, "Tickets/"+id, engine.Change{
		Record: engine.Fields{"no": "T" + id, "status": "Open", "contact": "p1"}, Actor: "anna",
	})
}
