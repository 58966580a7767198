package tasks_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

func TestRelateAndUnrelate(t *testing.T) {
	h := newHouse(t, updating(`
  - relate: { to: record.contact }
  - relate: { to: record.contact, record: record.contact }
  - unrelate: { to: record.contact }
    if: record.no == "parted"
`))
	h.tell("People/p1", engine.Fields{"name": "Zoë"})
	joined, parted := []string{
		"asks to relate Tickets/1 and People/p1", "nothing related: People/p1 is at both ends",
		`skipped: record.no == "parted" does not hold`,
	}, []string{
		"asks to relate Tickets/2 and People/p1", "nothing related: People/p1 is at both ends",
		"asks to unrelate Tickets/2 and People/p1",
	}
	h.tell("Tickets/1", engine.Fields{"contact": "p1"})
	h.tell("Tickets/2", engine.Fields{"contact": "p1", "no": "parted"})
	h.tell("Tickets/3", engine.Fields{"contact": ""})
	for id, want := range map[string][]string{"1": joined, "2": parted} {
		end := h.ended(id)
		if diff := cmp.Diff(want, notes(end.Run)); diff != "" || end.Run.State != engine.RunDone {
			t.Errorf("run %s is %s (-want +got):\n%s", id, end.Run.State, diff)
		}
	}
	if got := notes(h.ended("3").Run)[0]; got != "nothing related: record.contact leads to no record" {
		t.Errorf("without a contact: %q", got)
	}
	person := engine.Ref{Module: "People", ID: "p1"}
	for id, stands := range map[string]bool{"1": true, "2": false} {
		r := engine.Relate{From: ticket(id), To: person, Part: stands, Origin: engine.Origin{
			EventID: engine.ID{id[0]}, At: time.Now(),
		}}
		if changed, err := h.store.Relate(t.Context(), r); err != nil || !changed {
			t.Errorf("ticket %s is not as it should be: the opposite changes %v, %v", id, changed, err)
		}
	}
}
