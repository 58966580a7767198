package exprsafe

import (
	"strings"
	"time"
)

// zoneFunctions tell what day it is somewhere. A date, as date fields have it, is midnight in UTC
// wherever it is meant; these functions give dates in that form.
func zoneFunctions() []function {
	zoned := []Kind{Time, Text}
	return []function{
		{
			name: "inZone", args: "time, zone", params: zoned, result: Time, check: secondZone,
			summary: "the same instant by the clocks of a zone",
			example: `hour(inZone(date("2026-07-01 10:00:00"), "Europe/Madrid")) == 12`, call: inZone,
		},
		{
			name: "today", args: "zone?", params: []Kind{Text}, optional: 1, result: Time, clock: 2,
			summary: "the date of today in a zone, in UTC if none is named",
			example: `today("Europe/Madrid") >= date("2020-01-01")`,
			check:   func(_ int, text string) *Error { return zoneCheck(text) }, call: today,
		},
		{
			name: "dateOf", args: "time, zone?", params: zoned, optional: 1, result: Time, check: secondZone,
			summary: "the date of a time in a zone, or as its own zone shows it",
			example: `dateOf(date("2026-03-01 23:30:00"), "Europe/Madrid") == date("2026-03-02")`, call: dateIn,
		},
		{
			name: "isToday", args: "time, zone?", params: zoned, optional: 1, result: Bool, clock: 3, check: secondZone,
			summary: "whether the date that the time shows is that of today in a zone",
			example: `isToday(now())`, call: isToday,
		},
		{
			name: "isAnniversary", args: "time, zone?", params: zoned, optional: 1,
			result: Bool, clock: 3, check: secondZone,
			summary: "whether today has its day and month; 29 February is the 28th in other years",
			example: `isAnniversary(addYears(now(), -30))`, call: isAnniversary,
		},
		{
			name: "age", args: "birthday, on?", params: []Kind{Time, Time}, optional: 1, result: Number, clock: 2,
			summary: "whole years from a birthday to a date, today if none is given",
			example: `age(date("2000-03-02"), date("2026-03-01")) == 25`, call: age,
		},
	}
}

// zoneWork is what looking a time zone up costs, in units of work. The first time costs more, but there
// are some 600 zones only, and a name that is none ends the evaluation.
const zoneWork = 64

// zone finds a time zone of the IANA database, such as Europe/Madrid. The program keeps it for the next
// time, as time.LoadLocation reads a file.
func (r *run) zone(name string) (*time.Location, error) {
	if err := r.spend(zoneWork); err != nil {
		return nil, err
	}
	if known, ok := r.zones.Load(name); ok {
		if zone, ok := known.(*time.Location); ok {
			return zone, nil
		}
	}
	zone, ok := findZone(name)
	if !ok {
		return nil, fault("there is no such time zone; an example is Europe/Madrid")
	}
	r.zones.Store(name, zone)
	return zone, nil
}

// zoneOr is the zone that an argument names, or another one if it names none.
func (r *run) zoneOr(name any, otherwise *time.Location) (*time.Location, error) {
	if text := str(name); text != "" {
		return r.zone(text)
	}
	return otherwise, nil
}

// longestZone is the length in bytes from which on a name is no zone: the longest one has 30.
const longestZone = 64

// findZone knows no "Local": what it means depends on the machine.
func findZone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" || len(name) > longestZone {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

func secondZone(i int, text string) *Error {
	if i != 1 {
		return nil
	}
	return zoneCheck(text)
}

// zoneCheck looks at a constant zone; the commonest slip is in the capitals.
func zoneCheck(name string) *Error {
	if _, ok := findZone(name); ok || name == "" {
		return nil
	}
	fail := &Error{Message: "unknown time zone \"" + name + "\"; they are written like Europe/Madrid"}
	likely := strings.NewReplacer(" ", "_", "_Of_", "_of_").Replace(title(strings.ReplaceAll(name, "/", " / ")))
	if _, ok := findZone(strings.ReplaceAll(likely, "_/_", "/")); ok {
		fail.Hint = strings.ReplaceAll(likely, "_/_", "/")
	}
	return fail
}

func inZone(r *run, args []any) (any, error) {
	t := when(args[0])
	zone, err := r.zoneOr(args[1], t.Location())
	if err != nil {
		return nil, err
	}
	return inEra(t.In(zone))
}

// todayIn is the date of now.
func (r *run) todayIn(name any) (time.Time, error) {
	now, err := r.now()
	if err != nil {
		return now, err
	}
	zone, err := r.zoneOr(name, time.UTC)
	if err != nil {
		return now, err
	}
	return dateOf(now.In(zone)), nil
}

func today(r *run, args []any) (any, error) {
	t, err := r.todayIn(arg(args, 0))
	if err != nil {
		return nil, err
	}
	return t, nil
}

func dateIn(r *run, args []any) (any, error) {
	t := when(args[0])
	zone, err := r.zoneOr(arg(args, 1), t.Location())
	if err != nil {
		return nil, err
	}
	return dateOf(t.In(zone)), nil
}

// isToday reads the time in its own zone, so that a date field is the date it is.
func isToday(r *run, args []any) (any, error) {
	today, err := r.todayIn(arg(args, 1))
	return err == nil && dateOf(when(args[0])).Equal(today), err
}

// isAnniversary asks where the day falls this year, as addYears says.
func isAnniversary(r *run, args []any) (any, error) {
	today, err := r.todayIn(arg(args, 1))
	if err != nil {
		return nil, err
	}
	date := dateOf(when(args[0]))
	return addMonths(date, 12*(today.Year()-date.Year())).Equal(today), nil
}

// age compares dates, so that a birthday is one from its first minute.
func age(r *run, args []any) (any, error) {
	on := when(arg(args, 1))
	if len(args) < 2 {
		today, err := r.todayIn(nil)
		if err != nil {
			return nil, err
		}
		on = today
	}
	return yearsBetween(dateOf(when(args[0])), dateOf(on)), nil
}
