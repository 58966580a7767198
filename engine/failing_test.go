package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/crm/corebostest"
)

// tryFails makes the trial of the test fail so often, for good or for a passing reason, and counts its calls.
func tryFails(t *testing.T, times int64, cause error) *atomic.Int64 {
	var calls atomic.Int64
	trials.Store(t.Name(), func(context.Context, *engine.StepContext) error {
		if calls.Add(1) <= times {
			return cause
		}
		return nil
	})
	return &calls
}

// triedFirst is a workflow whose first step is the trial of the test.
func triedFirst(t *testing.T, onError, rest string) map[string]string {
	return bookOf(`
name: flowing
on: { event: record.created, module: Tickets }
tasks:
  - trial: { name: ` + t.Name() + ` }
    id: tried
    retry: { attempts: 3, backoff: 10s, for: 1h }
` + onError + rest)
}

// toldFailures are the events of runs that failed.
func (h *house) toldFailures() []string {
	var reasons []string
	for line := range strings.SplitSeq(h.logs.String(), "\n") {
		if strings.Contains(line, "state=failed") {
			reasons = append(reasons, line)
		}
	}
	return reasons
}

func TestOnErrorContinues(t *testing.T) {
	tryFails(t, 1, engine.Permanent(errors.New("no such rate")))
	h := newHouse(t, triedFirst(t, "    on_error: continue\n", `
  - update: { set: { note: "{{ steps.tried.failed ? 'failed: ' + steps.tried.error : 'fine' }}" } }
`))
	h.start()
	h.ticket("1")
	h.becomes(ticketOne, "note", "failed: no such rate")
	if got := h.toldFailures(); len(got) > 0 {
		t.Errorf("the run failed: %q", got)
	}
}

