package enginetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

// The keyless events of an intake go into the outbox with the cursor that moves over them, or neither does.
func storeRekeyed(t *testing.T, s *storeTrial) {
	first, second := keptTicket("1", 1, "Open").Event, keptTicket("1", 2, "Closed").Event
	first.Source, second.Source = "https://crm.example", "https://crm.example"
	first.CauseID, first.Depth = "c", 2
	stale := engine.Mark{Fence: s.fences[7], Cursor: 4}
	stale.Epoch--
	_, err := s.Intake(t.Context(), engine.Intake{Marks: []engine.Mark{stale}, Events: []*engine.Event{first}})
	if !errors.Is(err, engine.ErrFenced) || len(s.outgoing(t)) > 0 {
		t.Errorf("re-keying under an old epoch gave %v and %q", err, s.outgoing(t))
	}

	mark := engine.Mark{Fence: s.fences[7], Cursor: 5}
	s.intake(t, engine.Intake{Marks: []engine.Mark{mark}, Events: []*engine.Event{first, second}})
	out, err := s.Outgoing(t.Context(), 10)
	if err != nil || len(out) != 2 {
		t.Fatalf("%d events are outgoing, %v; want 2", len(out), err)
	}
	for i, want := range []*engine.Event{first, second} {
		if diff := cmp.Diff(want, out[i].Event); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", i, diff)
		}
	}
	partitions, err := s.Claim(t.Context(), "two", storeStream, storeNow)
	if err != nil || partitions[7].Cursor != 5 {
		t.Errorf("the cursor is %d, %v; want 5", partitions[7].Cursor, err)
	}
}
