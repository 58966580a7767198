package exprsafe

import "time"

// farthest is how many days, months or years one may add at once: beyond it no date is in the era.
const farthest = 4_000_000

func units() []string { return []string{"day", "hour", "minute", "month", "quarter", "week", "year"} }

// calendarFunctions count in days, months and years of the calendar, by the clocks of the zone that a
// time carries.
func calendarFunctions() []function {
	shift, span, unit := []Kind{Time, Number}, []Kind{Time, Time}, []Kind{Time, Text}
	return []function{
		{
			name: "addDays", args: "time, days", params: shift, result: Time,
			summary: "so many days later, or earlier if negative, at the same time of day",
			example: `addDays(date("2026-02-27"), 2) == date("2026-03-01")`, call: shifted("addDays", addDays),
		},
		{
			name: "addMonths", args: "time, months", params: shift, result: Time,
			summary: "so many months later, on the last day of a month that is shorter",
			example: `addMonths(date("2026-01-31"), 1) == date("2026-02-28")`, call: shifted("addMonths", addMonths),
		},
		{
			name: "addYears", args: "time, years", params: shift, result: Time,
			summary: "so many years later; 29 February becomes the 28th",
			example: `addYears(date("2024-02-29"), 1) == date("2025-02-28")`,
			call:    shifted("addYears", func(t time.Time, n int) time.Time { return addMonths(t, 12*n) }),
		},
		{
			name: "startOf", args: "time, unit", params: unit, result: Time, check: unitCheck,
			summary: "the beginning of its minute, hour, day, week (Monday), month, quarter or year",
			example: `startOf(date("2026-03-18"), "month") == date("2026-03-01")`, call: onUnit(startOf),
		},
		{
			name: "endOf", args: "time, unit", params: unit, result: Time, check: unitCheck,
			summary: "the last instant of its minute, hour, day, week (Sunday), month, quarter or year",
			example: `string(endOf(date("2026-02-18"), "month")) == "2026-02-28T23:59:59Z"`, call: onUnit(endOf),
		},
		{
			name: "daysBetween", args: "from, to", params: span, result: Number,
			summary: "how many dates later, whatever the time of day",
			example: `daysBetween(date("2026-02-27 23:00:00"), date("2026-03-01 01:00:00")) == 2`,
			call:    between(func(from, to time.Time) int { return dayNumber(to) - dayNumber(from) }),
		},
		{
			name: "monthsBetween", args: "from, to", params: span, result: Number,
			summary: "whole months, as addMonths counts",
			example: `monthsBetween(date("2026-01-31"), date("2026-02-28")) == 1`, call: between(monthsBetween),
		},
		{
			name: "yearsBetween", args: "from, to", params: span, result: Number,
			summary: "whole years, as addYears counts",
			example: `yearsBetween(date("2000-03-02"), date("2026-03-01")) == 25`, call: between(yearsBetween),
		},
	}
}

func shifted(name string, add func(time.Time, int) time.Time) operation {
	return func(_ *run, args []any) (any, error) {
		n, err := count(args[1], -farthest, farthest, "what "+name+" adds")
		if err != nil {
			return nil, err
		}
		return inEra(add(when(args[0]), n))
	}
}

func between(f func(from, to time.Time) int) operation {
	return func(_ *run, args []any) (any, error) { return f(when(args[0]), when(args[1])), nil }
}

func yearsBetween(from, to time.Time) int { return monthsBetween(from, to) / 12 }

func unitCheck(i int, text string) *Error {
	if i != 1 {
		return nil
	}
	return choice("unit of time", text, units())
}

func onUnit(f func(t time.Time, unit string) time.Time) operation {
	return func(_ *run, args []any) (any, error) {
		if unitCheck(1, str(args[1])) != nil {
			return nil, fault("a unit of time is minute, hour, day, week, month, quarter or year")
		}
		return inEra(f(when(args[0]), str(args[1])))
	}
}

func endOf(t time.Time, unit string) time.Time { return startOfNext(t, unit).Add(-1) }
