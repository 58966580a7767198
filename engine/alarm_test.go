package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
)

func TestAroundMoment(t *testing.T) {
	for _, c := range []struct {
		name  string
		field engine.FieldType
		value any
		hours int
		at    string
		zone  string
		want  string
	}{
		{"the day itself", "date", "2026-05-07", 0, "", "UTC", "2026-05-07 00:00 +00"},
		{"three days before, in the morning", "date", "2026-05-07", -72, "09:00", "Europe/Madrid", "2026-05-04 09:00 +02"},
		{"days are days of the calendar", "date", "2026-03-30", -48, "09:00", "Europe/Madrid", "2026-03-28 09:00 +01"},
		{"in the gap", "date", "2026-03-29", 0, "02:30", "Europe/Madrid", "2026-03-29 03:00 +02"},
		{"in the fold", "date", "2026-10-25", 0, "02:30", "Europe/Madrid", "2026-10-25 02:30 +02"},
		{"hours before midnight", "date", "2026-05-07", -2, "", "Europe/Madrid", "2026-05-06 22:00 +02"},
		{"over the end of February", "date", "2028-02-28", 48, "08:00", "UTC", "2028-03-01 08:00 +00"},
		{"hours after a time", "datetime", "2026-05-07T10:15:00Z", 2, "", "Europe/Madrid", "2026-05-07 14:15 +02"},
		{"a day before a time, over the gap", "datetime", "2026-03-29T10:00:00Z", -24, "", "Europe/Madrid", "2026-03-28 12:00 +01"},
		{"the day of a time is that of the zone", "datetime", "2026-05-07 23:30:00", 24, "09:00", "Europe/Madrid", "2026-05-09 09:00 +02"},
		{"empty", "date", "", 0, "", "UTC", ""},
		{"missing", "date", nil, 0, "", "UTC", ""},
		{"no date", "date", "soon", 0, "", "UTC", ""},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		a := engine.Around{Field: &engine.Field{Name: "due", Type: c.field}, Shift: time.Duration(c.hours) * time.Hour, Zone: zone}
		if c.at != "" {
			at, err := time.Parse("15:04", c.at)
			if err != nil {
				t.Fatal(err)
			}
			a.Fixed, a.At = true, time.Duration(at.Hour())*time.Hour+time.Duration(at.Minute())*time.Minute
		}
		got := ""
		if moment := a.Moment(c.value); !moment.IsZero() {
			got = moment.In(zone).Format("2006-01-02 15:04 -07")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// dated is a book whose workflow is due a day before the tickets are, at 09:00.
func dated(t *testing.T, more ...string) map[string]string {
	files := planned(t, `{ around: { field: due, before: 1d, at: 09:00 }, module: Tickets }`, more...)
	files["modules/Tickets.yaml"] = strings.Replace(ticketModule, "  note: text\n", "  note: text\n  due: date\n", 1)
	return files
}

// sightDate notes the record, its date and that of the alarm.
func sightDate(step *engine.StepContext) string {
	var said struct{ Value string }
	if err := json.Unmarshal(step.Env.Event.Data, &said); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s", step.Ref, step.Env.Record.Text("due"), said.Value)
}

// armed waits until so many alarms are armed and no walk is under way.
func (h *house) armed(want int) {
	h.t.Helper()
	h.soon(fmt.Sprintf("%d alarms to be armed", want), func() bool {
		lines, err := h.store.TimingLines(h.t.Context(), "")
		return err == nil && len(lines) == 1 && lines[0].Walk == nil && lines[0].Alarms == want
	})
}

func (h *house) dueTicket(eventType, id, due string) {
	h.publish(eventType, "Tickets/"+id, engine.Change{Record: engine.Fields{"no": "T" + id, "status": "Open", "due": due}})
}

// The alarm moves with the date, goes with the record, and rings once for one date.
func TestAroundADate(t *testing.T) {
	seen := sight(t, sightDate)
	h := newHouse(t, dated(t))
	h.start() // 2026-03-01 12:00
	h.armed(0)
	h.dueTicket(engine.RecordCreated, "1", "2026-03-05")
	h.dueTicket(engine.RecordCreated, "2", "2026-03-05")
	h.dueTicket(engine.RecordCreated, "3", "2026-03-05")
	h.dueTicket(engine.RecordCreated, "4", "")
	h.dueTicket(engine.RecordCreated, "5", "2026-02-27") // past
	h.dueTicket(engine.RecordCreated, "6", "2026-03-05")
	h.armed(4)
	h.dueTicket(engine.RecordUpdated, "2", "2026-03-09") // moved
	h.dueTicket(engine.RecordUpdated, "6", "")           // emptied
	h.publish(engine.RecordDeleted, "Tickets/3", engine.Change{Record: engine.Fields{"no": "T3"}})
	h.armed(2)
	h.clock.Advance(68 * time.Hour)
	if n := seen.count(); n != 0 {
		t.Fatalf("%d runs an hour too soon", n)
	}
	h.clock.Advance(time.Hour) // 2026-03-04 09:00
	h.soon("the first run", func() bool { return seen.count() == 1 })
	h.armed(1)
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{Record: engine.Fields{"status": "Open", "due": "2026-03-05", "note": "x"}})
	h.dueTicket(engine.RecordRestored, "3", "2026-03-10")
	h.armed(2)
	h.clock.Advance(4 * 24 * time.Hour)
	h.soon("the second run", func() bool { return seen.count() == 2 })
	h.clock.Advance(24 * time.Hour)
	h.soon("the third run", func() bool { return seen.count() == 3 })
	h.armed(0)
	want := []string{"Tickets/1 2026-03-05 2026-03-05", "Tickets/2 2026-03-09 2026-03-09", "Tickets/3 2026-03-10 2026-03-10"}
	if got := seen.all(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// What is past by less than a day when it becomes known is due at once, but never twice.
func TestAroundGrace(t *testing.T) {
	seen := sight(t, sightDate)
	h := newHouse(t, dated(t))
	h.start() // 2026-03-01 12:00
	h.dueTicket(engine.RecordCreated, "1", "2026-03-02")
	h.soon("the run", func() bool { return seen.count() == 1 })
	h.dueTicket(engine.RecordUpdated, "1", "2026-03-20")
	h.armed(1)
	h.dueTicket(engine.RecordUpdated, "1", "2026-03-02")
	h.armed(0)
	h.dueTicket(engine.RecordCreated, "2", "2026-03-02")
	h.soon("the other run", func() bool { return seen.count() == 2 })
	if got := seen.all()[1]; got != "Tickets/2 2026-03-02 2026-03-02" {
		t.Errorf("got %s", got)
	}
}

// The condition decides when the time has come: what no longer holds is told, and nothing is done.
func TestAroundCondition(t *testing.T) {
	seen := sight(t, sightDate)
	h := newHouse(t, dated(t, `if: record.status == "Open"`))
	h.start()
	h.dueTicket(engine.RecordCreated, "1", "2026-03-05")
	h.armed(1)
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
		Record: engine.Fields{"status": "Resolved", "due": "2026-03-05"}, Changed: []string{"status"},
	})
	h.soon("the change", func() bool {
		return h.record(engine.Ref{Module: "Tickets", ID: "1"}).Fields.Text("status") == "Resolved"
	})
	h.clock.Advance(69 * time.Hour)
	h.soon("the end", func() bool {
		runs := h.runs(engine.RunSelection{})
		return len(runs) == 1 && runs[0].State == engine.RunStopped
	})
	if got := h.runs(engine.RunSelection{})[0].Reason; got != "its condition does not hold" || seen.count() > 0 {
		t.Errorf("%q, %d runs went on", got, seen.count())
	}
}

// Records that are there when a workflow begins to go by their date get their alarms too, once each.
func TestAroundArmsWhatIsThere(t *testing.T) {
	const tickets = 450
	seen := sight(t, sightDate)
	files := dated(t)
	h := newHouse(t, map[string]string{
		"w.yaml":               strings.Replace(files["w.yaml"], "around: { field: due, before: 1d, at: 09:00 }", "event: record.created", 1),
		"modules/Tickets.yaml": files["modules/Tickets.yaml"], "modules/People.yaml": peopleModule,
	})
	h.open()
	var in engine.Intake
	for i := range tickets {
		due := []string{"2026-03-05", "2026-02-05", ""}[i%3]
		in.Kept = append(in.Kept, engine.Kept{Seq: uint64(i + 1), Event: &engine.Event{
			ID: fmt.Sprint("kept", i), Source: "crm", Type: engine.RecordCreated, Subject: fmt.Sprintf("Tickets/%04d", i),
			Change: &engine.Change{Record: engine.Fields{"no": "T", "due": due}},
		}})
	}
	if _, err := h.store.Intake(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	h.run()
	h.stop()
	h.files["w.yaml"] = files["w.yaml"]
	h.start()
	h.armed(tickets / 3)
	h.clock.Advance(69 * time.Hour)
	h.soon("the runs", func() bool { return seen.count() == tickets/3 })
	h.stop()
	h.files["w.yaml"] = strings.Replace(files["w.yaml"], "09:00", "10:00", 1) // another time of day of the same dates
	h.start()
	h.armed(tickets / 3)
	h.clock.Advance(time.Hour)
	h.armed(0)
	h.stop()
	if n := seen.count(); n != tickets/3 {
		t.Errorf("%d runs", n)
	}
}

// movedCRM tells another date than the events did.
type movedCRM struct {
	engine.CRM
	due string
}

func (c movedCRM) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	records, err := c.CRM.Get(ctx, refs...)
	for i := range records {
		records[i].Fields["due"] = c.due
	}
	return records, err
}

// A date that was moved without an event moves its alarm when that is due.
func TestAroundADateThatMovedUnheard(t *testing.T) {
	seen := sight(t, sightDate)
	h := newHouse(t, dated(t))
	h.open()
	h.engine.CRM = movedCRM{h.engine.CRM, "2026-03-08"}
	h.run()
	h.dueTicket(engine.RecordCreated, "1", "2026-03-05")
	h.armed(1)
	h.clock.Advance(70 * time.Hour)
	h.soon("the alarm to move", func() bool {
		lines, err := h.store.TimingLines(t.Context(), "")
		return err == nil && lines[0].First.Equal(time.Date(2026, 3, 7, 9, 0, 0, 0, time.UTC))
	})
	if seen.count() > 0 {
		t.Errorf("it rang: %v", seen.all())
	}
	h.clock.Advance(72 * time.Hour)
	h.soon("the run", func() bool { return seen.count() == 1 })
	if got := seen.all()[0]; got != "Tickets/1 2026-03-08 2026-03-08" {
		t.Errorf("got %s", got)
	}
}

func (s *tornStore) Ring(ctx context.Context, fences []engine.Fence, rung []engine.Rung) ([]*engine.Run, error) {
	s.mu.Lock()
	s.steps++
	before, after := s.fail(s.steps)
	s.mu.Unlock()
	if before {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	started, err := s.Store.Ring(ctx, fences, rung)
	if err == nil && after {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return started, err
}

// Alarms that ring while the engine is killed ring once each.
func TestAroundTorn(t *testing.T) {
	const tickets = 700
	seen := sight(t, sightDate)
	h := newHouse(t, dated(t))
	torn := &tornStore{fail: func(int) (bool, bool) { return false, false }}
	h.wrap = func(s engine.Store) engine.Store {
		torn.Store = s
		return torn
	}
	h.start()
	for i := range tickets {
		h.dueTicket(engine.RecordCreated, fmt.Sprint(i), "2026-03-05")
	}
	h.armed(tickets)
	for life := range 4 {
		var stuck atomic.Bool
		torn.mu.Lock()
		torn.steps, torn.fail = 0, func(step int) (bool, bool) {
			if step != 1 {
				return false, false
			}
			stuck.Store(true)
			return life%2 == 0, life%2 == 1
		}
		torn.mu.Unlock()
		if life == 0 {
			h.clock.Advance(70 * time.Hour)
		}
		h.soon(fmt.Sprintf("a step of life %d", life), stuck.Load)
		h.stop()
		h.start()
	}
	h.soon("all runs", func() bool { return seen.count() >= tickets })
	h.armed(0)
	h.stop()
	got := seen.all()
	slices.Sort(got)
	if len(got) != tickets || len(slices.Compact(got)) != tickets {
		t.Errorf("%d runs", len(got))
	}
}

// What alarms that are due together cost: in bytes each, and until the last run has begun.
func BenchmarkAlarms(b *testing.B) {
	const alarms = 100_000
	for b.Loop() {
		h := newHouse(b, nil)
		h.files = bookOf("name: planned\non: { around: { field: due, before: 1d, at: 09:00 }, module: Tickets }\n" +
			"tasks: [ { vars: { due: \"{{ record.due }}\" } } ]\n")
		h.files["modules/Tickets.yaml"] = strings.Replace(ticketModule, "  note: text\n", "  note: text\n  due: date\n", 1)
		h.open()
		for from := 0; from < alarms; from += 1000 {
			var in engine.Intake
			for i := from; i < from+1000; i++ {
				in.Kept = append(in.Kept, engine.Kept{Seq: uint64(i + 1), Event: &engine.Event{
					ID: fmt.Sprint("kept", i), Source: "crm", Type: engine.RecordCreated, Subject: fmt.Sprintf("Tickets/%07d", i),
					Change: &engine.Change{Record: engine.Fields{"no": fmt.Sprint("T", i), "status": "Open", "due": "2026-03-05"}},
				}})
			}
			if _, err := h.store.Intake(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
		size := func() int64 {
			var all int64
			for _, name := range []string{"postern.db", "postern.db-wal"} {
				if info, err := os.Stat(filepath.Join(h.folder, name)); err == nil {
					all += info.Size()
				}
			}
			return all
		}
		before := size()
		began := time.Now()
		h.run()
		h.waitFor(time.Minute, "the alarms", func() bool {
			time.Sleep(100 * time.Millisecond)
			lines, err := h.store.TimingLines(b.Context(), "")
			return err == nil && len(lines) == 1 && lines[0].Walk == nil && lines[0].Alarms == alarms
		})
		b.ReportMetric(alarms/time.Since(began).Seconds(), "armed/s")
		b.ReportMetric(float64(size()-before)/alarms, "B/alarm")
		began = time.Now()
		h.clock.Advance(70 * time.Hour)
		h.waitFor(2*time.Minute, "the runs", func() bool {
			time.Sleep(100 * time.Millisecond) // to look costs something too
			h.clock.Advance(100 * time.Millisecond)
			lines, err := h.store.TimingLines(b.Context(), "")
			return err == nil && lines[0].Alarms == 0
		})
		b.ReportMetric(alarms/time.Since(began).Seconds(), "rung/s")
		h.stop()
	}
}

// A book that comes into use while the engine runs has its schedules due and its alarms armed from then on.
func TestTimeAfterReload(t *testing.T) {
	seen := sight(t, sightDate)
	files := dated(t)
	h := newHouse(t, map[string]string{
		"w.yaml":               "name: planned\non: { event: record.created, module: Tickets }\ntasks: [ { trial: { name: none } } ]\n",
		"modules/Tickets.yaml": files["modules/Tickets.yaml"], "modules/People.yaml": peopleModule,
	})
	h.start()
	h.dueTicket(engine.RecordCreated, "1", "2026-03-05")
	h.until("the ticket", func() bool { return len(h.runs(engine.RunSelection{})) == 1 })
	book, err := h.load(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.engine.Reload(t.Context(), book); err != nil {
		t.Fatal(err)
	}
	h.armed(1)
	h.clock.Advance(70 * time.Hour)
	h.soon("the run", func() bool { return seen.count() == 1 })
	if book, err = h.load(planned(t, `{ schedule: { every: 1h } }`)); err != nil {
		t.Fatal(err)
	}
	if err := h.engine.Reload(t.Context(), book); err != nil {
		t.Fatal(err)
	}
	h.soon("the schedule to be known", func() bool {
		lines, err := h.store.TimingLines(t.Context(), "")
		return err == nil && len(lines) == 1 && !lines[0].Next.IsZero()
	})
	h.clock.Advance(time.Hour)
	h.soon("the run of the schedule", func() bool { return seen.count() == 2 })
}
