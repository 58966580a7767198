package engine_test

import (
	"context"
	"encoding/json"
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

// sightings are what the runs of a test's workflow saw, by its trial task.
type sightings struct {
	mu   sync.Mutex
	seen []string
}

// sight makes the trial task of the test note what say finds.
func sight(t *testing.T, say func(step *engine.StepContext) string) *sightings {
	s := &sightings{}
	trials.Store(t.Name(), func(_ context.Context, step *engine.StepContext) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, say(step))
		return nil
	})
	t.Cleanup(func() { trials.Delete(t.Name()) })
	return s
}

func (s *sightings) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func (s *sightings) count() int { return len(s.all()) }

// sightTick notes the record, the tick and how many ticks were missed.
func sightTick(step *engine.StepContext) string {
	var said struct {
		Tick   string
		Missed int
	}
	if err := json.Unmarshal(step.Env.Event.Data, &said); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %d", step.Ref, said.Tick, said.Missed)
}

// planned is a book with one workflow that the trial task of the test is the only step of.
func planned(t *testing.T, on string, more ...string) map[string]string {
	return bookOf(fmt.Sprintf("name: planned\non: %s\n%s\ntasks: [ { trial: { name: %s } } ]\n",
		on, strings.Join(more, "\n"), t.Name()))
}

// soon is until with a clock that goes on a little: a loop may have begun to rest after the clock was moved.
func (h *house) soon(what string, holds func() bool) {
	h.t.Helper()
	h.until(what, func() bool {
		h.clock.Advance(100 * time.Millisecond)
		return holds()
	})
}

// due waits until the one schedule of the book is due next at a time.
func (h *house) due(want time.Time) {
	h.t.Helper()
	h.soon("the schedule to be due next at "+want.String(), func() bool {
		standing, err := h.store.TimingLines(h.t.Context(), "")
		return err == nil && len(standing) == 1 && standing[0].Next.Equal(want)
	})
}

func TestScheduleRuns(t *testing.T) {
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, `{ schedule: { cron: "0 13,15 * * *", zone: Europe/Madrid } }`))
	h.start() // at 12:00 UTC, which is 13:00 there: this tick is over
	h.due(time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC))
	h.clock.Advance(2 * time.Hour)
	h.soon("the run", func() bool { return seen.count() == 1 })
	h.due(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	h.clock.Advance(22 * time.Hour)
	h.soon("the next run", func() bool { return seen.count() == 2 })
	want := []string{"Schedule/planned 2026-03-01T14:00:00Z 0", "Schedule/planned 2026-03-02T12:00:00Z 0"}
	if got := seen.all(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// A schedule without records has conditions too, and where one does not hold it costs no row.
func TestScheduleCondition(t *testing.T) {
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, `{ schedule: { every: 1h } }`, `if: event.data.tick == "2026-03-01T14:00:00Z"`))
	h.start()
	for hour := 13; hour <= 15; hour++ {
		h.due(time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC))
		h.clock.Advance(time.Hour)
	}
	h.soon("the run", func() bool { return seen.count() == 1 })
	h.due(time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC))
	if rows, err := h.store.RunLines(t.Context(), engine.RunSelection{Limit: 9}); err != nil || len(rows) != 1 {
		t.Errorf("%d runs, %v", len(rows), err)
	}
}

