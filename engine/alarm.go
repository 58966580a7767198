package engine

import (
	"context"
	"fmt"
	"time"
)

// alarmPage is how many alarms are looked at before what they led to is stored.
const alarmPage = 256

// heed adds what an event means for the alarms of its record. One that starts nothing arms none that is due already.
func (e *Engine) heed(b *batch, a arrival, now time.Time) {
	event, ref := a.event, a.event.Ref()
	for _, t := range b.dates[ref.Module] {
		if alarm, ok := t.heed(event, now); ok {
			if a.seq <= e.skipUntil && !alarm.Due.After(now) {
				alarm.Due = time.Time{}
			}
			b.touched[ref.partition()] = true
			b.intake.Alarms = append(b.intake.Alarms, alarm)
		}
	}
}

// alarms starts runs for the alarms that are due, the longest due first.
func (e *Engine) alarms(ctx context.Context) (time.Time, error) {
	for {
		if err := e.timings(ctx); err != nil {
			return time.Time{}, err
		}
		due, next, err := e.Store.DueAlarms(ctx, e.Clock.Now(), alarmPage)
		if err != nil || len(due) == 0 {
			return next, err
		}
		if err := e.ring(ctx, due); err != nil {
			return time.Time{}, err
		}
	}
}

// ring decides about alarms that are due. Each record is read: its date may have been moved without an event, and the
// alarm with it.
func (e *Engine) ring(ctx context.Context, due []Alarm) error {
	byNumber := e.timetable.byNumber()
	var refs []Ref
	for _, alarm := range due {
		if t := byNumber[alarm.Timing]; t != nil {
			refs = append(refs, Ref{Module: t.workflow.Module.Name, ID: alarm.Record})
		}
	}
	records, refused, err := e.readEach(ctx, refs)
	if err != nil {
		return fmt.Errorf("read the records of alarms: %w", err)
	}
	now := e.Clock.Now()
	var rung []Rung
	for _, alarm := range due {
		t := byNumber[alarm.Timing]
		if t == nil {
			continue // of another book, that comes into use right now
		}
		r, ref := Rung{Alarm: alarm}, Ref{Module: t.workflow.Module.Name, ID: alarm.Record}
		if record, there := records[ref]; there {
			err = e.rung(&r, t, record, now)
		} else if refused[ref] {
			r.Run, err = e.alarmRun(t, ref, alarm) // which reads the record itself, and tells what it is told
		}
		if err != nil {
			return err
		}
		rung = append(rung, r)
	}
	return e.ringOut(ctx, rung)
}

// readEach reads records together, or, where the CRM refuses that for good, one by one: those that it refuses to read
// keep it from no other.
func (e *Engine) readEach(ctx context.Context, refs []Ref) (records map[Ref]Record, refused map[Ref]bool, err error) {
	records, refused = map[Ref]Record{}, map[Ref]bool{}
	found, err := e.CRM.Get(ctx, refs...)
	if IsPermanent(err) {
		for _, ref := range refs {
			one, err := e.CRM.Get(ctx, ref)
			if err != nil && !IsPermanent(err) {
				return nil, nil, err
			}
			refused[ref] = err != nil
			found = append(found, one...)
		}
	} else if err != nil {
		return nil, nil, err
	}
	for _, record := range found {
		records[record.Ref] = record
	}
	return records, refused, nil
}

// rung decides about one alarm by the record as it is.
func (e *Engine) rung(r *Rung, t *timing, record Record, now time.Time) (err error) {
	stands := t.alarmOf(record.ID, record.Fields[t.around.Field.Name], now)
	switch {
	case stands.Value != r.Alarm.Value && !stands.Due.IsZero():
		r.Again = &stands
		return nil
	case stands.Value != r.Alarm.Value, !t.workflow.Active.At(now):
		return nil
	}
	r.Run, err = e.alarmRun(t, record.Ref, r.Alarm)
	return err
}

// alarmRun is the run that an alarm starts.
func (e *Engine) alarmRun(t *timing, ref Ref, alarm Alarm) (*Run, error) {
	said := map[string]any{
		"field": t.around.Field.Name, "value": alarm.Value, "due": alarm.Due.UTC().Format(time.RFC3339),
	}
	run, err := e.timedRun(t.workflow, ref, AlarmDue, alarm.Due, said, t.around.occasion(alarm.Value)...)
	if err == nil && (t.workflow.If != nil || t.workflow.remembers()) {
		run.State = RunPending
	}
	return run, err
}

// ringOut stores what became of alarms and hands the runs to their lanes.
func (e *Engine) ringOut(ctx context.Context, rung []Rung) error {
	var runs []*Run
	for _, r := range rung {
		if r.Run != nil {
			runs = append(runs, r.Run)
		}
	}
	var started []*Run
	err := e.insist("ring alarms", func(ctx context.Context) (err error) {
		started, err = e.Store.Ring(ctx, e.fencesOf(runs), rung)
		return err
	})
	if err != nil {
		return err
	}
	e.seat(ctx, started)
	return nil
}
