// Package enginetest holds one suite for each port of engine: what the engine relies on, said as tests. Whoever fills a
// port runs its suite from a test of their own. It is for tests only.
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
		"events come back as published":       busRoundTrip,
		"order is the order of publishing":    busOrder,
		"one event is stored once":            busDuplicate,
		"ids are unique within a source only": busSources,
		"reading waits for what comes":        busWaits,
		"reading begins after a position":     busAfter,
		"reading groups what is at hand":      busGroups,
		"take's error ends the reading":       busTakeError,
		"the context ends the reading":        busContext,
		"what cannot be stored is permanent":  busPermanent,
		"nothing to publish is no error":      busNothing,
		"position tells the stream":           busPosition,
		"purge keeps what is young or unread": busPurge,
		"publishers do not mix their batches": busBatches,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func busRoundTrip(t *testing.T, bus engine.Bus) {
	want := []*engine.Event{
		busEvent("1", "HelpDesk", "17x5"),
		busEvent("2", "Accounts", "strange id/ü.*>"),
		{
			ID: "3", Source: engine.Source, Type: engine.LinkUsed, Subject: "HelpDesk/17x5", CauseID: "1", Depth: 2,
			Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Data: json.RawMessage(`{"link":"a"}`),
		},
	}
	busPublish(t, bus, want[0])
	busPublish(t, bus, want[1:]...)
	var got []*engine.Event
	for _, entry := range busRead(t, bus, 0, len(want)) {
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
		if age := time.Since(entry.Stored); age < -time.Minute || age > time.Minute {
			t.Errorf("entry %d was stored at %v", entry.Seq, entry.Stored)
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
			events, want = append(events, busEvent(id, "HelpDesk", fmt.Sprint(i%7))), append(want, id)
		}
		busPublish(t, bus, events...)
	}
	entries := busRead(t, bus, 0, len(want))
	if diff := cmp.Diff(want, busIDs(t, entries)); diff != "" {
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
		busPublish(t, bus, busEvent("same", "HelpDesk", "1"))
	}
	busPublish(t, bus, busEvent("end", "HelpDesk", "1"))
	if diff := cmp.Diff([]string{"same", "end"}, busIDs(t, busRead(t, bus, 0, 2))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func busSources(t *testing.T, bus engine.Bus) {
	names := [][3]string{ // source, id, dead letter
		{"crm", "1"},
		{"other", "1"},
		{"a", "b/c"},
		{"a/b", "c"},
		{"crm", "1", "x"},
		{"crm", "2", "x"},
		{"crm", "2", "y"},
	}
	for _, name := range names {
		event := busEvent(name[1], "HelpDesk", "1")
		event.Source, event.Letter = name[0], name[2]
		busPublish(t, bus, event)
	}
	if got := busRead(t, bus, 0, len(names)); len(got) != len(names) {
		t.Errorf("%d of %d events were stored", len(got), len(names))
	}
}

func busWaits(t *testing.T, bus engine.Bus) {
	ctx, cancel := context.WithTimeout(t.Context(), busPatience)
	defer cancel()
	busPublish(t, bus, busEvent("first", "HelpDesk", "1"))
	errDone := errors.New("all came")
	var got []string
	err := bus.Read(ctx, 0, 10, func(ctx context.Context, entries []engine.Entry) error {
		if got = append(got, busIDs(t, entries)...); len(got) == 3 {
			return errDone
		}
		return bus.Publish(ctx, busEvent(fmt.Sprint("next", len(got)), "HelpDesk", "1"))
	})
	if !errors.Is(err, errDone) {
		t.Fatalf("read %q, ended with %v", got, err)
	}
	if diff := cmp.Diff([]string{"first", "next1", "next2"}, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func busAfter(t *testing.T, bus engine.Bus) {
	busPublish(t, bus, busEvents(10)...)
	all := busRead(t, bus, 0, 10)
	rest := busRead(t, bus, all[6].Seq, 3)
	if diff := cmp.Diff([]string{"7", "8", "9"}, busIDs(t, rest)); diff != "" {
		t.Errorf("after the seventh entry came (-want +got):\n%s", diff)
	}
	if rest[0].Seq != all[7].Seq {
		t.Errorf("an entry was at %d and is at %d", all[7].Seq, rest[0].Seq)
	}
}

func busGroups(t *testing.T, bus engine.Bus) {
	const count, atMost = 100, 8
	busPublish(t, bus, busEvents(count)...)
	ctx, cancel := context.WithTimeout(t.Context(), busPatience)
	defer cancel()
	errDone := errors.New("all came")
	seen, groups := 0, 0
	err := bus.Read(ctx, 0, atMost, func(_ context.Context, entries []engine.Entry) error {
		if seen == 0 { // give the others the time of some round trips to arrive
			for range 20 {
				busAt(t, bus)
			}
		}
		if len(entries) == 0 || len(entries) > atMost {
			return fmt.Errorf("a group of %d entries, asked for 1 to %d", len(entries), atMost)
		}
		groups++
		if seen += len(entries); seen == count {
			return errDone
		}
		return nil
	})
	if !errors.Is(err, errDone) {
		t.Fatalf("after %d entries: %v", seen, err)
	}
	if groups == count {
		t.Error("every entry came alone, though all were at hand")
	}
}

func busTakeError(t *testing.T, bus engine.Bus) {
	busPublish(t, bus, busEvents(3)...)
	ctx, cancel := context.WithTimeout(t.Context(), busPatience)
	defer cancel()
	errStop, calls := errors.New("the store is gone"), 0
	err := bus.Read(ctx, 0, 1, func(context.Context, []engine.Entry) error {
		calls++
		return errStop
	})
	if !errors.Is(err, errStop) || calls != 1 {
		t.Errorf("%d calls, ended with %v; want 1 and take's own error", calls, err)
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, busIDs(t, busRead(t, bus, 0, 3))); diff != "" {
		t.Errorf("a new reading offers (-want +got):\n%s", diff)
	}
}

func busContext(t *testing.T, bus engine.Bus) {
	ctx, cancel := context.WithTimeout(t.Context(), busPatience)
	defer cancel()
	busPublish(t, bus, busEvents(1)...)
	err := bus.Read(ctx, 0, 1, func(context.Context, []engine.Entry) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("reading ended with %v", err)
	}
	if err := bus.Publish(ctx, busEvent("late", "HelpDesk", "1")); !errors.Is(err, context.Canceled) {
		t.Errorf("publishing after the end gave %v", err)
	}
}

func busPermanent(t *testing.T, bus engine.Bus) {
	large := busEvent("large", "HelpDesk", "1")
	large.Change.Record["text"] = strings.Repeat("x", engine.MaxEventBytes)
	strange := busEvent("strange", "Help.Desk", "1")
	for _, bad := range []*engine.Event{large, strange, {ID: "no-type", Source: "s", Subject: "HelpDesk/1"}} {
		err := bus.Publish(t.Context(), busEvent("good", "HelpDesk", "1"), bad)
		if one, ok := errors.AsType[*engine.EventError](err); !engine.IsPermanent(err) || !ok || one.Index != 1 {
			t.Errorf("event %q gave %v, want a permanent error about the second event", bad.ID, err)
		}
	}
	busPublish(t, bus, busEvent("end", "HelpDesk", "1"))
	if diff := cmp.Diff([]string{"end"}, busIDs(t, busRead(t, bus, 0, 1))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func busNothing(t *testing.T, bus engine.Bus) {
	if err := bus.Publish(t.Context()); err != nil {
		t.Error(err)
	}
}

func busPosition(t *testing.T, bus engine.Bus) {
	empty := busAt(t, bus)
	if empty.Last != 0 || empty.Full != 0 || empty.Stream == "" {
		t.Errorf("an empty bus is at %+v", empty)
	}
	busPublish(t, bus, busEvents(4)...)
	entries, now := busRead(t, bus, 0, 4), busAt(t, bus)
	want := engine.Position{Stream: empty.Stream, First: entries[0].Seq, Last: entries[3].Seq, Full: now.Full}
	if now != want || now.Full <= 0 || now.Full > 1 {
		t.Errorf("position is %+v, want %+v and a share in use", now, want)
	}
}

func busPurge(t *testing.T, bus engine.Bus) {
	busPublish(t, bus, busEvents(6)...)
	entries := busRead(t, bus, 0, 6)
	for _, step := range []struct {
		upTo  uint64
		keep  time.Duration
		first uint64
	}{
		{0, 0, entries[0].Seq},                      // nothing has been read
		{entries[3].Seq, time.Hour, entries[0].Seq}, // all are young
		{entries[1].Seq, 0, entries[2].Seq},
		{entries[0].Seq, 0, entries[2].Seq}, // long gone
		{entries[4].Seq, 0, entries[5].Seq},
	} {
		if err := bus.Purge(t.Context(), step.upTo, step.keep); err != nil {
			t.Fatalf("purge up to %d: %v", step.upTo, err)
		}
		if got := busAt(t, bus).First; got != step.first {
			t.Errorf("after purging up to %d older than %v the first is %d, want %d",
				step.upTo, step.keep, got, step.first)
		}
	}
	if diff := cmp.Diff([]string{"5"}, busIDs(t, busRead(t, bus, 0, 1))); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func busBatches(t *testing.T, bus engine.Bus) {
	const publishers, size = 8, 50
	var wait sync.WaitGroup
	for p := range publishers {
		wait.Go(func() {
			var events []*engine.Event
			for i := range size {
				events = append(events, busEvent(fmt.Sprintf("%d-%02d", p, i), "HelpDesk", fmt.Sprint(i)))
			}
			if err := bus.Publish(t.Context(), events...); err != nil {
				t.Errorf("publisher %d: %v", p, err)
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	all := busIDs(t, busRead(t, bus, 0, publishers*size))
	for batch := range publishers {
		first, _, _ := strings.Cut(all[batch*size], "-")
		for i, got := range all[batch*size : (batch+1)*size] {
			if want := fmt.Sprintf("%s-%02d", first, i); got != want {
				t.Fatalf("entry %d of batch %d is %s, want %s", i, batch, got, want)
			}
		}
	}
}

// busEvent is a small, valid record.updated event.
func busEvent(id, module, key string) *engine.Event {
	return &engine.Event{
		ID: id, Source: "https://crm.example", Type: engine.RecordUpdated, Subject: module + "/" + key,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678000000, time.UTC),
		Change: &engine.Change{
			Record:  engine.Fields{"id": key, "title": "<b>Ü & \"quoted\"</b>", "hours": json.Number("12.50")},
			Old:     engine.Fields{"title": nil},
			Changed: []string{"title"},
			Version: 7, Actor: "19x1",
		},
	}
}

func busEvents(count int) []*engine.Event {
	events := make([]*engine.Event, count)
	for i := range events {
		events[i] = busEvent(fmt.Sprint(i), "HelpDesk", fmt.Sprint(i))
	}
	return events
}

func busPublish(t *testing.T, bus engine.Bus, events ...*engine.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), busPatience)
	defer cancel()
	if err := bus.Publish(ctx, events...); err != nil {
		t.Fatal(err)
	}
}

func busAt(t *testing.T, bus engine.Bus) engine.Position {
	t.Helper()
	at, err := bus.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// busRead reads exactly count entries; what more is in the group that completes them fails the test.
func busRead(t *testing.T, bus engine.Bus, after uint64, count int) []engine.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), busPatience)
	defer cancel()
	errDone := errors.New("enough")
	var got []engine.Entry
	err := bus.Read(ctx, after, 500, func(_ context.Context, entries []engine.Entry) error {
		if got = append(got, entries...); len(got) >= count {
			return errDone
		}
		return nil
	})
	if !errors.Is(err, errDone) || len(got) != count {
		t.Fatalf("read %d of %d entries: %v", len(got), count, err)
	}
	return got
}

// busIDs decodes the entries as far as their ids.
func busIDs(t *testing.T, entries []engine.Entry) []string {
	t.Helper()
	var out []string
	for _, entry := range entries {
		var event struct{ ID string }
		if err := json.Unmarshal(entry.Data, &event); err != nil {
			t.Errorf("entry %d: %v", entry.Seq, err)
		}
		out = append(out, event.ID)
	}
	return out
}
