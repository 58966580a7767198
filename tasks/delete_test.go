package tasks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

func notes(run *engine.Run) (texts []string) {
	for _, decision := range run.History {
		texts = append(texts, decision.Text)
	}
	return texts
}

// What a run deletes is gone for its later steps, and so for everyone; the run goes on with what it last saw.
func TestDelete(t *testing.T) {
	h := newHouse(t, updating(`
  - update: { set: { note: bye } }
  - delete: { record: record.contact }
  - delete: {}
  - emit: { type: ticket.gone, data: { note: "{{ record.note }}", who: "{{ record.contact.name }}" } }
`))
	zoe := engine.Ref{Module: "People", ID: "p1"}
	h.tell(zoe.String(), engine.Fields{"name": "Zoë"})
	h.tell("Tickets/1", engine.Fields{"no": "T1", "contact": "p1"})
	h.tell("Tickets/2", engine.Fields{"no": "T2"})
	end := h.ended("1")
	if end.Run.State != engine.RunDone || h.record(ticket("1")) != nil || h.record(zoe) != nil {
		t.Fatalf("the run is %s (%s); left are %v and %v", end.Run.State, end.Run.Reason, h.record(ticket("1")), h.record(zoe))
	}
	want := []string{"sets note of Tickets/1", "deletes People/p1", "deletes Tickets/1", "tells ticket.gone"}
	if diff := cmp.Diff(want, notes(end.Run)); diff != "" {
		t.Error(diff)
	}
	want[1], want[0], want[2] = "nothing deleted: record.contact leads to no record", "sets note of Tickets/2", "deletes Tickets/2"
	if diff := cmp.Diff(want, notes(h.ended("2").Run)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsDeletedCannotBeWrittenTo(t *testing.T) {
	h := newHouse(t, updating(`
  - delete: {}
  - update: { set: { note: late } }
`))
	h.tell("Tickets/1", engine.Fields{"no": "T1"})
	end := h.ended("1")
	if want := "step 2 (update): write Tickets/1: no such record"; end.Run.Reason != want {
		t.Errorf("the run is %s: %s", end.Run.State, end.Run.Reason)
	}
	if h.record(ticket("1")) != nil {
		t.Error("the step before is lost")
	}
}
