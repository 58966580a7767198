package tasks_test

import (
	"context"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

const filling = `
name: filling
on: { event: record.created, module: Tickets }
tasks:
  - fill: { field: ext, prefix: T-, bits: 160 }
    id: filled
  - emit: { type: ticket.filled, data: { value: "{{ steps.filled.value }}", new: "{{ steps.filled.filled }}", ext: "{{ record.ext }}" } }
`

func TestFillWritesOnce(t *testing.T) {
	h := newHouse(t, filling)
	h.tell("Tickets/1", engine.Fields{"no": "T1", "ext": nil})
	h.tell("Tickets/2", engine.Fields{"no": "T2", "ext": "ext-1001"})
	first := h.ended("1")
	value := h.record(ticket("1")).Text("ext")
	if !regexp.MustCompile(`^T-[a-z2-7]{32}$`).MatchString(value) {
		t.Errorf("the id is %q", value)
	}
	if want := `{"ext":"` + value + `","new":true,"value":"` + value + `"}`; string(first.Events[0].Data) != want {
		t.Errorf("the steps that follow see %s", first.Events[0].Data)
	}
	second := h.ended("2")
	if len(written(second)) != 0 || h.record(ticket("2")).Text("ext") != "ext-1001" {
		t.Errorf("a filled field was written to: %+v", written(second))
	}
	if want := `{"ext":"ext-1001","new":false,"value":"ext-1001"}`; string(second.Events[0].Data) != want {
		t.Errorf("the steps that follow see %s", second.Events[0].Data)
	}
	if len(second.Run.History) == 0 || second.Run.History[0].Text != "ext has a value already" {
		t.Errorf("the history says %+v", second.Run.History)
	}
}

// meanwhile is a step at which the test does something.
type meanwhile struct {
	do func(step *engine.StepContext)
}

func (m *meanwhile) Run(_ context.Context, step *engine.StepContext) error {
	m.do(step)
	return nil
}

func meanwhileKind(do func(step *engine.StepContext)) engine.TaskKind {
	return engine.TaskKind{Name: "meanwhile", New: func() engine.Task { return &meanwhile{do} }}
}

// Somebody fills the field after the step saw it empty and before its write: theirs stands, for the
// steps that follow too.
func TestFillAdoptsWhatSomebodyElseWrote(t *testing.T) {
	var h *house
	var tries atomic.Int32
	h = newHouse(t, filling+"  - meanwhile: {}\n", meanwhileKind(func(*engine.StepContext) {
		if tries.Add(1) > 1 {
			return
		}
		h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
			Record: engine.Fields{"no": "T1", "ext": "theirs"}, Old: engine.Fields{"ext": ""}, Changed: []string{"ext"},
		})
		h.until("their value", func() bool { return h.record(ticket("1")).Text("ext") == "theirs" })
	}))
	h.tell("Tickets/1", engine.Fields{"no": "T1"})
	end := h.ended("1")
	if end.Run.State != engine.RunDone || tries.Load() != 2 || len(written(end)) != 0 {
		t.Errorf("after %d tries the run is %s (%s) and writes %+v", tries.Load(), end.Run.State, end.Run.Reason, written(end))
	}
	if want := `{"ext":"theirs","new":false,"value":"theirs"}`; string(end.Events[0].Data) != want {
		t.Errorf("the steps that follow see %s", end.Events[0].Data)
	}
	if got := h.record(ticket("1")).Text("ext"); got != "theirs" {
		t.Errorf("the record has %q", got)
	}
}

func TestFillOfARecordThatIsGone(t *testing.T) {
	h := newHouse(t, `
name: gone
on: { event: record.deleted, module: Tickets }
tasks: [ { fill: { field: ext } } ]
`)
	h.tell("Tickets/1", engine.Fields{"no": "T1"})
	h.publish(engine.RecordDeleted, "Tickets/1", engine.Change{Record: engine.Fields{"no": "T1"}})
	end := h.ended("1")
	want := "step 1 (fill): read Tickets/1: no such record"
	if diff := cmp.Diff(want, end.Run.Reason); end.Run.State != engine.RunFailed || diff != "" {
		t.Errorf("the run is %s:\n%s", end.Run.State, diff)
	}
}
