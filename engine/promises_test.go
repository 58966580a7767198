package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/peer"
)

// A process that ends with a backlog behind a hanging run goes on with every event, in the order in which
// they came.
func TestOrderOfABacklogAfterARestart(t *testing.T) {
	files := gated(t, "{}", "")
	files["w.yaml"] = strings.Replace(files["w.yaml"], "}}\" } }", "}},\" } }", 1)
	h := newHouse(t, files)
	trials.Store(t.Name(), func(ctx context.Context, _ *engine.StepContext) error {
		<-ctx.Done()
		return ctx.Err()
	})
	h.start()
	const records, each = 3, 50
	want := ""
	for id := range records {
		h.ticket(fmt.Sprint(id))
	}
	for n := range each {
		want += fmt.Sprint(n, ",")
		for id := range records {
			h.count(fmt.Sprint(id), n)
		}
	}
	for id := range records {
		h.becomes(engine.Ref{Module: "Tickets", ID: fmt.Sprint(id)}, "count", fmt.Sprint(each-1))
	}
	h.stop()
	trials.Delete(t.Name())
	h.start()
	for id := range records {
		h.becomes(engine.Ref{Module: "Tickets", ID: fmt.Sprint(id)}, "note", want)
	}
}

// What opens a link is nowhere at rest and in no log, however many were sent.
func TestNoTokenIsKept(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	tickets := 1000
	if peer.Race {
		tickets = 200
	}
	for id := range tickets {
		h.ticket(fmt.Sprint(id))
	}
	h.until("all mails", func() bool { return len(h.mail.Sent()) == tickets })
	h.stop()
	var tokens [][]byte
	for _, mail := range h.mail.Sent() {
		_, token, ok := strings.Cut(mail.Content.Text, "/l/")
		if token = strings.TrimSpace(token); !ok || len(token) != 27 {
			t.Fatalf("a mail says %q", mail.Content.Text)
		}
		tokens = append(tokens, []byte(token))
	}
	holds := func(what string, text []byte) {
		lower := bytes.ToLower(text)
		for _, token := range tokens {
			if bytes.Contains(lower, bytes.ToLower(token)) {
				t.Fatalf("%s holds the token of a link", what)
			}
		}
		if bytes.Contains(lower, []byte("go.example/l/")) {
			t.Errorf("%s holds the address of a link", what)
		}
	}
	holds("the log", []byte(h.logs.String()))
	read := 0
	err := filepath.WalkDir(h.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		read += len(text)
		holds(path, text)
		return err
	})
	if err != nil || read < tickets*1000 {
		t.Errorf("%d bytes at rest were looked at: %v", read, err)
	}
}

// A clock that jumps back wakes nobody a second time, and nobody too early.
func TestClockThatJumpsBack(t *testing.T) {
	h := newHouse(t, waits("{ for: 1h }"))
	h.start()
	h.person()
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	h.clock.Advance(-30 * time.Minute)
	h.clock.Advance(time.Hour)
	h.stands(ticketOne, engine.RunWaiting)
	h.clock.Advance(30 * time.Minute)
	h.noteInTime("went on: Open true false")
	h.clock.Advance(-2 * time.Hour)
	h.ticket("2")
	second := engine.Ref{Module: "Tickets", ID: "2"}
	h.stands(second, engine.RunWaiting)
	h.until("the second is over", func() bool {
		h.clock.Advance(time.Minute)
		return h.record(second).Fields.Text("note") == "went on: Open true false"
	})
	if n := len(h.mail.Sent()); n != 2 {
		t.Errorf("%d mails, want one for each ticket", n)
	}
}
