package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
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
	h := houseOf(t, server.URL, map[string]string{
		"modules/HelpDesk.yaml": `
module: HelpDesk
fields:
  ticket_title: text
  ticketstatus: picklist
  solution: text
`,
		"modules/Contacts.yaml": `
module: Contacts
fields:
  lastname: text
  department: { type: text, unique: true }
`,
		"greet.yaml": `
name: greet
on: { event: record.saved, module: HelpDesk }
tasks:
  - update: { set: { solution: We look at it, ticketstatus: In Progress } }
    retry: { attempts: 5, backoff: 10ms }
`,
		"card.yaml": `
name: card
on: { event: record.created, module: HelpDesk }
tasks:
  - create: { module: Contacts, set: { lastname: Somebody }, key: department }
    retry: { attempts: 5, backoff: 10ms }
`,
	})
	h.run()
	h.until("/healthz/ready", http.StatusOK)
	told := passOn(t, played, h)
	for _, operation := range []string{"revise", "create"} {
		played.Break(corebostest.Fault{Operation: operation, Reset: true, Done: true})
	}
	ticket, err := played.Add("HelpDesk", map[string]string{"ticket_title": "Lost key", "ticketstatus": "Open"})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "three changes to be told", func() bool { return told.Load() == 3 })
	await(t, "all runs", func() bool { return played.Calls("retrieve") >= 3 && played.Calls("query") >= 2 })
	if got := played.Fields(ticket); got["solution"] != "We look at it" || got["ticketstatus"] != "In Progress" {
		t.Errorf("the CRM has %v", got)
	}
	if written := played.Written(); len(written) != 2 || len(played.Records("Contacts")) != 1 {
		t.Errorf("the CRM wrote %v, want one change and one contact", written)
	}
}

// houseOf is a house with a book of its own whose CRM is the coreBOS at an address.
func houseOf(t *testing.T, address string, book map[string]string) *trialHouse {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(corebostest.Admin.AccessKey), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := writeBook(t, book)
	return houseWith(t, startBroker(t).server.Address(), t.TempDir(), func(c *config) {
		c.Book = folder
		c.CRM.Kind, c.CRM.URL, c.CRM.User = crm.KindCorebos, address, corebostest.Admin.Name
		c.CRM.AccessKey = engine.Secret{File: key}
	})
}

// passOn lets the played CRM publish its changes, as somebody has to for a real one, and counts them.
func passOn(t *testing.T, played *corebostest.Player, h *trialHouse) *atomic.Int64 {
	t.Helper()
	var told atomic.Int64
	played.OnChange(func(e *engine.Event) {
		written, err := e.MarshalJSON()
		if err != nil {
			t.Error(err)
		}
		if got := h.ask(http.MethodPost, "/events", string(written)); got.status != http.StatusAccepted {
			t.Errorf("an event of the CRM is answered %+v", got)
		}
		told.Add(1)
	})
	return &told
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
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
