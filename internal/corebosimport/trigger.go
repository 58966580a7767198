package corebosimport

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Notes that hold for many workflows: they stand in the files and once in the guide, and are not counted as
// changes of one workflow.
const (
	noteLeak = "coreBOS also ran this when a record was deleted or restored; this runs on what is named here only."
	noteOnce = "Once per record is counted when a run has succeeded; coreBOS counted it even when the tasks had failed."
)

// triggers says when the workflow runs.
func (c *conversion) triggers() []*node {
	module := func(first entry) *node { return mapping(first, pair("module", c.o.module)) }
	switch c.o.trigger {
	case "1", "ON_FIRST_SAVE":
		return []*node{module(pair("event", "record.created"))}
	case "2", "ONCE":
		c.root.note(noteLeak, noteOnce)
		c.once = true
		return []*node{module(pair("event", "record.saved"))}
	case "3", "ON_EVERY_SAVE":
		c.root.note(noteLeak)
		return []*node{module(pair("event", "record.saved"))}
	case "4", "ON_MODIFY":
		c.root.note(noteLeak)
		return []*node{module(pair("event", "record.updated"))}
	case "5", "ON_DELETE":
		return []*node{module(pair("event", "record.deleted"))}
	case "6", "ON_SCHEDULE":
		return c.schedules()
	case "7", "MANUAL":
		c.manual = true
		return []*node{module(entry{"manual", literal("true")})}
	case "9", "ON_RELATE", "10", "ON_UNRELATE":
		event := "record.related"
		if c.o.trigger == "10" || c.o.trigger == "ON_UNRELATE" {
			event = "record.unrelated"
		}
		trigger := module(pair("event", event))
		if c.o.related != "" && !strings.EqualFold(c.o.related, "any") {
			trigger.add(pair("related", c.o.related))
			if len(c.im.modules) > 0 && c.im.modules[c.o.related] == nil {
				c.miss("The module " + c.o.related + " is not described; add its description (--modules).")
			}
		}
		return []*node{trigger}
	case "8", "RECORD_ACCESS_CONTROL":
		c.miss("It decides who may see a record of coreBOS, which is decided there (record access control).")
	default:
		c.miss("Its trigger " + quotedShort(c.o.trigger) + " is not known.")
	}
	c.manual = true
	return []*node{module(entry{"manual", literal("true")}).note("In place of a trigger that has no counterpart.")}
}

// schedules says the times of a scheduled workflow, a trigger each.
func (c *conversion) schedules() []*node {
	times := c.times()
	var triggers []*node
	add := func(when entry) {
		schedule := mapping(when, pair("zone", c.im.options.Zone))
		if when.key == "every" {
			schedule = mapping(when)
		}
		if each := c.each(); each != nil {
			schedule.add(entry{"each", each})
		}
		triggers = append(triggers, mapping(entry{"schedule", schedule}))
	}
	at := func(format string, args ...any) {
		for _, t := range times {
			add(pair("cron", fmt.Sprintf("%d %d ", t[1], t[0])+fmt.Sprintf(format, args...)))
		}
	}
	s := c.o.schedule
	switch s.kind {
	case "1":
		add(pair("every", "1h"))
	case "2":
		at("* * *")
	case "3":
		fromSunday := func(day int) (int, bool) { return day - 1, day >= 1 && day <= 7 }
		at("* * %s", joinNumbers(listed(s.weekDays), fromSunday))
	case "4":
		c.datesOnce(times, add)
	case "5":
		days := listed(s.monthDays)
		if slices.ContainsFunc(days, func(day string) bool { n, _ := strconv.Atoi(day); return n > 28 }) {
			c.change("A month without that day is passed over; coreBOS ran some days into the next month.")
		}
		at("%s * *", joinNumbers(days, func(day int) (int, bool) { return day, day >= 1 && day <= 31 }))
	case "7":
		c.datesYearly(at)
	case "8":
		if n, err := strconv.Atoi(s.minutes); err == nil && n > 0 {
			add(pair("every", fmt.Sprintf("%dm", n)))
		}
	}
	if len(triggers) == 0 || strings.Contains(triggers[0].flow(), "?") {
		if s.kind == "6" {
			c.miss("Its schedule by weekdays of a month was never finished in coreBOS; write it as cron.")
		} else {
			c.miss("Its schedule is not understood: " + quotedShort(fmt.Sprintf("%+v", s)) + ".")
		}
		c.manual = true
		return []*node{mapping(entry{"manual", literal("true")}, pair("module", c.o.module))}
	}
	if c.im.options.Zone == "UTC" && s.kind != "1" && s.kind != "8" {
		c.root.note("The zone is that of coreBOS's first administrator, which the export does not say: " +
			"check UTC (--zone).")
	}
	return triggers
}

