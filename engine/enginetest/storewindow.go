package enginetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postern/engine"
)

// gather is an event of a ticket that joins a window.
func (s *storeTrial) gather(id, key string, seq uint64, at time.Time) engine.Gathered {
	event := keptTicket("1", seq, "Open").Event
	event.ID = id
	return engine.Gathered{
		Workflow: "calm", Key: key, RunKey: engine.RunKey("calm", event.Source, id), Event: event, Seq: seq, At: at,
		For: time.Minute, Max: 90 * time.Second,
	}
}

// An event joins its window once, even after that is closed; a window closes once, and not under newer events.
func storeWindows(t *testing.T, s *storeTrial) {
	first, second := s.gather("a", "=1", 1, storeNow), s.gather("b", "=1", 2, storeNow.Add(40*time.Second))
	other := s.gather("c", "=2", 3, storeNow)
	s.intake(t, engine.Intake{Gathered: []engine.Gathered{first, other}})
	due, next, err := s.DueWindows(t.Context(), storeNow, 9)
	if err != nil || len(due) > 0 || !next.Equal(storeNow.Add(time.Minute)) {
		t.Errorf("%d are due at once, the next at %v, %v", len(due), next, err)
	}
	early, _, err := s.DueWindows(t.Context(), storeEver, 9)
	if err != nil || len(early) != 2 {
		t.Fatalf("%d windows, %v", len(early), err)
	}
	s.intake(t, engine.Intake{Gathered: []engine.Gathered{first, second}})
	i := slices.IndexFunc(early, func(w *engine.Window) bool { return w.Key == "=1" })
	stale := early[i]
	if closed, err := s.CloseWindow(t.Context(), s.fences[stale.Partition], stale, s.run(4)); err != nil || closed {
		t.Errorf("closed as it was before the last event: %v, %v", closed, err)
	}
	due, _, err = s.DueWindows(t.Context(), storeEver, 9)
	if err != nil || len(due) != 2 || due[1].Key != "=1" {
		t.Fatalf("%d windows, %v", len(due), err)
	}
	w := due[1]
	if w.Count != 2 || len(w.Events) != 2 || w.Seq != 2 || !w.Due.Equal(storeNow.Add(90*time.Second)) {
		t.Errorf("the window is %+v", w)
	}
	for i, want := range []bool{true, false} {
		closed, err := s.CloseWindow(t.Context(), s.fences[w.Partition], w, s.run(uint64(5+i)))
		if err != nil || closed != want {
			t.Errorf("closed: %v, %v", closed, err)
		}
	}
	s.intake(t, engine.Intake{Gathered: []engine.Gathered{first, second}})
	if due, _, err := s.DueWindows(t.Context(), storeEver, 9); err != nil || len(due) != 1 {
		t.Errorf("%d windows after all events came once more, %v", len(due), err)
	}
	if got := s.unfinished(t); !slices.Equal(got, []uint64{5}) {
		t.Errorf("unfinished: %v", got)
	}
	before := s.fences
	s.claim(t, "two")
	if _, err := s.CloseWindow(t.Context(), before[due[0].Partition], due[0], nil); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("closed under an old epoch: %v", err)
	}
}
