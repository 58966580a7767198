package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// replay runs the whole stream again.
func (h *house) replay(order engine.ReplayOrder) engine.ReplayResult {
	h.t.Helper()
	if order.From == 0 {
		order.From = 1
	}
	if order.To == 0 {
		position, err := h.bus.Position(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		order.To = position.Last
	}
	order.By = "ann"
	h.until("the engine has started", h.engine.Running)
	result, err := h.engine.Replay(h.t.Context(), order)
	if err != nil {
		h.t.Fatal(err)
	}
	if result.Next <= order.To {
		h.t.Fatalf("it was read up to %d of %d", result.Next, order.To)
	}
	return result
}

// over waits until all runs of a replay are.
func (h *house) over(number, runs int) (lines []engine.RunLine) {
	h.t.Helper()
	h.until("the runs of the replay are over", func() bool {
		lines = h.runs(engine.RunSelection{Replay: number})
		for _, line := range lines {
			if !line.State.Over() {
				return false
			}
		}
		return len(lines) == runs
	})
	return lines
}

func TestReplayWithoutEffectsOnlyTells(t *testing.T) {
	h := newHouse(t, bookOf(mainJob+"  - wait: { for: 48h }\n  - update: { set: { count: 5 } }\n"))
	h.start()
	h.person()
	h.ticket("1")
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	h.onlyRun(engine.RunWaiting)
	before := h.record(ticketOne).Fields
	published := len(h.ownEvents(3))

	result := h.replay(engine.ReplayOrder{Number: 1})
	if result.Matched != 1 {
		t.Fatalf("the replay came to %+v", result)
	}
	line := h.over(1, 1)[0]
	if line.State != engine.RunDone || !line.Dry {
		t.Errorf("the run is %+v", line)
	}
	story, err := h.store.RunStory(t.Context(), line.ID)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, d := range story.Run.History {
		if _, ok := d.Would(); ok {
			told = append(told, d.Text)
		}
	}
	want := []string{
		"would write note of Tickets/1", "would write count of Tickets/1",
		"would send hello by email to z…@acme.example, with a link to ticket", "would tell ticket.welcomed of Tickets/1",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("what it would have done (-want +got):\n%s", diff)
	}
	if len(story.Deliveries)+len(story.Effects)+len(story.Waits) > 0 || len(h.mail.Sent()) != 1 {
		t.Error("it did something")
	}
	if diff := cmp.Diff(before, h.record(ticketOne).Fields); diff != "" || len(h.ownEvents(published)) != published {
		t.Errorf("it changed something (-before +after):\n%s", diff)
	}
}

func TestReplayWithEffectsIsAnOccasionOfItsOwn(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.person()
	h.ticket("1")
	h.ticket("2")
	h.until("the mails", func() bool { return len(h.mail.Sent()) == 2 })
	h.ownEvents(4)
	order := engine.ReplayOrder{Number: 1, Effects: true, Record: ticketOne}
	if first := h.replay(order); first.Matched != 1 {
		t.Fatalf("the replay came to %+v", first)
	}
	h.until("the mail once more", func() bool { return len(h.mail.Sent()) == 3 })
	h.over(1, 1)
	if again := h.replay(order); again.Matched != 0 {
		t.Errorf("the same part of a replay started runs twice: %+v", again)
	}
	order.Number = 2
	if second := h.replay(order); second.Matched != 1 {
		t.Errorf("the second replay came to %+v", second)
	}
	h.until("the mail a third time", func() bool { return len(h.mail.Sent()) == 4 })
	if sent := h.mail.Sent(); sent[2].Record != ticketOne || sent[2].Delivery == sent[3].Delivery {
		t.Errorf("sent %+v", sent[2:])
	}
	if line := h.over(2, 1)[0]; line.Dry || line.Replay != 2 {
		t.Errorf("the run is %+v", line)
	}
}

func TestReplayKnowsWhatAnEventSaysOfItself(t *testing.T) {
	h := newHouse(t, bookOf(`
name: counted
on: { event: record.updated, module: Tickets, changed: count }
if: record.status == "Open"
tasks:
  - update: { set: { note: "{{ record.no }} has {{ record.count }}" } }
`))
	h.start()
	h.ticket("1")
	h.count("1", 1)
	h.note("T1 has 1")
	h.ownEvents(1) // what comes before our own event in the stream is older
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
		Record: engine.Fields{"note": "x"}, Changed: []string{"note"}, Partial: true,
	})
	h.note("x")
	if result := h.replay(engine.ReplayOrder{Number: 1, Effects: true}); result.Matched != 1 {
		t.Fatalf("the replay came to %+v", result)
	}
	h.over(1, 1)
	h.note("T1 has 1") // what the event left out is as the record has it now
}

