package enginetest

import (
	"errors"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// busy takes in a run that waits for an hour or a ticket's change, with two effects on a record that another
// run's effect stands behind, a planned delivery and one that is being sent.
func (s *deskTrial) busy(t *testing.T) (run *engine.Run, deliveries []*engine.Delivery) {
	t.Helper()
	run = s.takeIn(t, 1)
	run.State = engine.RunWaiting
	run.Progress.Rest = &engine.Rest{Began: storeNow, Until: storeNow.Add(time.Hour)}
	planned, sending := s.delivery(run, storeNow.Add(time.Hour)), s.delivery(run, storeNow)
	sending.State, sending.Slot = engine.DeliverySending, 3
	deliveries = []*engine.Delivery{planned, sending}
	s.advance(t, run, engine.Advance{
		Deliveries: deliveries,
		Effects:    []*engine.Effect{s.plannedEffect(run, "1"), s.plannedEffect(run, "2")},
		Wait:       &engine.Wait{Due: storeNow.Add(time.Hour), Topics: []string{engine.RecordTopic(run.Record)}},
	})
	return run, deliveries
}

// plannedEffect is a new effect on a ticket.
func (s *deskTrial) plannedEffect(run *engine.Run, ticket string) *engine.Effect {
	write := s.write(ticket, "Open", "Closed")
	return &engine.Effect{
		ID: s.id(), Run: run.ID, Partition: run.Partition, Workflow: run.Workflow, Step: "1", Record: write.Ref,
		Ask: engine.Ask{Write: &write}, State: engine.EffectPlanned, Due: storeNow, Until: storeNow.Add(time.Hour),
		Retry: engine.DefaultRetry(), Created: storeNow,
	}
}

func deskStory(t *testing.T, s *deskTrial) {
	run := s.takeIn(t, 1)
	link, d := s.link(), s.delivery(run, storeNow)
	d.Links = []engine.NamedLink{{Name: "ticket", Link: link, ID: link.ID}, {Name: "link", Link: link, ID: link.ID}}
	effect := s.plannedEffect(run, "1")
	run.State = engine.RunWaiting
	s.advance(t, run, engine.Advance{
		Links: []engine.Link{link}, Deliveries: []*engine.Delivery{d}, Effects: []*engine.Effect{effect},
		Wait: &engine.Wait{Due: storeNow.Add(time.Hour), Topics: []string{"b", "a"}},
	})
	other := s.takeIn(t, 2)
	s.advance(t, other, engine.Advance{Deliveries: []*engine.Delivery{s.delivery(other, storeNow)}})

	got, err := s.RunStory(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	d.Recipient = engine.Recipient{Ref: d.Recipient.Ref}
	want := &engine.RunStory{
		Run: run, Updated: got.Updated, Effects: []*engine.Effect{effect}, Deliveries: []*engine.Delivery{d},
		Links: []engine.LinkStory{{Link: link}},
		Waits: []engine.WaitLine{{
			Standing: engine.Standing{
				ID: run.ID, Partition: run.Partition, Workflow: "test", Record: run.Record, State: engine.RunWaiting,
			},
			Step: "1", Due: storeNow.Add(time.Hour), Topics: []string{"a", "b"},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("story (-want +got):\n%s", diff)
	}
	if _, err := s.RunStory(t.Context(), d.ID); !errors.Is(err, engine.ErrNoRun) {
		t.Errorf("the story of no run: %v", err)
	}
}

func deskCancelRun(t *testing.T, s *deskTrial) {
	run, deliveries := s.busy(t)
	later := s.takeIn(t, 2)
	behind := s.plannedEffect(later, "1")
	s.advance(t, later, engine.Advance{Effects: []*engine.Effect{behind}})

	line, err := s.CancelRun(t.Context(), run.ID, order("a mistake"), false)
	if err != nil || line.State != engine.RunStopped || line.Reason != "cancelled by ann: a mistake" {
		t.Fatalf("cancelled: %+v, %v", line, err)
	}
	stopped := s.stored(t, run.ID)
	if n := len(stopped.History); stopped.State != engine.RunStopped || n != 1 ||
		stopped.History[0].Text != "stopped: cancelled by ann: a mistake" {
		t.Errorf("the run is %s, its history %v", stopped.State, stopped.History)
	}
	if due := s.due(t, storeNow.Add(2*time.Hour)); len(due) > 0 {
		t.Errorf("%d waits are left", len(due))
	}
	taken, _, err := s.TakeEffects(t.Context(), engine.EffectDemand{Fences: s.fences, Now: storeNow, Limit: 10})
	if err != nil || len(taken) != 1 || taken[0].ID != behind.ID {
		t.Errorf("%d effects can be taken, want only that of the other run; %v", len(taken), err)
	}
	effects, err := s.Effects(t.Context(), run.ID)
	if err != nil || len(effects) != 2 || effects[0].State != engine.EffectRejected ||
		effects[0].Reason != "cancelled by ann: a mistake" {
		t.Errorf("effects of the cancelled run: %+v, %v", effects, err)
	}
	if left := s.take(t, storeNow.Add(time.Hour), 9); len(left) != 1 || left[0].ID != deliveries[0].ID {
		t.Errorf("%d deliveries are left, want the planned one", len(left))
	}
	late := engine.Advance{Fence: s.fences[run.Partition], Run: run}
	if err := s.Advance(t.Context(), late); !engine.IsPermanent(err) {
		t.Errorf("a cancelled run went on: %v", err)
	}
	if _, err := s.CancelRun(t.Context(), run.ID, order(""), false); !engine.IsPermanent(err) {
		t.Errorf("a run that is over was cancelled: %v", err)
	}
}

func deskCancelDeliveries(t *testing.T, s *deskTrial) {
	run, deliveries := s.busy(t)
	if _, err := s.CancelRun(t.Context(), run.ID, order(""), true); err != nil {
		t.Fatal(err)
	}
	if left := s.take(t, storeNow.Add(time.Hour), 9); len(left) != 0 {
		t.Errorf("%d deliveries are left", len(left))
	}
	for i, want := range []engine.DeliveryState{engine.DeliveryRejected, engine.DeliverySending} {
		d, err := s.Delivery(t.Context(), deliveries[i].ID)
		if err != nil || d.State != want {
			t.Errorf("delivery %d: %+v, %v; want %s", i, d, err, want)
		}
	}
}

func deskRetryRun(t *testing.T, s *deskTrial) {
	failed := s.takeIn(t, 1)
	failed.State, failed.Reason = engine.RunFailed, "step 2 (update): no such record"
	failed.Progress = engine.Progress{
		Next: 1, Tries: 3, Since: storeNow.Add(-time.Hour), Written: engine.Fields{"a": "b"},
	}
	s.advance(t, failed, engine.Advance{})
	held := s.run(2)
	held.State = engine.RunHeld
	s.intake(t, engine.Intake{Runs: []*engine.Run{held}})
	cancelled := s.takeIn(t, 3)
	if _, err := s.CancelRun(t.Context(), cancelled.ID, order(""), false); err != nil {
		t.Fatal(err)
	}
	for _, run := range []*engine.Run{failed, held, cancelled} {
		s.noneTouched()
		line, err := s.RetryRun(t.Context(), run.ID, order("mended"))
		if err != nil || line.State != engine.RunRetrying {
			t.Fatalf("taken again: %+v, %v", line, err)
		}
		s.awaitTouch(t)
	}
	if due := s.due(t, storeNow); len(due) != 3 {
		t.Errorf("%d runs are due, want 3", len(due))
	}
	got := s.stored(t, failed.ID)
	want := engine.Progress{Next: 1, Written: engine.Fields{"a": "b"}, Round: 1}
	if diff := cmp.Diff(want, got.Progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if n := len(got.History); n == 0 || got.History[n-1].Text != "taken again by ann: mended" {
		t.Errorf("history %v", got.History)
	}
	s.advance(t, done(got), engine.Advance{Rested: true})
	if due := s.due(t, storeNow); len(due) != 2 {
		t.Errorf("%d runs are due, want 2", len(due))
	}
}

func deskRetryRefused(t *testing.T, s *deskTrial) {
	for _, c := range []struct {
		state  engine.RunState
		reason string
	}{
		{engine.RunReady, ""},
		{engine.RunPending, ""},
		{engine.RunDone, ""},
		{engine.RunWaiting, ""},
		{engine.RunRetrying, ""},
		{engine.RunWriting, ""},
		{engine.RunStopped, "loop: 9 writes in a row led here"},
	} {
		run := s.run(1)
		run.State, run.Reason = c.state, c.reason
		s.intake(t, engine.Intake{Runs: []*engine.Run{run}})
		if _, err := s.RetryRun(t.Context(), run.ID, order("")); !engine.IsPermanent(err) {
			t.Errorf("a run that is %s was taken again: %v", c.state, err)
		}
		if got := s.stored(t, run.ID); got.State != c.state || len(got.History) > 0 {
			t.Errorf("a refused retry left %s, %v", got.State, got.History)
		}
	}
	if _, err := s.RetryRun(t.Context(), s.id(), order("")); !errors.Is(err, engine.ErrNoRun) {
		t.Errorf("no run was taken again: %v", err)
	}
}

// A write that is under way may still succeed: its step must not be taken again beside it.
func deskRetryBusy(t *testing.T, s *deskTrial) {
	run, _ := s.busy(t)
	taken, _, err := s.TakeEffects(t.Context(), engine.EffectDemand{Fences: s.fences, Now: storeNow, Limit: 1})
	if err != nil || len(taken) != 1 {
		t.Fatalf("took %d effects, %v", len(taken), err)
	}
	if _, err := s.CancelRun(t.Context(), run.ID, order(""), false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RetryRun(t.Context(), run.ID, order("")); !engine.IsPermanent(err) {
		t.Errorf("a run whose write is under way was taken again: %v", err)
	}
	taken[0].State = engine.EffectDone
	if err := s.SettleEffect(t.Context(), s.fences[taken[0].Partition], taken[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RetryRun(t.Context(), run.ID, order("")); err != nil {
		t.Error(err)
	}
}

func deskWaits(t *testing.T, s *deskTrial) {
	rest := func(seq uint64, wait engine.Wait) *engine.Run {
		run := s.takeIn(t, seq)
		run.State = engine.RunWaiting
		s.advance(t, run, engine.Advance{Wait: &wait})
		return run
	}
	late := rest(1, engine.Wait{Due: storeNow.Add(2 * time.Hour), Topics: []string{"x"}})
	never := rest(2, engine.Wait{Topics: []string{"b", "a"}})
	soon := rest(3, engine.Wait{Due: storeNow.Add(time.Hour)})
	for name, c := range map[string]struct {
		sel  engine.WaitSelection
		want []engine.ID
	}{
		"all":      {engine.WaitSelection{}, []engine.ID{soon.ID, late.ID, never.ID}},
		"limit":    {engine.WaitSelection{Limit: 2}, []engine.ID{soon.ID, late.ID}},
		"until":    {engine.WaitSelection{Until: storeNow.Add(90 * time.Minute)}, []engine.ID{soon.ID}},
		"workflow": {engine.WaitSelection{Workflow: "other"}, nil},
		"record":   {engine.WaitSelection{Record: late.Record, Limit: 1}, []engine.ID{soon.ID}},
	} {
		lines, err := s.WaitLines(t.Context(), c.sel)
		if err != nil {
			t.Fatal(err)
		}
		var got []engine.ID
		for _, line := range lines {
			got = append(got, line.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func deskMoveWait(t *testing.T, s *deskTrial) {
	run, _ := s.busy(t)
	moved, err := s.MoveWait(t.Context(), run.ID, order("no hurry"), time.Time{}, time.Hour)
	if err != nil || !moved.Due.Equal(storeNow.Add(2*time.Hour)) {
		t.Fatalf("moved to %v, %v", moved.Due, err)
	}
	if due := s.due(t, storeNow.Add(90*time.Minute)); len(due) != 0 {
		t.Error("the wait is over at its old time")
	}
	got := s.stored(t, run.ID)
	if !got.Progress.Rest.Until.Equal(moved.Due) || len(got.History) != 1 || got.State != engine.RunWaiting {
		t.Errorf("run %s, rest %+v, history %v", got.State, got.Progress.Rest, got.History)
	}
	s.noneTouched()
	if _, err = s.MoveWait(t.Context(), run.ID, order(""), storeNow, 0); err != nil {
		t.Fatal(err)
	}
	s.awaitTouch(t)
	if due := s.due(t, storeNow); len(due) != 1 {
		t.Error("the wait is not over at its new time")
	}
	timeless := s.takeIn(t, 2)
	timeless.State = engine.RunWaiting
	s.advance(t, timeless, engine.Advance{Wait: &engine.Wait{Topics: []string{"a"}}})
	if _, err := s.MoveWait(t.Context(), timeless.ID, order(""), storeNow, 0); !engine.IsPermanent(err) {
		t.Errorf("a wait without a time was moved: %v", err)
	}
}
