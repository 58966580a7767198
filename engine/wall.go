package engine

import "time"

// A wall time is what clocks on the wall of a zone show: here a time.Time in UTC whose date and hour are meant
// there. Clocks that are put forward skip wall times, clocks that are put back show some twice.

// maxOffset is more than any zone was ever away from UTC.
const maxOffset = 16 * time.Hour

// instantOf is the moment at which clocks of a zone show a wall time: the first moment after the gap for one that
// they skip, the first of both for one that they show twice.
func instantOf(wall time.Time, zone *time.Location) time.Time {
	for at := wall.Add(-maxOffset).In(zone); ; {
		_, offset := at.Zone()
		begin, end := at.ZoneBounds()
		found := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		switch {
		case found.Before(begin):
			return begin
		case end.IsZero() || found.Before(end):
			return found
		}
		at = end
	}
}

// wallOf is what clocks of a zone show at a moment.
func wallOf(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	year, month, day := local.Date()
	hour, minute, second := local.Clock()
	return time.Date(year, month, day, hour, minute, second, local.Nanosecond(), time.UTC)
}

// Moved tells what the clocks of a zone do on the day of a moment, for people who read when something is due: how far
// they are put forward, or back if it is negative, and when that is over. Zero for not at all.
func Moved(at time.Time, zone *time.Location) (by time.Duration, when time.Time) {
	local := at.In(zone)
	begin, end := local.ZoneBounds()
	for _, moved := range []time.Time{begin, end} {
		if moved.IsZero() || moved.YearDay() != local.YearDay() || moved.Year() != local.Year() {
			continue
		}
		_, after := moved.Zone()
		_, before := moved.Add(-time.Second).Zone()
		if after != before {
			return time.Duration(after-before) * time.Second, moved
		}
	}
	return 0, time.Time{}
}
