package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/store"
)

// storedDeliveries is a house with deliveries of one run, one a minute in the states given.
func storedDeliveries(t *testing.T, states ...engine.DeliveryState) *house {
	t.Helper()
	path, began := filepath.Join(t.TempDir(), "postern.db"), time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	s, err := store.Open(t.Context(), path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	partitions, err := s.Claim(t.Context(), "one", "EVENTS", began)
	if err != nil {
		t.Fatal(err)
	}
	event := &engine.Event{ID: "1", Source: "crm", Type: engine.RecordCreated, Subject: "HelpDesk/1", Change: &engine.Change{}}
	run := &engine.Run{
		ID: testID, Key: engine.RunKey("main", "crm", "1"), Workflow: "main", Record: event.Ref(), Event: event,
		State: engine.RunReady, Created: began,
	}
	if _, err := s.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		t.Fatal(err)
	}
	step := engine.Advance{Fence: engine.Fence{Epoch: partitions[0].Epoch}, Run: run}
	for i, state := range states {
		at := began.Add(time.Duration(i) * time.Minute)
		id, err := engine.NewID(at, strings.NewReader("0123456789"))
		if err != nil {
			t.Fatal(err)
		}
		step.Deliveries = append(step.Deliveries, &engine.Delivery{
			ID: id, Run: run.ID, Channel: "email", Record: run.Record, State: state, Due: at, Created: at,
		})
	}
	if err := s.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	return &house{store: s}
}

func TestDeliveriesInDoubtComeFirst(t *testing.T) {
	unknown, accepted := engine.DeliveryUnknown, engine.DeliveryAccepted
	h := storedDeliveries(t, unknown, accepted, unknown, accepted, unknown, accepted, engine.DeliveryRejected)
	for limit := 1; limit <= 8; limit++ {
		var got strings.Builder
		order := deliveryListOrder{Limit: limit}
		for range 9 {
			lines, err := h.deliveryLines(t.Context(), order)
			if err != nil {
				t.Fatal(err)
			}
			if len(lines) == 0 {
				break
			}
			if len(lines) > limit {
				t.Fatalf("%d lines, want %d at most", len(lines), limit)
			}
			for _, l := range lines {
				got.WriteByte(byte('0' + l.Created.Minute() - 8))
			}
			order.Before = lines[len(lines)-1].ID.String()
		}
		if want := "4206531"; got.String() != want {
			t.Errorf("in pages of %d the deliveries come as %s, want %s", limit, got.String(), want)
		}
	}
	lines, err := h.deliveryLines(t.Context(), deliveryListOrder{Limit: 9, States: []engine.DeliveryState{accepted}})
	if err != nil || len(lines) != 3 {
		t.Errorf("%d deliveries are accepted, %v; want 3", len(lines), err)
	}
}
