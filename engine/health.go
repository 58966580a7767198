package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

const (
	fullWarning = 0.8    // share of the stream's bytes from which on an operator is warned
	lagWarning  = 10_000 // entries that wait to be taken in, likewise

	hangTime = time.Minute // beyond its own limit, after which what is under way counts as hanging
)

// health is what the engine knows of itself without asking anybody.
type health struct {
	phase     atomic.Int32
	insisting atomic.Int32 // changes that the store has not taken, and is asked again to take
	taking    watch        // the store takes events in
}

// watch knows by when something that is under way should be over; the zero value, that nothing is.
type watch struct{ until atomic.Int64 }

func (w *watch) expect(until time.Time) { w.until.Store(until.UnixMilli()) }

func (w *watch) over() { w.until.Store(0) }

func (w *watch) overdue(now time.Time) bool {
	until := w.until.Load()
	return until != 0 && now.UnixMilli() > until
}

const (
	phaseStarting int32 = iota
	phaseRunning
	phaseEnding
	phaseFailed
)

// end notes why the engine ends.
func (h *health) end(cause error) {
	if errors.Is(cause, context.Canceled) {
		h.phase.Store(phaseEnding)
		return
	}
	h.phase.Store(phaseFailed)
}

// Running tells whether the engine has started and not begun to end.
func (e *Engine) Running() bool { return e.health.phase.Load() == phaseRunning }

// Live tells why only a restart helps; nothing while it would not.
func (e *Engine) Live() (reasons []string) {
	if e.health.phase.Load() == phaseFailed {
		return []string{"the engine has failed, as the log says, and ends"}
	}
	now, standing := e.Clock.Now(), 0
	for _, l := range e.lanes {
		if l.task.overdue(now) {
			standing++
		}
	}
	if standing > 0 {
		reasons = append(reasons, fmt.Sprintf("a task does not end when its time is over: %d of %d lanes stand still",
			standing, len(e.lanes)))
	}
	if e.health.taking.overdue(now) {
		reasons = append(reasons, "the database has not answered for a minute")
	}
	return reasons
}

// Ready tells why events are not handled right now, nothing when they are, and what an operator should
// look at before it comes to that.
func (e *Engine) Ready(ctx context.Context) (reasons, warnings []string) {
	switch e.health.phase.Load() {
	case phaseStarting:
		return []string{"the engine is starting"}, nil
	case phaseEnding:
		return []string{"the engine is ending"}, nil
	case phaseFailed:
		return e.Live(), nil
	}
	reasons = e.Live()
	if e.health.insisting.Load() > 0 {
		reasons = append(reasons, "the database takes no changes")
	}
	warnings = append(e.outlets.warnings(), e.writers.warnings(e.Clock.Now())...)
	warnings = append(warnings, e.callers.warnings(e.Clock.Now())...)
	warnings = append(warnings, e.crm.warnings()...)
	warnings = append(warnings, e.budgets.warnings(e.Clock.Now())...)
	for _, name := range slices.Sorted(maps.Keys(e.Channels)) {
		if relay, ok := e.Channels[name].(*Relay); ok {
			warnings = append(warnings, relay.warnings()...)
		}
	}
	position, err := e.Bus.Position(ctx)
	switch {
	case err != nil:
		return append(reasons, "the event stream cannot be reached"), warnings
	case position.Full >= 1:
		reasons = append(reasons, "the event stream is full")
	case position.Full >= fullWarning:
		warnings = append(warnings, fmt.Sprintf("the event stream is %.0f %% full", position.Full*100))
	}
	if taken := e.swept.Load(); position.Last > taken+lagWarning {
		lag := position.Last - taken
		warnings = append(warnings, fmt.Sprintf("%d entries of the event stream wait to be taken in", lag))
	}
	return reasons, warnings
}
