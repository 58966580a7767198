package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
)

// gated is a workflow whose runs take a step that the test holds up, then note themselves.
func gated(t *testing.T, concurrency, rest string) map[string]string {
	return bookOf(`
name: gated
on: { event: record.updated, module: Tickets, changed: count }
concurrency: ` + concurrency + `
tasks:
  - trial: { name: ` + t.Name() + ` }
    retry: { attempts: 50, backoff: 10s, for: 24h }
` + rest + `
  - update: { set: { note: "{{ record.note }}{{ event.record.count }}" } }
`)
}

// flaw lets steps fail for a passing reason while it is set, by the number in the record.
type flaw struct {
	mu     sync.Mutex
	counts map[string]bool
}

func (f *flaw) set(count string, fails bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[count] = fails
}

func (f *flaw) run(_ context.Context, step *engine.StepContext) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if count := step.Env.Event.Change.Record.Text("count"); f.counts[count] {
		return fmt.Errorf("held up at %s", count)
	}
	return nil
}

// holdUp makes the runs for a count fail until it is told otherwise.
func holdUp(t *testing.T, counts ...string) *flaw {
	f := &flaw{counts: map[string]bool{}}
	for _, count := range counts {
		f.counts[count] = true
	}
	trials.Store(t.Name(), f.run)
	return f
}

// count changes the count of a ticket, in the name of an event of its own.
func (h *house) count(id string, n int) {
	h.publish(engine.RecordUpdated, "Tickets/"+id, engine.Change{
		Record: engine.Fields{"count": n}, Changed: []string{"count"}, Partial: true,
	})
}

// noteInTime polls the note of the first ticket while time goes by.
func (h *house) noteInTime(want string) {
	h.t.Helper()
	h.until("the note "+want, func() bool {
		h.clock.Advance(10 * time.Second)
		return h.record(ticketOne).Fields.Text("note") == want
	})
}

func TestRunsOfARecordQueue(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			f := holdUp(t, "1")
			h := newHouse(t, gated(t, "{ mode: queue }", ""))
			h.start()
			h.ticket("1")
			for n := range 4 {
				h.count("1", n+1)
			}
			h.becomes(ticketOne, "count", "4")
			h.stands(ticketOne, engine.RunReady) // they wait behind the one that is taken again
			if restart {
				h.stop()
				h.start()
			}
			f.set("1", false)
			h.noteInTime("1234")
		})
	}
}

func TestRunsOfOtherRecordsDoNotQueue(t *testing.T) {
	holdUp(t, "1")
	h := newHouse(t, gated(t, "{}", ""))
	h.start()
	h.ticket("1")
	h.ticket("2")
	h.count("1", 1)
	h.count("2", 2)
	h.becomes(engine.Ref{Module: "Tickets", ID: "2"}, "note", "2")
}

func TestRunsWithOneKeyQueue(t *testing.T) {
	f := holdUp(t, "1")
	h := newHouse(t, gated(t, "{ key: record.contact }", ""))
	h.start()
	h.person()
	for _, id := range []string{"1", "2", "3"} {
		h.ticket(id)
	}
	h.count("1", 1)
	h.stands(ticketOne, engine.RunRetrying)
	h.count("2", 2)
	h.count("3", 3)
	second, third := engine.Ref{Module: "Tickets", ID: "2"}, engine.Ref{Module: "Tickets", ID: "3"}
	h.stands(third, engine.RunReady)
	f.set("1", false)
	h.noteInTime("1")
	for _, ref := range []engine.Ref{second, third} {
		h.becomes(ref, "note", ref.ID)
	}
}

func TestRunThatIsSkipped(t *testing.T) {
	f := holdUp(t, "1")
	h := newHouse(t, gated(t, "{ mode: skip }", ""))
	h.start()
	h.ticket("1")
	h.count("1", 1)
	h.stands(ticketOne, engine.RunRetrying)
	h.count("1", 2)
	h.until("the second ends", func() bool { return strings.Contains(h.logs.String(), "skipped: run") })
	f.set("1", false)
	h.noteInTime("1")
	h.count("1", 3)
	h.note("13")
}

func TestRunThatIsCancelled(t *testing.T) {
	holdUp(t, "1")
	h := newHouse(t, gated(t, "{ mode: cancel_previous }", ""))
	h.start()
	h.ticket("1")
	h.count("1", 1)
	h.stands(ticketOne, engine.RunRetrying)
	h.count("1", 2)
	h.note("2")
	if !strings.Contains(h.logs.String(), "cancelled: run") {
		t.Error("nothing says that the first run was cancelled")
	}
	h.clock.Advance(time.Hour)
	h.count("1", 3)
	h.note("23")
}

