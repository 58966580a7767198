package store

import (
	"slices"
	"testing"
	"time"

	"postern/engine"
)

// What fell due by time between the backup and now may have been done: a restoration that skips starts none of it.
func TestRestoreThatSkipsWhatFellDue(t *testing.T) {
	for _, after := range []engine.AfterBackup{engine.AfterBackupSkip, engine.AfterBackupRun} {
		t.Run(string(after), func(t *testing.T) {
			s := fresh(t)
			partitions, err := s.Claim(t.Context(), "node", "EVENTS", testNow)
			if err != nil {
				t.Fatal(err)
			}
			fence := engine.Fence{Partition: partitions[0].ID, Epoch: partitions[0].Epoch}
			now, soon, later := testNow.Add(time.Hour), testNow.Add(time.Minute), testNow.Add(24*time.Hour)
			book := []engine.Timing{
				{Workflow: "came", Key: "1", Next: soon},
				{Workflow: "comes", Key: "1", Next: later},
				{Workflow: "walks", Key: "1", Next: later, Walk: &engine.Walk{Tick: testNow, After: "7"}},
				{Workflow: "arms", Key: "1", Walk: &engine.Walk{After: "7"}},
			}
			standing, err := s.Timings(t.Context(), fence, book)
			if err != nil {
				t.Fatal(err)
			}
			alarms := []engine.Alarm{
				{Timing: standing[3].Number, Record: "1", Value: "a", Due: soon},
				{Timing: standing[3].Number, Record: "2", Value: "b", Due: later},
			}
			if _, err := s.Intake(t.Context(), engine.Intake{Alarms: alarms, Gathered: []engine.Gathered{
				gatheredFor("=1", time.Minute), gatheredFor("=2", 24*time.Hour),
			}}); err != nil {
				t.Fatal(err)
			}
			_, err = s.Restore(t.Context(), engine.RestoreOrder{
				Restoration: engine.Restoration{At: now, Backup: testNow, Skip: 7}, Stream: "EVENTS", After: after,
			})
			if err != nil {
				t.Fatal(err)
			}
			anew := slices.Clone(book)
			for i := range anew {
				anew[i].Next, anew[i].Walk = later.Add(time.Hour), nil
			}
			if standing, err = s.Timings(t.Context(), fence, anew); err != nil {
				t.Fatal(err)
			}
			var begun []string
			for i, at := range standing {
				if at.Next.Equal(anew[i].Next) {
					begun = append(begun, at.Workflow)
				}
			}
			rings, open := dueAt(t, s, later)
			want, left := []string{"came", "walks"}, 1
			if after == engine.AfterBackupRun {
				want, left = nil, 2
			}
			if !slices.Equal(begun, want) || rings != left || open != left {
				t.Errorf("planned anew are %v, %d alarms and %d windows are left", begun, rings, open)
			}
		})
	}
}

// gatheredFor is an event whose window is open for some time.
func gatheredFor(key string, open time.Duration) engine.Gathered {
	return engine.Gathered{
		Workflow: "calm", Key: key, RunKey: []byte(key), At: testNow, For: open, Max: open, Event: &engine.Event{
			ID: "e", Source: "crm", Type: engine.RecordUpdated, Subject: "HelpDesk/1", Change: &engine.Change{},
		},
	}
}

// dueAt counts the alarms and the windows that will be due at a time.
func dueAt(t *testing.T, s *Store, at time.Time) (alarms, windows int) {
	t.Helper()
	rings, _, err := s.DueAlarms(t.Context(), at, 9)
	if err != nil {
		t.Fatal(err)
	}
	open, _, err := s.DueWindows(t.Context(), at, 9)
	if err != nil {
		t.Fatal(err)
	}
	return len(rings), len(open)
}