// datesOnce are the dates of a workflow that runs at a date. The original repeats them every year by mistake.
func (c *conversion) datesOnce(times [][2]int, add func(entry)) {
	for _, date := range listed(c.o.schedule.dates) {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			add(pair("at", "?"))
			continue
		}
		for _, t := range times {
			add(pair("at", fmt.Sprintf("%sT%02d:%02d", date, t[0], t[1])))
		}
	}
	c.change("It runs at that date only; coreBOS went on every year.")
}

func (c *conversion) datesYearly(at func(string, ...any)) {
	for _, date := range listed(c.o.schedule.dates) {
		day, err := time.Parse(time.DateOnly, date)
		if err != nil {
			at("?")
			continue
		}
		at("%d %d *", day.Day(), int(day.Month()))
		if day.Day() == 29 && day.Month() == time.February {
			c.change("29 February is there in leap years only; coreBOS ran on 1 March in others.")
		}
	}
}

// listed reads a list of texts: JSON, or values between commas.
func listed(text string) []string {
	var values []any
	if json.Unmarshal([]byte(text), &values) != nil {
		values = nil
		for part := range strings.SplitSeq(text, ",") {
			values = append(values, part)
		}
	}
	var texts []string
	for _, v := range values {
		if text := strings.TrimSpace(textOf(v)); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// joinNumbers writes numbers for cron; a ? tells that one is none.
func joinNumbers(texts []string, of func(int) (int, bool)) string {
	var numbers []string
	for _, text := range texts {
		n, err := strconv.Atoi(text)
		n, ok := of(n)
		if err != nil || !ok {
			return "?"
		}
		numbers = append(numbers, strconv.Itoa(n))
	}
	if len(numbers) == 0 {
		return "?"
	}
	return strings.Join(numbers, ",")
}

var timeForm = regexp.MustCompile(`(?i)^(\d{1,2}):(\d{2})(?::\d{2})?\s*(am|pm)?$`)

// times are the hours and minutes at which a schedule runs on its days; midnight if nothing is said.
func (c *conversion) times() [][2]int {
	texts := listed(c.o.schedule.times)
	if len(texts) == 0 {
		texts = []string{c.o.schedule.time}
	} else if len(texts) > 1 {
		c.change("It runs at each of its times every day; coreBOS went on with the last one only after the first day.")
	}
	var times [][2]int
	for _, text := range texts {
		m := timeForm.FindStringSubmatch(strings.TrimSpace(text))
		if m == nil {
			times = append(times, [2]int{0, 0})
			continue
		}
		hour, _ := strconv.Atoi(m[1])
		minute, _ := strconv.Atoi(m[2])
		if half := strings.ToLower(m[3]); half == "pm" && hour < 12 || half == "am" && hour == 12 {
			hour = (hour + 12) % 24
		}
		times = append(times, [2]int{hour % 24, minute % 60})
	}
	return times
}

// each says which records a scheduled workflow runs for.
func (c *conversion) each() *node {
	each := mapping(pair("module", c.o.module))
	if c.where.text != "" {
		each.add(entry{"where", expression(c.where)})
	}
	return each
}

// active says on which days the workflow works. The original leaves the last one out.
func (c *conversion) active() *node {
	n := mapping()
	if day, ok := dayOf(c.o.from); ok {
		n.add(pair("from", day.Format(time.DateOnly)))
	}
	if day, ok := dayOf(c.o.until); ok {
		n.add(pair("until", day.AddDate(0, 0, -1).Format(time.DateOnly)))
		n.note("Here the last day belongs to it. coreBOS ended before " + day.Format(time.DateOnly) + " began.")
	}
	if len(n.entries) == 0 {
		return nil
	}
	return n.add(pair("zone", c.im.options.Zone))
}

func dayOf(text string) (time.Time, bool) {
	if len(text) < len(time.DateOnly) || strings.HasPrefix(text, "0000") {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	return day, err == nil
}
