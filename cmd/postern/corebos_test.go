package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/crm"
	"postern/internal/crm/corebostest"
)

// A workflow writes to a coreBOS that tells its changes itself: once although the answer is lost, and once although the
// change that it made comes back and matches the workflow again.
func TestWorkflowWritesToCorebos(t *testing.T) {
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
	played.Break(corebostest.Fault{Operation: "revise", Reset: true, Done: true})
	ticket, err := played.Add("HelpDesk", map[string]string{"ticket_title": "Lost key", "ticketstatus": "Open"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // that it was created, and what the workflow wrote
		select {
		case <-told:
		case <-time.After(20 * time.Second):
			t.Fatalf("the CRM has %v", played.Fields(ticket))
		}
	}
	await(t, "both runs", func() bool { return played.Calls("retrieve") >= 3 })
	if got := played.Fields(ticket); got["solution"] != "We look at it" || got["ticketstatus"] != "In Progress" {
		t.Errorf("the CRM has %v", got)
	}
	if written := played.Written(); len(written) != 1 {
		t.Errorf("the CRM wrote %v, want one change", written)
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
