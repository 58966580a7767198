package engine

import (
	"fmt"
	"slices"
	"time"
)

// Around says that a workflow is due some time before or after a date of each record.
type Around struct {
	Field  *Field        // a date, or a date with a time
	Shift  time.Duration // from the date; negative for before. Whole days are days of the calendar
	Fixed  bool          // due at a time of day, whatever that of the date
	At     time.Duration // that time of day, from midnight
	Zone   *time.Location
	Source string // what the admin wrote: "3d before due_date at 09:00"
}

// AlarmDue is the type of the event of a run that a date started.
const AlarmDue = "alarm.due"

// AlarmGrace is how late a moment may be when its date becomes known, for the workflow to be due all the same: the
// reminder of this morning for an invoice that is entered at noon. One that is further past starts nothing.
const AlarmGrace = day

// Moment is when the workflow is due for a value of the field; zero for an empty one, or one that is no date.
func (a *Around) Moment(value any) time.Time {
	read, err := a.Field.view(value)
	at, ok := read.(time.Time)
	if err != nil || !ok {
		return time.Time{}
	}
	wall := at
	if a.Field.Type == TypeDateTime {
		if a.Shift%day == a.Shift && !a.Fixed {
			return at.Add(a.Shift)
		}
		wall = wallOf(at, a.Zone)
	}
	if wall = wall.AddDate(0, 0, int(a.Shift/day)); a.Fixed {
		wall = wall.Truncate(day).Add(a.At)
	}
	return instantOf(wall, a.Zone).Add(a.Shift % day)
}

// Key names what the trigger says of the records of a module: one that says something else arms its alarms anew.
func (a *Around) Key(module string) string {
	return contentKey(fmt.Sprintf("around %s of %s zone %s", a.Source, module, a.Zone))
}

// occasion is what tells apart the runs of one record: the date, and how far from it. Another time of day is none.
func (a *Around) occasion(value string) []string {
	return []string{a.Field.Name, a.Shift.String(), value}
}

// Alarm is a moment at which a record's date starts a workflow.
type Alarm struct {
	Timing int64 // Timing.Number of the trigger
	Record string
	Value  string // of the field, when it was armed
	Due    time.Time
}

// Rung is what becomes of an alarm that is due.
type Rung struct {
	Alarm Alarm
	Again *Alarm // armed in its place; nil for none
	Run   *Run   // that it starts; nil for none
}

// alarmOf is the alarm for a value; without a Due if there is nothing to wait for.
func (t *timing) alarmOf(record string, value any, now time.Time) Alarm {
	text, _ := PlainText(value)
	alarm := Alarm{Timing: t.Number, Record: record, Value: text}
	if due := t.around.Moment(value); !due.IsZero() && now.Sub(due) <= AlarmGrace {
		alarm.Due = due.UTC()
	}
	return alarm
}

// heed is the alarm that an event leads to; false if it says nothing new of the date.
func (t *timing) heed(event *Event, now time.Time) (Alarm, bool) {
	ref, change := event.Ref(), event.Change
	value, there := change.Record[t.around.Field.Name]
	switch event.Type {
	case RecordDeleted:
		return Alarm{Timing: t.Number, Record: ref.ID}, true
	case RecordCreated, RecordRestored:
	case RecordUpdated:
		if !there || len(change.Changed) > 0 && !slices.Contains(change.Changed, t.around.Field.Name) {
			return Alarm{}, false
		}
	default:
		return Alarm{}, false
	}
	alarm := t.alarmOf(ref.ID, value, now)
	return alarm, !alarm.Due.IsZero() || event.Type != RecordCreated
}
