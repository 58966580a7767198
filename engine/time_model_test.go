package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/peer"
)

// timeModel is what should come of the workflows of timeBook, said in the plainest way: all at once after each move of
// the clock.
type timeModel struct {
	status, due map[string]string // of the tickets that are there
	rung        map[string]bool   // record and date
	open        map[string]burst
	want        []string
}

// burst is a window that is open.
type burst struct {
	first, last time.Time
	events      int
	before, now string // the status
}

// timeBook has a workflow of each kind that goes by time.
func timeBook(t *testing.T) map[string]string {
	files := dated(t)
	step := "tasks: [ { trial: { name: " + t.Name() + " } } ]\n"
	files["hourly.yaml"] = "name: hourly\non: { schedule: { cron: \"0 * * * *\", each: { module: Tickets, " +
		"where: 'record.status == \"Open\"' } } }\n" + step
	files["calm.yaml"] = "name: calm\non: { event: record.updated, module: Tickets, changed: status }\n" +
		"if: changed(\"status\")\ndebounce: { for: 90m, max: 4h }\n" + step
	return files
}

// sightTimed notes which workflow ran on what occasion.
func sightTimed(step *engine.StepContext) string {
	event := step.Env.Event
	switch event.Type {
	case engine.ScheduleDue:
		return "hourly " + sightTick(step)
	case engine.AlarmDue:
		return "around " + sightDate(step)
	}
	return fmt.Sprintf("calm %s %v to %s by %d", step.Ref.ID, event.Change.Old["status"], event.Change.Record.Text("status"),
		len(event.Gathered))
}

// move lets the model's time go on from one moment to another, with nothing happening in between.
func (m *timeModel) move(from, to time.Time) {
	if tick := to.Truncate(time.Hour); tick.After(from) {
		missed := int(tick.Sub(from.Truncate(time.Hour))/time.Hour) - 1
		for id, status := range m.status {
			if status == "Open" {
				m.want = append(m.want, fmt.Sprintf("hourly Tickets/%s %s %d", id, tick.Format(time.RFC3339), missed))
			}
		}
	}
	m.ring(to)
	for id, b := range m.open {
		over := b.last.Add(90 * time.Minute)
		if latest := b.first.Add(4 * time.Hour); latest.Before(over) {
			over = latest
		}
		if over.After(to) {
			continue
		}
		if b.before != b.now {
			m.want = append(m.want, fmt.Sprintf("calm %s %s to %s by %d", id, b.before, b.now, b.events))
		}
		delete(m.open, id)
	}
}

// ring notes the alarms that are due by a moment.
func (m *timeModel) ring(now time.Time) {
	for id, due := range m.due {
		date, err := time.Parse(time.DateOnly, due)
		at := date.Add(-15 * time.Hour) // a day before, at 09:00
		if name := id + " " + due; err == nil && !at.After(now) && now.Sub(at) <= engine.AlarmGrace && !m.rung[name] {
			m.rung[name] = true
			m.want = append(m.want, fmt.Sprintf("around Tickets/%s %s %s", id, due, due))
		}
	}
}

