package engine

import (
	"context"
	"errors"
	"time"
)

// ScheduleDue is the type of the event of a run that a schedule started.
const ScheduleDue = "schedule.due"

// tickEvery is how often the loops that go by time look at least: the clock may have been set.
const tickEvery = 10 * time.Second

// byTime repeats what falls due by time until the context ends. work does what is due and tells when more will be.
func (e *Engine) byTime(
	ctx context.Context, what string, wakeup <-chan struct{}, work func(context.Context) (time.Time, error),
) error {
	for ctx.Err() == nil {
		next, err := work(ctx)
		pause := tickEvery
		switch {
		case errors.Is(err, ErrFenced):
			return err
		case err != nil && ctx.Err() == nil:
			e.Logger.Error("do what is due by time", "what", what, "error", err)
			pause = insistMost
		case !next.IsZero():
			pause = max(min(pause, next.Sub(e.Clock.Now())), 0)
		}
		e.rest(ctx, pause, wakeup, nil)
	}
	return nil
}

// ticks starts what the schedules of the book in use are due for.
func (e *Engine) ticks() func(context.Context) (time.Time, error) {
	var last time.Time
	return func(ctx context.Context) (time.Time, error) {
		if err := e.timings(ctx); err != nil {
			return time.Time{}, err
		}
		for {
			now := e.Clock.Now()
			if now.Before(last) {
				if err := e.pullBack(ctx, now); err != nil {
					return time.Time{}, err
				}
			}
			last = now
			t, next := e.timetable.due(now)
			if t == nil {
				return next, nil
			}
			if err := e.tick(ctx, t, now); err != nil {
				return time.Time{}, err
			}
		}
	}
}

// tick does what one schedule is due for: it starts a run, or a walk that starts one for each record.
func (e *Engine) tick(ctx context.Context, t *timing, now time.Time) error {
	due := t.schedule.due(t.Next, now)
	if due.missed > 0 {
		e.Logger.Warn("ticks of a schedule were missed", "workflow", t.Workflow, "schedule", t.schedule.Source,
			"missed", due.missed, "policy", string(t.schedule.Missed))
	}
	after := t.Timing
	after.Next = due.following
	tick := Tick{Timing: after}
	if !due.at.IsZero() && t.workflow.Active.At(due.at) {
		if t.schedule.Each != nil {
			tick.Timing.Walk = &Walk{Tick: due.at, Missed: due.missed}
		} else if err := e.scheduled(&tick, t, due); err != nil {
			return err
		}
	}
	if err := e.moveOn(ctx, t, tick); err != nil {
		return err
	}
	if tick.Timing.Walk != nil {
		nudge(e.timetable.walk)
	}
	return nil
}

// scheduled adds the run of a schedule that is about no record.
func (e *Engine) scheduled(tick *Tick, t *timing, due dueTick) error {
	run, err := e.dueRun(t, Ref{Module: ScheduleModule, ID: t.Workflow}, due.at, due.missed)
	if err != nil {
		return err
	}
	env := &Env{
		Event: run.Event, Ref: run.Record, Module: t.workflow.Module, Modules: t.workflow.Modules, Record: Fields{},
		Now: run.Created, Work: NewWork(QuickWork),
	}
	begins := run.judge(t.workflow, env)
	e.matcher.Load().sawStart(run, t.workflow, begins)
	if !begins {
		return nil
	}
	return tick.add(run)
}

// dueRun is the run of a schedule's tick on a record. Its occasion is the tick and the record, so that it begins once
// however often the tick is found.
func (e *Engine) dueRun(t *timing, ref Ref, tick time.Time, missed int) (*Run, error) {
	at := tick.UTC().Format(time.RFC3339)
	said := map[string]any{"tick": at, "schedule": t.schedule.Source}
	if missed > 0 {
		said["missed"] = missed
	}
	return e.timedRun(t.workflow, ref, ScheduleDue, tick, said, at)
}

// timedRun is a run that no event started. What makes its occasion besides the workflow and the record is told last.
func (e *Engine) timedRun(
	w *Workflow, ref Ref, eventType string, at time.Time, said map[string]any, occasion ...string,
) (*Run, error) {
	now := e.Clock.Now()
	id, err := NewID(now, e.Random)
	if err != nil {
		return nil, err
	}
	data, err := plainJSON(said)
	if err != nil {
		return nil, err
	}
	parts := append([]string{eventType, w.Name, ref.String()}, occasion...)
	run := newRun(w, &Event{
		ID: DerivedID(ID{}, parts...).String(), Source: Source, Type: eventType, Subject: ref.String(), Time: at.UTC(),
		Data: data,
	})
	run.ID, run.Seq, run.Created, run.Partition = id, e.swept.Load(), now, ref.partition()
	return run, nil
}

// add takes a run into the step. One that has failed already tells so.
func (t *Tick) add(run *Run) error {
	t.Runs = append(t.Runs, run)
	if run.Reason != "" {
		run.decide(run.Created, "", "%s: %s", run.State, run.Reason)
	}
	if run.State != RunFailed {
		return nil
	}
	event, err := run.failure(DerivedID(ID{}, "failed", string(run.Key)), run.Created)
	t.Events = append(t.Events, event)
	return err
}

// moveOn stores a step of a timing and hands the runs it led to to their lanes.
func (e *Engine) moveOn(ctx context.Context, t *timing, tick Tick) error {
	tick.Fences = e.fencesOf(tick.Runs)
	var fresh []bool
	err := e.insist("move a timing on", func(ctx context.Context) (err error) {
		fresh, err = e.Store.Tick(ctx, tick)
		return err
	})
	stale := errors.Is(err, ErrStale) // another book, which has no such trigger, is in use by now
	if err != nil && !stale {
		return err
	}
	e.timetable.stand(t, tick.Timing)
	if stale {
		return nil
	}
	var started []*Run
	for i, run := range tick.Runs {
		if fresh[i] {
			started = append(started, run)
		}
	}
	e.seat(ctx, started)
	return nil
}

// fencesOf are the fences of the partitions that runs belong to, and one at least.
func (e *Engine) fencesOf(runs []*Run) []Fence {
	fences, seen := []Fence{e.fences[0]}, map[int]bool{0: true}
	for _, run := range runs {
		if !seen[run.Partition] {
			seen[run.Partition] = true
			fences = append(fences, e.fences[run.Partition])
		}
	}
	return fences
}

// seats is how many runs that time started are in the lanes together: however many fall due at once, events have to
// wait for a few only.
const seats = 64

// seat hands new runs to their lanes as they find a seat there; until then they wait in the store. It returns when the
// last one has one.
func (e *Engine) seat(ctx context.Context, runs []*Run) {
	for _, run := range runs {
		if e.tell(run); run.State.Over() {
			continue
		}
		select {
		case e.seats <- struct{}{}:
		case <-ctx.Done():
			return // they are found at the next start
		}
		e.resting.begin(run.ID)
		e.enqueue(ctx, job{id: run.ID, partition: run.Partition, run: run, seated: true})
	}
}
