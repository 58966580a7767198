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
	return []function{
		{name: "now", params: nil, result: Time, example: `now() > date("2020-01-01")`, call: now},
		{
			name: "date", params: []Kind{Text}, result: Time,
			example: `date("2026-03-01") < date("2026-03-01 10:00:00")`,
			call:    parseTime,
		},
		{
			name: "duration", params: []Kind{Text}, result: Duration, example: `duration("14d") == duration("336h")`,
			call: func(_ *run, args []any) (any, error) { return parseDuration(str(args[0])) },
		},
		{
			name: "year", params: []Kind{Time}, result: Number, example: `year(date("2026-03-01")) == 2026`,
			call: onTime(time.Time.Year),
		},
		{
			name: "month", params: []Kind{Time}, result: Number, example: `month(date("2026-03-01")) == 3`,
			call: onTime(func(t time.Time) int { return int(t.Month()) }),
		},
		{
			name: "day", params: []Kind{Time}, result: Number, example: `day(date("2026-03-01")) == 1`,
			call: onTime(time.Time.Day),
		},
		{
			name: "hour", params: []Kind{Time}, result: Number, example: `hour(date("2026-03-01 10:30:00")) == 10`,
			call: onTime(time.Time.Hour),
		},
		{
			name: "minute", params: []Kind{Time}, result: Number, example: `minute(date("2026-03-01 10:30:00")) == 30`,
			call: onTime(time.Time.Minute),
		},
		{
			name: "weekday", params: []Kind{Time}, result: Number, example: `weekday(date("2026-03-01")) == 7`,
			call: onTime(isoWeekday),
		},
		{
			name: "hours", params: []Kind{Duration}, result: Number, example: `hours(duration("90m")) == 1.5`,
			call: onDuration(time.Hour),
		},
		{
			name: "days", params: []Kind{Duration}, result: Number, example: `days(duration("36h")) == 1.5`,
			call: onDuration(day),
		},
	}
}

// day is what a day is for durations; one with a change of the clocks in it is not.
const day = 24 * time.Hour

// onTime makes an operation of a method of time.Time.
func onTime(f func(time.Time) int) operation {
	return func(_ *run, args []any) (any, error) {
		t, _ := args[0].(time.Time)
		return f(t), nil
	}
}

// onDuration measures a duration in a unit.
func onDuration(unit time.Duration) operation {
	return func(_ *run, args []any) (any, error) {
		d, _ := args[0].(time.Duration)
		return shortest(float64(d)/float64(unit), true), nil
	}
}

// isoWeekday is 1 for Monday to 7 for Sunday (ISO 8601).
func isoWeekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// now is the time that the caller set for this evaluation, so that doing it again agrees.
func now(r *run, _ []any) (any, error) {
	t, ok := r.env[EnvNow].(time.Time)
	if !ok {
		return nil, fault("now() has no time here")
	}
	return t, nil
}

// parseTime reads a date, a date with a time of day, or RFC 3339; UTC where the text names no zone.
func parseTime(_ *run, args []any) (any, error) {
	text := strings.TrimSpace(str(args[0]))
	if text == "" {
		return noValue()
	}
	layouts := []string{time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04"}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return nil, fault("the text is not a date (2026-03-01, 2026-03-01 10:00:00 or RFC 3339)")
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
