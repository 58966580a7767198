package enginetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// storeTrial is a store whose partitions the case of the suite owns, and what the case made so far.
type storeTrial struct {
	engine.Store
	fences []engine.Fence
	made   int // ids that were given out
}

// TestStore holds a Store against what the engine relies on. open gives an empty store that lives as long as its test.
func TestStore(t *testing.T, open func(t *testing.T) engine.Store) {
	cases := map[string]func(*testing.T, *storeTrial){
		"a claim takes all partitions under new epochs":  storeClaim,
		"another stream is refused":                      storeOtherStream,
		"an owner that was replaced changes nothing":     storeFenced,
		"a run is taken in once":                         storeFresh,
		"a run comes back as it was":                     storeRoundTrip,
		"unfinished runs come in stream order":           storeUnfinished,
		"kept records follow the stream":                 storeKept,
		"what is re-keyed leaves with the cursor":        storeRekeyed,
		"a step commits with all it asked for":           storeAdvance,
		"a run that is over stays so":                    storeOver,
		"a refused step leaves nothing":                  storeRefused,
		"one bad change harms no other":                  storeCompany,
		"an ended context changes nothing":               storeContext,
		"events leave in the order of their commits":     storeOutbox,
		"a write tells its change once":                  storeWrite,
		"a create tells its record once":                 storeCreate,
		"a deletion tells its record once":               storeDelete,
		"a relation is told for both ends":               storeRelate,
		"versions are kept by content":                   storeVersions,
		"due deliveries are taken, longest due first":    storeTake,
		"deliveries are taken by channel":                storeTakeByChannel,
		"a delivery comes back without its address":      storeDelivery,
		"a delivery asked for twice is one":              storeTwice,
		"a settled delivery is taken as it was settled":  storeSettle,
		"a delivery goes another way, and tells it":      storeSettleMoves,
		"deliveries whose time is over are found":        storeTakeOver,
		"a delivery that a slot held is an orphan":       storeOrphan,
		"deliveries tell what became of them":            storeOutcomes,
		"what happens wakes who waits for it":            storeTouches,
		"a wait that is not sure is looked at once more": storeUnsure,
		"a wait that goes on loses no touch":             storeRearm,
		"touches race with arming again":                 storeTouchRace,
		"each run that is due comes once":                storeDuePages,
		"awaited modules are known":                      storeAwaited,
		"parked runs are found":                          storeParked,
		"a cancelled run stays so":                       storeCancel,
		"a run that was changed is not moved on":         storeStale,
		"a step makes records of our own":                storeAdvanceCreates,
		"deeds are chained and sealed":                   storeAudit,
		"sealed deeds are forgotten in time":             storeAuditForgets,
		"what is over and old is forgotten":              storeForgets,
		"what a run under way sent is not forgotten":     storeForgetsForRuns,
		"the audit is in order while it is forgotten":    storeAuditForgetsWhole,
		"dead letters are forgotten in time":             storeForgetsLetters,
		"a workflow remembers with the step":             storeMemory,
	}
	maps.Copy(cases, hearCases())
	maps.Copy(cases, effectCases())
	maps.Copy(cases, timeCases())
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &storeTrial{Store: open(t)}
			s.claim(t, "one")
			test(t, s)
		})
	}
}

// storeNow is the present of the suite, storeStream the stream it follows.
var storeNow = time.Date(2026, 5, 6, 7, 8, 9, 10e6, time.UTC)

const storeStream = "EVENTS/2026"

func storeClaim(t *testing.T, s *storeTrial) {
	mark := engine.Mark{Fence: s.fences[7], Cursor: 4711}
	s.intake(t, engine.Intake{Marks: []engine.Mark{mark}})
	back := engine.Mark{Fence: s.fences[7], Cursor: 17}
	s.intake(t, engine.Intake{Marks: []engine.Mark{back}})

	got, err := s.Claim(t.Context(), "two", storeStream, storeNow)
	if err != nil || len(got) != engine.Partitions {
		t.Fatalf("claimed %d partitions, %v", len(got), err)
	}
	for i, p := range got {
		want := engine.Partition{ID: i, Owner: "two", Epoch: s.fences[i].Epoch + 1}
		if i == 7 {
			want.Cursor = 4711
		}
		if p != want {
			t.Errorf("claimed %+v, want %+v", p, want)
		}
	}
}

func storeOtherStream(t *testing.T, s *storeTrial) {
	if _, err := s.Claim(t.Context(), "two", "EVENTS/2027", storeNow); err == nil {
		t.Fatal("a store that followed another stream was claimed")
	}
	s.intake(t, engine.Intake{Marks: []engine.Mark{{Fence: s.fences[0], Cursor: 1}}}) // the refusal changed no epoch
}

