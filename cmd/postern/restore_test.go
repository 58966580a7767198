package main

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/store"
)

// A use of a link that was committed and, at a crash, not told yet is counted from the database that is replaced.
func TestRestoreCountsUsesThatWereNotTold(t *testing.T) {
	folder := t.TempDir()
	logger := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), filepath.Join(folder, "postern.db"), engine.SystemClock{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	partitions, err := s.Claim(t.Context(), "one", "EVENTS", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	link := engine.DerivedID(engine.ID{}, "link")
	data, err := json.Marshal(map[string]any{"link": link, "landing": "ticket"})
	if err != nil {
		t.Fatal(err)
	}
	used := &engine.Event{ID: "u1", Source: engine.Source, Type: engine.LinkUsed, Subject: "Tickets/1", Data: data}
	other := &engine.Event{ID: "o1", Source: engine.Source, Type: "ticket.closed", Subject: "Tickets/1"}
	mark := engine.Mark{Fence: engine.Fence{Partition: 0, Epoch: partitions[0].Epoch}, Cursor: 1}
	in := engine.Intake{Marks: []engine.Mark{mark}, Events: []*engine.Event{used, other, used}}
	if _, err := s.Intake(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := restoration{config: config{Data: folder}, logger: logger}
	var found since
	r.lookBack(t.Context(), &found)
	if len(found.Used) != 1 || found.Used[0] != link {
		t.Errorf("the uses are %v, want one of %s", found.Used, link)
	}
	r.config.Data = filepath.Join(folder, "nothing")
	r.lookBack(t.Context(), &found)
	if len(found.Used) != 1 {
		t.Errorf("a folder without a database tells uses: %v", found.Used)
	}
}
