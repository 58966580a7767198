package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// timetable holds the timings of the book in use.
type timetable struct {
	reading sync.RWMutex // held by the reader while it takes events in by the dates it knows of
	setting sync.Mutex   // held while it is brought in line

	mu   sync.Mutex
	book *Book // that they are of
	all  []*timing
	turn int // whose walk is next

	tick, walk, alarm, window chan struct{} // a value waits here when the loop should look
}

// timing is a Timing with the trigger that it is of.
type timing struct {
	Timing
	workflow *Workflow
	schedule *Schedule // or
	around   *Around
}

func newTimetable() *timetable {
	return &timetable{
		tick: make(chan struct{}, 1), walk: make(chan struct{}, 1), alarm: make(chan struct{}, 1),
		window: make(chan struct{}, 1),
	}
}

// timings are those of a book, as they stand when they are new: due from now on.
func (b *Book) timings(now time.Time) (all []*timing) {
	for _, w := range b.Workflows {
		for _, t := range w.Triggers {
			if t.Schedule != nil {
				all = append(all, &timing{
					Timing:   Timing{Workflow: w.Name, Key: t.Schedule.Key(), Next: t.Schedule.Next(now)},
					workflow: w, schedule: t.Schedule,
				})
			}
			if t.Around != nil { // the records that are there already are walked over
				all = append(all, &timing{
					Timing:   Timing{Workflow: w.Name, Key: t.Around.Key(t.Module), Walk: &Walk{}},
					workflow: w, around: t.Around,
				})
			}
		}
	}
	return all
}

// timings brings the timetable in line with the book in use. A trigger that the book before had too keeps its place.
func (e *Engine) timings(ctx context.Context) error {
	table, book := e.timetable, e.Book()
	table.setting.Lock()
	defer table.setting.Unlock()
	table.mu.Lock()
	same := table.book == book
	table.mu.Unlock()
	if same {
		return nil
	}
	now := e.Clock.Now()
	all := book.timings(now)
	given := make([]Timing, len(all))
	for i, t := range all {
		given[i] = t.Timing
	}
	stored, err := e.Store.Timings(ctx, e.fences[0], given)
	if err != nil {
		return fmt.Errorf("read the timings of the book: %w", err)
	}
	for i, t := range all {
		t.Timing = stored[i]
	}
	table.reading.Lock() // what the reader is taking in by the book before is stored when the walks begin
	table.mu.Lock()
	table.book, table.all = book, all
	table.mu.Unlock()
	table.reading.Unlock()
	nudge(table.walk)
	return e.pullBack(ctx, now)
}

// pullBack plans timings anew that are due later than they should be by the clock: it was set back, or it was ahead
// when they were planned. What they did already they do not again: their runs are known by their keys.
func (e *Engine) pullBack(ctx context.Context, now time.Time) error {
	for _, t := range e.timetable.ahead(now) {
		tick := Tick{Timing: t.Timing}
		tick.Timing.Next = t.schedule.Next(now)
		if err := e.moveOn(ctx, t, tick); err != nil {
			return err
		}
	}
	return nil
}

// ahead are the timings that are due later than they should be.
func (t *timetable) ahead(now time.Time) (found []*timing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.all {
		if one.schedule == nil || one.Walk != nil || !one.Next.After(now) { // one that has come is due
			continue
		}
		if one.Next.After(one.schedule.Next(now)) {
			found = append(found, one)
		}
	}
	return found
}

// due is the first timing that is due, and when the next of the others is. One that walks is not: the tick that comes
// meanwhile is missed, and decided when the walk is over.
func (t *timetable) due(now time.Time) (found *timing, next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.all {
		switch {
		case one.Next.IsZero() || one.Walk != nil:
		case !one.Next.After(now):
			if found == nil {
				found = one
			}
		case next.IsZero() || one.Next.Before(next):
			next = one.Next
		}
	}
	return found, next
}

// walker is the next timing whose walk is under way, in turn; nil if there is none.
func (t *timetable) walker() *timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range t.all {
		one := t.all[t.turn%len(t.all)]
		t.turn++
		if one.Walk != nil {
			return one
		}
	}
	return nil
}

// walking tells whether a walk is under way.
func (t *timetable) walking() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.all, func(one *timing) bool { return one.Walk != nil })
}

// stand notes where a timing stands now. What it is called never changes, and is read by all loops.
func (t *timetable) stand(one *timing, now Timing) {
	t.mu.Lock()
	one.Next, one.Walk = now.Next, now.Walk
	t.mu.Unlock()
}

// dates are the timings that go by a date, by the module of its record.
func (t *timetable) dates() map[string][]*timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found map[string][]*timing
	for _, one := range t.all {
		if one.around != nil {
			if found == nil {
				found = map[string][]*timing{}
			}
			name := one.workflow.Module.Name
			found[name] = append(found[name], one)
		}
	}
	return found
}

// byNumber are the timings that go by a date, by their numbers.
func (t *timetable) byNumber() map[int64]*timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := map[int64]*timing{}
	for _, one := range t.all {
		if one.around != nil {
			found[one.Number] = one
		}
	}
	return found
}
