package store

import (
	"testing"

	"postern/engine"
)

// A delivery that is put aside by a restoration knows what was reported of it before.
func TestRestoreHearsWhatWasKept(t *testing.T) {
	s := fresh(t)
	fences := claimAll(t, s)
	run := testRun(1)
	if _, err := s.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		t.Fatal(err)
	}
	heard, silent := testDelivery(run, "one"), testDelivery(run, "two")
	heard.State, heard.Slot, silent.State, silent.Slot = engine.DeliverySending, 1, engine.DeliverySending, 2
	step := engine.Advance{Fence: fences[run.Partition], Run: run, Deliveries: []*engine.Delivery{heard, silent}}
	if err := s.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	got, err := s.Hear(t.Context(), engine.Hearing{
		Channel: heard.Channel, Key: "1", At: testNow, Now: testNow, Delivery: heard.ID,
		Report: &engine.Report{Delivery: heard.ID, State: engine.DeliveryDelivered},
	})
	if err != nil || !got.Kept {
		t.Fatalf("the report came to %+v, %v", got, err)
	}
	order := engine.RestoreOrder{
		Restoration: engine.Restoration{At: testNow, Backup: testNow}, Stream: "EVENTS", After: engine.AfterBackupSkip,
	}
	if _, err := s.Restore(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[engine.ID]engine.DeliveryState{
		heard.ID: engine.DeliveryDelivered, silent.ID: engine.DeliveryUnknown,
	} {
		if d, err := s.Delivery(t.Context(), id); err != nil || d.State != want {
			t.Errorf("it is %v, want %s, %v", d, want, err)
		}
	}
	told, err := s.Outgoing(t.Context(), 9)
	if err != nil || len(told) != 1 || told[0].Event.Type != engine.DeliveryDeliveredEvent {
		t.Errorf("told %v, %v", told, err)
	}
}
