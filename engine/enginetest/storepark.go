package enginetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// park stores a new run of a workflow in a state.
func (s *storeTrial) park(t *testing.T, seq uint64, workflow string, state engine.RunState) *engine.Run {
	t.Helper()
	run := s.run(seq)
	run.Workflow, run.Progress.Gate = workflow, "gate "+workflow
	s.intake(t, engine.Intake{Runs: []*engine.Run{run}})
	run.State = state
	s.advance(t, run, engine.Advance{})
	return run
}

func storeParked(t *testing.T, s *storeTrial) {
	runs := []*engine.Run{
		s.park(t, 9, "a", engine.RunWaiting), s.park(t, 2, "b", engine.RunWaiting),
		s.park(t, 8, "a", engine.RunWriting), s.park(t, 3, "b", engine.RunRetrying),
		s.park(t, 4, "a", engine.RunHeld), s.park(t, 5, "a", engine.RunReady),
		s.park(t, 6, "b", engine.RunDone), s.park(t, 7, "c", engine.RunWaiting),
	}
	standing := map[uint64]engine.Standing{}
	for _, run := range runs {
		standing[run.Seq] = engine.Standing{
			ID: run.ID, Partition: run.Partition, Workflow: run.Workflow, Record: run.Record, State: run.State,
			Gate: run.Progress.Gate,
		}
	}
	for _, c := range []struct {
		holders []string
		want    []uint64
	}{
		{nil, []uint64{3, 8}},
		{[]string{"a"}, []uint64{3, 8, 9}},
		{[]string{"c", "b", "none"}, []uint64{2, 3, 7, 8}},
	} {
		var want []engine.Standing
		for _, seq := range c.want {
			want = append(want, standing[seq])
		}
		got, err := s.Parked(t.Context(), c.holders)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("parked with holders %v, %v (-want +got):\n%s", c.holders, err, diff)
		}
	}
	got, err := s.Unfinished(t.Context())
	if diff := cmp.Diff([]engine.Standing{standing[5]}, got); diff != "" || err != nil {
		t.Errorf("unfinished, %v (-want +got):\n%s", err, diff)
	}
	// A parked run goes on.
	s.advance(t, done(runs[2]), engine.Advance{})
	if got, err := s.Parked(t.Context(), nil); err != nil || len(got) != 1 {
		t.Errorf("parked after one went on: %v, %v", got, err)
	}
}

// Whoever cancels a run and the lane that moves it on may meet: one of them comes second and is told so, and a run
// that was cancelled stays so.
func storeCancel(t *testing.T, s *storeTrial) {
	var all sync.WaitGroup
	var runs []*engine.Run
	for seq := range uint64(30) {
		run := s.takeIn(t, seq)
		runs = append(runs, run)
		parked, stopped := *run, *run
		parked.State = engine.RunWaiting
		fence := s.fences[run.Partition]
		all.Go(func() {
			err := s.Advance(context.Background(), engine.Advance{
				Fence: fence, Run: &parked, Wait: &engine.Wait{Due: storeNow, Topics: []string{"link:a"}},
			})
			if err != nil && !errors.Is(err, engine.ErrRunOver) && !errors.Is(err, engine.ErrStale) {
				t.Errorf("the lane: %v", err)
			}
		})
		all.Go(func() {
			cancel := func(run engine.Run) error {
				run.State = engine.RunStopped
				return s.Advance(context.Background(), engine.Advance{Fence: fence, Run: &run, Rested: true})
			}
			err := cancel(stopped)
			if errors.Is(err, engine.ErrStale) {
				err = cancel(*s.stored(t, stopped.ID))
			}
			if err != nil {
				t.Errorf("cancel: %v", err)
			}
		})
	}
	all.Wait()
	s.touch(t, "link:a")
	if woken := s.due(t, storeEver); len(woken) > 0 {
		t.Errorf("%d cancelled runs still wait", len(woken))
	}
	if slices.ContainsFunc(runs, func(r *engine.Run) bool { return s.stored(t, r.ID).State != engine.RunStopped }) {
		t.Error("a cancelled run went on")
	}
}

// A record that a run makes in our own store commits with the run.
func storeAdvanceCreates(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open")}})
	run := s.takeIn(t, 1)
	c := engine.Create{
		Module: "HelpDesk", Fields: engine.Fields{"status": "Open"}, Origin: engine.Origin{
			EventID: s.id(), Source: engine.Source, At: storeNow,
		},
	}
	refused := engine.Advance{
		Fence: s.fences[run.Partition], Run: done(run),
		Changes: append([]engine.Ask{{Create: &c}}, writes(s.write("1", "Gone", "Closed"))...),
	}
	if err := s.Advance(t.Context(), refused); err == nil {
		t.Fatal("a write that conflicts was done")
	}
	s.expectStatus(t, c.EventID.String(), nil)
	write := s.write("1", "Open", "Closed")
	s.advance(t, done(run), engine.Advance{Changes: append(writes(write), engine.Ask{Create: &c})})
	s.expectStatus(t, c.EventID.String(), "Open")
	if diff := cmp.Diff([]string{write.EventID.String(), c.EventID.String()}, s.outgoing(t)); diff != "" {
		t.Errorf("outgoing events (-want +got):\n%s", diff)
	}
}

// A run that was changed since it was read is not moved on by what was read, and nothing of it is stored.
func storeStale(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	read := *s.stored(t, run.ID)
	s.advance(t, run, engine.Advance{})
	step := engine.Advance{
		Fence: s.fences[read.Partition], Run: &read, Deliveries: []*engine.Delivery{s.delivery(&read, storeNow)},
	}
	if err := s.Advance(t.Context(), step); !errors.Is(err, engine.ErrStale) {
		t.Errorf("a run as it was before: %v", err)
	}
	if taken := s.take(t, storeNow, 1); len(taken) > 0 {
		t.Error("its message was stored all the same")
	}
	fresh := s.stored(t, run.ID)
	if fresh.Revision != run.Revision || fresh.Revision != read.Revision+1 {
		t.Errorf("revision %d is stored, %d was told, %d was read", fresh.Revision, run.Revision, read.Revision)
	}
	s.advance(t, fresh, engine.Advance{})
}
