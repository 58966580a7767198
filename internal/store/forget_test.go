package store

import (
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

// Who keeps a history for a hundred years loses none of it: what is too old for that was before ids begin.
func TestHistoryForEver(t *testing.T) {
	s, run, year := fresh(t), testRun(1), 365*24*time.Hour
	run.State = engine.RunDone
	if _, err := s.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		history time.Duration
		runs    int
	}{{100 * year, 0}, {50 * year, 0}, {year, 1}} {
		keep := engine.Retention{History: c.history, Links: year, Keys: 100 * year, Audit: year, Files: year}
		gone, err := s.Forget(t.Context(), keep, testNow.Add(2*year))
		if err != nil || gone.Runs != c.runs {
			t.Errorf("with a history of %v: %+v, %v", c.history, gone, err)
		}
	}
}

// What somebody did by a link goes with the link, also where it was a write to another CRM.
func TestEffectsOfVisitsAreForgotten(t *testing.T) {
	s := fresh(t)
	fences := claimAll(t, s)
	run := testRun(1)
	if _, err := s.Intake(t.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		t.Fatal(err)
	}
	step := testStep(run, fences[run.Partition])
	if err := s.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	link := step.Links[0].ID
	flow := links.Flow{ID: engine.ID{1}, Link: link, Opened: testNow, Expires: testNow.Add(time.Hour)}
	if err := s.Open(t.Context(), opening(flow)); err != nil {
		t.Fatal(err)
	}
	visit := engine.ID{2}
	effect := testEffect(run, "5")
	effect.Run, effect.Step = visit, ""
	_, err := s.Land(t.Context(), links.Act{
		ID: visit, Flow: flow.ID, Link: link, Name: "resolve", At: testNow, Write: *effect.Write,
		Effects: []*engine.Effect{effect},
		Used:    &engine.Event{ID: "u", Source: engine.Source, Type: engine.LinkUsed, Subject: "Tickets/1", Time: testNow},
	})
	if err != nil {
		t.Fatal(err)
	}
	effect.State = engine.EffectDone
	if err := s.SettleEffect(t.Context(), fences[effect.Partition], effect); err != nil {
		t.Fatal(err)
	}
	keep := engine.DefaultRetention()
	if _, err := s.Forget(t.Context(), keep, testNow.Add(keep.History+keep.Links+24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left, err := s.Effects(t.Context(), visit); err != nil || len(left) != 0 {
		t.Errorf("%d effects are left, %v", len(left), err)
	}
}
