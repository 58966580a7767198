package exprsafe

import "time"

// nextFunctions find days of the week, of the month and of the year's weeks.
func nextFunctions() []function {
	return []function{
		{
			name: "nextWeekday", args: "time, weekdays", params: []Kind{Time, Any}, among: []Kind{Number, List},
			result:  Time,
			summary: "the next later day that is this day of the week, 1 for Monday to 7, or one of a list",
			example: `nextWeekday(date("2026-03-01"), [1, 4]) == date("2026-03-02")`,
			call:    nextDay("nextWeekday", 7, func(t time.Time, days []bool) bool { return days[isoWeekday(t)] }),
		},
		{
			name: "nextMonthDay", args: "time, days", params: []Kind{Time, Any}, among: []Kind{Number, List},
			result:  Time,
			summary: "the next later day with this number in its month, or one of a list; 31 is the last",
			example: `nextMonthDay(date("2026-02-15"), [15, 31]) == date("2026-02-28")`,
			call:    nextDay("nextMonthDay", 31, isMonthDay),
		},
		{
			name: "fromISOWeek", args: "year, week, weekday?", params: []Kind{Number, Number, Number}, optional: 1,
			result:  Time,
			summary: "the date of a day of a week by ISO 8601; Monday if none is given",
			example: `fromISOWeek(2026, 10, 4) == date("2026-03-05")`, call: fromISOWeek,
		},
	}
}

// nextDay looks for the first later day that is one of the days. All are met within 62 days.
func nextDay(name string, most int, is func(time.Time, []bool) bool) operation {
	return func(r *run, args []any) (any, error) {
		if blank(args[1]) {
			return noValue()
		}
		days, err := dayNumbers(args[1], most, "a day of "+name)
		if err != nil {
			return nil, err
		}
		t := when(args[0])
		for n := 1; n <= 62; n++ {
			if err := r.spend(callWork * 4); err != nil {
				return nil, err
			}
			if next := addDays(t, n); is(next, days) {
				return inEra(next)
			}
		}
		return nil, faultf("%s has no day to look for", name)
	}
}

// dayNumbers reads a number or a list of numbers into a set.
func dayNumbers(v any, most int, name string) ([]bool, error) {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	days := make([]bool, most+1)
	for _, item := range list {
		n, err := count(item, 1, most, name)
		if err != nil {
			return nil, err
		}
		days[n] = true
	}
	return days, nil
}

// isMonthDay takes the last day of a month for all those that it lacks.
func isMonthDay(t time.Time, days []bool) bool {
	if days[t.Day()] {
		return true
	}
	last := daysIn(t.Year(), t.Month())
	for n := last + 1; n < len(days) && t.Day() == last; n++ {
		if days[n] {
			return true
		}
	}
	return false
}

// fromISOWeek is the Monday of the week of 4 January, and so on from there.
func fromISOWeek(_ *run, args []any) (any, error) {
	year, err := count(args[0], 1, 9999, "the year")
	if err != nil {
		return nil, err
	}
	week, err := count(args[1], 1, 53, "the week")
	if err != nil {
		return nil, err
	}
	weekday := 1
	if len(args) == 3 {
		if weekday, err = count(args[2], 1, 7, "the weekday"); err != nil {
			return nil, err
		}
	}
	first := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
	return inEra(addDays(first, 7*(week-1)+weekday-isoWeekday(first)))
}