// Random changes of tickets, moves of the clock and kills of the engine come to what the model says, each once.
func TestTimeModel(t *testing.T) {
	seeds := uint64(3)
	if peer.Race {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { timeTrial(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func timeTrial(t *testing.T, random *rand.Rand) {
	seen := sight(t, sightTimed)
	h := newHouse(t, timeBook(t))
	torn := &tornStore{fail: func(int) (bool, bool) { return false, false }}
	h.wrap = func(s engine.Store) engine.Store {
		torn.Store = s
		return torn
	}
	h.start()
	defer func() { t.Logf("%d runs", seen.count()) }()
	m := &timeModel{status: map[string]string{}, due: map[string]string{}, rung: map[string]bool{}, open: map[string]burst{}}
	for range 25 {
		for range random.IntN(4) {
			m.change(h, random)
		}
		m.ring(h.clock.Now())
		if random.IntN(3) == 0 { // killed at the next step, before or after it is stored
			h.kill(torn, random.IntN(2) == 0, func() { m.advance(h, random) })
		} else {
			m.advance(h, random)
		}
		want := slices.Sorted(slices.Values(m.want))
		h.soon("what the model says", func() bool { return seen.count() >= len(want) })
		h.calm()
		if got := slices.Sorted(slices.Values(seen.all())); !slices.Equal(got, want) {
			t.Fatalf("at %v\n got %q\nwant %q", h.clock.Now(), got, want)
		}
	}
}

// advance moves the clock to some minutes past an hour, so that what follows within seconds meets no tick.
func (m *timeModel) advance(h *house, random *rand.Rand) {
	from := h.clock.Now()
	to := from.Truncate(time.Hour).Add(time.Duration(random.IntN(6))*time.Hour + 20*time.Minute)
	if to.After(from) {
		h.clock.Advance(to.Sub(from))
		m.move(from, to)
	}
}

// change does something to a ticket, and waits until it is taken in.
func (m *timeModel) change(h *house, random *rand.Rand) {
	id, now := fmt.Sprint(random.IntN(5)), h.clock.Now()
	status, there := m.status[id]
	fields := engine.Fields{"no": "T" + id, "status": status, "due": m.due[id]}
	switch what := random.IntN(4); {
	case !there:
		m.status[id], m.due[id] = "Open", now.AddDate(0, 0, random.IntN(4)).Format(time.DateOnly)
		h.publish(engine.RecordCreated, "Tickets/"+id, engine.Change{
			Record: engine.Fields{"no": "T" + id, "status": "Open", "due": m.due[id]},
		})
	case what == 0:
		delete(m.status, id)
		delete(m.due, id)
		h.publish(engine.RecordDeleted, "Tickets/"+id, engine.Change{Record: fields})
	case what == 1:
		m.due[id] = now.AddDate(0, 0, random.IntN(4)).Format(time.DateOnly)
		old := engine.Fields{"due": fields["due"]}
		fields["due"] = m.due[id]
		h.publish(engine.RecordUpdated, "Tickets/"+id, engine.Change{Record: fields, Old: old, Changed: []string{"due"}})
	default:
		m.status[id] = map[string]string{"Open": "Resolved", "Resolved": "Open"}[status]
		fields["status"] = m.status[id]
		h.publish(engine.RecordUpdated, "Tickets/"+id, engine.Change{
			Record: fields, Old: engine.Fields{"status": status}, Changed: []string{"status"},
		})
		b, open := m.open[id]
		if !open {
			b = burst{first: now, before: status}
		}
		b.last, b.now, b.events = now, m.status[id], b.events+1
		m.open[id] = b
	}
	m.takenIn(h, id)
	due := len(m.want)
	if m.ring(now); len(m.want) > due { // its run reads the ticket, which the next change may delete
		h.calm()
	}
}

// takenIn waits until what the model knows of a ticket is what the store does, and with it all that hangs on it.
func (m *timeModel) takenIn(h *house, id string) {
	h.t.Helper()
	h.until("ticket "+id+" to be taken in", func() bool {
		records, err := h.store.Records(h.t.Context(), []engine.Ref{{Module: "Tickets", ID: id}})
		status, there := m.status[id]
		if err != nil || !there || len(records) == 0 {
			return err == nil && !there && len(records) == 0
		}
		return records[0].Fields.Text("status") == status && records[0].Fields.Text("due") == m.due[id]
	})
}

// calm waits until nothing is due and no run is under way.
func (h *house) calm() {
	h.t.Helper()
	h.soon("calm", func() bool {
		now := h.clock.Now()
		alarms, _, errAlarms := h.store.DueAlarms(h.t.Context(), now, 1)
		windows, _, errWindows := h.store.DueWindows(h.t.Context(), now, 1)
		lines, errLines := h.store.TimingLines(h.t.Context(), "")
		unfinished, errRuns := h.store.Unfinished(h.t.Context())
		busy := len(alarms)+len(windows)+len(unfinished) > 0
		for _, l := range lines {
			busy = busy || l.Walk != nil || !l.Next.IsZero() && !l.Next.After(now)
		}
		return errAlarms == nil && errWindows == nil && errLines == nil && errRuns == nil && !busy
	})
}

// kill kills the engine at its next step by time after something has happened, if there is one.
func (h *house) kill(torn *tornStore, before bool, happens func()) {
	h.t.Helper()
	stuck := make(chan struct{})
	once := sync.OnceFunc(func() { close(stuck) })
	torn.mu.Lock()
	torn.steps, torn.fail = 0, func(step int) (bool, bool) {
		if step == 1 {
			once()
		}
		return step == 1 && before, step == 1 && !before
	}
	torn.mu.Unlock()
	happens()
	select {
	case <-stuck:
	case <-time.After(200 * time.Millisecond): // nothing was due
	}
	h.stop()
	torn.mu.Lock()
	torn.fail = func(int) (bool, bool) { return false, false }
	torn.mu.Unlock()
	h.start()
}
