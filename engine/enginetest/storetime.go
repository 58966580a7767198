package enginetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// timeCases are the cases about what starts runs by time.
func timeCases() map[string]func(*testing.T, *storeTrial) {
	return map[string]func(*testing.T, *storeTrial){
		"a wait falls due":                             storeTimer,
		"timings follow the book":                      storeTimings,
		"a tick moves a timing and its runs together":  storeTick,
		"alarms stand as events say":                   storeAlarms,
		"an alarm rings once, and not if it was moved": storeRing,
		"events are gathered once into windows":        storeWindows,
	}
}

// timings brings the stored timings in line with those of a book.
func (s *storeTrial) timings(t *testing.T, ofBook ...engine.Timing) []engine.Timing {
	t.Helper()
	standing, err := s.Timings(t.Context(), s.fences[0], ofBook)
	if err != nil {
		t.Fatal(err)
	}
	return standing
}

func timingOf(workflow, key string, next time.Time) engine.Timing {
	return engine.Timing{Workflow: workflow, Key: key, Next: next}
}

// What a book has kept keeps its place, what it changed begins anew, what it dropped is forgotten, and no number comes
// twice.
func storeTimings(t *testing.T, s *storeTrial) {
	daily, never := timingOf("a", "daily", storeNow), timingOf("a", "never", time.Time{})
	weekly := timingOf("b", "daily", storeNow.Add(time.Hour))
	first := s.timings(t, daily, never, weekly)
	for i, want := range []engine.Timing{daily, never, weekly} {
		if want.Number = first[i].Number; want.Number == 0 {
			t.Errorf("timing %d has no number", i)
		}
		if diff := cmp.Diff(want, first[i]); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	}
	moved := first[0]
	moved.Next, moved.Walk = storeNow.Add(time.Minute), &engine.Walk{Tick: storeNow, Missed: 3, After: "17x5"}
	s.tick(t, engine.Tick{Timing: moved})
	other := timingOf("b", "hourly", storeNow)
	second := s.timings(t, other, timingOf("a", "daily", storeNow.Add(9*time.Hour)))
	if diff := cmp.Diff(moved, second[1]); diff != "" {
		t.Errorf("one that stayed (-want +got):\n%s", diff)
	}
	if known := []int64{first[0].Number, first[1].Number, first[2].Number}; slices.Contains(known, second[0].Number) {
		t.Errorf("the number %d of %v was given out twice", second[0].Number, known)
	}
	if third := s.timings(t, weekly); third[0].Number == first[2].Number || third[0].Next != weekly.Next {
		t.Errorf("one that was forgotten came back as %+v", third[0])
	}
}

func (s *storeTrial) tick(t *testing.T, tick engine.Tick) []bool {
	t.Helper()
	tick.Fences = s.fences
	fresh, err := s.Tick(t.Context(), tick)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func storeTick(t *testing.T, s *storeTrial) {
	at := s.timings(t, timingOf("a", "daily", storeNow))[0]
	one, two := s.run(1), s.run(2)
	at.Next = storeNow.Add(time.Hour)
	if fresh := s.tick(t, engine.Tick{Timing: at, Runs: []*engine.Run{one}}); !slices.Equal(fresh, []bool{true}) {
		t.Errorf("fresh: %v", fresh)
	}
	failed := &engine.Event{ID: "failed", Source: engine.Source, Type: engine.RunFailedEvent, Subject: "HelpDesk/1"}
	again := engine.Tick{Timing: at, Runs: []*engine.Run{one, two}, Events: []*engine.Event{failed}}
	if fresh := s.tick(t, again); !slices.Equal(fresh, []bool{false, true}) {
		t.Errorf("fresh, one of them once more: %v", fresh)
	}
	if got := s.unfinished(t); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("unfinished: %v", got)
	}
	if got := s.outgoing(t); !slices.Equal(got, []string{"failed"}) {
		t.Errorf("outgoing: %v", got)
	}
	gone := at
	gone.Number += 100
	_, err := s.Tick(t.Context(), engine.Tick{Fences: s.fences, Timing: gone, Runs: []*engine.Run{s.run(3)}})
	if !errors.Is(err, engine.ErrStale) {
		t.Errorf("a timing that is not there: %v", err)
	}
	before := s.fences
	s.claim(t, "two")
	at.Next = storeNow.Add(9 * time.Hour)
	for name, change := range map[string]func() error{
		"tick": func() error {
			_, err := s.Tick(t.Context(), engine.Tick{Fences: before[:1], Timing: at, Runs: []*engine.Run{s.run(4)}})
			return err
		},
		"timings": func() error {
			_, err := s.Timings(t.Context(), before[0], nil)
			return err
		},
	} {
		if err := change(); !errors.Is(err, engine.ErrFenced) {
			t.Errorf("%s under an old epoch: %v", name, err)
		}
	}
	if got := s.timings(t, at)[0].Next; !got.Equal(storeNow.Add(time.Hour)) {
		t.Errorf("what was refused moved the timing to %v", got)
	}
	if got := s.unfinished(t); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("unfinished after what was refused: %v", got)
	}
}