// What came while nobody was there is made up for as the schedule says.
func TestMissedTicks(t *testing.T) {
	for policy, want := range map[string][]string{
		"once": {"Schedule/planned 2026-03-01T16:00:00Z 3"},
		"skip": nil,
		"all": {
			"Schedule/planned 2026-03-01T13:00:00Z 0", "Schedule/planned 2026-03-01T14:00:00Z 0",
			"Schedule/planned 2026-03-01T15:00:00Z 0", "Schedule/planned 2026-03-01T16:00:00Z 0",
		},
	} {
		t.Run(policy, func(t *testing.T) {
			seen := sight(t, sightTick)
			h := newHouse(t, planned(t, `{ schedule: { cron: "0 * * * *", missed: `+policy+` } }`))
			h.start()
			h.due(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
			h.stop()
			h.clock.Advance(4*time.Hour + 5*time.Minute)
			h.start()
			h.due(time.Date(2026, 3, 1, 17, 0, 0, 0, time.UTC))
			h.soon("the runs", func() bool { return seen.count() >= len(want) })
			h.clock.Advance(55 * time.Minute)
			h.soon("the run in time", func() bool { return seen.count() >= len(want)+1 })
			if got := seen.all(); !slices.Equal(got, append(want, "Schedule/planned 2026-03-01T17:00:00Z 0")) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A moment that came while nobody was there is made up for like any other tick.
func TestMissedMoment(t *testing.T) {
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, `{ schedule: { at: "2026-03-01T14:00", zone: UTC, missed: once } }`))
	h.start()
	h.due(time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC))
	h.stop()
	h.clock.Advance(4 * time.Hour)
	h.start()
	h.soon("the run", func() bool { return seen.count() == 1 })
	h.due(time.Time{})
}

// A clock that was ahead does not put a schedule off for as long, and what ran already does not run again.
func TestScheduleClockSetBack(t *testing.T) {
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, `{ schedule: { cron: "0 * * * *" } }`))
	h.start()
	h.due(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
	h.clock.Advance(100 * 24 * time.Hour)
	h.soon("the run by the wrong clock", func() bool { return seen.count() == 1 })
	h.clock.Advance(time.Date(2026, 3, 1, 11, 30, 0, 0, time.UTC).Sub(h.clock.Now()))
	h.stop()
	h.start()
	h.due(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	h.clock.Advance(90 * time.Minute)
	h.soon("the run by the right clock", func() bool { return seen.count() == 2 })
	h.due(time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC))
	h.clock.Advance(time.Date(2026, 3, 1, 12, 40, 0, 0, time.UTC).Sub(h.clock.Now())) // before a tick that ran
	h.clock.Advance(80 * time.Minute)
	h.soon("the next run", func() bool { return seen.count() == 3 })
	want := []string{
		"Schedule/planned 2026-06-09T12:00:00Z 2399", "Schedule/planned 2026-03-01T13:00:00Z 1",
		"Schedule/planned 2026-03-01T14:00:00Z 0",
	}
	if got := seen.all(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// A schedule that says something else begins anew, one that says the same keeps its place.
func TestScheduleInAnotherBook(t *testing.T) {
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, `{ schedule: { cron: "0 14 * * *" } }`))
	h.start()
	h.due(time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC))
	h.stop()
	h.clock.Advance(4 * time.Hour)
	h.files = planned(t, `{ schedule: { cron: "0 13 * * *" } }`)
	h.start()
	h.due(time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC))
	h.stop()
	if seen.count() != 0 {
		t.Errorf("another schedule made up for what it was not there for: %v", seen.all())
	}
	h.clock.Advance(24 * time.Hour)
	h.files = planned(t, `{ schedule: { cron: "0 13 * * *" } }`, "description: another text")
	h.start()
	h.soon("the run", func() bool { return seen.count() == 1 })
	if got := seen.all()[0]; got != "Schedule/planned 2026-03-02T13:00:00Z 0" {
		t.Errorf("got %s", got)
	}
}

// kept puts tickets into the store, every third of them resolved.
func (h *house) kept(n int) {
	h.t.Helper()
	for from := 0; from < n; from += 1000 {
		var in engine.Intake
		for i := from; i < min(n, from+1000); i++ {
			status := "Open"
			if i%3 == 2 {
				status = "Resolved"
			}
			in.Kept = append(in.Kept, engine.Kept{Seq: uint64(i + 1), Event: &engine.Event{
				ID: fmt.Sprint("kept", i), Source: "crm", Type: engine.RecordCreated, Subject: fmt.Sprintf("Tickets/%07d", i),
				Change: &engine.Change{Record: engine.Fields{"no": fmt.Sprint("T", i), "status": status}},
			}})
		}
		if _, err := h.store.Intake(h.t.Context(), in); err != nil {
			h.t.Fatal(err)
		}
	}
}

