package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/nats"
	"postern/internal/web"
	"postern/internal/yamldoc"
)

// broker is a NATS server of its own, which can go and come back on the same port with the same data.
type broker struct {
	t      *testing.T
	config nats.Config
	folder string
	server *nats.Server
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, config: nats.Config{Listen: address}, folder: t.TempDir()}
	b.start()
	t.Cleanup(func() { b.server.Close() })
	return b
}

func (b *broker) start() {
	b.t.Helper()
	var err error
	if b.server, err = nats.Start(b.t.Context(), b.config, b.folder, slog.New(slog.DiscardHandler)); err != nil {
		b.t.Fatal(err)
	}
}

// trialHouse is a house that follows a broker elsewhere.
type trialHouse struct {
	*house
	t       *testing.T
	handler http.Handler
	ctx     context.Context // of run, until stop
	cancel  context.CancelFunc
	ended   chan error
	stop    func() error // ends it, and tells what it ended with
}

func houseAt(t *testing.T, url, data string) *trialHouse {
	t.Helper()
	return houseWith(t, url, data, func(*config) {})
}

// houseWith is a house whose configuration is changed before it opens.
func houseWith(t *testing.T, url, data string, change func(*config)) *trialHouse {
	t.Helper()
	c := defaultConfig()
	c.Data, c.NATS, c.Book = data, nats.Config{URL: url}, t.TempDir()
	if err := writeTicketBook(c.Book); err != nil {
		t.Fatal(err)
	}
	doc, diags := yamldoc.Parse("test", []byte("{ email: { kind: capture }, sms: { kind: capture } }"))
	if diags.Err() != nil {
		t.Fatal(diags.Err())
	}
	if err := yamldoc.Decode(doc.Root(), &c.Channels).Err(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CRM_KEY", rand.Text())
	c.API.Keys = map[string]web.Key{"crm": {Env: "CRM_KEY"}}
	c.Web.Listen = "127.0.0.1:0"
	change(&c)
	h, err := openHouse(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	trial := &trialHouse{house: h, t: t, handler: h.handler(), ended: make(chan error, 1)}
	trial.ctx, trial.cancel = context.WithCancel(context.WithoutCancel(t.Context()))
	trial.ended <- nil
	trial.stop = sync.OnceValue(func() error {
		trial.cancel()
		return errors.Join(<-trial.ended, h.close())
	})
	t.Cleanup(func() {
		if err := trial.stop(); err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	return trial
}

// run lets the house work until stop.
func (h *trialHouse) run() {
	h.t.Helper()
	listener, err := h.listen(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	<-h.ended
	go func() { h.ended <- h.work(h.ctx, listener, h.handler) }()
}

// reply is what a path of a house answers.
type reply struct {
	status int
	wait   string // Retry-After
	body   string
}

func (h *trialHouse) ask(method, path, body string) reply {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	key, err := engine.Secret{Env: "CRM_KEY"}.Reveal()
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return reply{w.Code, w.Header().Get("Retry-After"), w.Body.String()}
}

func unknownLink() string { return "/l/a" + strings.Repeat("b", 26) }

func contactEvent(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"crm","type":"record.created",`+
		`"subject":"Contacts/12x%[1]s","data":{"record":{"lastname":%[1]q,"cf_externalid":%[1]q}}}`, id)
}

// until waits until a path answers with a status.
func (h *trialHouse) until(path string, status int) reply {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := h.ask(http.MethodGet, path, "")
		if got.status == status {
			return got
		}
		if time.Now().After(end) {
			h.t.Fatalf("%s still answers %d %s, want %d", path, got.status, got.body, status)
		}
	}
}

func TestNothingButHealthBeforeTheStart(t *testing.T) {
	h := houseAt(t, startBroker(t).server.Address(), t.TempDir())
	for path, method := range map[string]string{
		unknownLink(): http.MethodGet, "/f/abc": http.MethodPost, "/assets/style.css": http.MethodGet,
		"/events": http.MethodPost, "/healthz/ready": http.MethodGet,
	} {
		if got := h.ask(method, path, contactEvent("1")); got.status != http.StatusServiceUnavailable || got.wait == "" {
			t.Errorf("%s %s answers %d, Retry-After %q", method, path, got.status, got.wait)
		}
	}
	if got := h.ask(http.MethodGet, "/healthz/live", ""); got.status != http.StatusOK {
		t.Errorf("live answers %+v", got)
	}
	h.run()
	h.until(unknownLink(), http.StatusNotFound)
	if got := h.ask(http.MethodPost, "/events", contactEvent("1")); got.status != http.StatusAccepted {
		t.Errorf("an event after the start is answered %+v", got)
	}
}

// The broker goes and comes back: publishers are told, readiness says why, the door stays open, and what was taken before
// and after is taken in once and in order.
func TestBrokerGoneThenBack(t *testing.T) {
	away := startBroker(t)
	h := houseAt(t, away.server.Address(), t.TempDir())
	h.run()
	h.until("/healthz/ready", http.StatusOK)
	var want []string
	post := func(id string) {
		t.Helper()
		if got := h.ask(http.MethodPost, "/events", contactEvent(id)); got.status != http.StatusAccepted {
			t.Fatalf("event %s is answered %+v", id, got)
		}
		want = append(want, id)
	}
	post("1")
	post("2")

	away.server.Close()
	got := h.until("/healthz/ready", http.StatusServiceUnavailable)
	if got.wait == "" || !strings.Contains(got.body, "the event stream cannot be reached") {
		t.Errorf("not ready is told as %+v", got)
	}
	got = h.ask(http.MethodPost, "/events", contactEvent("lost"))
	if got.status != http.StatusServiceUnavailable || got.wait == "" {
		t.Errorf("an event without a broker is answered %+v", got)
	}
	if got := h.ask(http.MethodGet, unknownLink(), ""); got.status != http.StatusNotFound {
		t.Errorf("the door answers %d without a broker", got.status)
	}
	if got := h.ask(http.MethodGet, "/healthz/live", ""); got.status != http.StatusOK {
		t.Errorf("live answers %+v: a restart would not help", got)
	}

	away.start()
	h.until("/healthz/ready", http.StatusOK)
	post("3")
	post("4")
	h.awaitContact("4")
	ids := h.contacts()
	if !slices.Equal(ids, want) {
		t.Errorf("taken in: %q, want %q", ids, want)
	}
}

// contacts are the names of the contacts in the house's database.
func (h *trialHouse) contacts() (names []string) {
	h.t.Helper()
	for _, id := range []string{"1", "2", "3", "4", "lost"} {
		records, err := h.store.Records(h.t.Context(), []engine.Ref{{Module: "Contacts", ID: "12x" + id}})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, r := range records {
			names = append(names, r.Fields.Text("lastname"))
		}
	}
	return names
}

// A database that is ahead of the stream, or belongs to another one, is not used: events would be missed.
func TestOtherStreamIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		replace func(b *broker, before string)
		reason  string
	}{
		"an older copy": {func(b *broker, before string) {
			if err := os.CopyFS(b.folder, os.DirFS(before)); err != nil {
				b.t.Fatal(err)
			}
		}, "taken in events up to 2, but the stream ends at 1"},
		"a new stream": {func(*broker, string) {}, "this database followed the event stream"},
	} {
		t.Run(name, func(t *testing.T) {
			b, data, before := startBroker(t), t.TempDir(), t.TempDir()
			takeIn := func(id string) {
				h := houseAt(t, b.server.Address(), data)
				h.run()
				h.until("/healthz/ready", http.StatusOK)
				h.ask(http.MethodPost, "/events", contactEvent(id))
				h.awaitContact(id)
				if err := h.stop(); err != nil {
					t.Fatal(err)
				}
				b.server.Close()
			}
			takeIn("1")
			if err := os.CopyFS(before, os.DirFS(b.folder)); err != nil {
				t.Fatal(err)
			}
			b.start()
			takeIn("2")
			b.folder = t.TempDir()
			test.replace(b, before)
			b.start()
			h := houseAt(t, b.server.Address(), data)
			h.run()
			ended := <-h.ended
			h.ended <- nil
			if ended == nil || !strings.Contains(ended.Error(), test.reason) {
				t.Errorf("it ended with %v, want %q", ended, test.reason)
			}
			if got := h.ask(http.MethodGet, "/healthz/live", ""); got.status != http.StatusServiceUnavailable ||
				!strings.Contains(got.body, "has failed") {
				t.Errorf("live answers %+v", got)
			}
		})
	}
}

// await waits until a record was taken in.
func (h *trialHouse) await(subject string) {
	h.t.Helper()
	ref, err := engine.ParseRef(subject)
	if err != nil {
		h.t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		found, err := h.store.Records(h.t.Context(), []engine.Ref{ref})
		if err != nil || time.Now().After(end) {
			h.t.Fatalf("%s was not taken in: %v", subject, err)
		}
		if len(found) > 0 {
			return
		}
	}
}

// awaitContact waits until a contact was taken in.
func (h *trialHouse) awaitContact(id string) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); !slices.Contains(h.contacts(), id); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("contact %s was not taken in", id)
		}
	}
}
