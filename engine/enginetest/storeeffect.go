package enginetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// effect is a new effect of a run: a write to a ticket, or a new one where the id is empty.
func (s *storeTrial) effect(run *engine.Run, id string) *engine.Effect {
	e := &engine.Effect{
		ID: s.id(), Run: run.ID, Partition: run.Partition, Workflow: run.Workflow, Step: "3", Round: 1,
		Record: engine.Ref{Module: "HelpDesk", ID: id}, State: engine.EffectPlanned, Due: storeNow,
		Until: storeNow.Add(time.Hour), Retry: engine.DefaultRetry(), Created: storeNow,
	}
	if id == "" {
		e.Create = &engine.Create{
			Module: "HelpDesk", Fields: engine.Fields{"hours": number("1.50")}, KeyField: "externalid",
			Key: e.ID.String(), Origin: engine.Origin{
				EventID: s.id(), Source: engine.Source, Cause: "cause", Depth: 1, Actor: "workflow:test", At: storeNow,
			},
		}
		return e
	}
	write := s.write(id, "Open", "Closed")
	write.Unique = []string{"externalid"}
	e.Write = &write
	return e
}

// ask parks a new run that asks for effects on tickets.
func (s *storeTrial) ask(t *testing.T, seq uint64, ids ...string) (*engine.Run, []*engine.Effect) {
	t.Helper()
	run := s.takeIn(t, seq)
	run.State = engine.RunWriting
	var effects []*engine.Effect
	for _, id := range ids {
		effects = append(effects, s.effect(run, id))
	}
	s.advance(t, run, engine.Advance{Effects: effects})
	return run, effects
}

