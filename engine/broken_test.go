package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"postern/engine"
)

// What is no event is put aside with its reason, wherever the fault lies; the event after it is handled.
func TestBrokenEventHarmsNobody(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	const good = `{"specversion":"1.0","id":"b","source":"crm","type":"record.created","subject":"Tickets/x",` +
		`"data":{"record":{"no":"1","status":"Open","contact":"p1"}}}`
	with := func(old, now string) string { return strings.Replace(good, old, now, 1) }
	broken := []struct{ subject, body, reason string }{
		{"crm.Tickets.created.x", good[:40], "broken JSON"},
		{"crm.Tickets.created.x", "", "it is empty"},
		{"crm.Tickets.created.x", "\x00\xff\xfe", "broken JSON"},
		{"crm.Tickets.created.x", with(`"1.0"`, `"0.3"`), "specversion"},
		{"crm.Tickets.created.x", with(`"source":"crm",`, ``), `attribute \"source\" is missing`},
		{"crm.Tickets.created.x", with(`"1"`, `"`+strings.Repeat("x", engine.MaxEventBytes)+`"`), "at most 262144"},
		{"crm.Tickets.created.x", with(`"1"`, strings.Repeat("[", 500_000)), "at most 262144"},
		{"crm.Tickets.created.x", with(`"1"`, strings.Repeat("[", 200_000)), "deeper than 32"},
		{"crm.Tickets.created.y", good, `the subject's key is \"y\"`},
		{"crm.Tickets.updated.x", good, `the subject says \"updated\"`},
		{"crm.Ghosts.created.x", with("Tickets", "Ghosts"), `module \"Ghosts\" is not described`},
		{"crm.Tickets.created.x", with(`"no":"1"`, `"no":"1","count":"many"`), "field count"},
		{"crm.Tickets.created.%zz", good, "not %XX"},
		{"crm.Tickets", good, "is not crm.<module>.<verb>.<key>"},
		{"crm.a.b.c.d.e.f", good, "is not crm.<module>.<verb>.<key>"},
	}
	js := h.plain()
	for i, b := range broken {
		if _, err := js.Publish(t.Context(), b.subject, []byte(b.body)); err != nil {
			t.Fatalf("%s: %v", b.reason, err)
		}
		h.ticket(fmt.Sprint(i))
	}
	h.until("the mails of the others", func() bool { return len(h.mail.Sent()) == len(broken) })
	h.stop()
	var letters []string
	for line := range strings.Lines(h.logs.String()) {
		if strings.Contains(line, `msg="dead letter"`) {
			letters = append(letters, line)
		}
	}
	if len(letters) != len(broken) {
		t.Fatalf("%d dead letters, want %d", len(letters), len(broken))
	}
	for i, b := range broken {
		if !strings.Contains(letters[i], b.reason) {
			t.Errorf("dead letter %d should say %q: %s", i, b.reason, letters[i])
		}
	}
}
