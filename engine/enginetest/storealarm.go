package enginetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// dueAlarms reads all alarms that are due at a time.
func (s *storeTrial) dueAlarms(t *testing.T, now time.Time) []engine.Alarm {
	t.Helper()
	due, _, err := s.DueAlarms(t.Context(), now, 100)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

// An alarm stands as the last event says; a walk arms only where no event has.
func storeAlarms(t *testing.T, s *storeTrial) {
	at := s.timings(t, timingOf("a", "date", time.Time{}))[0]
	alarm := func(record, value string, in time.Duration) engine.Alarm {
		return engine.Alarm{Timing: at.Number, Record: record, Value: value, Due: storeNow.Add(in)}
	}
	moved, stays, gone := alarm("1", "x", time.Hour), alarm("2", "y", 2*time.Hour), alarm("3", "z", time.Minute)
	s.intake(t, engine.Intake{Alarms: []engine.Alarm{moved, stays, gone}})
	later := alarm("1", "x2", 3*time.Hour)
	s.intake(t, engine.Intake{Alarms: []engine.Alarm{later, {Timing: at.Number, Record: "3"}}})
	walked := alarm("4", "w", 4*time.Hour)
	s.tick(t, engine.Tick{Timing: at, Alarms: []engine.Alarm{alarm("2", "old", time.Second), walked}})
	if diff := cmp.Diff([]engine.Alarm{stays, later, walked}, s.dueAlarms(t, storeEver)); diff != "" {
		t.Errorf("armed (-want +got):\n%s", diff)
	}
	due, next, err := s.DueAlarms(t.Context(), stays.Due, 100)
	if err != nil || len(due) != 1 || !next.Equal(later.Due) {
		t.Errorf("%d are due, the next at %v, %v", len(due), next, err)
	}
	if due, _, err := s.DueAlarms(t.Context(), storeEver, 2); err != nil || len(due) != 2 {
		t.Errorf("a page of two has %d, %v", len(due), err)
	}
	s.timings(t) // the book drops the trigger
	if left := s.dueAlarms(t, storeEver); len(left) > 0 {
		t.Errorf("due of a trigger that is gone: %v", left)
	}
	s.timings(t, timingOf("a", "date", time.Time{}))
	if left := s.dueAlarms(t, storeEver); len(left) > 0 {
		t.Errorf("due of a trigger that came back: %v", left)
	}
}

// What rings is gone with what it led to, unless it was armed otherwise meanwhile.
func storeRing(t *testing.T, s *storeTrial) {
	at := s.timings(t, timingOf("a", "date", time.Time{}))[0]
	var alarms []engine.Alarm
	for i, record := range []string{"1", "2", "3", "4", "5"} {
		due := storeNow.Add(time.Duration(i) * time.Second)
		alarms = append(alarms, engine.Alarm{Timing: at.Number, Record: record, Value: "v", Due: due})
	}
	s.intake(t, engine.Intake{Alarms: alarms})
	one, known, late := s.run(1), s.takeIn(t, 2), s.run(3)
	again := alarms[3]
	again.Value, again.Due = "v2", storeNow.Add(time.Hour)
	moved := alarms[2]
	moved.Value, moved.Due = "elsewhere", storeNow.Add(2*time.Hour)
	s.intake(t, engine.Intake{Alarms: []engine.Alarm{moved}}) // after it was read
	rung := []engine.Rung{
		{Alarm: alarms[0], Run: one},
		{Alarm: alarms[1], Run: known}, // as a walk arms once more what has rung
		{Alarm: alarms[2], Run: late},
		{Alarm: alarms[3], Again: &again},
		{Alarm: alarms[4]},
	}
	started, err := s.Ring(t.Context(), s.fences, rung)
	if err != nil || len(started) != 1 || started[0] != one {
		t.Errorf("started %d runs, %v", len(started), err)
	}
	if diff := cmp.Diff([]engine.Alarm{again, moved}, s.dueAlarms(t, storeEver)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if got := s.unfinished(t); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("unfinished: %v", got)
	}
	if started, err := s.Ring(t.Context(), s.fences, rung); err != nil || len(started) > 0 {
		t.Errorf("rung again: %d runs, %v", len(started), err)
	}
	before := s.fences
	s.claim(t, "two")
	if _, err := s.Ring(t.Context(), before, []engine.Rung{{Alarm: again}}); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("rung under an old epoch: %v", err)
	}
}
