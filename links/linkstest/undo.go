package linkstest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/links"

	"github.com/google/go-cmp/cmp"
)

// undoable is an act that closes the ticket and can be taken back.
func (tr *trial) undoable() links.Act {
	act := tr.act("resolve", "Closed")
	act.Before = engine.Fields{"status": "Open"}
	return act
}

// undo is the wish to take an act back, new each time.
func (tr *trial) undo(of links.Act, at time.Time) links.Undo {
	return links.Undo{
		Visit: of.ID, Flow: of.Flow, Link: of.Link, At: at, Write: engine.Write{
			Ref: ticket, Patch: engine.Patch{Set: of.Before, Expect: of.Write.Patch.Set}, Origin: engine.Origin{
				EventID: tr.id(), Source: engine.Source, Cause: "1", Depth: 1, Actor: "link", At: at,
			},
		},
		Undone: &engine.Event{
			ID: tr.id().String(), Source: engine.Source, Type: engine.LinkUndone, Subject: ticket.String(), Time: at,
			Data: json.RawMessage(`{"action":"resolve"}`),
		},
	}
}

func takenBack(t *testing.T, tr *trial) {
	act := tr.undoable()
	if _, err := tr.Land(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	first := tr.undo(act, now.Add(time.Minute))
	for _, undo := range []links.Undo{first, tr.undo(act, now.Add(2*time.Minute))} { // the second does nothing
		if err := tr.TakeBack(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
	}
	tr.expect(t, state{status: "Open", events: []string{
		act.Write.EventID.String(), act.Used.ID, first.Write.EventID.String(), first.Undone.ID,
	}})
	visit, err := tr.LastVisit(t.Context(), tr.flow)
	if err != nil || !visit.Undone.Equal(first.At) {
		t.Errorf("the visit was undone at %s, %v", visit.Undone, err)
	}
	// What was taken back is no repeat when it is done again.
	again := tr.undoable()
	again.At = now.Add(30 * time.Second)
	if got, err := tr.Land(t.Context(), again); err != nil || got.Repeated || !got.Changed {
		t.Errorf("done again: %+v, %v", got, err)
	}
}

// What is given back ends after as many times as the link may be used.
func takenBackOften(t *testing.T, tr *trial) {
	for turn, want := range []int{0, 1} {
		act := tr.undoable()
		act.At = now.Add(time.Duration(turn) * time.Second)
		if _, err := tr.Land(t.Context(), act); err != nil {
			t.Fatal(err)
		}
		if err := tr.TakeBack(t.Context(), tr.undo(act, act.At)); err != nil {
			t.Fatal(err)
		}
		link, err := tr.Link(t.Context(), tr.link.KeyID, tr.link.Digest)
		if err != nil || link.Uses != want {
			t.Errorf("after turn %d: %d uses, %v; want %d", turn+1, link.Uses, err, want)
		}
	}
	act := tr.undoable()
	act.At = now.Add(time.Minute)
	if _, err := tr.Land(t.Context(), act); !errors.Is(err, links.ErrUsed) {
		t.Errorf("a third time: %v", err)
	}
}

func takeBackRefused(t *testing.T, tr *trial) {
	tr.link = tr.newLink(5)
	tr.mint(t, tr.link)
	tr.flow = tr.open(t)
	act := tr.undoable()
	if err := tr.TakeBack(t.Context(), tr.undo(act, now)); !errors.Is(err, links.ErrPassed) {
		t.Errorf("before anything was done: %v", err)
	}
	if _, err := tr.Land(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	changed, stranger, other := tr.undo(act, now), tr.undo(act, now), tr.undo(act, now)
	changed.Write.Patch.Expect = engine.Fields{"status": "Gone"}
	stranger.Flow = tr.open(t)
	other.Visit = tr.id()
	for name, c := range map[string]struct {
		undo links.Undo
		want error
	}{
		"somebody changed it": {changed, engine.ErrConflict}, "another flow": {stranger, links.ErrPassed},
		"another visit": {other, links.ErrPassed},
	} {
		if err := tr.TakeBack(t.Context(), c.undo); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	later := tr.act("reopen", "Reopened")
	later.At = now.Add(time.Second)
	if _, err := tr.Land(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]links.Act{"not the latest": act, "not to be taken back": later} {
		if err := tr.TakeBack(t.Context(), tr.undo(of, now)); !errors.Is(err, links.ErrPassed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	tr.expect(t, state{status: "Reopened", uses: 2, events: []string{
		act.Write.EventID.String(), act.Used.ID, later.Write.EventID.String(), later.Used.ID,
	}})
}

func takeBackRace(t *testing.T, tr *trial) {
	act := tr.undoable()
	if _, err := tr.Land(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	undos := make([]links.Undo, 50)
	for i := range undos {
		undos[i] = tr.undo(act, now)
	}
	var all sync.WaitGroup
	for _, undo := range undos {
		all.Go(func() {
			if err := tr.TakeBack(context.Background(), undo); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	waiting, err := tr.Outgoing(t.Context(), 1000)
	undone := 0
	for _, w := range waiting {
		if w.Event.Type == engine.LinkUndone {
			undone++
		}
	}
	if err != nil || undone != 1 {
		t.Errorf("taken back %d times, %v", undone, err)
	}
}

// An act makes records and keeps files together with its write, or none of it.
func landCreates(t *testing.T, tr *trial) {
	tr.link = tr.newLink(5)
	tr.mint(t, tr.link)
	tr.flow = tr.open(t)
	file := engine.File{
		ID: tr.id(), Link: tr.link.ID, Record: ticket, Name: "a.png", Type: "image/png", Size: 6, Created: now,
	}
	for i, piece := range []string{"abc", "def"} {
		if err := tr.Stage(t.Context(), file.ID, i, []byte(piece), now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tr.File(t.Context(), file.ID); !errors.Is(err, engine.ErrNoFile) {
		t.Errorf("a file that no act has kept: %v", err)
	}
	refused := tr.creating(file)
	refused.Write.Patch.Expect = engine.Fields{"status": "Gone"}
	if _, err := tr.Land(t.Context(), refused); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("got %v", err)
	}
	tr.expect(t, state{status: "Open"})
	act := tr.creating(file)
	for range 2 { // the second is a repeat
		if got, err := tr.Land(t.Context(), act); err != nil || !got.Changed {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	tr.expect(t, state{status: "Open", uses: 1, events: []string{act.Creates[0].EventID.String(), act.Used.ID}})
	made, err := tr.Records(t.Context(), []engine.Ref{{Module: "ModComments", ID: act.Creates[0].EventID.String()}})
	if err != nil || len(made) != 1 || made[0].Fields.Text("text") != "hello" {
		t.Errorf("made %+v, %v", made, err)
	}
	if err := tr.Discard(t.Context(), file.ID); err != nil {
		t.Fatal(err)
	}
	got, err := tr.File(t.Context(), file.ID)
	if diff := cmp.Diff(file, got); err != nil || diff != "" {
		t.Errorf("file, which an act has kept, %v (-want +got):\n%s", err, diff)
	}
	for i, want := range []string{"abc", "def"} {
		if piece, err := tr.Piece(t.Context(), file.ID, i); err != nil || !bytes.Equal(piece, []byte(want)) {
			t.Errorf("piece %d is %q, %v", i, piece, err)
		}
	}
	visit, err := tr.LastVisit(t.Context(), tr.flow)
	if err != nil || visit.Entries.Text("comment") != "hello" || visit.Before != nil {
		t.Errorf("the visit is %+v, %v", visit, err)
	}
}

// creating is an act that sets nothing and makes a comment of what was typed and sent.
func (tr *trial) creating(file engine.File) links.Act {
	act := tr.act("edit", "Open")
	act.Write.Patch.Set = engine.Fields{}
	act.Entries, act.Files = engine.Fields{"comment": "hello"}, []engine.File{file}
	act.Creates = []engine.Create{{
		Module: "ModComments", Fields: engine.Fields{"text": "hello", "about": ticket.ID}, About: ticket,
		Origin: engine.Origin{
			EventID: tr.id(), Source: engine.Source, Cause: act.Used.ID, Depth: 1, Actor: "link", At: now,
		},
	}}
	return act
}

func filesDiscarded(t *testing.T, tr *trial) {
	id, other := tr.id(), tr.id()
	for _, file := range []engine.ID{id, other} {
		if err := tr.Stage(t.Context(), file, 0, []byte("abc"), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Discard(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Piece(t.Context(), id, 0); !errors.Is(err, engine.ErrNoFile) {
		t.Errorf("a piece that was forgotten: %v", err)
	}
	if _, err := tr.Piece(t.Context(), other, 0); err != nil {
		t.Errorf("the piece of another file: %v", err)
	}
	if err := tr.Stage(t.Context(), other, 0, []byte("x"), now); err == nil {
		t.Error("two pieces have one place")
	}
}
