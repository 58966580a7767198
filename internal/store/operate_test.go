package store

import (
	"testing"
	"time"

	"postern/engine"
	"postern/links"

	"github.com/google/go-cmp/cmp"
)

// What visitors did is stored by another port than runs are, and told together.
func TestRunStoryTellsWhatVisitorsDid(t *testing.T) {
	s := fresh(t)
	fences := claimAll(t, s)
	run := testRun(1)
	step := testStep(run, fences[run.Partition])
	if _, err := s.Intake(t.Context(), engine.Intake{
		Runs: []*engine.Run{run}, Kept: []engine.Kept{{Seq: 1, Event: run.Event}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	link, at := step.Links[0], testNow.Add(time.Minute)
	flow := links.Flow{
		ID: engine.DerivedID(run.ID, "flow"), Link: link.ID, Visitor: []byte{1}, Opened: at, Expires: at.Add(time.Hour),
	}
	if err := s.Open(t.Context(), opening(flow)); err != nil {
		t.Fatal(err)
	}
	act := links.Act{
		ID: engine.DerivedID(run.ID, "visit"), Flow: flow.ID, Link: link.ID, Name: "resolve", Key: []byte{2},
		At: at.Add(time.Second), Before: engine.Fields{"title": "broken"},
		Write: engine.Write{
			Ref: run.Record, Patch: engine.Patch{Set: engine.Fields{"title": "mended"}},
			Origin: engine.Origin{EventID: engine.DerivedID(run.ID, "write"), Source: engine.Source, At: at},
		},
		Used: &engine.Event{ID: "u", Source: engine.Source, Type: engine.LinkUsed, Subject: run.Record.String()},
	}
	if _, err := s.Land(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	back := links.Undo{
		Visit: act.ID, Flow: flow.ID, Link: link.ID, At: at.Add(time.Minute), Undone: &engine.Event{
			ID: "b", Source: engine.Source, Type: engine.LinkUndone, Subject: run.Record.String(),
		},
		Write: engine.Write{
			Ref: run.Record, Patch: engine.Patch{Set: act.Before},
			Origin: engine.Origin{EventID: engine.DerivedID(run.ID, "back"), Source: engine.Source, At: at},
		},
	}
	if err := s.TakeBack(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	story, err := s.RunStory(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	used := link
	used.Opened = at
	want := []engine.LinkStory{
		{
			Link: used, Opened: []time.Time{at},
			Acts: []engine.LinkAct{{
				At: act.At, Name: "resolve", Set: act.Write.Patch.Set, Changed: true, Undone: back.At,
			}},
		},
		{Link: step.Links[1]},
	}
	if diff := cmp.Diff(want, story.Links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}
