package engine_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

const startedWorkflows = `
name: started
on:
  - { manual: true, module: Tickets }
inputs:
  why: { type: text, required: true }
  times: integer
if: record.status == "Open"
tasks:
  - emit: { type: ticket.started, data: { why: "{{ inputs.why }}", times: "{{ inputs.times }}", by: "{{ actor }}", no: "{{ record.no }}" } }
`

// startBook is the started workflow, one that starts it on an event of the CRM's own, and one on an event of ours.
func startBook() map[string]string {
	files := bookOf(startedWorkflows)
	files["escalated.yaml"] = `
name: escalated
on: { event: ticket.escalated, module: Tickets }
tasks:
  - start: { workflow: started, inputs: { why: "{{ event.data.reason }}" } }
`
	files["broken.yaml"] = `
name: broken
on: { event: record.deleted, module: Tickets }
tasks:
  - update: { set: { count: "{{ record.no }}" } }
`
	files["asleep.yaml"] = `
name: asleep
on: { manual: true, module: Tickets }
active: { until: 2026-02-01 }
tasks: [ { emit: { type: ticket.awake } } ]
`
	files["sorry.yaml"] = `
name: sorry
on: { event: run.failed, module: Tickets }
tasks:
  - emit: { type: ticket.sorry, data: { of: "{{ event.data.workflow }}" } }
`
	return files
}

func (h *house) tell(id, eventType, subject, data string) {
	h.publishEvent(&engine.Event{ID: id, Source: "crm", Type: eventType, Subject: subject, Data: []byte(data)})
}

// told are the events of ours of some types, as "type data".
func (h *house) told(n int, types ...string) (lines []string) {
	for _, event := range h.ownEvents(n) {
		if slices.Contains(types, event.Type) {
			lines = append(lines, event.Type+" "+string(event.Data))
		}
	}
	return lines
}

