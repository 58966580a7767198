package exprsafe

import "time"

// outOfEra is the error for a time outside the years that a date can be written with.
const outOfEra = fault("the date is outside the years 1 to 9999")

// inEra refuses times that no CRM could store.
func inEra(t time.Time) (any, error) {
	if year := t.Year(); year < 1 || year > 9999 {
		return nil, outOfEra
	}
	return t, nil
}

// civil is the time at which the clocks of a zone show a date and a time of day; the month may be
// outside 1 to 12 and the day outside the month. A time of day that is skipped when the clocks go
// forward is as much later; of one that comes twice when they go back it is the first.
func civil(year int, month time.Month, day int, clock time.Duration, zone *time.Location) time.Time {
	shown := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(clock)
	before := offsetAt(shown.AddDate(0, 0, -1), zone)
	first := shown.Add(-before)
	if offsetAt(first, zone) == before {
		return first.In(zone)
	}
	after := offsetAt(shown.AddDate(0, 0, 1), zone)
	if second := shown.Add(-after); offsetAt(second, zone) == after {
		return second.In(zone)
	}
	return first.In(zone)
}

// offsetAt is how far the clocks of a zone are before UTC at a time.
func offsetAt(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// clockOf is the time of day that the clocks of a time's zone show.
func clockOf(t time.Time) time.Duration {
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(t.Nanosecond())
}

// sameClock is the time at which another zone shows the same date and time of day.
func sameClock(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.Date()
	return civil(year, month, day, clockOf(t), zone)
}

// dateOf is the date that a time shows in its zone, in the form of a date field: midnight in UTC.
func dateOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// dayNumber counts days, from any day on.
func dayNumber(t time.Time) int { return int(dateOf(t).Unix() / int64(day/time.Second)) }

// addDays keeps the time of day, whatever the clocks do in between.
func addDays(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	return civil(year, month, day+n, clockOf(t), t.Location())
}

// addMonths keeps the day of the month; where the month is shorter it is its last day.
func addMonths(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	return civil(year, month+time.Month(n), min(day, daysIn(year, month+time.Month(n))), clockOf(t), t.Location())
}

// daysIn is how many days a month has.
func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// monthsBetween counts whole months as addMonths does, below zero where to is before from.
func monthsBetween(from, to time.Time) int {
	to = to.In(from.Location())
	if to.Before(from) {
		return -monthsBetween(to, from)
	}
	n := (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	if addMonths(from, n).After(to) {
		n--
	}
	return n
}

// startOf is when the unit of time began in which t is.
func startOf(t time.Time, unit string) time.Time {
	year, month, day := t.Date()
	switch unit {
	case "minute":
		return t.Add(-clockOf(t) % time.Minute)
	case "hour":
		return t.Add(-clockOf(t) % time.Hour)
	case "week":
		day -= isoWeekday(t) - 1
	case "month":
		day = 1
	case "quarter":
		month, day = month-(month-1)%3, 1
	case "year":
		month, day = 1, 1
	}
	return civil(year, month, day, 0, t.Location())
}

// startOfNext is when the next unit of time begins.
func startOfNext(t time.Time, unit string) time.Time {
	start := startOf(t, unit)
	switch unit {
	case "minute":
		return start.Add(time.Minute)
	case "hour":
		return start.Add(time.Hour)
	case "day":
		return addDays(start, 1)
	case "week":
		return addDays(start, 7)
	case "month":
		return addMonths(start, 1)
	case "quarter":
		return addMonths(start, 3)
	}
	return addMonths(start, 12)
}
