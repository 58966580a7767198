package engine_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/workflows"
)

// shipped are the files of the book that comes with Postern, of its workflows only those named.
func shipped(t *testing.T, names ...string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(workflows.Shipped, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/") && !slices.Contains(names, path) {
			return err
		}
		text, err := fs.ReadFile(workflows.Shipped, path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// coreBOSEvents are the events of testdata/corebos.jsonl: what was created, and what was changed then.
func coreBOSEvents(t *testing.T) (created, updated []*engine.Event) {
	t.Helper()
	text, err := os.ReadFile("testdata/corebos.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		event, err := engine.RestoreEvent([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if event.Type == engine.RecordCreated {
			created = append(created, event)
			continue
		}
		updated = append(updated, event)
	}
	return created, updated
}

// tellable tells whether the shipped workflow writes to the customer of a ticket: it is not closed and
// its customer is the one contact that has an address. The account has none, one contact is unknown.
func tellable(event *engine.Event) bool {
	record := event.Change.Record
	return event.Ref().Module == "HelpDesk" && record.Text("ticketstatus") != "Closed" && record.Text("parent_id") == "12x8614"
}

func TestMainJobOnCoreBOSTickets(t *testing.T) {
	h := newHouse(t, shipped(t, "ticket-created.yaml", "ticket-resolved.yaml"))
	h.ours = true
	h.start()
	created, updated := coreBOSEvents(t)
	expected := map[engine.Ref]bool{}
	for _, event := range created {
		if tellable(event) {
			expected[event.Ref()] = true
		}
		h.publishEvent(event)
	}
	if len(expected) != 9 {
		t.Fatalf("%d tickets to tell of", len(expected))
	}
	h.until("a mail for each ticket", func() bool { return len(h.mail.Sent()) >= len(expected) })
	for _, event := range updated {
		h.publishEvent(event)
	}
	// All before it has been taken in when this one is.
	last := &engine.Event{ID: "last", Source: "corebos", Type: engine.RecordCreated, Subject: "HelpDesk/17x9999", Change: &engine.Change{
		Record: engine.Fields{"ticketstatus": "Open", "parent_id": "12x8614"},
	}}
	expected[last.Ref()] = true
	h.publishEvent(last)
	h.until("the last mail", func() bool { return len(h.mail.Sent()) >= len(expected) })
	h.stop()

	links := map[string]bool{}
	for _, mail := range h.mail.Sent() {
		if !expected[mail.Record] {
			t.Errorf("an unwanted or second mail about %s: %s", mail.Record, mail.Content.Subject)
		}
		delete(expected, mail.Record)
		if mail.Recipient.Address != "zoe@acme.example" || !strings.HasPrefix(mail.Content.Text, "Hello Zoë O'Brien,\n") {
			t.Errorf("%s goes to %s and says %s", mail.Record, mail.Recipient.Address, mail.Content.Text)
		}
		link := linkIn(mail.Content.Text)
		if link == "" || links[link] || !strings.Contains(mail.Content.HTML, link) {
			t.Errorf("%s has the link %q", mail.Record, link)
		}
		links[link] = true
		if mail.Record.ID == "17x8615" {
			checkMarkup(t, mail.Content)
		}
	}
	for ref := range expected {
		t.Errorf("no mail about %s", ref)
	}
	checkExternalIDs(t, h, created)
}

// checkMarkup sees that a title with markup stands as it is in text and as text in HTML.
func checkMarkup(t *testing.T, content engine.Content) {
	t.Helper()
	const title = `Order 1001 <late> & "lost"`
	if content.Subject != "Ticket TT25: "+title || !strings.Contains(content.Text, "\n"+title+"\n") {
		t.Errorf("the text is %q\n%s", content.Subject, content.Text)
	}
	if !strings.Contains(content.HTML, `Order 1001 &lt;late&gt; &amp; &#34;lost&#34;`) || strings.Contains(content.HTML, "<late>") {
		t.Errorf("the HTML is\n%s", content.HTML)
	}
}

// checkExternalIDs sees that ids were written where there was none, once, and nowhere else.
func checkExternalIDs(t *testing.T, h *house, created []*engine.Event) {
	t.Helper()
	h.start() // reads need an open store
	seen := map[string]bool{}
	for _, event := range created {
		if event.Ref().Module != "HelpDesk" {
			continue
		}
		before := event.Change.Record.Text("cf_externalid")
		after := h.record(event.Ref()).Fields.Text("cf_externalid")
		switch {
		case before != "" || !tellable(event):
			if after != before {
				t.Errorf("%s had %q and has %q", event.Ref(), before, after)
			}
		case len(after) != 26 || seen[after]:
			t.Errorf("%s has the id %q", event.Ref(), after)
		}
		seen[after] = true
	}
}

// linkIn is the first URL of a text.
func linkIn(text string) string {
	from := strings.Index(text, "https://go.example/l/")
	if from < 0 {
		return ""
	}
	link, _, _ := strings.Cut(text[from:], "\n")
	return link
}
