package engine_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

const waitingJob = `
name: main
on: { event: record.created, module: Tickets }
tasks:
  - wait: { for: 1h }
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
`

// reload puts files in the place of those the engine runs by.
func (h *house) reload(change map[string]string) {
	h.t.Helper()
	files := maps.Clone(h.files)
	for name, text := range change {
		if files[name] = text; text == "" {
			delete(files, name)
		}
	}
	book, err := h.load(files)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.engine.Reload(h.t.Context(), book); err != nil {
		h.t.Fatal(err)
	}
}

// A run that waits ends by the version that it began with, also if that is in no book any more and its module has
// changed; what comes after the reload goes by the new one.
func TestReloadLeavesWaitingRunsAlone(t *testing.T) {
	h := newHouse(t, bookOf(waitingJob))
	h.start()
	h.person()
	h.ticket("1")
	h.until("the run to wait", func() bool { return len(h.runsOf("main", engine.RunWaiting)) == 1 })
	h.reload(map[string]string{
		"w.yaml":                       strings.ReplaceAll(waitingJob, "1h", "2h"),
		"templates/hello/email.en.txt": "Another text {{ link }}",
		"modules/Tickets.yaml":         strings.ReplaceAll(ticketModule, "  ext: { type: text, unique: true }\n", ""),
	})
	h.ticket("2")
	h.until("the second run to wait", func() bool { return len(h.runsOf("main", engine.RunWaiting)) == 2 })
	h.clock.Advance(time.Hour)
	h.until("the first mail", func() bool { return len(h.mail.Sent()) == 1 })
	h.clock.Advance(time.Hour)
	h.until("the second mail", func() bool { return len(h.mail.Sent()) == 2 })
	first, second := h.mail.Sent()[0].Content.Text, h.mail.Sent()[1].Content.Text
	if !strings.HasPrefix(first, "Hello Zoë") || !strings.HasPrefix(second, "Another text") {
		t.Errorf("the mails say %q and %q", first, second)
	}
}

// While books come and go, each event starts each workflow once.
func TestReloadUnderLoad(t *testing.T) {
	const tickets = 600
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	done := make(chan bool)
	go func() {
		defer close(done)
		for i := range tickets {
			h.ticket(fmt.Sprint("t", i))
		}
	}()
	reloads := 0
	for running := true; running; reloads++ {
		select {
		case <-done:
			running = false
		default:
		}
		h.reload(map[string]string{"templates/hello/email.en.txt": fmt.Sprintf("Text %d {{ record.ext }} {{ link }}", reloads%7)})
	}
	h.until("a mail for each ticket", func() bool { return len(h.mail.Sent()) >= tickets })
	h.stop()
	seen := map[string]int{}
	for _, m := range h.mail.Sent() {
		seen[m.Record.ID]++
	}
	if len(seen) != tickets || len(h.mail.Sent()) != tickets {
		t.Errorf("%d mails about %d tickets of %d", len(h.mail.Sent()), len(seen), tickets)
	}
	t.Logf("%d reloads", reloads)
}