func TestRunThatWaitsLetsOthersPass(t *testing.T) {
	for _, hold := range []bool{false, true} {
		t.Run(fmt.Sprint("hold ", hold), func(t *testing.T) {
			trials.Store(t.Name(), func(context.Context, *engine.StepContext) error { return nil })
			h := newHouse(t, gated(t, fmt.Sprintf("{ hold: %v }", hold), `  - if: record.count == 1
    wait: { for: 1h }`))
			h.start()
			h.ticket("1")
			h.count("1", 1)
			h.stands(ticketOne, engine.RunWaiting)
			h.count("1", 2)
			first, both := "2", "21"
			if hold {
				first, both = "", "12"
			}
			h.becomes(ticketOne, "count", "2")
			if hold {
				h.stop()
				h.start()
			}
			h.note(first)
			h.noteInTime(both)
		})
	}
}

func TestLoopSaysWhoMadeIt(t *testing.T) {
	h := newHouse(t, map[string]string{
		"modules/Tickets.yaml": ticketModule, "modules/People.yaml": peopleModule,
		"up.yaml": `
name: up
on: { event: record.saved, module: Tickets }
if: record.count < 100 && record.status == "Open"
tasks: [ { update: { set: { count: "{{ record.count + 1 }}", status: Resolved } } } ]
`,
		"down.yaml": `
name: down
on: { event: record.updated, module: Tickets, changed: status }
if: record.status == "Resolved"
tasks: [ { update: { set: { status: Open } } } ]
`,
	})
	h.start()
	h.publish(engine.RecordCreated, "Tickets/1", engine.Change{Record: engine.Fields{"no": "1", "status": "Open", "count": 0}})
	h.until("the end of the loop", func() bool { return strings.Contains(h.logs.String(), "loop") })
	if want := "loop down → up → down → up → down → up → down"; !strings.Contains(h.logs.String(), want) &&
		!strings.Contains(h.logs.String(), "loop up → down → up → down → up → down → up") {
		t.Errorf("the log does not say who made the loop:\n%s", h.logs)
	}
}

func TestTooManyRunsOnARecord(t *testing.T) {
	h := newHouse(t, gated(t, "{}", ""))
	trials.Store(t.Name(), func(context.Context, *engine.StepContext) error { return errors.ErrUnsupported })
	h.start()
	h.ticket("1")
	for n := range 61 {
		h.count("1", n+1)
	}
	h.until("the last is stopped", func() bool {
		return strings.Contains(h.logs.String(), "loop: more than 60 runs on this record within a minute")
	})
	if n := strings.Count(h.logs.String(), "loop: more than"); n != 1 {
		t.Errorf("%d runs were stopped, want the last alone", n)
	}
}

// A run that is cancelled while it queues leaves its gate, whose key is stored nowhere by then.
func TestRunCancelledInTheQueueOfAKeyLeavesItsGate(t *testing.T) {
	f := holdUp(t, "1")
	h := newHouse(t, gated(t, "{ key: record.contact }", ""))
	h.start()
	h.person()
	for _, id := range []string{"1", "2", "3"} {
		h.ticket(id)
	}
	h.count("1", 1)
	h.stands(ticketOne, engine.RunRetrying)
	h.count("2", 2)
	second, third := engine.Ref{Module: "Tickets", ID: "2"}, engine.Ref{Module: "Tickets", ID: "3"}
	h.stands(second, engine.RunReady)
	h.count("3", 3)
	h.stands(third, engine.RunReady)
	queued := h.runs(engine.RunSelection{Record: second})[0]
	if _, err := h.store.CancelRun(t.Context(), queued.ID, h.orders(""), false); err != nil {
		t.Fatal(err)
	}
	h.engine.Look(queued.ID, queued.Partition)
	f.set("1", false)
	h.noteInTime("1")
	h.becomes(third, "note", "3")
}

// The gate of a run is the one that it queued for, though its key would lead to another by the time it passes.
func TestRunKeepsTheGateItQueuedFor(t *testing.T) {
	f := holdUp(t, "1")
	h := newHouse(t, gated(t, "{ key: record.contact.name }", ""))
	h.start()
	h.person()
	for _, id := range []string{"1", "2", "3"} {
		h.ticket(id)
	}
	h.count("1", 1)
	h.stands(ticketOne, engine.RunRetrying)
	h.count("2", 2)
	second, third := engine.Ref{Module: "Tickets", ID: "2"}, engine.Ref{Module: "Tickets", ID: "3"}
	h.becomes(second, "count", "2")
	h.stands(second, engine.RunReady)
	h.count("3", 3)
	h.stands(third, engine.RunReady)
	h.publish(engine.RecordUpdated, "People/p1", engine.Change{
		Record: engine.Fields{"name": "Anna"}, Changed: []string{"name"}, Partial: true,
	})
	h.becomes(engine.Ref{Module: "People", ID: "p1"}, "name", "Anna")
	f.set("1", false)
	h.noteInTime("1")
	h.becomes(second, "note", "2")
	h.becomes(third, "note", "3")
}

