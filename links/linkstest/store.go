// Package linkstest holds the suite that a store of the door must pass.
package linkstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/links"

	"github.com/google/go-cmp/cmp"
)

// Store is what the suite works on: the door's store, and the engine's behind it to see the effects.
type Store interface {
	links.Store
	engine.Partitioner
	engine.RunStore
	engine.WaitStore
	engine.RecordStore
	engine.Outbox
	engine.LapseStore
}

// trial is a store with a ticket and a flow through a link to it.
type trial struct {
	Store
	link engine.Link
	flow engine.ID
	made int // ids that were given out
}

// now is the present of the suite.
var now = time.Date(2026, 5, 6, 7, 8, 9, 10e6, time.UTC)

// TestStore holds a store against what the door relies on. open gives an empty store that lives as long as its test.
func TestStore(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, *trial){
		"a link is found by its digest":            linkFound,
		"a flow is found until it is over":         flowFound,
		"the first opening is told, once":          openTold,
		"a link is bound to one browser":           openBound,
		"a link is renewed once, as a whole":       renewWhole,
		"a link by external id is stored once":     keepStored,
		"what ended a link stays":                  keepEnded,
		"twenty keep one link":                     keepRace,
		"links that expired unused are told once":  lapseTold,
		"an act commits as a whole":                landWhole,
		"an act that changes nothing counts a use": landNothing,
		"an act wakes the run of its link":         landWakes,
		"a repeat returns the first outcome":       landRepeat,
		"a clock that was set back fools nobody":   landSetBack,
		"a link that is not live refuses":          landRefused,
		"a refused write leaves nothing":           landWriteRefused,
		"a hundred at once have one effect":        landRace,
		"a link is used as often as it may be":     landUses,
		"links that count together are used up":    landTogether,
		"the last visit is told":                   lastVisit,
		"who acted is told":                        whoActed,
		"an act is taken back, once":               takenBack,
		"taking back has an end":                   takenBackOften,
		"what cannot be taken back stays":          takeBackRefused,
		"fifty take back at once, one does":        takeBackRace,
		"an act makes records and keeps files":     landCreates,
		"what no act keeps can be discarded":       filesDiscarded,
		"limits hold in any stretch of time":       limitsHold,
		"limits admit all or nothing":              limitsTogether,
		"limits that are reached let a few pass":   limitsTrickle,
		"limits do not trust a clock set back":     limitsSetBack,
		"limits hold for many at once":             limitsRace,
		"a challenge is found":                     challengeFound,
		"a challenge keeps its count":              challengeReplaced,
		"a challenge is stored with its messages":  challengeSends,
		"guesses at once are no more than may be":  guessesRace,
		"guesses lock":                             guessesLock,
		"guesses at large are a spray":             guessesSpray,
		"a proof grants and moves the visitor":     proofGrants,
		"a link that is over takes no proof":       factorsRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := &trial{Store: open(t)}
			tr.prepare(t)
			test(t, tr)
		})
	}
}

