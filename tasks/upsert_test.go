package tasks_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

const upserting = `
  - upsert: { module: People, match: email, set: { email: "{{ record.note }}", name: "{{ record.no }}" } }
    id: person
  - update: { set: { ext: "{{ steps.person.id }}", paid: "{{ steps.person.created }}" } }
    if: record.count != 3
`

func TestUpsertFindsOrMakes(t *testing.T) {
	h := newHouse(t, updating(upserting))
	h.tell("People/p1", engine.Fields{"name": "Zoë", "email": "zoe@acme.example", "calls": 2})
	h.tell("Tickets/1", engine.Fields{"no": "Zoë O'Brien", "note": "zoe@acme.example"})
	h.ended("1")
	want := engine.Fields{"no": "Zoë O'Brien", "note": "zoe@acme.example", "ext": "p1", "paid": false}
	if diff := cmp.Diff(want, h.record(ticket("1"))); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	zoe := h.record(engine.Ref{Module: "People", ID: "p1"})
	if zoe["name"] != "Zoë O'Brien" || fmt.Sprint(zoe["calls"]) != "2" {
		t.Errorf("the one that was found is %v", zoe)
	}

	h.tell("Tickets/2", engine.Fields{"no": "Bob", "note": "bob@acme.example"})
	h.ended("2")
	made := h.record(ticket("2")).Text("ext")
	bob := engine.Fields{"name": "Bob", "email": "bob@acme.example"}
	if diff := cmp.Diff(bob, h.record(engine.Ref{Module: "People", ID: made})); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	if h.record(ticket("2"))["paid"] != true {
		t.Error("it does not say that it made one")
	}

	h.tell("Tickets/3", engine.Fields{"no": "Bob", "note": "bob@acme.example", "count": 3})
	end := h.ended("3")
	if got, want := end.Run.History[0].Text, "People/"+made+" has this email, and the other values too"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

// Runs that look for the same at the same time make one record of it.
func TestUpsertsAtTheSameTimeMakeOneRecord(t *testing.T) {
	h := newHouse(t, updating(`
  - upsert: { module: People, match: email, set: { email: bob@acme.example, name: Bob } }
  - upsert: { module: People, match: email, set: { email: bob@acme.example, name: Bob } }
`))
	const tickets = 24
	for i := range tickets {
		h.tell(fmt.Sprint("Tickets/", i), engine.Fields{"no": fmt.Sprint("T", i)})
	}
	for i := range tickets {
		if end := h.ended(fmt.Sprint(i)); end.Run.State != engine.RunDone {
			t.Errorf("run %d is %s: %s", i, end.Run.State, end.Run.Reason)
		}
	}
	listing := engine.Listing{Module: "People", Field: "email", Value: "bob@acme.example", Limit: 9}
	page, err := h.store.List(t.Context(), listing)
	if err != nil || len(page.Records) != 1 {
		t.Errorf("there are %v, %v", page.Records, err)
	}
}

func TestUpsertWithoutAValueToMatchFails(t *testing.T) {
	h := newHouse(t, updating(upserting))
	h.tell("Tickets/1", engine.Fields{"no": "T1"})
	end := h.ended("1")
	want := "step 1 (upsert): email, by which the record is found, has no value"
	if end.Run.State != engine.RunFailed || end.Run.Reason != want {
		t.Errorf("the run is %s: %s", end.Run.State, end.Run.Reason)
	}
}

// The steps that follow go by what was made and set before, though none of it is stored yet.
func TestUpsertLeadsOnAtOnce(t *testing.T) {
	h := newHouse(t, updating(`
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
  - upsert: { module: People, match: email, set: { email: bob@acme.example, name: Bob } }
    id: bob
  - update: { set: { contact: "{{ steps.bob.id }}" } }
  - update: { record: record.contact, set: { name: "{{ record.contact.name }} B.", calls: 3 } }
  - relate: { to: record.contact }
  - update: { set: { note: "{{ record.contact.name }} {{ record.contact.calls }}" } }
  - delete: { record: record.contact }
    if: record.no == "T2"
  - update: { set: { name: gone }, record: record.contact }
    if: record.no == "T2"
`))
	h.tell("People/p1", engine.Fields{"name": "Zoë"})
	for _, no := range []string{"T1", "T2"} {
		h.tell("Tickets/"+no, engine.Fields{"no": no, "contact": "p1"})
		if end := h.ended(no); h.record(ticket(no)).Text("note") != "Bob B. 3" {
			t.Errorf("%s is %s (%s): %v", no, end.Run.State, end.Run.Reason, h.record(ticket(no)))
		}
	}
}