func (s *storeTrial) takeEffects(t *testing.T, now time.Time, limit int) ([]*engine.Effect, time.Time) {
	t.Helper()
	taken, next, err := s.TakeEffects(t.Context(), engine.EffectDemand{Fences: s.fences, Now: now, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return taken, next
}

func (s *storeTrial) settleEffect(t *testing.T, e *engine.Effect, state engine.EffectState, events ...*engine.Event) {
	t.Helper()
	e.State = state
	if err := s.SettleEffect(t.Context(), s.fences[e.Partition], e, events...); err != nil {
		t.Fatal(err)
	}
}

// expectTaken takes effects at a time and compares them, in any order where they fall due together.
func (s *storeTrial) expectTaken(t *testing.T, now time.Time, want ...*engine.Effect) {
	t.Helper()
	taken, _ := s.takeEffects(t, now, 100)
	ids := func(effects []*engine.Effect) (ids []string) {
		for _, e := range effects {
			ids = append(ids, e.ID.String())
		}
		slices.Sort(ids)
		return ids
	}
	if diff := cmp.Diff(ids(want), ids(taken)); diff != "" {
		t.Errorf("taken effects (-want +got):\n%s", diff)
	}
}

func storeEffect(t *testing.T, s *storeTrial) {
	run, effects := s.ask(t, 1, "1", "")
	s.advance(t, run, engine.Advance{Effects: effects}) // asked for twice
	for _, e := range effects {
		e.State = engine.EffectSending
	}
	taken, next := s.takeEffects(t, storeNow, 9)
	if diff := cmp.Diff(effects, taken); diff != "" || !next.IsZero() {
		t.Errorf("next %v; taken (-want +got):\n%s", next, diff)
	}
	write, create := taken[0], taken[1]
	write.Doubtful, write.Attempts, write.Due, write.Reason = true, 2, storeNow.Add(time.Minute), "no answer"
	write.History = []engine.Decision{{At: storeNow, Text: "try 2: no answer"}}
	s.settleEffect(t, write, engine.EffectPlanned)
	create.Attempts, create.Result = 1, &engine.Record{
		Ref: engine.Ref{Module: "HelpDesk", ID: "17x9"}, Fields: engine.Fields{"hours": number("1.50")}, Version: 3,
	}
	told := &engine.Event{ID: "made", Source: engine.Source, Type: "x.y", Subject: "HelpDesk/17x9"}
	s.settleEffect(t, create, engine.EffectDone, told)
	got, err := s.Effects(t.Context(), run.ID)
	if diff := cmp.Diff([]*engine.Effect{write, create}, got); diff != "" || err != nil {
		t.Errorf("effects, %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"made"}, s.outgoing(t)); diff != "" {
		t.Errorf("outgoing events (-want +got):\n%s", diff)
	}
	create.State = engine.EffectPlanned
	if err := s.SettleEffect(t.Context(), s.fences[create.Partition], create, told); !engine.IsPermanent(err) {
		t.Errorf("an effect that is over was planned again, or may be: %v", err)
	}
	if len(s.outgoing(t)) != 1 {
		t.Error("the refused outcome was told")
	}
}

// Effects of one record pass one after the other in the order they were asked for; others do not wait for them.
func storeEffectOrder(t *testing.T, s *storeTrial) {
	_, first := s.ask(t, 1, "1", "2", "", "")
	_, second := s.ask(t, 2, "1", "1", "3")
	s.expectTaken(t, storeNow, first[0], first[1], first[2], first[3], second[2])
	s.expectTaken(t, storeNow)

	first[0].Due = storeNow.Add(time.Minute)
	s.settleEffect(t, first[0], engine.EffectPlanned) // it is tried again later, and the others behind it wait
	s.expectTaken(t, storeNow)
	if _, next := s.takeEffects(t, storeNow, 9); !next.Equal(first[0].Due) {
		t.Errorf("next is %v, want %v", next, first[0].Due)
	}
	s.expectTaken(t, first[0].Due, first[0])
	for _, state := range []engine.EffectState{engine.EffectConflict, engine.EffectRejected} {
		s.settleEffect(t, first[0], state)
		first[0], second = second[0], second[1:]
		s.expectTaken(t, storeNow, first[0])
	}
	s.settleEffect(t, first[0], engine.EffectDone)
	_, third := s.ask(t, 3, "1")
	s.expectTaken(t, storeNow, third[0])
}

func storeEffectLimit(t *testing.T, s *storeTrial) {
	_, effects := s.ask(t, 1, "1", "2", "3")
	for _, e := range effects {
		taken, next := s.takeEffects(t, storeNow, 1)
		if len(taken) != 1 || taken[0].ID != e.ID {
			t.Errorf("took %v, want one after the other", taken)
		}
		if last := e == effects[2]; last != next.IsZero() {
			t.Errorf("next is %v", next)
		}
	}
}

// A run goes on when the last of its effects is over, however they end.
func storeEffectWakes(t *testing.T, s *storeTrial) {
	run, effects := s.ask(t, 1, "1", "2", "3")
	other, _ := s.ask(t, 2, "4")
	s.takeEffects(t, storeNow, 9)
	ends := []engine.EffectState{engine.EffectDone, engine.EffectConflict, engine.EffectRejected}
	for i, e := range effects {
		if woken := s.due(t, storeEver); len(woken) > 0 || s.told() {
			t.Fatalf("%d runs are due while effects are open", len(woken))
		}
		s.settleEffect(t, e, ends[i])
	}
	woken := s.due(t, storeEver)
	if len(woken) != 1 || woken[0].Run.ID != run.ID || !woken[0].Timer || !s.told() {
		t.Fatalf("due: %+v, want the run whose effects are over", woken)
	}
	s.advance(t, done(run), engine.Advance{Rested: true})

	// A run that was cancelled meanwhile is not woken.
	s.advance(t, done(other), engine.Advance{})
	left, err := s.Effects(t.Context(), other.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.settleEffect(t, left[0], engine.EffectDone)
	if woken := s.due(t, storeEver); len(woken) > 0 || s.told() {
		t.Errorf("due: %+v, want none, and nobody told", woken)
	}
}

// What a former owner was trying is tried again, and the next try knows that it may stand already.
func storeEffectDoubt(t *testing.T, s *storeTrial) {
	run, effects := s.ask(t, 1, "1", "1")
	taken, _ := s.takeEffects(t, storeNow, 9)
	taken[0].Attempts, taken[0].Due = 1, storeNow
	taken[0].History = []engine.Decision{{At: storeNow, Text: "try 1"}}
	s.settleEffect(t, taken[0], engine.EffectPlanned)
	s.takeEffects(t, storeNow, 9)
	old := s.fences
	s.claim(t, "two")

	err := s.SettleEffect(t.Context(), old[run.Partition], taken[0])
	_, _, take := s.TakeEffects(t.Context(), engine.EffectDemand{Fences: old, Now: storeNow, Limit: 9})
	if !errors.Is(err, engine.ErrFenced) || !errors.Is(take, engine.ErrFenced) {
		t.Errorf("the old owner settles: %v, and takes: %v", err, take)
	}
	again, _ := s.takeEffects(t, storeNow, 9)
	if len(again) != 1 || again[0].ID != effects[0].ID || !again[0].Doubtful || again[0].Attempts != 1 {
		t.Fatalf("taken again: %+v", again)
	}
	if h := again[0].History; len(h) != 2 || h[0] != taken[0].History[0] || !h[1].At.Equal(storeNow) {
		t.Errorf("history: %+v", h)
	}
}

func storeRecentWrites(t *testing.T, s *storeTrial) {
	since := time.Now().Add(-time.Hour)
	_, effects := s.ask(t, 1, "1", "2", "", "3", "4")
	s.takeEffects(t, storeNow, 9)
	s.settleEffect(t, effects[0], engine.EffectDone)
	s.settleEffect(t, effects[1], engine.EffectRejected)
	s.settleEffect(t, effects[2], engine.EffectDone)
	s.settleEffect(t, effects[3], engine.EffectDone)
	for _, c := range []struct {
		since time.Time
		limit int
		want  []*engine.Effect
	}{
		{since, 100, []*engine.Effect{effects[3], effects[0]}},
		{since, 2, []*engine.Effect{effects[3]}},
		{storeEver, 100, nil},
	} {
		got, err := s.RecentWrites(t.Context(), c.since, c.limit)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("writes since %v, %v (-want +got):\n%s", c.since, err, diff)
		}
	}
	s.claim(t, "two") // what was being tried may stand already
	got, err := s.RecentWrites(t.Context(), time.UnixMilli(0), 100)
	if err != nil || len(got) != 3 || got[0].ID != effects[4].ID {
		t.Errorf("%d writes after the engine stopped, want 3 with the one in doubt first; %v", len(got), err)
	}
}
