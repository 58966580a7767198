package exprsafe

import (
	"strings"
	"time"
)

// businessFunctions leave out weekends and holidays. Both may be given: the holidays as a list of dates,
// "12-25" for one of every year, and the weekend as a list of weekdays, [6, 7] if it is left out.
func businessFunctions() []function {
	const of = ", holidays?, weekend?"
	shift, span, one := []Kind{Time, Number, List, List}, []Kind{Time, Time, List, List}, []Kind{Time, List, List}
	return []function{
		{
			name: "addBusinessDays", args: "time, days" + of, params: shift, optional: 2, result: Time,
			summary: "so many business days later, or earlier if negative",
			example: `addBusinessDays(date("2026-12-24"), 2, ["12-25"]) == date("2026-12-29")`, call: addBusinessDays,
		},
		{
			name: "businessDays", args: "from, to" + of, params: span, optional: 2, result: Number,
			summary: "the business days after from, up to and with to",
			example: `businessDays(date("2026-12-24"), date("2026-12-29"), ["12-25"]) == 2`, call: businessDays,
		},
		{
			name: "isBusinessDay", args: "time" + of, params: one, optional: 2, result: Bool,
			summary: "whether it falls on a business day",
			example: `!isBusinessDay(date("2026-12-25"), ["12-25"])`, call: isBusinessDay,
		},
		{
			name: "toBusinessDay", args: "time" + of, params: one, optional: 2, result: Time,
			summary: "itself if it falls on a business day, else the next one",
			example: `toBusinessDay(date("2026-12-25"), ["12-25"]) == date("2026-12-28")`, call: toBusinessDay,
		},
	}
}

// farthestBusiness is how many business days one may add at once, about 38 years.
const farthestBusiness = 10_000

// calendar says which dates are business days.
type calendar struct {
	weekend  []bool       // by weekday
	holidays map[int]bool // by dateKey, or by yearKey for those of every year
}

// calendar reads the holidays and the weekend from the arguments.
func (r *run) calendar(holidays, weekend any) (calendar, error) {
	c := calendar{weekend: []bool{6: true, 7: true}, holidays: map[int]bool{}}
	if list := items(weekend); len(list) > 0 {
		days, err := dayNumbers(list, 7, "a day of the weekend")
		if err != nil {
			return c, err
		}
		if c.weekend = days; len(c.works()) == 0 {
			return c, fault("a weekend of seven days leaves no business day")
		}
	}
	for _, item := range items(holidays) {
		if err := r.spend(callWork * 2); err != nil {
			return c, err
		}
		key, err := holiday(item)
		if err != nil {
			return c, err
		}
		c.holidays[key] = true
	}
	return c, nil
}

// works are the weekdays outside the weekend.
func (c calendar) works() (days []int) {
	for d := 1; d <= 7; d++ {
		if !c.weekend[d] {
			days = append(days, d)
		}
	}
	return days
}

func yearKey(t time.Time) int { return int(t.Month())*100 + t.Day() }

func dateKey(t time.Time) int { return t.Year()*10_000 + yearKey(t) }

// holiday reads 2026-12-25, or 12-25 for one of every year, into its key.
func holiday(v any) (int, error) {
	switch x := v.(type) {
	case time.Time:
		return dateKey(x), nil
	case string:
		text := strings.TrimSpace(x)
		if t, err := time.Parse(time.DateOnly, text); err == nil {
			return dateKey(t), nil
		}
		if t, err := time.Parse(time.DateOnly, "2024-"+text); err == nil { // a year with 29 February
			return yearKey(t), nil
		}
	}
	return 0, fault("a holiday is a date such as 2026-12-25, or 12-25 for every year")
}

// has tells whether the date that a time shows is a business day.
func (c calendar) has(t time.Time) bool {
	return !c.weekend[isoWeekday(t)] && !c.holidays[dateKey(t)] && !c.holidays[yearKey(t)]
}

// step goes one date further until it stands on a business day.
func (c calendar) step(r *run, t time.Time, by int) (time.Time, error) {
	for n := 1; n <= 3700; n++ { // ten years of holidays
		if err := r.spend(callWork * 2); err != nil {
			return t, err
		}
		if next := addDays(t, n*by); c.has(next) {
			return next, nil
		}
	}
	return t, fault("there is no business day within ten years")
}

func addBusinessDays(r *run, args []any) (any, error) {
	n, err := count(args[1], -farthestBusiness, farthestBusiness, "what addBusinessDays adds")
	if err != nil {
		return nil, err
	}
	c, err := r.calendar(arg(args, 2), arg(args, 3))
	if err != nil {
		return nil, err
	}
	by := 1
	if n < 0 {
		n, by = -n, -1
	}
	start := when(args[0])
	date := dateOf(start)
	for range n {
		if date, err = c.step(r, date, by); err != nil {
			return nil, err
		}
	}
	return inEra(addDays(start, dayNumber(date)-dayNumber(start)))
}

// businessDays counts below zero where to is before from: then from is left out and to is counted.
func businessDays(r *run, args []any) (any, error) {
	c, err := r.calendar(arg(args, 2), arg(args, 3))
	if err != nil {
		return nil, err
	}
	date, end := dateOf(when(args[0])), dateOf(when(args[1]))
	by, n := 1, 0
	if end.Before(date) {
		by = -1
	}
	if days := (dayNumber(end) - dayNumber(date)) * by; days > 2*farthestBusiness {
		return nil, faultf("businessDays looks at no more than %d days", 2*farthestBusiness)
	}
	for !date.Equal(end) {
		if err := r.spend(callWork * 2); err != nil {
			return nil, err
		}
		if date = addDays(date, by); c.has(date) {
			n += by
		}
	}
	return n, nil
}

func isBusinessDay(r *run, args []any) (any, error) {
	c, err := r.calendar(arg(args, 1), arg(args, 2))
	return err == nil && c.has(when(args[0])), err
}

func toBusinessDay(r *run, args []any) (any, error) {
	c, err := r.calendar(arg(args, 1), arg(args, 2))
	if err != nil {
		return nil, err
	}
	t := when(args[0])
	if c.has(t) {
		return t, nil
	}
	next, err := c.step(r, t, 1)
	if err != nil {
		return nil, err
	}
	return inEra(next)
}
