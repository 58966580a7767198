package tasks_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

func updating(steps string) string {
	return "name: updating\non: { event: record.created, module: Tickets }\ntasks:\n" + steps
}

func TestUpdateKeepsTypes(t *testing.T) {
	h := newHouse(t, updating(`
  - update: { set: { count: "{{ record.count + 1 }}", paid: true, note: "{{ record.no }} & {{ record.count }}", status: Resolved } }
  - update: { set: { note: 5, count: 7 } }
    if: record.count == 42
`))
	h.tell("Tickets/1", engine.Fields{"no": "<T1>", "count": "41", "paid": "0", "status": "Open"})
	writes := written(h.ended("1"))
	if len(writes) != 2 {
		t.Fatalf("%d writes: the second step does not see what the first wrote", len(writes))
	}
	want := engine.Fields{"count": json.Number("42"), "paid": true, "note": "<T1> & 41", "status": "Resolved"}
	if diff := cmp.Diff(want, writes[0].Patch.Set); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(engine.Fields{"note": "5", "count": json.Number("7")}, writes[1].Patch.Set); diff != "" {
		t.Error(diff)
	}
	kept := engine.Fields{"no": "<T1>", "count": json.Number("7"), "paid": true, "note": "5", "status": "Resolved"}
	if diff := cmp.Diff(kept, h.record(ticket("1"))); diff != "" {
		t.Error(diff)
	}
}

// What the record has already, in whatever form its CRM writes it, is no change and no event.
func TestUpdateOfNothingTellsNothing(t *testing.T) {
	h := newHouse(t, updating(`
  - update: { set: { status: Open, count: 7, paid: true, note: "" } }
`))
	h.tell("Tickets/1", engine.Fields{"status": "Open", "count": "7", "paid": "1"})
	if end := h.ended("1"); end.Run.State != engine.RunDone {
		t.Fatalf("the run is %s: %s", end.Run.State, end.Run.Reason)
	}
	if waiting, err := h.store.Outgoing(t.Context(), 10); err != nil || len(waiting) != 0 {
		t.Errorf("%d events wait, %v", len(waiting), err)
	}
	want := engine.Fields{"status": "Open", "count": "7", "paid": "1"}
	if diff := cmp.Diff(want, h.record(ticket("1"))); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateOfARelatedRecord(t *testing.T) {
	h := newHouse(t, updating(`
  - update: { record: record.contact, set: { calls: "{{ record.contact.calls + 1 }}" } }
`))
	h.tell("People/p1", engine.Fields{"name": "Zoë", "calls": 2})
	h.tell("Tickets/1", engine.Fields{"contact": "p1"})
	h.tell("Tickets/2", engine.Fields{"contact": ""})
	h.tell("Tickets/3", engine.Fields{"contact": "nobody"})
	h.ended("1")
	want := engine.Fields{"name": "Zoë", "calls": json.Number("3")}
	if diff := cmp.Diff(want, h.record(engine.Ref{Module: "People", ID: "p1"})); diff != "" {
		t.Error(diff)
	}
	for _, id := range []string{"2", "3"} {
		end := h.ended(id)
		if end.Run.State != engine.RunDone || len(written(end)) != 0 {
			t.Errorf("%s is %s and writes %+v", id, end.Run.State, written(end))
		}
		if got := end.Run.History[0].Text; got != "nothing written: record.contact leads to no record" {
			t.Errorf("%s says %q", id, got)
		}
	}
}

func TestUpdateWithAnImpossibleValueFailsTheRun(t *testing.T) {
	h := newHouse(t, updating(`
  - update: { set: { paid: true } }
  - update: { set: { status: "{{ record.no }}" } }
    if: record.no != "long"
  - update: { set: { note: "{{ record.no }} and on and on and on and on and on and on" } }
`))
	for id, want := range map[string]string{
		"Gone": `step 2 (update): status: "Gone" is not one of Open, Resolved`,
		"long": `step 3 (update): note: is longer than 40 characters`,
	} {
		h.tell("Tickets/"+id, engine.Fields{"no": id})
		end := h.ended(id)
		if end.Run.State != engine.RunFailed || end.Run.Reason != want {
			t.Errorf("%s is %s: %s", id, end.Run.State, end.Run.Reason)
		}
		if h.record(ticket(id))["paid"] != true {
			t.Errorf("%s: the step before is lost", id)
		}
	}
}

func TestUpdateOfAUniqueField(t *testing.T) {
	h := newHouse(t, updating(`
  - update: { set: { ext: same } }
`))
	h.tell("Tickets/1", engine.Fields{"no": "T1"})
	if end := h.ended("1"); end.Run.State != engine.RunDone {
		t.Fatalf("the first is %s: %s", end.Run.State, end.Run.Reason)
	}
	h.tell("Tickets/2", engine.Fields{"no": "T2"})
	end := h.ended("2")
	want := "write Tickets/2: field ext: another record already has this value"
	if end.Run.State != engine.RunFailed || !strings.HasSuffix(end.Run.Reason, want) {
		t.Errorf("the second is %s: %s", end.Run.State, end.Run.Reason)
	}
}
