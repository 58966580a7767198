package engine

import (
	"context"
	"fmt"
	"time"
)

// walkPage is how many records a walk looks at before it stores what they led to.
const walkPage = 200

// walks goes on with the walks that are under way, a page of each in turn, until there are none.
func (e *Engine) walks(ctx context.Context) (time.Time, error) {
	for ctx.Err() == nil {
		t := e.timetable.walker()
		if t == nil {
			break
		}
		if err := e.page(ctx, t); err != nil {
			return time.Time{}, fmt.Errorf("walk over %s for %s: %w", t.workflow.Module.Name, t.Workflow, err)
		}
	}
	return time.Time{}, nil
}

// page walks over one page of records. A crash before it is stored repeats it, and changes nothing: the runs are known
// by tick and record.
func (e *Engine) page(ctx context.Context, t *timing) error {
	walk := *t.Walk
	page, err := e.CRM.List(ctx, Listing{Module: t.workflow.Module.Name, After: walk.After, Limit: walkPage})
	if IsPermanent(err) {
		return e.breakOff(ctx, t, err)
	}
	if err != nil {
		return err
	}
	tick := Tick{Timing: t.Timing}
	for _, record := range page.Records {
		if t.around != nil {
			tick.arm(t, record, e.Clock.Now())
		} else if err := e.each(&tick, t, walk, record); err != nil {
			return err
		}
	}
	walk.After = page.Next
	if tick.Timing.Walk = &walk; page.Next == "" {
		tick.Timing.Walk = nil
		defer nudge(e.timetable.tick) // a tick may have come meanwhile
	}
	if len(tick.Alarms) > 0 {
		defer nudge(e.timetable.alarm)
	}
	return e.moveOn(ctx, t, tick)
}

// arm adds the alarm of one record, if it has a date ahead. Where an event has armed one meanwhile, that stands.
func (t *Tick) arm(of *timing, record Record, now time.Time) {
	alarm := of.alarmOf(record.ID, record.Fields[of.around.Field.Name], now)
	if !alarm.Due.IsZero() {
		t.Alarms = append(t.Alarms, alarm)
	}
}

// each adds the run of one record, if it is among those that are meant. Whether the condition holds is looked at here,
// so that records for which it does not cost nothing, and once more as the run begins.
func (e *Engine) each(tick *Tick, t *timing, walk Walk, record Record) error {
	run, err := e.dueRun(t, record.Ref, walk.Tick, walk.Missed)
	if err != nil {
		return err
	}
	env := &Env{
		Event: run.Event, Ref: record.Ref, Module: t.workflow.Module, Modules: t.workflow.Modules,
		Record: record.Fields, Now: run.Created, Work: NewWork(QuickWork),
	}
	switch meant, err := e.meant(t.schedule.Each.Where, env); {
	case IsPermanent(err): // this record's, and no other's
		run.State, run.Reason, run.Progress.From = RunFailed, err.Error(), RunPending
		return tick.add(run)
	case err != nil:
		return err
	case !meant:
		return nil
	}
	begins := run.judge(t.workflow, env)
	e.matcher.Load().sawStart(run, t.workflow, begins)
	if !begins {
		return nil
	}
	if run.State == RunReady && t.workflow.If != nil {
		run.State = RunPending
	}
	return tick.add(run)
}

// meant tells whether a record is among those that a schedule is for. Nobody waits for a walk, so that it has the time
// of a run for each. Its error is Permanent where the same record would meet it again.
func (e *Engine) meant(where Program, env *Env) (bool, error) {
	if where == nil {
		return true, nil
	}
	if err := e.follow(e.work, env, where.Routes()); err != nil {
		return false, err
	}
	if err := e.ask(e.work, env, QueriesOf(where)); err != nil {
		return false, err
	}
	env.Work = NewWork(StretchWork)
	defer func() { env.Work = NewWork(QuickWork) }()
	holds, err := True(where, env)
	if err != nil {
		return false, Permanent(err)
	}
	return holds, nil
}

// breakOff ends a walk that the CRM refuses, with a run that says why: nobody should wait for it in vain.
func (e *Engine) breakOff(ctx context.Context, t *timing, cause error) error {
	run, err := e.timedRun(t.workflow, Ref{Module: ScheduleModule, ID: t.Workflow}, ScheduleDue, t.Walk.Tick,
		map[string]any{"walk": t.workflow.Module.Name}, t.Key, t.Walk.Tick.String(), t.Walk.After)
	if err != nil {
		return err
	}
	run.State, run.Reason = RunFailed, fmt.Sprintf("walk over %s: %v", t.workflow.Module.Name, cause)
	tick := Tick{Timing: t.Timing}
	tick.Timing.Walk = nil
	if err := tick.add(run); err != nil {
		return err
	}
	return e.moveOn(ctx, t, tick)
}
