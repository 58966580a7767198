package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

// busPatience is how long a bus may take for anything this suite asks of it.
const busPatience = 10 * time.Second

// TestBus holds a Bus against what the engine relies on. open gives an empty bus that lives as long as its test.
func TestBus(t *testing.T, open func(t *testing.T) engine.Bus) {
	for name, test := range map[string]func(*testing.T, engine.Bus){
		"events come back as published":         busRoundTrip,
		"order is the order of publishing":      busOrder,
		"one event is stored once":              busDuplicate,
		"ids are unique within a source only":   busSources,
		"reading waits for what comes":          busWaits,
		"reading begins after a position":       busAfter,
		"reading groups what is at hand":        busGroups,
		"take's error ends the reading":         busTakeError,
		"the context ends the reading":          busContext,
		"what cannot be stored is permanent":    busPermanent,
		"nothing to publish is no error":        busNothing,
		"position tells the stream":             busPosition,
		"purge keeps what is young or not read": busPurge,
		"publishers do not mix their batches":   busBatches,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func busRoundTrip(t *testing.T, bus engine.Bus) {
	want := []*engine.Event{
		BusEvent("1", "HelpDesk", "17x5"),
		BusEvent("2", "Accounts", "strange id/ü.*>"),
		{
			ID: "3", Source: engine.Source, Type: engine.LinkUsed, Subject: "HelpDesk/17x5", CauseID: "1", Depth: 2,
			Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Data: json.RawMessage(`{"link":"a"}`),
		},
	}
	publish(t, bus, want[0])
	publish(t, bus, want[1:]...)
	var got []*engine.Event
	for _, entry := range read(t, bus, 0, len(want)) {
		at, err := engine.ParseAddress(entry.Subject)
		if err != nil {
			t.Fatal(err)
		}
		event, err := engine.DecodeEvent(at, entry.Header, entry.Data)
		if err != nil {
			t.Fatalf("entry %d at %s: %v", entry.Seq, entry.Subject, err)
		}
		if at != event.Address() {
			t.Errorf("entry %d came by %+v, published at %+v", entry.Seq, at, event.Address())
		}
		got = append(got, event)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events differ (-published +read):\n%s", diff)
	}
}

func busOrder(t *testing.T, bus engine.Bus) {
	var want []string
	for group := range 5 {
		var events []*engine.Event
		for i := range 1 + group*30 {
			id := fmt.Sprintf("%d-%d", group, i)
			events, want = append(events, BusEvent(id, "HelpDesk", fmt.Sprint(i%7))), append(want, id)
		}
		publish(t, bus, events...)
	}
	entries := read(t, bus, 0, len(want))
	if diff := cmp.Diff(want, ids(t, entries)); diff != "" {
		t.Errorf("order differs (-published +read):\n%s", diff)
	}
	for i := 1; i < len(entries); i++ {
		if entries[i].Seq <= entries[i-1].Seq {
			t.Fatalf("position %d follows %d", entries[i].Seq, entries[i-1].Seq)
		}
	}
}

func busDuplicate(t *testing.T, bus engine.Bus) {
	for range 3 {
		publish(t, bus, BusEvent("same", "HelpDesk", "1"))
	}
	publish(t, bus, BusEvent("end", "HelpDesk", "1"))
	if diff := cmp.Diff([]string{"same", "end"}, ids(t, read(t, bus, 0, 2))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func busSources(t *testing.T, bus engine.Bus) {
	other := BusEvent("1", "HelpDesk", "1")
	other.Source = "https://other.example"
	publish(t, bus, BusEvent("1", "HelpDesk", "1"))
	publish(t, bus, other)
	if got := read(t, bus, 0, 2); len(got) != 2 {
		t.Errorf("%d of 2 events were stored", len(got))
	}
}

func busWaits(t *testing.T, bus engine.Bus) {
	ctx, cancel := context.WithTimeout(t.Context(), busPatience)
	defer cancel()
	errDone := errors.New("all came")
	var got []string
	err := bus.Read(ctx, 0, 10, func(ctx context.Context, entries []engine.Entry) error {
		got = append(got, ids(t, entries)...)
		if len(got) == 3 {
			return errDone
		}
		return bus.Publish(ctx, BusEvent(fmt.Sprint("next", len(got)), "HelpDesk", "1"))
	}, startWith(t, bus, BusEvent("first", "HelpDesk", "1"))...)
	if !errors.Is(err, errDone) {
		t.Fatalf("read %q, ended with %v", got, err)
	}
	if diff := cmp.Diff([]string{"first", "next1", "next2"}, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}