const eachOpen = `{ schedule: { cron: "0 13 * * *", each: { module: Tickets, where: 'record.status == "Open"' } } }`

// One run for each record that is meant, whatever the pages; what does not hold costs no row.
func TestScheduleEach(t *testing.T) {
	const tickets = 900
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, eachOpen, `if: record.no != "T1"`))
	h.open()
	h.kept(tickets)
	h.run()
	h.due(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
	h.clock.Advance(time.Hour)
	h.soon("all runs", func() bool { return seen.count() == tickets*2/3-1 })
	h.due(time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC))
	got := seen.all()
	slices.Sort(got)
	if len(slices.Compact(got)) != tickets*2/3-1 || got[0] != "Tickets/0000000 2026-03-01T13:00:00Z 0" ||
		slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "Tickets/0000001 ") }) {
		t.Errorf("%d runs, the first %s", len(got), got[0])
	}
}

// tornStore fails to store some steps of walks, and stores others whose answer is then lost.
type tornStore struct {
	engine.Store
	mu    sync.Mutex
	steps int
	fail  func(step int) (before, after bool)
}

func (s *tornStore) Tick(ctx context.Context, tick engine.Tick) ([]bool, error) {
	s.mu.Lock()
	s.steps++
	before, after := s.fail(s.steps)
	s.mu.Unlock()
	if before {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	fresh, err := s.Store.Tick(ctx, tick)
	if err == nil && after {
		<-ctx.Done()
		return nil, errors.New("the answer is lost")
	}
	return fresh, err
}

// A walk that is killed at any place goes on there, loses nothing and does nothing twice.
func TestScheduleEachTorn(t *testing.T) {
	const tickets = 900
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, eachOpen))
	torn := &tornStore{}
	h.wrap = func(s engine.Store) engine.Store {
		torn.Store = s
		return torn
	}
	h.open()
	h.kept(tickets)
	torn.fail = func(int) (bool, bool) { return false, false }
	h.run()
	h.due(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
	for life := range 6 {
		var stuck atomic.Bool
		torn.mu.Lock()
		torn.steps, torn.fail = 0, func(step int) (bool, bool) {
			if step != 1+life/4 {
				return false, false
			}
			stuck.Store(true)
			return life%2 == 0, life%2 == 1
		}
		torn.mu.Unlock()
		if life == 0 {
			h.clock.Advance(time.Hour)
		}
		h.soon(fmt.Sprintf("a step of life %d", life), stuck.Load)
		h.stop()
		h.open()
		h.run()
	}
	h.soon("all runs", func() bool { return seen.count() >= tickets*2/3 })
	h.due(time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC))
	h.stop()
	got := seen.all()
	slices.Sort(got)
	if len(got) != tickets*2/3 || len(slices.Compact(got)) != tickets*2/3 {
		t.Errorf("%d runs", len(got))
	}
}

// A walk that the CRM refuses is told of.
func TestScheduleEachRefused(t *testing.T) {
	h := newHouse(t, planned(t, eachOpen))
	h.open()
	h.engine.CRM = noLists{h.engine.CRM}
	h.run()
	h.due(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
	h.clock.Advance(time.Hour)
	h.soon("the failure", func() bool { return strings.Contains(h.logs.String(), "walk over Tickets: it has no such module") })
	if own := h.ownEvents(1); own[0].Type != engine.RunFailedEvent {
		t.Errorf("told %s", own[0].Type)
	}
}

type noLists struct{ engine.CRM }

func (noLists) List(context.Context, engine.Listing) (engine.Page, error) {
	return engine.Page{}, engine.Permanent(errors.New("it has no such module"))
}
