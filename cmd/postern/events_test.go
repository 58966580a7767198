package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/nats"
)

func TestSubjectLike(t *testing.T) {
	for pattern, want := range map[string]bool{
		"crm.HelpDesk.updated.17x1":   true,
		"crm.HelpDesk.updated.17x10":  false,
		"crm.*.updated.*":             true,
		"crm.*.updated":               false,
		"crm.>":                       true,
		">":                           true,
		"crm.HelpDesk.updated.17x1.>": false,
		"crm.HelpDesk.*.17x1.*":       false,
		"postern.>":                   false,
		"crm.>.17x1":                  false,
	} {
		if got := subjectLike("crm.HelpDesk.updated.17x1", pattern); got != want {
			t.Errorf("%s: %v, want %v", pattern, got, want)
		}
	}
}

// What others wrote must not steer the terminal.
func TestPrintedEventsAreOneLine(t *testing.T) {
	var out strings.Builder
	p := newEventPrinter(&out, false)
	p.print(seen(engine.Entry{Seq: 1, Subject: "crm.\x1b[2J\x07", Data: []byte("x")}))
	if err := p.flush(); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("printed %q", out.String())
	}
}

// Tail follows what comes, and whoever ends it gets no error.
func TestTailFollowsUntilItIsEnded(t *testing.T) {
	b := startBroker(t)
	bus, err := nats.Connect(t.Context(), nats.Config{URL: b.server.Address()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		following := &tail{out: write}
		ended <- following.run(ctx, nats.Config{URL: b.server.Address()}, "", slog.New(slog.DiscardHandler))
	}()
	lines := bufio.NewScanner(read)
	for i, want := range []string{"STORED", "Contacts/12x1", "Contacts/12x2"} {
		if i > 0 {
			event, err := engine.DecodeUnaddressed(engine.NoHeader, []byte(contactEvent(want[len(want)-1:])))
			if err != nil {
				t.Fatal(err)
			}
			if err := bus.Publish(t.Context(), event); err != nil {
				t.Fatal(err)
			}
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Fatalf("line %d is %q, want %s", i, lines.Text(), want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