func TestWorkflowsAreStarted(t *testing.T) {
	h := newHouse(t, startBook())
	h.start()
	h.ticket("1")
	h.tell("order", engine.WorkflowStart, "Tickets/1", `{"workflow":"started","inputs":{"why":"by hand","times":"3"},"by":"ann"}`)
	h.tell("other", "ticket.escalated", "Tickets/1", `{"reason":"late"}`)
	got := h.told(3, "ticket.started")
	slices.Sort(got)
	want := []string{
		`ticket.started {"by":"ann","no":"T1","times":3,"why":"by hand"}`,
		`ticket.started {"by":"workflow:escalated","no":"T1","times":null,"why":"late"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
}

func TestStartsThatAreNoneAreDeadLetters(t *testing.T) {
	h := newHouse(t, startBook())
	h.start()
	h.ticket("1")
	orders := map[string]string{
		`{"workflow":"asleep"}`:                                      "workflow asleep is not active now",
		`{"workflow":"nobody"}`:                                      `there is no workflow "nobody" in the book`,
		`{"workflow":"sorry"}`:                                       "workflow sorry is not started by hand",
		`{"workflow":"started"}`:                                     "workflow started needs the input why",
		`{"workflow":"started","inputs":{"why":"a","when":"b"}}`:     `workflow started has no input "when"`,
		`{"workflow":"started","inputs":{"why":"a","times":"many"}}`: "expected a number, found other text",
		`{"workflow":7}`:                                             `"workflow" should be text, found a number`,
	}
	for order := range orders {
		h.tell(order, engine.WorkflowStart, "Tickets/1", order)
	}
	h.tell("wrong module", engine.WorkflowStart, "People/p1", `{"workflow":"started","inputs":{"why":"a"}}`)
	var letters []engine.DeadLetter
	h.until("the dead letters", func() (all bool) {
		var err error
		letters, err = h.store.DeadLetters(t.Context(), engine.LetterSelection{Limit: 20})
		return err == nil && len(letters) == len(orders)+1
	})
	reasons := strings.Builder{}
	for _, l := range letters {
		reasons.WriteString(l.Reason + "\n")
	}
	for _, want := range append(slices.Collect(maps.Values(orders)), `is about a record of Tickets, not "People/p1"`) {
		if !strings.Contains(reasons.String(), want) {
			t.Errorf("nobody says %q:\n%s", want, &reasons)
		}
	}
}

// A start on a record that is not there, or whose condition does not hold, is a run that says so.
func TestStartsThatComeToNothingSayWhy(t *testing.T) {
	h := newHouse(t, startBook())
	h.start()
	h.publish(engine.RecordCreated, "Tickets/2", engine.Change{Record: engine.Fields{"no": "T2", "status": "Resolved"}})
	h.tell("closed", engine.WorkflowStart, "Tickets/2", `{"workflow":"started","inputs":{"why":"a"}}`)
	h.tell("nowhere", engine.WorkflowStart, "Tickets/9", `{"workflow":"started","inputs":{"why":"a"}}`)
	h.until("both runs to end", func() bool { return len(h.runsOf("started", engine.RunStopped, engine.RunFailed)) == 2 })
	for _, run := range h.runsOf("started", engine.RunStopped, engine.RunFailed) {
		want := map[string]string{"2": "its condition does not hold", "9": "no such record"}[run.Record.ID]
		if !strings.Contains(run.Reason, want) {
			t.Errorf("%s: %q, want %q", run.Record, run.Reason, want)
		}
	}
}

func TestOwnEventsStartWorkflows(t *testing.T) {
	h := newHouse(t, startBook())
	h.start()
	h.ticket("1")
	h.publish(engine.RecordDeleted, "Tickets/1", engine.Change{Record: engine.Fields{"no": "T1"}})
	// The record is gone, so that who wants to be sorry for it fails, which starts nothing: its depth is counted.
	h.until("both runs to fail", func() bool {
		return len(h.runsOf("broken", engine.RunFailed)) == 1 && len(h.runsOf("sorry", engine.RunFailed)) > 0
	})
}

// runsOf are the runs of a workflow in some states.
func (h *house) runsOf(workflow string, states ...engine.RunState) []engine.RunLine {
	h.t.Helper()
	lines, err := h.store.RunLines(h.t.Context(), engine.RunSelection{Workflow: workflow, States: states, Limit: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

func TestFirstSucceedsOnce(t *testing.T) {
	h := newHouse(t, bookOf(`
name: welcome
on: { event: record.saved, module: Tickets }
first: { key: record.contact }
concurrency: { key: record.contact }
tasks:
  - trial: { name: TestFirstSucceedsOnce }
  - emit: { type: ticket.welcomed }
`))
	fails := 1
	trials.Store(t.Name(), func(_ context.Context, _ *engine.StepContext) error {
		if fails--; fails >= 0 {
			return engine.Permanent(errors.New("it breaks"))
		}
		return nil
	})
	h.start()
	h.ticket("1") // fails: it does not count
	h.until("the first to fail", func() bool { return len(h.runsOf("welcome", engine.RunFailed)) == 1 })
	h.ticket("2")
	h.ticket("3")
	h.until("the others to end", func() bool { return len(h.runsOf("welcome", engine.RunDone, engine.RunStopped)) == 2 })
	h.stop()
	h.start() // and it is not forgotten
	h.ticket("4")
	h.until("the last to end", func() bool { return len(h.runsOf("welcome", engine.RunStopped)) == 2 })
	if done := h.runsOf("welcome", engine.RunDone); len(done) != 1 { // 2 or 3, whose lane was quicker
		t.Errorf("done are %+v", done)
	}
}

func TestOnlyOnChange(t *testing.T) {
	h := newHouse(t, bookOf(`
name: changes
on: { event: record.saved, module: Tickets }
only_on_change: [status, count]
tasks: [ { emit: { type: ticket.changed } } ]
`))
	h.start()
	save := func(status string, old engine.Fields) {
		h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
			Record: engine.Fields{"no": "T1", "status": status, "count": 1}, Old: old,
		})
	}
	h.ticket("1")
	save("Open", nil)                               // count is new
	save("Open", engine.Fields{"status": "Closed"}) // says that it changed, but it is as it was for us
	save("Open", engine.Fields{"no": "T0"})         // says itself that nothing of it changed: no run at all
	save("Resolved", engine.Fields{"status": "Open"})
	h.until("four runs", func() bool { return len(h.runsOf("changes", engine.RunDone, engine.RunStopped)) == 4 })
	if done, stopped := h.runsOf("changes", engine.RunDone), h.runsOf("changes", engine.RunStopped); len(done) != 3 || len(stopped) != 1 {
		t.Errorf("%d done, %d stopped", len(done), len(stopped))
	}
}

// tickets are the tickets kept so far.
func (h *house) tickets() []engine.Record {
	h.t.Helper()
	var refs []engine.Ref
	for _, id := range []string{"early", "first", "last", "late"} {
		refs = append(refs, engine.Ref{Module: "Tickets", ID: id})
	}
	records, err := h.store.Records(h.t.Context(), refs)
	if err != nil {
		h.t.Fatal(err)
	}
	return records
}

func TestActiveDays(t *testing.T) {
	h := newHouse(t, bookOf(`
name: spring
on: { event: record.created, module: Tickets }
active: { from: 2026-03-02, until: 2026-03-02, zone: Europe/Madrid }
tasks: [ { emit: { type: ticket.spring } } ]
`))
	h.start()
	h.ticket("early") // the clock stands at 1 March, noon
	h.until("the early one to be taken in", func() bool { return len(h.tickets()) == 1 })
	h.clock.Advance(12 * time.Hour) // 1 in the morning of 2 March in Madrid
	h.ticket("first")
	h.until("the first run", func() bool { return len(h.runsOf("spring")) == 1 })
	h.clock.Advance(22*time.Hour + 59*time.Minute)
	h.ticket("last")
	h.until("the last run", func() bool { return len(h.runsOf("spring")) == 2 })
	h.clock.Advance(time.Minute)
	h.ticket("late")
	h.until("the late one to be taken in", func() bool { return len(h.tickets()) == 4 })
	h.stop()
}

// A run that waits may still be the first: others of its record wait for what becomes of it.
func TestFirstThatWaits(t *testing.T) {
	seen := sight(t, func(step *engine.StepContext) string { return step.Ref.ID })
	h := newHouse(t, bookOf("name: planned\non: { event: record.saved, module: Tickets }\nfirst: true\n"+
		"tasks:\n  - trial: { name: "+t.Name()+" }\n  - wait: { for: 1h }\n"))
	h.start()
	h.ticket("1")
	h.until("the first to wait", func() bool { return len(h.runsOf("planned", engine.RunWaiting)) == 1 })
	h.count("1", 1)
	h.ticket("2")
	h.until("another record's", func() bool { return len(h.runsOf("planned", engine.RunWaiting)) == 2 })
	h.stop()
	h.start()
	h.clock.Advance(time.Hour)
	h.soon("all ends", func() bool {
		return len(h.runsOf("planned", engine.RunDone)) == 2 && len(h.runsOf("planned", engine.RunStopped)) == 1
	})
	if n := seen.count(); n != 2 {
		t.Errorf("taken %d times: %v", n, seen.all())
	}
}
