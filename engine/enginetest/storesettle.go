package enginetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

func storeSettleMoves(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.delivery(run, storeNow)
	d.Unknown = engine.OnUnknownNext
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{d}})
	d = s.take(t, storeNow, 1)[0]
	later := storeNow.Add(time.Minute)
	d.State, d.Slot, d.Channel, d.Masked = engine.DeliveryPlanned, 0, "sms", "…22"
	d.Due, d.Until = later, later.Add(time.Hour)
	d.History = append(d.History, engine.Decision{At: storeNow, Text: "now by sms", Doubt: true})
	event := &engine.Event{
		ID: "told", Source: engine.Source, Type: engine.DeliveryUnknownEvent, Subject: run.Record.String(),
		Time: storeNow, CauseID: "1", Depth: 1, Data: json.RawMessage(`{"delivery":"x"}`),
	}
	outcome := engine.Settle{Fence: s.fences[d.Partition], Delivery: d, Events: []*engine.Event{event}}
	if err := s.Settle(t.Context(), outcome); err != nil {
		t.Fatal(err)
	}
	again := s.take(t, later, 1)
	d.State, d.Slot = engine.DeliverySending, 10
	if diff := cmp.Diff([]*engine.Delivery{d}, again); diff != "" {
		t.Errorf("delivery on its new way (-want +got):\n%s", diff)
	}
	told, err := s.Outgoing(t.Context(), 9)
	if err != nil || len(told) != 1 {
		t.Fatalf("told %d events, %v", len(told), err)
	}
	if diff := cmp.Diff(event, told[0].Event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}

	d.State, d.Slot = engine.DeliveryRejected, 0
	s.settle(t, d)
	if err := s.Settle(t.Context(), outcome); err == nil {
		t.Error("a delivery that was over was settled")
	}
	if told, err := s.Outgoing(t.Context(), 9); err != nil || len(told) != 1 {
		t.Errorf("what was refused told events: %d, %v", len(told), err)
	}
}

func storeTakeOver(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	fresh, over, resting, other := s.delivery(run, storeNow), s.delivery(run, storeNow.Add(-2*time.Hour)),
		s.delivery(run, storeNow.Add(time.Hour)), s.delivery(run, storeNow.Add(-3*time.Hour))
	resting.Until, other.Channel = storeNow.Add(-time.Minute), "sms"
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{fresh, over, resting, other}})
	demand := engine.Demand{
		Fences: s.fences, Channels: []string{"email"}, Over: true, Slots: []int{4, 5, 6}, Now: storeNow,
	}
	taken, next, err := s.Take(t.Context(), demand)
	if err != nil {
		t.Fatal(err)
	}
	var ids []engine.ID
	for _, d := range taken {
		ids = append(ids, d.ID)
	}
	if diff := cmp.Diff([]engine.ID{over.ID, resting.ID}, ids); diff != "" || !next.Equal(fresh.Until) {
		t.Errorf("next %v, want %v; taken (-want +got):\n%s", next, fresh.Until, diff)
	}
}
