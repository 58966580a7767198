package store

import (
	"fmt"
	"testing"
	"time"

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

// Of reports on messages that are not ours nothing stays, not even in memory.
func TestReportsNobodyWaitsForAreForgotten(t *testing.T) {
	s := fresh(t)
	for i, at := range []time.Time{testNow, testNow, testNow.Add(engine.ReportsKept)} {
		for name := range 2 + i {
			_, err := s.Hear(t.Context(), engine.Hearing{
				Channel: "push", Key: fmt.Sprint(i, name), At: at, Now: at,
				Report: &engine.Report{ProviderID: fmt.Sprint("m", name), State: engine.DeliverySent},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := s.Hear(t.Context(), engine.Hearing{
		Channel: "push", Key: "other", At: testNow, Now: testNow,
		Report: &engine.Report{ProviderID: "other", State: engine.DeliverySent},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []struct {
		after time.Duration
		kept  int
	}{{engine.ReportsKept, 5}, {engine.ReportsKept + time.Hour, 4}, {3 * engine.ReportsKept, 0}} {
		if _, err := s.Forget(t.Context(), engine.DefaultRetention(), testNow.Add(when.after)); err != nil {
			t.Fatal(err)
		}
		if len(s.writer.kept) != when.kept {
			t.Errorf("after %v there are reports about %d messages, should be %d", when.after, len(s.writer.kept),
				when.kept)
		}
	}
}
