package exprsafe

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// timeFunctions replace the methods of Go's times, which expressions cannot call. All read a time in
// the zone it carries.
func timeFunctions() []function {
	list := []function{
		{
			name: "now", result: Time, clock: 1, summary: "the time of this step",
			example: `now() > date("2020-01-01")`, call: now,
		},
		{
			name: "date", args: "text, zone?", params: []Kind{Text, Text}, optional: 1, result: Time,
			summary: "reads a date, with or without a time of day; in UTC if neither it nor a zone says otherwise",
			example: `date("2026-03-01") < date("2026-03-01 10:00:00")`,
			check:   dateCheck, call: parseTime,
		},
		{
			name: "duration", args: "text", params: []Kind{Text}, result: Duration,
			summary: "reads a duration: 14d, 72h, 1d12h, 30m, 90s",
			example: `duration("14d") == duration("336h")`,
			check:   durationCheck,
			call:    func(_ *run, args []any) (any, error) { return parseDuration(str(args[0])) },
		},
		{
			name: "unix", args: "time", params: []Kind{Time}, result: Number, summary: "seconds since 1970 in UTC",
			example: `unix(date("1970-01-02")) == 86400`,
			call:    func(_ *run, args []any) (any, error) { return int(when(args[0]).Unix()), nil },
		},
		{
			name: "fromUnix", args: "seconds", params: []Kind{Number}, result: Time,
			summary: "the time of seconds since 1970",
			example: `fromUnix(86400) == date("1970-01-02")`, call: fromUnix,
		},
	}
	return append(append(list, partFunctions()...), durationFunctions()...)
}

// partFunctions take a time apart, as its own zone shows it.
func partFunctions() []function {
	part := func(name, summary, example string, f func(time.Time) int) function {
		return function{
			name: name, args: "time", params: []Kind{Time}, result: Number, summary: summary, example: example,
			call: func(_ *run, args []any) (any, error) { return f(when(args[0])), nil },
		}
	}
	month := func(t time.Time) int { return int(t.Month()) }
	return []function{
		part("year", "the year", `year(date("2026-03-01")) == 2026`, time.Time.Year),
		part("quarter", "the quarter, 1 to 4", `quarter(date("2026-03-01")) == 1`,
			func(t time.Time) int { return (month(t) + 2) / 3 }),
		part("month", "the month, 1 to 12", `month(date("2026-03-01")) == 3`, month),
		part("week", "the week of the year by ISO 8601, 1 to 53", `week(date("2026-01-01")) == 1`,
			func(t time.Time) int { _, week := t.ISOWeek(); return week }),
		part("day", "the day of the month, 1 to 31", `day(date("2026-03-01")) == 1`, time.Time.Day),
		part("weekday", "the day of the week, 1 for Monday to 7 for Sunday", `weekday(date("2026-03-01")) == 7`,
			isoWeekday),
		part("hour", "the hour, 0 to 23", `hour(date("2026-03-01 10:30:00")) == 10`, time.Time.Hour),
		part("minute", "the minute, 0 to 59", `minute(date("2026-03-01 10:30:00")) == 30`, time.Time.Minute),
	}
}

// durationFunctions measure durations.
func durationFunctions() []function {
	measure := func(name, example string, unit time.Duration) function {
		return function{
			name: name, args: "duration", params: []Kind{Duration}, result: Number, example: example,
			summary: "the duration in " + name,
			call: func(_ *run, args []any) (any, error) {
				d, _ := args[0].(time.Duration)
				return shortest(float64(d)/float64(unit), true), nil
			},
		}
	}
	return []function{
		measure("seconds", `seconds(duration("90m")) == 5400`, time.Second),
		measure("minutes", `minutes(duration("90m")) == 90`, time.Minute),
		measure("hours", `hours(duration("90m")) == 1.5`, time.Hour),
		measure("days", `days(duration("36h")) == 1.5`, day),
	}
}

// day is what a day is for durations; one with a change of the clocks in it is not.
const day = 24 * time.Hour

// isoWeekday is 1 for Monday to 7 for Sunday (ISO 8601).
func isoWeekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// now is the time that the caller set for this evaluation, so that doing it again agrees.
func now(r *run, _ []any) (any, error) {
	t, err := r.now()
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (r *run) now() (time.Time, error) {
	t, ok := r.env[EnvNow].(time.Time)
	if !ok {
		return time.Time{}, fault("now() has no time here")
	}
	return t, nil
}

// parseTime reads a date, a date with a time of day, or RFC 3339, which names its zone itself.
func parseTime(r *run, args []any) (any, error) {
	text := strings.TrimSpace(str(args[0]))
	zone, err := r.zoneOr(arg(args, 1), time.UTC)
	if text == "" || err != nil {
		return nil, err
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return inEra(t)
	}
	for _, layout := range []string{
		time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return inEra(sameClock(t, zone))
		}
	}
	return nil, fault("the text is not a date (2026-03-01, 2026-03-01 10:00:00 or RFC 3339)")
}

// dateCheck looks at constant arguments of date.
func dateCheck(i int, text string) *Error {
	if i == 1 {
		return zoneCheck(text)
	}
	_, err := parseTime(nil, []any{text})
	return complaint(err)
}

// fromUnix gives UTC.
func fromUnix(_ *run, args []any) (any, error) {
	seconds := math.Floor(amount(args[0]))
	if math.Abs(seconds) > exact {
		return nil, outOfEra
	}
	return inEra(time.Unix(int64(seconds), 0).UTC())
}

func durationCheck(_ int, text string) *Error {
	_, err := parseDuration(text)
	return complaint(err)
}

// parseDuration reads 14d, 72h, 1d12h, 30m, 90s; days have 24 hours.
func parseDuration(text string) (any, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return noValue()
	}
	const notOne = fault("the text is not a duration (14d, 72h, 1d12h, 30m)")
	number, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		number, rest = "0", text
	}
	days, err := strconv.ParseFloat(number, 64)
	if err != nil || !(math.Abs(days) < math.MaxInt64/float64(day)) {
		return nil, notOne
	}
	d := time.Duration(0)
	if rest != "" {
		if d, err = time.ParseDuration(rest); err != nil || hasDays && !('0' <= rest[0] && rest[0] <= '9') {
			return nil, notOne
		}
	}
	if days < 0 {
		d = -d
	}
	return asDuration(days*float64(day)+float64(d), nil)
}
