package tasks_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
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

// smallBook is what the tests' workflows are about.
var smallBook = map[string]string{
	"modules/Tickets.yaml": `
module: Tickets
title: no
fields:
  no: text
  status: { type: picklist, options: [Open, Resolved] }
  note: { type: text, max: 40 }
  ext: { type: text, unique: true }
  count: integer
  paid: boolean
  contact: { type: reference, to: People }
`,
	"modules/People.yaml": `
module: People
title: name
language: tongue
external_id: badge
fields: { name: text, email: email, tongue: text, calls: integer, badge: { type: text, unique: true } }
`,
	"landings/person.yaml": `
landing: person
module: People
show: name
`,
	"landings/ticket.yaml": `
landing: ticket
module: Tickets
show: no
actions: { resolve: { set: { status: Resolved } } }
expires: 7d
`,
	"templates/hello/email.en.subject":   "Ticket {{ record.no }}",
	"templates/hello/email.en.txt":       "Hello {{ recipient.name }}, {{ record.no }} {{ link }}",
	"templates/hello/email.en.html":      "<p>{{ record.no }}</p>",
	"templates/several/email.en.txt":     "{{ links.done }} {{ links.see }} {{ link }}",
	"templates/several/email.en.subject": "Links",
	"templates/summed/email.en.subject":  "Sum",
	"templates/summed/email.en.txt": "{{ vars.hours }} hours: {{ range vars.notes }}<{{ . }}>{{ end }}." +
		"{{ vars.skipped }}",
	"templates/hello/email.es.subject": "Hola",
	"templates/hello/email.es.txt":     "Hola {{ recipient.name }}, {{ link }}",
}

// house is an engine on the real store and broker whose commits are watched.
type house struct {
	t     *testing.T
	bus   *nats.Bus
	store *watched
	mail  *enginetest.Recorder
}

// watched is a store that keeps the commits of runs.
type watched struct {
	*store.Store
	mu      sync.Mutex
	commits []engine.Advance
}

func (w *watched) Advance(ctx context.Context, step engine.Advance) error {
	if err := w.Store.Advance(ctx, step); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits = append(w.commits, step)
	return nil
}

// newHouse runs an engine on the small book with one workflow until the test ends.
func newHouse(t *testing.T, workflow string, kinds ...engine.TaskKind) *house {
	t.Helper()
	files := maps.Clone(smallBook)
	files["w.yaml"] = workflow
	book, complaints, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: append(tasks.Kinds(), kinds...), Carriers: enginetest.Carriers("email"), KeepAll: true,
	})
	if complaints.Err() != nil {
		t.Fatal(complaints)
	}
	folder, logger, clock := t.TempDir(), slog.New(slog.DiscardHandler), engine.SystemClock{}
	bus, err := nats.Open(t.Context(), nats.Config{Listen: "off"}, filepath.Join(folder, "stream"), logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	database := filepath.Join(folder, "postern.db")
	storetest.Blank(t, database, store.Open)
	opened, err := store.Open(t.Context(), database, clock, logger)
	if err != nil {
		t.Fatal(err)
	}
	root, err := keys.Create(filepath.Join(folder, "root.key"), rand.Reader)
	if err != nil {
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
	h := &house{t: t, bus: bus, store: &watched{Store: opened}, mail: &enginetest.Recorder{}}
	h.run(engine.New(engine.Ports{
		Bus: bus, CRM: crm.NewMirror(opened), Store: h.store, Minter: links.NewMinter(base, ring.Mint(), rand.Reader),
		Sealer: ring.Seal(rand.Reader), Channels: map[string]engine.Channel{"email": h.mail}, Book: book,
		Clock: clock, Random: rand.Reader, Logger: logger,
	}, engine.Settings{Grace: 200 * time.Millisecond}))
	return h
}

func (h *house) run(e *engine.Engine) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Errorf("engine: %v", err)
		}
		if err := h.store.Close(); err != nil {
			h.t.Errorf("close store: %v", err)
		}
	})
}

// tell publishes that a record was created.
func (h *house) tell(ref string, fields engine.Fields) {
	h.t.Helper()
	h.publish(engine.RecordCreated, ref, engine.Change{Record: fields})
}

func (h *house) publish(eventType, ref string, change engine.Change) {
	h.t.Helper()
	id, err := engine.NewID(time.Now(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	event := &engine.Event{ID: id.String(), Source: "crm", Type: eventType, Subject: ref, Change: &change}
	if err := h.bus.Publish(h.t.Context(), event); err != nil {
		h.t.Fatal(err)
	}
}

// ended waits for the end of the run about a ticket and returns what it committed.
func (h *house) ended(id string) engine.Advance {
	h.t.Helper()
	var found engine.Advance
	h.until("the end of the run about "+id, func() bool {
		h.store.mu.Lock()
		defer h.store.mu.Unlock()
		for _, commit := range h.store.commits {
			run := commit.Run
			if run.Record.ID == id && run.State != engine.RunReady && run.State != engine.RunPending {
				found = commit
			}
		}
		return found.Run != nil
	})
	return found
}

// sent waits for n mails.
func (h *house) sent(n int) []engine.Message {
	h.t.Helper()
	h.until("the mail", func() bool { return len(h.mail.Sent()) >= n })
	return h.mail.Sent()
}

func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s did not come", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// record reads a kept record; nil when it is not there.
func (h *house) record(ref engine.Ref) engine.Fields {
	h.t.Helper()
	records, err := h.store.Records(h.t.Context(), []engine.Ref{ref})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(records) == 0 {
		return nil
	}
	return records[0].Fields
}

// written are the writes of a commit.
func written(commit engine.Advance) (writes []engine.Write) {
	for _, ask := range commit.Changes {
		if ask.Write != nil {
			writes = append(writes, *ask.Write)
		}
	}
	return writes
}

func ticket(id string) engine.Ref { return engine.Ref{Module: "Tickets", ID: id} }