func storeFenced(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	planned := s.delivery(run, storeNow)
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{planned}})
	old := s.fences
	s.claim(t, "two")

	other := s.run(2)
	_, intake := s.Intake(t.Context(), engine.Intake{
		Marks: []engine.Mark{{Fence: old[other.Partition], Cursor: 2}}, Runs: []*engine.Run{other},
		Kept: []engine.Kept{keptTicket("2", 2, "Open")},
	})
	_, _, take := s.Take(t.Context(), anyDue(old, []int{0}, storeNow))
	for name, err := range map[string]error{
		"Intake":  intake,
		"Advance": s.Advance(t.Context(), engine.Advance{Fence: old[run.Partition], Run: done(run)}),
		"Take":    take,
		"Settle":  s.Settle(t.Context(), engine.Settle{Fence: old[run.Partition], Delivery: planned}),
	} {
		if !errors.Is(err, engine.ErrFenced) {
			t.Errorf("%s under an old epoch: %v", name, err)
		}
	}
	if diff := cmp.Diff([]uint64{1}, s.unfinished(t)); diff != "" {
		t.Errorf("unfinished runs (-want +got):\n%s", diff)
	}
	s.expectStatus(t, "2", nil)
	if taken := s.take(t, storeNow, 4); len(taken) != 1 {
		t.Errorf("the new owner took %d deliveries, want 1", len(taken))
	}
}

func storeFresh(t *testing.T, s *storeTrial) {
	first, second, again := s.run(1), s.run(2), s.run(3)
	again.Key = first.Key
	for i, c := range []struct {
		runs []*engine.Run
		want []bool
	}{
		{[]*engine.Run{first}, []bool{true}},
		{[]*engine.Run{first, second, again}, []bool{false, true, false}},
	} {
		if diff := cmp.Diff(c.want, s.intake(t, engine.Intake{Runs: c.runs})); diff != "" {
			t.Errorf("intake %d, fresh (-want +got):\n%s", i, diff)
		}
	}
	s.advance(t, done(first), engine.Advance{})
	if fresh := s.intake(t, engine.Intake{Runs: []*engine.Run{again}}); fresh[0] {
		t.Error("the key of a run that is over was forgotten")
	}
}

func storeRoundTrip(t *testing.T, s *storeTrial) {
	want := s.run(1)
	want.State, want.Reason = engine.RunPending, "asks the CRM"
	want.Progress = engine.Progress{
		Next: 2, Written: engine.Fields{"hours": number("1.50")},
		Outputs: map[string]engine.Fields{"fill": {"value": "x"}, "told": {"list": []any{"a", number("2")}}},
	}
	want.History = []engine.Decision{{At: storeNow, Step: "1", Text: "done <&>"}}
	s.intake(t, engine.Intake{Runs: []*engine.Run{want}})
	if diff := cmp.Diff(want, s.stored(t, want.ID)); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if run, err := s.Run(t.Context(), s.id()); !errors.Is(err, engine.ErrNoRun) {
		t.Errorf("a run that never was: %v, %v", run, err)
	}
}

func storeUnfinished(t *testing.T, s *storeTrial) {
	late, early, middle, over, failed := s.run(900), s.run(3), s.run(40), s.run(5), s.run(6)
	middle.State, failed.State = engine.RunPending, engine.RunFailed
	s.intake(t, engine.Intake{Runs: []*engine.Run{late, over, early}})
	s.intake(t, engine.Intake{Runs: []*engine.Run{middle, failed}})
	s.advance(t, done(over), engine.Advance{})
	if diff := cmp.Diff([]uint64{3, 40, 900}, s.unfinished(t)); diff != "" {
		t.Errorf("unfinished runs (-want +got):\n%s", diff)
	}
}

func storeKept(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 5, "Open"), keptTicket("1", 6, "Waiting")}})
	s.expectStatus(t, "1", "Waiting")
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 5, "Open")}})
	s.expectStatus(t, "1", "Waiting")
	gone := keptTicket("1", 7, "")
	gone.Event.Type, gone.Event.Change = engine.RecordDeleted, &engine.Change{Record: engine.Fields{}}
	s.intake(t, engine.Intake{Kept: []engine.Kept{gone}})
	s.expectStatus(t, "1", nil)
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 6, "Waiting")}})
	s.expectStatus(t, "1", nil)
}

