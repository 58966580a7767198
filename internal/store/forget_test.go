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

// What was asked, guessed and proved on a link goes with it; a grant and the tallies go when they are over.
func TestProofsAreForgotten(t *testing.T) {
	s := fresh(t)
	link := engine.Link{
		ID: engine.ID{3}, KeyID: "a", Digest: []byte("d"), Landing: "ticket", Record: engine.Ref{Module: "HelpDesk", ID: "1"},
		Expires: testNow.Add(time.Hour), Created: testNow,
	}
	if err := s.Mint(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	flow := links.Flow{
		ID: engine.ID{1}, Link: link.ID, Visitor: []byte("v"), Opened: testNow, Expires: testNow.Add(time.Hour),
	}
	if err := s.Open(t.Context(), opening(flow)); err != nil {
		t.Fatal(err)
	}
	guess := links.Guess{ID: engine.ID{5}, Flow: flow.ID, Link: link.ID, Factor: "pin", Principal: "somebody", At: testNow}
	for i, factor := range []string{"pin", "code"} {
		ch := links.Challenge{
			ID: engine.ID{byte(6 + i)}, Flow: flow.ID, Link: link.ID, Factor: factor, Kind: engine.FactorSecurityCode,
			Made: testNow, Expires: testNow.Add(time.Hour),
		}
		if _, err := s.Ask(t.Context(), links.Asking{Challenge: ch, At: testNow}); err != nil {
			t.Fatal(err)
		}
		if factor != "pin" {
			continue
		}
		if _, err := s.Guess(t.Context(), guess); err != nil {
			t.Fatal(err)
		}
		proof := links.Proof{
			Challenge: ch, Guess: guess.ID, Before: flow.Visitor, Visitor: []byte("w"), Record: link.Record, At: testNow,
		}
		if err := s.Prove(t.Context(), proof); err != nil {
			t.Fatal(err)
		}
	}
	rows := func() (counts [4]int) {
		t.Helper()
		const query = `SELECT (SELECT count(*) FROM challenges), (SELECT count(*) FROM guesses),
			(SELECT count(*) FROM grants), (SELECT count(*) FROM tallies)`
		err := s.reads.get(t.Context(), query, nil, []any{&counts[0], &counts[1], &counts[2], &counts[3]})
		if err != nil {
			t.Fatal(err)
		}
		return counts
	}
	keep := engine.DefaultRetention()
	for _, c := range []struct {
		after time.Duration
		want  [4]int
	}{
		{0, [4]int{2, 1, 1, 1}},
		{engine.GrantMost + time.Minute, [4]int{2, 1, 0, 1}},
		{25 * time.Hour, [4]int{2, 1, 0, 0}},
		{keep.Links + 2*time.Hour, [4]int{0, 0, 0, 0}},
	} {
		if _, err := s.Forget(t.Context(), keep, testNow.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if got := rows(); got != c.want {
			t.Errorf("after %s challenges, guesses, grants and tallies are %v, want %v", c.after, got, c.want)
		}
	}
}
