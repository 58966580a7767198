package store

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/peer"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// waitModel is what the waits of a store should be, beside the store.
type waitModel struct {
	*model
	runs map[engine.ID]*engine.Run
	rows map[engine.ID]map[string]*waitRow // by run and topic; "" is the time
	seen []engine.Woken                    // what was read some time ago: arming again may come late
}

type waitRow struct {
	due   time.Time // zero: not by itself
	marks int
}

// Whatever happens in whatever order: who is due comes once, in order, with every touch that nobody has seen.
func TestWaitsAgainstAModel(t *testing.T) {
	peer.Cases(t, "100", "20")
	s := fresh(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := &waitModel{
			model: newModel(rt, s), runs: map[engine.ID]*engine.Run{}, rows: map[engine.ID]map[string]*waitRow{},
		}
		rt.Repeat(map[string]func(*rapid.T){
			"park": m.park, "touch": m.touch, "look": m.look, "rearm": m.rearm, "go on": m.goOn, "claim": m.claim,
			"": m.compare, "wait": func(rt *rapid.T) {
				m.clock.Advance(time.Duration(rapid.IntRange(1, 3).Draw(rt, "seconds")) * time.Second)
			},
		})
	})
}

var modelTopics = []string{"record:A/1", "record:A/2", "run:1"}

// rest draws a wait and gives a run its rows.
func (m *waitModel) rest(rt *rapid.T, run *engine.Run) *engine.Wait {
	wait, rows := &engine.Wait{}, map[string]*waitRow{}
	if seconds := rapid.IntRange(-1, 5).Draw(rt, "due in"); seconds >= 0 {
		wait.Due = m.clock.Now().Add(time.Duration(seconds) * time.Second)
		rows[""] = &waitRow{due: wait.Due}
	}
	wait.Topics = rapid.SliceOfDistinct(rapid.SampledFrom(modelTopics), rapid.ID).Draw(rt, "topics")
	for _, topic := range wait.Topics {
		rows[topic] = &waitRow{}
	}
	m.rows[run.ID] = rows
	return wait
}

func (m *waitModel) advance(rt *rapid.T, step engine.Advance) {
	step.Fence = m.fences[step.Run.Partition]
	if err := m.s.Advance(rt.Context(), step); err != nil {
		rt.Fatal(err)
	}
}

func (m *waitModel) park(rt *rapid.T) {
	m.seq++
	run := testRun(m.seq)
	if _, err := m.s.Intake(rt.Context(), engine.Intake{Runs: []*engine.Run{run}}); err != nil {
		rt.Fatal(err)
	}
	run.State = engine.RunWaiting
	m.runs[run.ID] = run
	m.advance(rt, engine.Advance{Run: run, Wait: m.rest(rt, run)})
}

func (m *waitModel) touch(rt *rapid.T) {
	topic := rapid.SampledFrom(modelTopics).Draw(rt, "topic")
	if _, err := m.s.Intake(rt.Context(), engine.Intake{Touched: []string{topic}}); err != nil {
		rt.Fatal(err)
	}
	for _, rows := range m.rows {
		row := rows[topic]
		if row == nil {
			continue
		}
		row.marks++
		if now := m.clock.Now(); row.due.IsZero() || now.Before(row.due) {
			row.due = now
		}
	}
}

// look reads who is due, to be armed again later.
func (m *waitModel) look(rt *rapid.T) { m.seen = append(m.seen, m.pages(rt)...) }

func (m *waitModel) rearm(rt *rapid.T) {
	if len(m.seen) == 0 {
		rt.Skip("nobody was seen")
	}
	w := rapid.SampledFrom(m.seen).Draw(rt, "woken")
	if err := m.s.Rearm(rt.Context(), m.fences[w.Run.Partition], w.Run.ID, w.Touched); err != nil {
		rt.Fatal(err)
	}
	for _, seen := range w.Touched {
		if row := m.rows[w.Run.ID][seen.Topic]; row != nil && row.marks == seen.Marks {
			row.due = time.Time{}
		}
	}
}

// goOn ends a wait, and begins another or ends the run.
func (m *waitModel) goOn(rt *rapid.T) {
	if len(m.runs) == 0 {
		rt.Skip("nobody waits")
	}
	ids := slices.SortedFunc(maps.Keys(m.runs), func(a, b engine.ID) int { return bytes.Compare(a[:], b[:]) })
	run := m.runs[rapid.SampledFrom(ids).Draw(rt, "run")]
	step := engine.Advance{Run: run, Rested: true}
	if rapid.Bool().Draw(rt, "again") {
		step.Wait = m.rest(rt, run)
	} else {
		run.State = engine.RunStopped
		delete(m.runs, run.ID)
		delete(m.rows, run.ID)
	}
	m.advance(rt, step)
}

// pages reads who is due, two at a time.
func (m *waitModel) pages(rt *rapid.T) []engine.Woken {
	var all []engine.Woken
	for after := (engine.DuePosition{}); ; {
		page, _, err := m.s.Due(rt.Context(), m.fences, m.clock.Now(), after, 2)
		if err != nil {
			rt.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		last := page[len(page)-1]
		after = engine.DuePosition{Due: last.Due, Run: last.Run.ID}
	}
}

// expected is who should be due, without the runs, and when the next should be.
func (m *waitModel) expected() (due []engine.Woken, next time.Time) {
	now := m.clock.Now()
	for id, rows := range m.rows {
		w := engine.Woken{Run: &engine.Run{ID: id}}
		for _, topic := range slices.Sorted(maps.Keys(rows)) {
			row := rows[topic]
			switch {
			case row.due.IsZero():
				continue
			case row.due.After(now):
				if next.IsZero() || row.due.Before(next) {
					next = row.due
				}
				continue
			case topic == "":
				w.Timer = true
			default:
				w.Touched = append(w.Touched, engine.Touch{Topic: topic, Marks: row.marks})
			}
			if w.Due.IsZero() || row.due.Before(w.Due) {
				w.Due = row.due
			}
		}
		if !w.Due.IsZero() {
			due = append(due, w)
		}
	}
	slices.SortFunc(due, func(a, b engine.Woken) int {
		return cmp.Or(a.Due.Compare(b.Due), bytes.Compare(a.Run.ID[:], b.Run.ID[:]))
	})
	return due, next
}

func (m *waitModel) compare(rt *rapid.T) {
	due := m.pages(rt)
	for i := range due {
		due[i].Run = &engine.Run{ID: due[i].Run.ID}
	}
	want, wantNext := m.expected()
	if diff := gocmp.Diff(want, due); diff != "" {
		rt.Fatalf("due (-want +got):\n%s", diff)
	}
	_, next, err := m.s.Due(rt.Context(), m.fences, m.clock.Now(), engine.DuePosition{}, 1)
	if err != nil || !next.Equal(wantNext) {
		rt.Fatalf("next is %v, %v; want %v", next, err, wantNext)
	}
}