func storeAdvance(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open")}})
	run := s.takeIn(t, 1)
	run.Progress = engine.Progress{Next: 1, Written: engine.Fields{"status": "Waiting"}}
	run.History = []engine.Decision{{At: storeNow, Text: "set status"}}
	emitted := &engine.Event{ID: "e", Source: engine.Source, Type: "ticket.escalated", Subject: "HelpDesk/1"}
	first, second := s.write("1", "Open", "Waiting"), s.write("1", "Waiting", "Closed")
	s.advance(t, run, engine.Advance{
		Changes: writes(first, second), Deliveries: []*engine.Delivery{s.delivery(run, storeNow)},
		Events: []*engine.Event{emitted},
	})
	s.expectStatus(t, "1", "Closed")
	if diff := cmp.Diff([]string{first.EventID.String(), second.EventID.String(), "e"}, s.outgoing(t)); diff != "" {
		t.Errorf("outgoing events (-want +got):\n%s", diff)
	}
	if taken := s.take(t, storeNow, 2); len(taken) != 1 {
		t.Errorf("%d deliveries, want 1", len(taken))
	}
	if diff := cmp.Diff(run, s.stored(t, run.ID)); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func storeOver(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	s.advance(t, done(run), engine.Advance{})
	late := *run
	late.State = engine.RunReady
	more := []*engine.Delivery{s.delivery(run, storeNow)}
	step := engine.Advance{Fence: s.fences[run.Partition], Run: &late, Deliveries: more}
	if err := s.Advance(t.Context(), step); !engine.IsPermanent(err) {
		t.Errorf("a run that is over was advanced, or may be again: %v", err)
	}
	if left := s.unfinished(t); len(left) > 0 || len(s.take(t, storeNow, 1)) > 0 {
		t.Error("the refused step left something")
	}
}

func storeRefused(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open"), keptTicket("2", 2, "Open")}})
	good := s.write("1", "Open", "Closed")
	taken := s.write("2", "Open", "Open")
	taken.Patch.Set["externalid"], taken.Unique = "x", []string{"externalid"}
	if err := s.Write(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
	taken.Ref.ID, taken.EventID = "1", s.id()
	before := s.outgoing(t)
	for name, c := range map[string]struct {
		writes []engine.Write
		want   error
	}{
		"first conflicts":  {[]engine.Write{s.write("1", "Gone", "Closed")}, engine.ErrConflict},
		"second conflicts": {[]engine.Write{good, s.write("1", "Open", "Gone")}, engine.ErrConflict},
		"taken":            {[]engine.Write{taken}, engine.ErrTaken},
		"no record":        {[]engine.Write{good, s.write("none", "", "Closed")}, engine.ErrNoRecord},
	} {
		run := s.takeIn(t, 10)
		err := s.Advance(t.Context(), engine.Advance{
			Fence: s.fences[run.Partition], Run: done(run), Changes: writes(c.writes...),
			Links: []engine.Link{s.link()}, Deliveries: []*engine.Delivery{s.delivery(run, storeNow)},
			Events: []*engine.Event{{ID: "e", Source: engine.Source, Type: "x.y", Subject: "HelpDesk/1"}},
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	s.expectStatus(t, "1", "Open")
	if left := s.unfinished(t); len(left) != 4 {
		t.Errorf("%d runs are unfinished, want all 4", len(left))
	}
	if diff := cmp.Diff(before, s.outgoing(t)); diff != "" || len(s.take(t, storeNow, 1)) > 0 {
		t.Errorf("a refused step left something; outgoing (-want +got):\n%s", diff)
	}
}

// Changes that come at once share a commit. What one of them refuses must reach its caller and nobody else.
func storeCompany(t *testing.T, s *storeTrial) {
	const good = 50
	var kept []engine.Kept
	steps := make([]engine.Advance, good+3)
	for i := range steps {
		run := s.run(uint64(i + 1))
		id := fmt.Sprint(i)
		kept = append(kept, keptTicket(id, uint64(i+1), "Open"))
		s.intake(t, engine.Intake{Runs: []*engine.Run{run}})
		steps[i] = engine.Advance{
			Fence: s.fences[run.Partition], Run: done(run), Changes: writes(s.write(id, "Open", "Closed")),
		}
	}
	s.intake(t, engine.Intake{Kept: kept})
	conflict, half, stale := &steps[good], &steps[good+1], &steps[good+2]
	conflict.Changes = writes(s.write("0", "Gone", "Lost"))
	half.Changes = append(half.Changes, writes(s.write("1", "Gone", "Lost"))...)
	stale.Epoch--

	errs := make([]error, len(steps))
	var all sync.WaitGroup
	for i, step := range steps {
		all.Go(func() { errs[i] = s.Advance(context.Background(), step) })
	}
	all.Wait()
	bad := map[int]error{good: engine.ErrConflict, good + 1: engine.ErrConflict, good + 2: engine.ErrFenced}
	for i, want := range bad {
		if !errors.Is(errs[i], want) {
			t.Errorf("bad change %d: got %v, want %v", i-good, errs[i], want)
		}
		s.expectStatus(t, fmt.Sprint(i), "Open")
	}
	for i := range good {
		if errs[i] != nil {
			t.Errorf("good change %d: %v", i, errs[i])
		}
		s.expectStatus(t, fmt.Sprint(i), "Closed")
	}
	if events := s.outgoing(t); len(events) != good {
		t.Errorf("%d events went out, want %d", len(events), good)
	}
}

func storeContext(t *testing.T, s *storeTrial) {
	run := s.run(1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Intake(ended, engine.Intake{Runs: []*engine.Run{run}}); !errors.Is(err, context.Canceled) {
		t.Errorf("intake under an ended context: %v", err)
	}
	if fresh := s.intake(t, engine.Intake{Runs: []*engine.Run{run}}); !fresh[0] {
		t.Error("what was refused for its context was stored")
	}
}
