package tasks

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/crm"
	"postern/internal/nats"
	"postern/internal/store"
	"postern/workflows"
)

// guidePage is where the file beside this one is shown to the authors of new kinds.
const guidePage = "../docs/guide/new-task.md"

// guideWorkflow uses the page's kind, as the page shows it.
const guideWorkflow = `name: note-priority
on: { event: record.saved, module: HelpDesk, changed: ticketpriorities }
tasks:
  - comment: { field: solution, text: "Priority is {{ record.ticketpriorities }} now." }
`

const guideModule = `module: HelpDesk
fields:
  hours: decimal
  ticketpriorities: text
  solution: { type: text, max: 5000 }
`

func TestGuideShowsTheExample(t *testing.T) {
	page, err := os.ReadFile(guidePage)
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("guide_comment_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"the file":     "```go\n" + string(example) + "```\n",
		"its line":     "\t\tcommentKind(),\n",
		"the workflow": "```yaml\n" + guideWorkflow + "```\n",
		"a complaint":  "note-priority.yaml:4:23: error: hours is of type decimal; a comment is text\n",
	} {
		if !strings.Contains(string(page), text) {
			t.Errorf("%s does not show %s as it is:\n%s", guidePage, what, text)
		}
	}
}

// guideBook loads a workflow with the kinds there are and the one of the guide.
func guideBook(workflow string) (*engine.Book, string) {
	files := map[string]string{"modules/HelpDesk.yaml": guideModule, "note-priority.yaml": workflow}
	book, diags, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: append(Kinds(), commentKind()), Carriers: enginetest.Carriers("email"), KeepAll: true,
	})
	if book == nil {
		return nil, diags.Err().Error()
	}
	return book, ""
}

func TestGuideExampleIsChecked(t *testing.T) {
	tests := map[string]struct{ from, to, want string }{
		"wrong type":    {"solution", "hours", "note-priority.yaml:4:23: error: hours is of type decimal; a comment is text"},
		"unknown field": {"solution", "solutoin", `did you mean "solution"?`},
		"missing key":   {"field: solution, ", "", `"field"`},
		"in the text":   {"record.ticketpriorities }}", "record.priority }}", `unknown field "priority" of HelpDesk`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			book, complaint := guideBook(strings.Replace(guideWorkflow, test.from, test.to, 1))
			if book != nil || !strings.Contains(complaint, test.want) {
				t.Errorf("got %q, want %q", complaint, test.want)
			}
		})
	}
}

func TestGuideExampleRuns(t *testing.T) {
	h := runGuide(t)
	h.publish(t, "1", engine.RecordCreated, engine.Change{Record: engine.Fields{"ticketpriorities": "Normal"}})
	h.publish(t, "2", engine.RecordUpdated, engine.Change{
		Record: engine.Fields{"ticketpriorities": "Urgent"}, Changed: []string{"ticketpriorities"}, Partial: true,
	})
	h.await(t, "Priority is Normal now.\nPriority is Urgent now.")
}

// guideHouse is an engine on a real stream and a real database.
type guideHouse struct {
	bus   *nats.Bus
	store *store.Store
}

func runGuide(t *testing.T) *guideHouse {
	t.Helper()
	book, complaint := guideBook(guideWorkflow)
	if book == nil {
		t.Fatal(complaint)
	}
	folder, clock, logger := t.TempDir(), engine.SystemClock{}, slog.New(slog.DiscardHandler)
	bus, err := nats.Open(t.Context(), nats.Config{Listen: "off"}, folder, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	db, err := store.Open(t.Context(), filepath.Join(folder, "postern.db"), clock, logger)
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Ports{ // no step sends a message, so nothing to send one with
		Bus: bus, CRM: crm.NewMirror(db), Store: db, Book: book, Clock: clock, Random: rand.Reader, Logger: logger,
	}, engine.Settings{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("engine: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &guideHouse{bus: bus, store: db}
}

func (h *guideHouse) publish(t *testing.T, id, eventType string, change engine.Change) {
	t.Helper()
	event := &engine.Event{ID: id, Source: "crm", Type: eventType, Subject: "HelpDesk/17x1", Change: &change}
	if err := h.bus.Publish(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

// await polls until the ticket's solution is what is wanted.
func (h *guideHouse) await(t *testing.T, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		records, err := h.store.Records(t.Context(), []engine.Ref{{Module: "HelpDesk", ID: "17x1"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 1 {
			if got = records[0].Fields.Text("solution"); got == want {
				return
			}
		}
	}
	t.Fatalf("solution is %q, want %q", got, want)
}
