package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// gathered waits until so many events are in windows that are open.
func (h *house) gathered(want int) {
	h.t.Helper()
	h.until(fmt.Sprintf("%d events in windows", want), func() bool {
		open, _, err := h.store.DueWindows(h.t.Context(), h.clock.Now().AddDate(1, 0, 0), 100)
		count := 0
		for _, w := range open {
			count += w.Count
		}
		return err == nil && count == want
	})
}

func bursts(t *testing.T, more ...string) map[string]string {
	return planned(t, `{ event: record.saved, module: Tickets }`, more...)
}

func (h *house) setTicket(eventType, id string, old, now engine.Fields) {
	change := engine.Change{Record: now, Old: old}
	for name := range old {
		change.Changed = append(change.Changed, name)
	}
	h.publish(eventType, "Tickets/"+id, change)
}

// sightBurst notes the record, its status, which fields changed and how many events there were.
func sightBurst(step *engine.StepContext) string {
	event := step.Env.Event
	slices.Sort(event.Change.Changed)
	return fmt.Sprintf("%s %s was %v, changed %v, %d events", step.Ref.ID, step.Env.Record.Text("status"),
		event.Change.Old["status"], event.Change.Changed, len(event.Gathered)+event.LeftOut)
}

// A burst becomes one run when it is over, on its last event, and what changed is counted from before its first.
func TestDebounce(t *testing.T) {
	seen := sight(t, sightBurst)
	h := newHouse(t, bursts(t, `debounce: { for: 10m, max: 25m }`))
	h.start()
	set := func(id, was, is, note string) {
		h.setTicket(engine.RecordUpdated, id, engine.Fields{"status": was},
			engine.Fields{"no": "T", "status": is, "note": note})
	}
	set("1", "Open", "Resolved", "")
	set("2", "Open", "Resolved", "")
	h.gathered(2)
	h.clock.Advance(6 * time.Minute)
	h.setTicket(engine.RecordUpdated, "1", engine.Fields{"note": ""}, engine.Fields{"no": "T", "status": "Resolved", "note": "x"})
	set("2", "Resolved", "Open", "")
	h.gathered(4)
	h.clock.Advance(6 * time.Minute) // 12: ten after the first, six after the last
	if n := seen.count(); n != 0 {
		t.Fatalf("%d runs too soon", n)
	}
	h.clock.Advance(5 * time.Minute)
	h.soon("the runs", func() bool { return seen.count() == 2 })
	got := seen.all()
	slices.Sort(got)
	want := []string{"1 Resolved was Open, changed [note status], 2 events", "2 Open was <nil>, changed [], 2 events"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	h.gathered(0)
	for i := range 4 { // a burst that does not end
		set("3", "Open", "Resolved", fmt.Sprint(i))
		h.gathered(i + 1)
		h.clock.Advance(8 * time.Minute)
	}
	h.soon("the run at its latest", func() bool { return seen.count() >= 3 })
	h.stop()
}

// The key joins what belongs together; the condition is decided at the end; a record that is new has changed nothing.
func TestDebounceKeyAndCondition(t *testing.T) {
	seen := sight(t, sightBurst)
	h := newHouse(t, bursts(t, `if: record.status == "Open" && len(events) > 1`, `debounce: { for: 1m, key: record.contact }`))
	h.start()
	for i, contact := range []string{"a", "b", "a", "c", "c"} {
		status := "Open"
		if i == 4 {
			status = "Resolved"
		}
		h.setTicket(engine.RecordCreated, fmt.Sprint(i), nil, engine.Fields{"status": status, "contact": contact})
	}
	h.setTicket(engine.RecordUpdated, "2", engine.Fields{"note": ""},
		engine.Fields{"status": "Open", "contact": "a", "note": "x"})
	h.gathered(6)
	h.clock.Advance(2 * time.Minute)
	h.soon("the ends", func() bool {
		return len(h.runs(engine.RunSelection{States: []engine.RunState{engine.RunStopped}})) == 2
	})
	h.soon("the run", func() bool { return seen.count() == 1 })
	if got := seen.all()[0]; got != "2 Open was <nil>, changed [], 3 events" {
		t.Errorf("got %s", got)
	}
}

// Beyond its bounds a window counts, and the last event is there all the same.
func TestWindowBounds(t *testing.T) {
	w := &engine.Window{}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 250 {
		event := &engine.Event{
			ID: fmt.Sprint(i), Source: "crm", Type: engine.RecordUpdated, Subject: "Tickets/1",
			Change: &engine.Change{
				Record: engine.Fields{"status": "Open", "note": strings.Repeat("x", 3000)}, Changed: []string{"status"},
				Old: engine.Fields{"status": fmt.Sprint("was ", i)},
			},
		}
		if err := w.Gather(engine.Gathered{Event: event, At: now, For: time.Minute, Max: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	size := 0
	for _, event := range w.Events {
		size += len(event)
	}
	var last struct{ ID string }
	if err := json.Unmarshal(w.Events[len(w.Events)-1], &last); err != nil {
		t.Fatal(err)
	}
	if w.Count != 250 || len(w.Events) > engine.MaxGathered || size > engine.MaxGatheredBytes || last.ID != "249" {
		t.Errorf("%d of %d events, %d bytes, the last is %s", len(w.Events), w.Count, size, last.ID)
	}
	if got := w.Before["Tickets/1"]["status"]; got != "was 0" {
		t.Errorf("before it was %v", got)
	}
}

func (s *tornStore) CloseWindow(ctx context.Context, fence engine.Fence, w *engine.Window, run *engine.Run) (bool, error) {
	s.mu.Lock()
	s.steps++
	before, after := s.fail(s.steps)
	s.mu.Unlock()
	if before {
		<-ctx.Done()
		return false, ctx.Err()
	}
	closed, err := s.Store.CloseWindow(ctx, fence, w, run)
	if err == nil && after {
		<-ctx.Done()
		return false, errors.New("the answer is lost")
	}
	return closed, err
}

// Events that come twice are gathered once, and a window that closes while the engine is killed starts one run.
func TestDebounceTorn(t *testing.T) {
	seen := sight(t, sightBurst)
	h := newHouse(t, bursts(t, `debounce: { for: 10m }`))
	torn := &tornStore{fail: func(int) (bool, bool) { return false, false }}
	h.wrap = func(s engine.Store) engine.Store {
		torn.Store = s
		return torn
	}
	h.start()
	for id := range 4 {
		event := &engine.Event{
			ID: fmt.Sprint("one", id), Source: "crm", Type: engine.RecordCreated, Subject: fmt.Sprint("Tickets/", id),
			Change: &engine.Change{Record: engine.Fields{"status": "Open"}},
		}
		if _, err := h.store.Intake(t.Context(), engine.Intake{Gathered: []engine.Gathered{{
			Workflow: "planned", Key: fmt.Sprint("=Tickets/", id), RunKey: engine.RunKey("planned", "crm", event.ID), Event: event,
			Seq: 1, At: h.clock.Now(), For: 10 * time.Minute, Max: time.Hour,
		}}}); err != nil {
			t.Fatal(err)
		}
		h.publishEvent(event)
		h.setTicket(engine.RecordUpdated, fmt.Sprint(id), engine.Fields{"status": "Open"}, engine.Fields{"status": "Resolved"})
	}
	h.gathered(8)
	for life := range 4 {
		stuck := make(chan struct{})
		torn.mu.Lock()
		torn.steps, torn.fail = 0, func(step int) (bool, bool) {
			if step == 1 {
				close(stuck)
			}
			return step == 1 && life%2 == 0, step == 1 && life%2 == 1
		}
		torn.mu.Unlock()
		if life == 0 {
			h.clock.Advance(15 * time.Minute)
		}
		h.soon("a window to close", func() bool {
			select {
			case <-stuck:
				return true
			default:
				return false
			}
		})
		h.stop()
		h.start()
	}
	h.soon("all runs", func() bool { return seen.count() >= 4 })
	h.gathered(0)
	h.stop()
	if got := seen.all(); len(got) != 4 {
		t.Errorf("%d runs: %q", len(got), got)
	}
}

// A burst is what a window is for, and no loop, however many events it has.
func TestDebounceOfManyEvents(t *testing.T) {
	const many = 90
	seen := sight(t, sightBurst)
	h := newHouse(t, bursts(t, `debounce: { for: 10m }`))
	h.start()
	for i := range many {
		h.setTicket(engine.RecordUpdated, "1", engine.Fields{"note": fmt.Sprint(i)},
			engine.Fields{"no": "T", "status": "Open", "note": fmt.Sprint(i + 1)})
	}
	h.gathered(many)
	h.clock.Advance(11 * time.Minute)
	h.soon("the run", func() bool { return seen.count() == 1 })
	if got := seen.all()[0]; !strings.HasSuffix(got, fmt.Sprintf("%d events", many)) {
		t.Errorf("got %s", got)
	}
}

// A replay gathers nothing, but whom the condition keeps out it keeps out there too.
func TestReplayOfABurst(t *testing.T) {
	seen := sight(t, sightBurst)
	h := newHouse(t, bursts(t, `debounce: { for: 10m }`, `if: record.status == "Resolved"`))
	h.start()
	h.setTicket(engine.RecordUpdated, "1", engine.Fields{"note": ""}, engine.Fields{"no": "T", "status": "Open", "note": "x"})
	h.gathered(1)
	h.replay(engine.ReplayOrder{Number: 1, Effects: true})
	if line := h.over(1, 1)[0]; line.State != engine.RunStopped {
		t.Errorf("the run is %+v", line)
	}
	if seen.count() > 0 {
		t.Errorf("it ran: %v", seen.all())
	}
}
