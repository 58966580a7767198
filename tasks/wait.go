package tasks

import (
	"context"
	"fmt"
	"time"

	"postern/engine"
)

// maxWait is the longest wait. Its run, and the links it may speak of, are kept for as long.
const maxWait = 400 * 24 * time.Hour

// Wait lets the run rest for a time, until a time, or until something has happened, whichever comes
// first. It costs a row in the database and nothing else. Its output timed_out is true when the time
// was over before the condition held.
type Wait struct {
	// For is how long it waits, at most 400d.
	For time.Duration `yaml:"for"`
	// At is when it goes on: an expression for a time, such as record.due_date. A time that is past or
	// missing does not wait.
	At string `yaml:"at"`
	// Until is a condition: it goes on as soon as that holds, or at once if it does already. It is looked
	// at when the record, a related one or a message of an earlier step changes. Here changed("status")
	// means that the field differs from when the wait began.
	Until string `yaml:"until"`

	at, until engine.Program
}

func waitKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "wait",
		Summary: "rests until a time has come or something has happened",
		Example: "wait: { for: 48h, until: record.ticketstatus == \"Closed\" }",
		New:     func() engine.Task { return &Wait{} },
	}
}

// Check sees that there is something to wait for.
func (w *Wait) Check(scope engine.CheckScope) {
	w.at, w.until = scope.Moment("at"), scope.Condition("until")
	switch {
	case w.For < 0 || w.For > maxWait:
		scope.Complain("for", "a wait is a duration above zero, at most 400d, such as 48h")
	case w.For > 0 && w.At != "":
		scope.Complain("at", "a wait has either for or at; the two are two different times")
	case w.For == 0 && w.At == "" && w.Until == "":
		scope.Complain("", "a wait needs one of for, at and until, such as wait: { for: 48h }")
	}
	if w.until == nil {
		return
	}
	scope.Await(w.until)
	sensitive, ok := w.until.(engine.Sensitive)
	switch {
	case !ok:
	case sensitive.Uses().Now:
		scope.Complain("until", "until is looked at when something changes, not as time passes; "+
			"in place of now() use at or for beside it")
	case !sensitive.Uses().Record && len(sensitive.Uses().Steps) == 0:
		scope.Complain("until", "nothing can make this hold later: "+
			"until reads the record or what became of a message; for a time use at or for")
	}
}

// Run begins the wait, unless it is over already.
func (w *Wait) Run(_ context.Context, step *engine.StepContext) error {
	until, err := w.end(step)
	if err != nil {
		return err
	}
	if w.timed() && !until.After(step.Now()) {
		step.Note("did not wait: its time is over")
		step.Output(engine.Fields{"timed_out": true})
		return nil
	}
	if w.until == nil {
		step.Note("waits until %s", until.Format(time.RFC3339))
		step.Wait(until, nil)
		return nil
	}
	step.Wait(until, w.until)
	if until.IsZero() {
		step.Note("waits until %s", w.until.Source())
		return nil
	}
	step.Note("waits until %s, at most until %s", w.until.Source(), until.Format(time.RFC3339))
	return nil
}

// timed tells whether the wait ends by itself.
func (w *Wait) timed() bool { return w.For > 0 || w.at != nil }

// end is when the wait's time is over; zero for never.
func (w *Wait) end(step *engine.StepContext) (time.Time, error) {
	if w.at == nil {
		if w.For == 0 {
			return time.Time{}, nil
		}
		return step.Now().Add(w.For), nil
	}
	value, err := w.at.Eval(step.Env)
	if err != nil {
		return time.Time{}, engine.Permanent(fmt.Errorf("at: %w", err))
	}
	at, ok := value.(time.Time)
	switch {
	case !ok:
		return step.Now(), nil // a field without a value
	case at.After(step.Now().Add(maxWait)):
		err := fmt.Errorf("at: %s is more than 400 days from now", at.Format(time.RFC3339))
		return time.Time{}, engine.Permanent(err)
	}
	return at.UTC(), nil
}

// Woken evaluates the condition.
func (w *Wait) Woken(_ context.Context, step *engine.StepContext) (bool, error) {
	if w.until == nil {
		return false, nil
	}
	over, err := engine.True(w.until, step.Env)
	if err != nil {
		return false, engine.Permanent(err)
	}
	return over, nil
}

var (
	_ engine.Task    = (*Wait)(nil)
	_ engine.Checker = (*Wait)(nil)
	_ engine.Waiter  = (*Wait)(nil)
)
