package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"postern/engine"
)

// groups is a Bus that tells how many events each publish had.
type groups struct {
	engine.Bus
	sizes chan int
}

func (g groups) Publish(_ context.Context, events ...*engine.Event) error {
	if len(events) > 0 {
		g.sizes <- len(events)
	}
	return nil
}

func eventLine(id int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"crm","type":"call.ended"}`+"\n", id)
}

func TestEmitDoesNotWaitForMoreInAPipe(t *testing.T) {
	in, writer := io.Pipe()
	bus := groups{sizes: make(chan int)}
	e := emission{bus: bus, lines: bufio.NewReader(in)}
	ended := make(chan error, 1)
	go func() { ended <- e.run(t.Context()) }()
	for id := range 3 {
		if _, err := io.WriteString(writer, eventLine(id)); err != nil {
			t.Fatal(err)
		}
		if size := <-bus.sizes; size != 1 {
			t.Errorf("publish %d had %d events", id, size)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || e.sent != 3 {
		t.Errorf("sent %d: %v", e.sent, err)
	}
}

func TestEmitPublishesInGroups(t *testing.T) {
	var text strings.Builder
	for id := range 2*emitBatch + 50 {
		text.WriteString(eventLine(id))
	}
	bus := groups{sizes: make(chan int, 9)}
	e := emission{bus: bus, lines: bufio.NewReaderSize(strings.NewReader(text.String()), text.Len())}
	if err := e.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{emitBatch, emitBatch, 50} {
		if size := <-bus.sizes; size != want {
			t.Errorf("a publish had %d events, want %d", size, want)
		}
	}
}

func TestEmitTellsTheLineAndWhatWentOut(t *testing.T) {
	long := strings.Repeat("x", engine.MaxEventBytes)
	for _, tc := range []struct{ name, text, want string }{
		{"the second", eventLine(1) + "\n{}\n", "line 3: specversion is \"\"; this contract is CloudEvents \"1.0\""},
		{"without an end", eventLine(1) + `{"a":`, "line 2: the body is no CloudEvent: broken JSON: it ends too early"},
		{"a long one", long + "xxx\n", "line 1: the event is longer than 262144 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lines := bufio.NewReaderSize(strings.NewReader(tc.text), engine.MaxEventBytes+len("\r\n"))
			e := emission{bus: groups{sizes: make(chan int, 9)}, lines: lines}
			if err := e.run(t.Context()); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}