// A run whose condition is not decided yet takes nobody's place: it may have no business here.
func TestPendingRunTakesNobodysPlace(t *testing.T) {
	f := holdUp(t, "1")
	files := gated(t, "{ mode: cancel_previous }", "")
	files["w.yaml"] = strings.Replace(files["w.yaml"], "concurrency:",
		"if: record.contact.name == \"Zoë\" || record.count == 1\nconcurrency:", 1)
	h := newHouse(t, files)
	h.start()
	h.publish(engine.RecordCreated, "People/p1", engine.Change{Record: engine.Fields{"name": "Anna"}})
	h.ticket("1")
	h.count("1", 1)
	h.stands(ticketOne, engine.RunRetrying)
	h.count("1", 2)
	h.until("the second is decided", func() bool {
		return strings.Contains(h.logs.String(), "its condition does not hold") ||
			strings.Contains(h.logs.String(), "cancelled: run")
	})
	f.set("1", false)
	h.noteInTime("1")
}

// inside polls until a run of a ticket rests inside its gate.
func (h *house) inside(ref engine.Ref) {
	h.t.Helper()
	h.until("a run of "+ref.String()+" to be inside", func() bool {
		parked, err := h.store.Parked(h.t.Context(), nil)
		return err == nil && slices.ContainsFunc(parked, func(s engine.Standing) bool {
			return s.Record == ref && s.State == engine.RunRetrying
		})
	})
}

func TestRunBackFromItsWaitQueues(t *testing.T) {
	for _, mode := range []string{"skip", "cancel_previous"} {
		t.Run(mode, func(t *testing.T) {
			f := holdUp(t, "2")
			h := newHouse(t, gated(t, "{ mode: "+mode+" }", `  - if: record.count == 1
    wait: { for: 1h }`))
			h.start()
			h.ticket("1")
			h.count("1", 1)
			h.stands(ticketOne, engine.RunWaiting)
			h.count("1", 2)
			h.inside(ticketOne)
			h.clock.Advance(time.Hour)
			h.ticket("2")
			h.becomes(engine.Ref{Module: "Tickets", ID: "2"}, "no", "T2")
			f.set("2", false)
			h.noteInTime("21")
		})
	}
}

// dueSeen counts the reads of what is due, by whether they found anything.
type dueSeen struct {
	engine.Store
	some, none *atomic.Int64
}

func (d dueSeen) Due(ctx context.Context, fences []engine.Fence, now time.Time, after engine.DuePosition, limit int) (
	[]engine.Woken, time.Time, error,
) {
	woken, next, err := d.Store.Due(ctx, fences, now, after, limit)
	if len(woken) > 0 {
		d.some.Add(1)
	} else if d.some.Load() > 0 {
		d.none.Add(1)
	}
	return woken, next, err
}

// A run that was read as due before another ended it must not end that one in turn.
func TestRunThatWasCancelledCancelsNothing(t *testing.T) {
	f := holdUp(t, "1", "2")
	files := gated(t, "{ mode: cancel_previous }", "")
	files["busy.yaml"] = `
name: busy
on: { event: record.updated, module: Tickets, changed: status }
tasks:
  - trial: { name: busy }
`
	busy, inside := make(chan struct{}), make(chan struct{})
	trials.Store("busy", func(context.Context, *engine.StepContext) error {
		close(inside)
		<-busy
		return nil
	})
	h := newHouse(t, files)
	var some, none atomic.Int64
	h.wrap = func(s engine.Store) engine.Store { return dueSeen{s, &some, &none} }
	h.start()
	h.ticket("1")
	h.count("1", 1)
	h.inside(ticketOne)
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
		Record: engine.Fields{"status": "Resolved"}, Changed: []string{"status"}, Partial: true,
	})
	<-inside
	h.count("1", 2)
	h.becomes(ticketOne, "count", "2") // its run waits for the lane
	h.clock.Advance(time.Hour)
	h.until("the first run to wait for the lane again", func() bool { return some.Load() > 0 && none.Load() > 0 })
	close(busy)
	h.until("the second run to end the first", func() bool { return strings.Contains(h.logs.String(), "cancelled: run") })
	f.set("2", false)
	h.noteInTime("2")
}

// A run that an operator lets go on queues like any other, over a restart too.
func TestRunTakenAgainQueuesOverARestart(t *testing.T) {
	trials.Store(t.Name(), func(context.Context, *engine.StepContext) error { return nil })
	h := newHouse(t, gated(t, "{ hold: true }", "  - wait: { for: 1h }"))
	h.start()
	h.ticket("1")
	h.count("1", 1)
	h.stands(ticketOne, engine.RunWaiting)
	first := h.runs(engine.RunSelection{})[0]
	if _, err := h.store.CancelRun(t.Context(), first.ID, h.orders(""), false); err != nil {
		t.Fatal(err)
	}
	h.engine.Look(first.ID, first.Partition)
	h.count("1", 2)
	h.stands(ticketOne, engine.RunWaiting)
	if _, err := h.store.RetryRun(t.Context(), first.ID, h.orders("")); err != nil {
		t.Fatal(err)
	}
	h.stop()
	h.start()
	h.noteInTime("21")
}
