package tasks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

func flowing(steps string) string {
	return "name: flowing\non: { event: record.created, module: Tickets }\ntasks:\n" + steps
}

func TestVarsKeepTheirTypes(t *testing.T) {
	h := newHouse(t, flowing(`
  - vars: { total: "{{ record.count * 50 }}", half: "{{ record.count / 4 }}", hello: "Dear {{ record.contact.name }}", plain: 5, seen: "{{ now() }}",
            list: "{{ split(record.note, ',') }}", none: null }
  - vars: { total: "{{ vars.total + 1 }}" }
  - update: { set: { count: "{{ vars.total }}", note: "{{ vars.hello }}, {{ vars.plain }} {{ len(vars.list) }} {{ vars.none }}" } }
    if: vars.seen <= now() && vars.half == 0.5
`))
	h.tell("People/p1", engine.Fields{"name": "Zoë"})
	h.tell("Tickets/1", engine.Fields{"no": "T1", "count": "2", "note": "a,b", "contact": "p1"})
	end := h.ended("1")
	if end.Run.State != engine.RunDone {
		t.Fatalf("the run is %s: %s", end.Run.State, end.Run.Reason)
	}
	if got := h.record(ticket("1")).Text("note"); got != "Dear Zoë, 5 2 " {
		t.Errorf("the note is %q", got)
	}
	vars := end.Run.Progress.Vars
	if _, ok := vars["seen"].(time.Time); !ok {
		t.Errorf("seen is %T", vars["seen"])
	}
	delete(vars, "seen")
	want := engine.Values{
		"total": 101, "half": 0.5, "hello": "Dear Zoë", "plain": 5, "list": []any{"a", "b"}, "none": nil,
	}
	if diff := cmp.Diff(want, vars); diff != "" {
		t.Error(diff)
	}
	stored, err := h.store.Run(t.Context(), end.Run.ID)
	if err != nil {
		t.Fatal(err)
	}
	delete(stored.Progress.Vars, "seen")
	if diff := cmp.Diff(want, stored.Progress.Vars); diff != "" {
		t.Errorf("stored: %s", diff)
	}
}

func TestVarsHaveALimit(t *testing.T) {
	h := newHouse(t, flowing(`
  - vars: { one: "{{ record.ext }}" }
  - vars: { two: "{{ record.ext }}" }
  - update: { set: { note: never } }
`))
	h.tell("Tickets/1", engine.Fields{"ext": strings.Repeat("x", 40<<10)})
	run := h.ended("1").Run
	const want = "step 2 (vars): the vars of a run have 64 kB at most, with two they have 81 kB"
	if run.State != engine.RunFailed || run.Reason != want {
		t.Errorf("the run is %s: %s", run.State, run.Reason)
	}
	if got := len(run.Progress.Vars); got != 1 {
		t.Errorf("%d vars stand after the step that failed", got)
	}
}

func TestVarsInMessages(t *testing.T) {
	h := newHouse(t, flowing(`
  - vars: { skipped: "{{ record.no }}" }
    if: record.no == "none"
  - vars: { hours: "{{ record.count * 2 }}", notes: "{{ split(record.note, ',') }}" }
  - notify: { to: record.contact, via: email, template: summed }
`))
	h.tell("People/p1", engine.Fields{"name": "Zoë", "email": "zoe@example.org"})
	h.tell("Tickets/1", engine.Fields{"count": 3, "note": "a,b", "contact": "p1"})
	if got := h.sent(1)[0].Content.Text; got != "6 hours: <a><b>." {
		t.Errorf("the mail says %q", got)
	}
}

func TestStopEndsTheRun(t *testing.T) {
	h := newHouse(t, flowing(`
  - update: { set: { status: Resolved } }
  - stop: "nothing to do for {{ record.no }}"
    if: record.count == 0
  - stop: { reason: "{{ record.count }} are too many", failed: true }
    if: record.count > 0
  - update: { set: { note: never } }
`))
	h.tell("Tickets/1", engine.Fields{"no": "T1", "count": 0, "status": "Open"})
	h.tell("Tickets/2", engine.Fields{"no": "T2", "count": 9, "status": "Open"})
	for id, want := range map[string]struct {
		state  engine.RunState
		reason string
	}{
		"1": {engine.RunStopped, "nothing to do for T1"},
		"2": {engine.RunFailed, "9 are too many"},
	} {
		end := h.ended(id)
		if end.Run.State != want.state || end.Run.Reason != want.reason {
			t.Errorf("%s is %s: %s", id, end.Run.State, end.Run.Reason)
		}
		if failed := len(end.Events) == 1 && end.Events[0].Type == engine.RunFailedEvent; failed != (want.state == engine.RunFailed) {
			t.Errorf("%s tells %+v", id, end.Events)
		}
		record := h.record(ticket(id))
		if record["status"] != "Resolved" || record["note"] != nil {
			t.Errorf("%s became %v", id, record)
		}
	}
}