func TestOnErrorAfterAllTries(t *testing.T) {
	calls := tryFails(t, 99, errors.New("not now"))
	h := newHouse(t, triedFirst(t, "    on_error: continue\n", `
  - update: { set: { note: "{{ steps.tried.error }}" } }
`))
	h.start()
	h.ticket("1")
	h.becomes(ticketOne, "no", "T1")
	h.noteInTime("given up after 3 tries: not now")
	if calls.Load() != 3 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestStepThatWentWellHasNotFailed(t *testing.T) {
	tryFails(t, 0, nil)
	h := newHouse(t, triedFirst(t, "    on_error: continue\n", `
  - if: steps.tried.failed == false && steps.tried.error == ""
    update: { set: { note: fine } }
`))
	h.start()
	h.ticket("1")
	h.becomes(ticketOne, "note", "fine")
}

const handled = `    on_error:
      tasks:
        - vars: { why: "{{ steps.tried.error }}" }
        - update: { set: { note: "{{ record.note }}h" } }
  - update: { set: { note: "{{ record.note }}{{ vars.why }}" } }
    id: second
  - update: { set: { note: "{{ record.note }}." } }
`

func TestHandlerGoesOnWithTheNextStep(t *testing.T) {
	for want, times := range map[string]int64{"hbroken.": 1, ".": 0} {
		t.Run(want, func(t *testing.T) {
			tryFails(t, times, engine.Permanent(errors.New("broken")))
			h := newHouse(t, triedFirst(t, handled, ""))
			h.start()
			h.ticket("1")
			h.becomes(ticketOne, "note", want)
		})
	}
}

// Two handlers that lie in one another, and a last step with one: the run ends behind them all.
func TestHandlersWithin(t *testing.T) {
	tryFails(t, 99, engine.Permanent(errors.New("broken")))
	h := newHouse(t, triedFirst(t, `    on_error:
      tasks:
        - update: { set: { note: "{{ record.note }}a" } }
        - trial: { name: `+t.Name()+` }
          on_error:
            tasks:
              - update: { set: { note: "{{ record.note }}b" } }
        - update: { set: { note: "{{ record.note }}c" } }
`, `
  - trial: { name: `+t.Name()+` }
    on_error: { tasks: [ { update: { set: { note: "{{ record.note }}d" } } } ] }
`))
	h.start()
	h.ticket("1")
	h.becomes(ticketOne, "note", "abcd")
	h.until("the end", func() bool { return h.runState(ticketOne) == "" })
	paths := []string{}
	for _, step := range h.book.Workflows[0].Tasks {
		paths = append(paths, fmt.Sprint(step.Path, " ", step.Then))
	}
	want := "1 0,2 7,1.error.1 0,1.error.2 0,1.error.3 1,1.error.2.error.1 4,2.error.1 0"
	if got := strings.Join(paths, ","); got != want {
		t.Errorf("the list is %s, want %s", got, want)
	}
}

func TestFailureWithinAHandlerFailsTheRun(t *testing.T) {
	tryFails(t, 99, engine.Permanent(errors.New("broken")))
	h := newHouse(t, triedFirst(t, "    on_error: { tasks: [ { trial: { name: "+t.Name()+" } } ] }\n", ""))
	h.start()
	h.ticket("1")
	h.until("the failure", func() bool { return len(h.toldFailures()) > 0 })
	if got := h.toldFailures()[0]; !strings.Contains(got, `reason="step 1.error.1 (trial): broken"`) {
		t.Error(got)
	}
	if own := h.ownEvents(1); own[0].Type != engine.RunFailedEvent {
		t.Errorf("told %s", own[0].Type)
	}
}

func TestHandlerThatStops(t *testing.T) {
	tryFails(t, 1, engine.Permanent(errors.New("broken")))
	h := newHouse(t, triedFirst(t, `    on_error: { tasks: [ { stop: "{{ steps.tried.error }}, so be it" } ] }
  - update: { set: { note: never } }
`, ""))
	h.start()
	h.ticket("1")
	h.until("the end", func() bool { return strings.Contains(h.logs.String(), "broken, so be it") })
	if got := h.record(ticketOne).Fields.Text("note"); got != "" || len(h.toldFailures()) > 0 {
		t.Errorf("the note is %q, failures %q", got, h.toldFailures())
	}
}

// What the store refuses is found to be of one step, though several are committed together.
func TestOnErrorOfWhatTheStoreRefuses(t *testing.T) {
	for name, condition := range map[string]string{
		"decided at once": "true", "decided later": `record.contact.name == "Zoë"`,
	} {
		t.Run(name, func(t *testing.T) { storeRefuses(t, condition) })
	}
}

func storeRefuses(t *testing.T, condition string) {
	h := newHouse(t, bookOf(`
name: taken
on: { event: record.created, module: Tickets }
if: `+condition+`
tasks:
  - update: { set: { note: "a" } }
  - update: { set: { ext: taken } }
    id: claims
    on_error: { tasks: [ { update: { set: { note: "{{ record.note }}{{ record.ext }}, {{ steps.claims.failed }}" } } } ] }
  - update: { set: { note: "{{ record.note }}!" } }
`))
	h.start()
	h.person()
	h.ticket("1")
	h.becomes(ticketOne, "note", "a!")
	h.ticket("2")
	second := engine.Ref{Module: "Tickets", ID: "2"}
	h.becomes(second, "note", "a, true!")
}

func TestConditionThatFailsIsAFailureOfItsStep(t *testing.T) {
	h := newHouse(t, bookOf(`
name: conditional
on: { event: record.created, module: Tickets }
tasks:
  - update: { set: { note: never } }
    if: len(record.note) > 1
    id: asked
    on_error: continue
  - update: { set: { note: "{{ steps.asked.failed }}" } }
`))
	h.start()
	h.publish(engine.RecordCreated, "Tickets/1", engine.Change{Record: engine.Fields{"no": "T1", "note": strings.Repeat("x", 70_000)}})
	h.becomes(ticketOne, "note", "true")
}

// A write that the CRM refuses leaves the record as it is, and the handler sees it so.
func TestOnErrorOfARefusedEffect(t *testing.T) {
	r := newRemote(t, false, `
name: refused
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - update: { set: { ticketstatus: Closed } }
    retry: { attempts: 2, backoff: 5s, for: 1h }
    id: closes
    on_error: { tasks: [ { update: { set: { description: "{{ record.ticketstatus }}: {{ steps.closes.failed }}" } } } ] }
  - emit: { type: ticket.handled }
`)
	for range 2 {
		r.played.Break(corebostest.Fault{Operation: "revise", Code: "INTERNAL_SERVER_ERROR"})
	}
	r.tell(engine.RecordUpdated)
	r.has("description", "Open: true")
	r.until("the end", func() bool { r.clock.Advance(time.Second); return r.runState(r.ref) == "" })
}

// An operator who lets a run go on that failed in a handler finds it there.
func TestRunFailedInAHandlerGoesOn(t *testing.T) {
	calls := tryFails(t, 2, engine.Permanent(errors.New("broken")))
	h := newHouse(t, triedFirst(t, "    on_error: { tasks: [ { trial: { name: "+t.Name()+" } } ] }\n", `
  - update: { set: { note: "went on" } }
`))
	h.start()
	h.ticket("1")
	h.until("the failure", func() bool { return len(h.toldFailures()) > 0 })
	lines, err := h.store.RunLines(t.Context(), engine.RunSelection{States: []engine.RunState{engine.RunFailed}, Limit: 1})
	if err != nil || len(lines) != 1 {
		t.Fatalf("%d failed runs, %v", len(lines), err)
	}
	story, err := h.store.RunStory(t.Context(), lines[0].ID)
	if err != nil || story.Run.Progress.Place != "1.error.1" {
		t.Fatalf("it stands at %q, %v", story.Run.Progress.Place, err)
	}
	if _, err := h.store.RetryRun(t.Context(), lines[0].ID, engine.Order{By: "ann", At: h.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	h.noteInTime("went on")
	if calls.Load() != 3 {
		t.Errorf("%d calls", calls.Load())
	}
}
