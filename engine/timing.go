package engine

import (
	"context"
	"time"
)

// Timing is a trigger that goes by time, and where it stands.
type Timing struct {
	Number   int64     `json:"number"` // of the stored timing, which never comes twice
	Workflow string    `json:"workflow"`
	Key      string    `json:"key"`            // what the trigger says: one that says something else begins anew
	Next     time.Time `json:"next,omitzero"`  // when it is due; zero for never again, and for one that has no ticks
	Walk     *Walk     `json:"walk,omitempty"` // through the records of its module; nil while none is under way
}

// Walk is a passage over the records of a module, page by page.
type Walk struct {
	Tick   time.Time `json:"tick,omitzero"`    // that it is for; zero where alarms are armed
	Missed int       `json:"missed,omitempty"` // ticks before it that it stands for as well
	After  string    `json:"after,omitempty"`  // Page.Next of the last page that was walked over
}

// Tick is one step forward of a timing, with everything it leads to.
type Tick struct {
	Fences []Fence
	Timing Timing // as it stands from now on
	Runs   []*Run
	Events []*Event // that tell what failed
	Alarms []Alarm  // to be armed, where there is none for the record
}

// TimeStore holds what starts runs by time.
type TimeStore interface {
	// Timings makes the stored timings those of a book. One that is not stored yet is stored as given, one that is
	// stays where it stands, and any other is forgotten. It returns those of the book as they stand, in their order.
	Timings(ctx context.Context, fence Fence, ofBook []Timing) ([]Timing, error)
	// Tick moves a timing on and takes in the runs that it led to. It tells for each run whether it is new; one that
	// is not was taken in before. It fails with ErrStale, nothing done, when the timing was forgotten meanwhile.
	Tick(ctx context.Context, tick Tick) (fresh []bool, err error)
	// DueAlarms reads alarms that are due, the longest due first, at most limit. next is when the earliest of the
	// others falls due; zero for none.
	DueAlarms(ctx context.Context, now time.Time, limit int) (due []Alarm, next time.Time, err error)
	// Ring ends alarms, and takes in the runs and arms the alarms that they lead to. Nothing of one is done that was
	// armed otherwise or disarmed since it was read. It returns the runs that are new.
	Ring(ctx context.Context, fences []Fence, rung []Rung) (started []*Run, err error)
	// DueWindows reads windows that are due, the longest due first, at most limit. next is when the earliest of the
	// others falls due; zero for none.
	DueWindows(ctx context.Context, now time.Time, limit int) (due []*Window, next time.Time, err error)
	// CloseWindow ends a window and takes in its run; nil for none. false, nothing done, if an event has come since it
	// was read.
	CloseWindow(ctx context.Context, fence Fence, w *Window, run *Run) (closed bool, err error)
}
