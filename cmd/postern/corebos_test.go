package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/crm/corebostest"
)

// Workflows write to a coreBOS that tells its changes itself: once although the answers are lost, and once although the
// change that was made comes back and matches the workflow again.
func TestWorkflowsWriteToCorebos(t *testing.T) {
	played, err := corebostest.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(played)
	t.Cleanup(server.Close)
	book := writeBook(t, map[string]string{
		"modules/HelpDesk.yaml": "module: HelpDesk\nfields:\n  ticket_title: text\n  ticketstatus: picklist\n  solution: text\n",
		"greet.yaml": "name: greet\non: { event: record.saved, module: HelpDesk }\ntasks:\n" +
			"  - update: { set: { solution: We look at it, ticketstatus: In Progress } }\n" +
			"    retry: { attempts: 5, backoff: 10ms }\n",
		"modules/Contacts.yaml": "module: Contacts\nfields:\n  lastname: text\n  department: { type: text, unique: true }\n",
		"card.yaml": "name: card\non: { event: record.created, module: HelpDesk }\ntasks:\n" +
			"  - create: { module: Contacts, set: { lastname: Somebody }, key: department }\n" +
			"    retry: { attempts: 5, backoff: 10ms }\n",
	})
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(corebostest.Admin.AccessKey), 0o600); err != nil {
		t.Fatal(err)
	}
	h := houseWith(t, startBroker(t).server.Address(), t.TempDir(), func(c *config) {
		c.Book = book
		c.CRM.Kind, c.CRM.URL, c.CRM.User = crm.KindCorebos, server.URL, corebostest.Admin.Name
		c.CRM.AccessKey = engine.Secret{File: key}
	})
	h.run()
	h.until("/healthz/ready", http.StatusOK)
	told := make(chan struct{}, 10)
	played.OnChange(func(e *engine.Event) {
		written, err := e.MarshalJSON()
		if err != nil {
			t.Error(err)
		}
		if got := h.ask(http.MethodPost, "/events", string(written)); got.status != http.StatusAccepted {
			t.Errorf("an event of the CRM is answered %+v", got)
		}
		told <- struct{}{}
	})
	for _, operation := range []string{"revise", "create"} {
		played.Break(corebostest.Fault{Operation: operation, Reset: true, Done: true})
	}
	ticket, err := played.Add("HelpDesk", map[string]string{"ticket_title": "Lost key", "ticketstatus": "Open"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // that it was created, and what each workflow wrote
		select {
		case <-told:
		case <-time.After(20 * time.Second):
			t.Fatalf("the CRM has %v", played.Fields(ticket))
		}
	}
	await(t, "all runs", func() bool { return played.Calls("retrieve") >= 3 && played.Calls("query") >= 2 })
	if got := played.Fields(ticket); got["solution"] != "We look at it" || got["ticketstatus"] != "In Progress" {
		t.Errorf("the CRM has %v", got)
	}
	if written := played.Written(); len(written) != 2 || len(played.Records("Contacts")) != 1 {
		t.Errorf("the CRM wrote %v, want one change and one contact", written)
	}
}

func writeBook(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// A landing that writes to the copy alone is told at the start, and only where the records are elsewhere.
func TestLandingsThatWriteAreTold(t *testing.T) {
	book := &engine.Book{Landings: map[string]*engine.Landing{
		"look": {}, "edit": {Edit: []*engine.Edit{{}}}, "close": {Actions: []*engine.Action{{}}},
	}}
	for name, test := range map[string]struct {
		crm  engine.CRM
		want int
	}{"mirror": {crm.NewMirror(nil), 0}, "corebos": {&crm.Corebos{}, 2}} {
		var log bytes.Buffer
		h := &house{crm: test.crm, book: book, logger: slog.New(slog.NewTextHandler(&log, nil))}
		h.warnOfLandings()
		if told := strings.Count(log.String(), "landing="); told != test.want {
			t.Errorf("%s: %d landings are told, want %d:\n%s", name, told, test.want, log.String())
		}
	}
}
