package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// A copy made while others write is one moment, and opens.
func TestCopyWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.db")
	s := at(t, path)
	claimAll(t, s)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	first := make(chan struct{})
	go func() {
		var err error
		for seq := uint64(1); err == nil && ctx.Err() == nil; seq++ {
			_, err = s.Intake(context.Background(), engine.Intake{Runs: []*engine.Run{testRun(2 * seq), testRun(2*seq + 1)}})
			if seq == 20 {
				close(first)
			}
		}
		ended <- err
	}()
	<-first
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := Copy(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	position, err := PositionOf(t.Context(), copied)
	if err != nil || position.Stream != "EVENTS" || len(position.Cursors) != engine.Partitions || position.Schema == 0 {
		t.Errorf("the copy's position is %+v, %v", position, err)
	}
	runs, err := at(t, copied).Unfinished(t.Context())
	if err != nil || len(runs) < 40 || len(runs)%2 != 0 {
		t.Errorf("the copy has %d runs, %v; they were stored two at a time", len(runs), err)
	}
	if err := Copy(t.Context(), path, copied); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("a second copy to the same path: %v", err)
	}
}

// restored is a store with runs and deliveries in every open state that was brought back from a backup.
func restored(t *testing.T, after engine.AfterBackup) (*Store, map[string]*engine.Run, engine.Restored) {
	t.Helper()
	s := fresh(t)
	fences := claimAll(t, s)
	runs := map[string]*engine.Run{}
	for i, name := range []string{"ready", "waiting long", "waiting shortly"} {
		run := testRun(uint64(i))
		runs[name] = run
		if _, err := s.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, due := range map[string]time.Time{
		"waiting long": testNow.Add(48 * time.Hour), "waiting shortly": testNow.Add(time.Minute),
	} {
		run := *runs[name]
		run.State = engine.RunWaiting
		step := engine.Advance{
			Fence: fences[run.Partition], Run: &run, Wait: &engine.Wait{Due: due},
			Deliveries: []*engine.Delivery{testDelivery(&run, name)},
		}
		if err := s.Advance(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	done, err := s.Restore(t.Context(), engine.RestoreOrder{
		Restoration: engine.Restoration{At: testNow.Add(time.Hour), Backup: testNow, Skip: 77},
		Stream:      "EVENTS", After: after,
		Events: []*engine.Event{{
			ID: "saved", Source: "crm", Type: engine.RecordCreated, Subject: "HelpDesk/1",
			Change: &engine.Change{Record: engine.Fields{"title": "t"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, runs, done
}

func TestRestoreThatSkips(t *testing.T) {
	s, runs, done := restored(t, engine.AfterBackupSkip)
	if want := (engine.Restored{Held: 2, Unknown: 2, Events: 1}); done != want {
		t.Errorf("put aside %+v, want %+v", done, want)
	}
	for name, want := range map[string]engine.RunState{
		"ready": engine.RunHeld, "waiting shortly": engine.RunHeld, "waiting long": engine.RunWaiting,
	} {
		run, err := s.Run(t.Context(), runs[name].ID)
		if err != nil || run.State != want {
			t.Errorf("%s is %s, want %s (%v)", name, run.State, want, err)
		}
		if name == "waiting shortly" && run.Progress.From != engine.RunWaiting {
			t.Errorf("%s would go on from %q", name, run.Progress.From)
		}
		if want == engine.RunHeld && (len(run.History) == 0 || !strings.Contains(run.History[len(run.History)-1].Text, "backup")) {
			t.Errorf("the history of %s says %v", name, run.History)
		}
	}
	again, err := s.Restoration(t.Context())
	if err != nil || again.Skip != 77 || !again.Backup.Equal(testNow) || again.At.IsZero() {
		t.Errorf("it remembers %+v, %v", again, err)
	}
	out, err := s.Outgoing(t.Context(), 10)
	if err != nil || len(out) != 1 || out[0].Event.ID != "saved" {
		t.Errorf("to be published are %d events, %v", len(out), err)
	}
}

func TestRestoreThatRuns(t *testing.T) {
	s, runs, done := restored(t, engine.AfterBackupRun)
	if want := (engine.Restored{Events: 1}); done != want {
		t.Errorf("put aside %+v, want %+v", done, want)
	}
	if run, err := s.Run(t.Context(), runs["ready"].ID); err != nil || run.State != engine.RunReady {
		t.Errorf("the run that was ready is %s, %v", run.State, err)
	}
}

// A write that the backup holds as planned may have been done since, whatever becomes of the events.
func TestRestoredEffectsAreInDoubt(t *testing.T) {
	s := fresh(t)
	fences := claimAll(t, s)
	run := testRun(1)
	if _, err := s.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		t.Fatal(err)
	}
	write := &engine.Write{
		Ref: run.Record, Patch: engine.Patch{Set: engine.Fields{"title": "t"}}, Origin: engine.Origin{EventID: engine.ID{9}},
	}
	effect := engine.NewEffect(engine.ID{8}, run.ID, engine.Ask{Write: write}, engine.DefaultRetry(), testNow)
	run.State = engine.RunWriting
	step := engine.Advance{Fence: fences[run.Partition], Run: run, Effects: []*engine.Effect{effect}}
	if err := s.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	order := engine.RestoreOrder{Stream: "EVENTS", After: engine.AfterBackupRun}
	order.At, order.Backup = testNow, testNow
	if _, err := s.Restore(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	taken, _, err := s.TakeEffects(t.Context(), engine.EffectDemand{Fences: fences, Now: testNow, Limit: 9})
	if err != nil || len(taken) != 1 || !taken[0].Doubtful {
		t.Errorf("taken %+v, %v", taken, err)
	}
}