func linkFound(t *testing.T, tr *trial) {
	got, err := tr.Link(t.Context(), tr.link.KeyID, tr.link.Digest)
	if err != nil {
		t.Fatal(err)
	}
	tr.link.Opened = now // by the flow that every trial has
	if diff := cmp.Diff(tr.link, got); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	for name, c := range map[string]struct {
		keyID  string
		digest []byte
	}{
		"other digest": {tr.link.KeyID, []byte("other")},
		"other key":    {"z", tr.link.Digest},
		"nothing":      {"", nil},
	} {
		if _, err := tr.Link(t.Context(), c.keyID, c.digest); !errors.Is(err, links.ErrNoLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	twin := tr.link
	twin.ID = tr.id()
	if err := tr.Mint(t.Context(), twin); err == nil {
		t.Error("two links have one digest")
	}
}

func flowFound(t *testing.T, tr *trial) {
	want := links.Flow{
		ID: tr.id(), Link: tr.link.ID, Visitor: []byte("visitor"), Opened: now, Expires: now.Add(time.Minute),
	}
	if err := tr.Open(t.Context(), tr.opening(want)); err != nil {
		t.Fatal(err)
	}
	flow, link, err := tr.Flow(t.Context(), want.ID, now.Add(59*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, flow); diff != "" {
		t.Errorf("flow (-want +got):\n%s", diff)
	}
	tr.link.Opened = now // by the flow that every trial has
	if diff := cmp.Diff(tr.link, link); diff != "" {
		t.Errorf("its link, not used by being opened (-want +got):\n%s", diff)
	}
	if _, _, err := tr.Flow(t.Context(), want.ID, now.Add(time.Minute)); !errors.Is(err, links.ErrNoLink) {
		t.Errorf("a flow that is over: %v", err)
	}
	if _, _, err := tr.Flow(t.Context(), tr.id(), now); !errors.Is(err, links.ErrNoLink) {
		t.Errorf("a flow that never was: %v", err)
	}
}

func landWhole(t *testing.T, tr *trial) {
	act := tr.act("resolve", "Closed")
	got, err := tr.Land(t.Context(), act)
	if err != nil {
		t.Fatal(err)
	}
	if want := (links.Outcome{At: now, Changed: true}); got != want {
		t.Errorf("outcome %+v, want %+v", got, want)
	}
	tr.expect(t, state{status: "Closed", uses: 1, events: []string{act.Write.EventID.String(), act.Used.ID}})
}

func landNothing(t *testing.T, tr *trial) {
	act := tr.act("reopen", "Open")
	got, err := tr.Land(t.Context(), act)
	if err != nil {
		t.Fatal(err)
	}
	if want := (links.Outcome{At: now}); got != want {
		t.Errorf("outcome %+v, want %+v", got, want)
	}
	tr.expect(t, state{status: "Open", uses: 1, events: []string{act.Used.ID}})
}

func landWakes(t *testing.T, tr *trial) {
	fences := tr.park(t, tr.link.Run)
	woken, _, err := tr.Due(t.Context(), fences, now, engine.DuePosition{}, 9)
	if err != nil || len(woken) > 0 {
		t.Fatalf("before the act %d runs are due, %v", len(woken), err)
	}
	if _, err := tr.Land(t.Context(), tr.act("reopen", "Open")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-tr.Touched():
	default:
		t.Error("nobody is told that a wait became due")
	}
	woken, _, err = tr.Due(t.Context(), fences, now, engine.DuePosition{}, 9)
	if err != nil || len(woken) != 1 || woken[0].Run.ID != tr.link.Run || !woken[0].Due.Equal(now) {
		t.Errorf("after the act: %+v, %v; want the run of the link", woken, err)
	}
}

func landRepeat(t *testing.T, tr *trial) {
	first := tr.act("resolve", "Closed")
	if _, err := tr.Land(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	again := tr.act("resolve", "Closed")
	again.At = now.Add(links.RepeatWindow - time.Millisecond)
	got, err := tr.Land(t.Context(), again)
	if want := (links.Outcome{At: now, Changed: true, Repeated: true}); err != nil || got != want {
		t.Errorf("repeat: %+v, %v; want %+v", got, err, want)
	}

	late, other, stranger := tr.act("resolve", "Closed"), tr.act("reopen", "Open"), tr.act("resolve", "Closed")
	late.At = now.Add(links.RepeatWindow)
	stranger.Flow = tr.open(t)
	for name, act := range map[string]links.Act{"late": late, "another act": other, "another flow": stranger} {
		if _, err := tr.Land(t.Context(), act); !errors.Is(err, links.ErrUsed) {
			t.Errorf("%s: %v, want that the link has been used", name, err)
		}
	}
	tr.expect(t, state{status: "Closed", uses: 1, events: []string{first.Write.EventID.String(), first.Used.ID}})
}

// What a flow did last stays what it did last.
func landSetBack(t *testing.T, tr *trial) {
	tr.link = tr.newLink(3)
	tr.link.NotBefore = now.Add(-time.Hour)
	tr.mint(t, tr.link)
	tr.flow = tr.open(t)
	back := now.Add(-links.RepeatWindow)
	for i, c := range []struct {
		act  links.Act
		at   time.Time
		want links.Outcome
	}{
		{tr.act("resolve", "Closed"), now, links.Outcome{At: now, Changed: true}},
		{tr.act("resolve", "Closed"), back, links.Outcome{At: now, Changed: true, Repeated: true}},
		{tr.act("reopen", "Open"), back, links.Outcome{At: now.Add(time.Millisecond), Changed: true}},
		{tr.act("reopen", "Open"), back, links.Outcome{At: now.Add(time.Millisecond), Changed: true, Repeated: true}},
		{tr.act("resolve", "Closed"), back, links.Outcome{At: now.Add(2 * time.Millisecond), Changed: true}},
	} {
		c.act.At = c.at
		if got, err := tr.Land(t.Context(), c.act); err != nil || got != c.want {
			t.Errorf("act %d: %+v, %v; want %+v", i, got, err, c.want)
		}
	}
	last, err := tr.LastVisit(t.Context(), tr.flow)
	if err != nil || last.Name != "resolve" {
		t.Errorf("the last visit was %+v, %v", last, err)
	}
}

func landRefused(t *testing.T, tr *trial) {
	for name, c := range map[string]struct {
		change func(*engine.Link)
		want   error
	}{
		"expired":     {func(l *engine.Link) { l.Expires = now }, links.ErrExpired},
		"used":        {func(l *engine.Link) { l.Uses = l.MaxUses }, links.ErrUsed},
		"never":       {func(l *engine.Link) { l.MaxUses = 0 }, links.ErrUsed},
		"revoked":     {func(l *engine.Link) { l.Revoked, l.Expires = now, now }, links.ErrRevoked},
		"locked":      {func(l *engine.Link) { l.Locked, l.Expires = now, now }, links.ErrLocked},
		"not yet":     {func(l *engine.Link) { l.NotBefore = now.Add(time.Millisecond) }, links.ErrNoLink},
		"not minted":  {nil, links.ErrNoLink},
		"and changed": {func(l *engine.Link) { l.Expires = now }, links.ErrExpired},
	} {
		act := tr.act("resolve", "Closed")
		act.Link = tr.id()
		if c.change != nil {
			link := tr.newLink(1)
			c.change(&link)
			tr.mint(t, link)
			act.Link = link.ID
		}
		if name == "and changed" { // the reason of the link comes before the record's
			act.Write.Patch.Expect = engine.Fields{"status": "Gone"}
		}
		if got, err := tr.Land(t.Context(), act); !errors.Is(err, c.want) || got != (links.Outcome{}) {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, c.want)
		}
	}
	tr.expect(t, state{status: "Open"})
}

func landWriteRefused(t *testing.T, tr *trial) {
	conflict, gone := tr.act("resolve", "Closed"), tr.act("resolve", "Closed")
	conflict.Write.Patch.Expect = engine.Fields{"status": "Gone"}
	gone.Write.Ref.ID = "none"
	for want, act := range map[error]links.Act{engine.ErrConflict: conflict, engine.ErrNoRecord: gone} {
		if _, err := tr.Land(t.Context(), act); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	tr.expect(t, state{status: "Open"})
	if _, err := tr.LastVisit(t.Context(), tr.flow); !errors.Is(err, links.ErrNoLink) {
		t.Errorf("a refused act was stored as a visit: %v", err)
	}
	if _, err := tr.Land(t.Context(), tr.act("resolve", "Closed")); err != nil {
		t.Errorf("the refused act was remembered: %v", err)
	}
}

func landRace(t *testing.T, tr *trial) {
	acts := make([]links.Act, 100)
	for i := range acts {
		acts[i] = tr.act(fmt.Sprint("act ", i), fmt.Sprint("Status ", i))
		acts[i].Flow = tr.open(t)
		acts[i].Key = []byte("the same in each")
	}
	errs := make([]error, len(acts))
	var all sync.WaitGroup
	for i, act := range acts {
		all.Go(func() { _, errs[i] = tr.Land(context.Background(), act) })
	}
	all.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("acts %d and %d both had an effect", winner, i)
		case !errors.Is(err, links.ErrUsed):
			t.Errorf("act %d: %v", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no act had an effect")
	}
	act := acts[winner]
	tr.expect(t, state{
		status: fmt.Sprint("Status ", winner), uses: 1, events: []string{act.Write.EventID.String(), act.Used.ID},
	})
}

func landUses(t *testing.T, tr *trial) {
	link := tr.newLink(3)
	tr.mint(t, link)
	for i := range 5 {
		act := tr.act(fmt.Sprint("act ", i), fmt.Sprint("Status ", i))
		act.Link = link.ID
		_, err := tr.Land(t.Context(), act)
		if used := errors.Is(err, links.ErrUsed); used != (i >= 3) {
			t.Errorf("use %d of 3: %v", i+1, err)
		}
	}
}

func lastVisit(t *testing.T, tr *trial) {
	link := tr.newLink(3)
	tr.mint(t, link)
	if _, err := tr.LastVisit(t.Context(), tr.flow); !errors.Is(err, links.ErrNoLink) {
		t.Errorf("before any act: %v", err)
	}
	for i, status := range []string{"Closed", "Closed", "Open"} {
		act := tr.act(fmt.Sprint("act ", i), status)
		act.Link, act.At = link.ID, now.Add(time.Duration(i)*time.Second)
		if _, err := tr.Land(t.Context(), act); err != nil {
			t.Fatal(err)
		}
		got, err := tr.LastVisit(t.Context(), tr.flow)
		if err != nil {
			t.Fatal(err)
		}
		want := links.Visit{
			ID: act.ID, Name: act.Name, Set: engine.Fields{"status": status}, At: act.At, Changed: i != 1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("visit %d (-want +got):\n%s", i, diff)
		}
	}
}

func whoActed(t *testing.T, tr *trial) {
	link := tr.newLink(9)
	tr.mint(t, link)
	flow := func(life time.Duration) links.Flow {
		flow := links.Flow{
			ID: tr.id(), Link: link.ID, Visitor: []byte("visitor"), Opened: now, Expires: now.Add(life),
		}
		if err := tr.Open(t.Context(), tr.opening(flow)); err != nil {
			t.Fatal(err)
		}
		return flow
	}
	over, first, second := flow(time.Minute), flow(time.Hour), flow(time.Hour)
	flow(time.Hour) // in which nothing is done
	if got, err := tr.Acted(t.Context(), link.ID, now); err != nil || got != nil {
		t.Errorf("before any act: %v, %v", got, err)
	}
	for i, in := range []links.Flow{second, over, first, second} {
		act := tr.act(fmt.Sprint("act ", i), []string{"Closed", "Open"}[i%2])
		act.Link, act.Flow, act.At = link.ID, in.ID, now.Add(time.Duration(i)*time.Second)
		if _, err := tr.Land(t.Context(), act); err != nil {
			t.Fatal(err)
		}
	}
	got, err := tr.Acted(t.Context(), link.ID, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]links.Flow{second, first}, got); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
}