func TestReplayRefusesWhatIsNotThere(t *testing.T) {
	h := newHouse(t, bookOf(mainJob))
	h.start()
	h.until("the engine has started", h.engine.Running)
	for want, order := range map[string]engine.ReplayOrder{
		"there is no workflow \"mian\" in the book; it has main": {Number: 1, From: 1, To: 9, Workflows: []string{"mian"}},
		"counts from 1": {Number: 1, To: 9},
	} {
		if _, err := h.engine.Replay(t.Context(), order); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", order, err)
		}
	}
	result, err := h.engine.Replay(t.Context(), engine.ReplayOrder{Number: 1, From: 5, To: 9})
	if err != nil || result.Read != 0 || result.Next != 10 {
		t.Errorf("beyond the end of the stream: %+v, %v", result, err)
	}
}

// Many events of one record are replayed in a minute; that is no loop, and says nothing of what comes live.
func TestReplayCountsForNoRate(t *testing.T) {
	h := newHouse(t, bookOf(`
name: counted
on: { event: record.updated, module: Tickets, changed: count }
tasks: [ { trial: { name: nothing } } ]
`))
	h.start()
	h.ticket("1")
	for n := range 40 {
		h.count("1", n+1)
	}
	h.until("the runs are over", func() bool {
		return len(h.runs(engine.RunSelection{States: []engine.RunState{engine.RunDone}})) == 40
	})
	if result := h.replay(engine.ReplayOrder{Number: 1}); result.Matched != 40 {
		t.Fatalf("the replay came to %+v", result)
	}
	for _, line := range h.over(1, 40) {
		if line.State != engine.RunDone {
			t.Errorf("a run of the replay is %s: %s", line.State, line.Reason)
		}
	}
	h.count("1", 41)
	var lines []engine.RunLine
	h.until("the live run is over", func() bool {
		lines = h.runs(engine.RunSelection{Limit: 100})
		return len(lines) == 81 && !slices.ContainsFunc(lines, func(l engine.RunLine) bool { return !l.State.Over() })
	})
	for _, line := range lines {
		if line.State != engine.RunDone {
			t.Errorf("a run is %s: %s", line.State, line.Reason)
		}
	}
}

// What a part of a replay has stored is run, even if nobody waits for that part any more.
func TestReplayThatNobodyWaitsForIsRun(t *testing.T) {
	workflow := `
name: counted
on: { event: record.updated, module: Tickets, changed: count }
tasks: [ { trial: { name: ` + t.Name() + ` } } ]
`
	files := bookOf(workflow)
	files["again.yaml"] = strings.Replace(workflow, "counted", "again", 1)
	h := newHouse(t, files)
	const events = 50 // of which two workflows make more runs than one lane holds
	release := make(chan struct{})
	trials.Store(t.Name(), func(_ context.Context, step *engine.StepContext) error {
		if step.Env.Event.Change.Record.Text("count") == "1" {
			<-release
		}
		return nil
	})
	h.start()
	h.ticket("1")
	for n := range events {
		h.count("1", n+1)
	}
	h.until("a run is taken", func() bool { return h.runState(ticketOne) == engine.RunReady })
	h.clock.Advance(2 * time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = h.engine.Replay(ctx, engine.ReplayOrder{Number: 1, From: 1, To: events + 1, By: "ann"})
	}()
	h.until("the replay has begun", func() bool { return len(h.runs(engine.RunSelection{Replay: 1})) > 0 })
	cancel()
	close(release)
	<-ended
	h.until("all that was stored has run", func() bool {
		stored := h.runs(engine.RunSelection{Replay: 1, Limit: 1000})
		return !slices.ContainsFunc(stored, func(l engine.RunLine) bool { return !l.State.Over() })
	})
}
