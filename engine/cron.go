package engine

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Cron is a schedule in the five fields of cron: minute, hour, day of the month, month, day of the week. A field
// is *, a value, a range 1-5, a list 1,15 or steps */15 and 8-18/2; months and days of the week have names too. L is
// the last day of the month, 5L the last Friday of the month and 5#2 its second. Where both a day of the month and
// a day of the week are given, either will do.
type Cron struct {
	minutes, hours, days, months, weekdays uint64 // the values that fit, as bits
	last                                   bool   // the last day of the month fits
	nth                                    [7]uint64
	either                                 bool // a day of the month or of the week will do
}

// lastOf is the bit of nth for the last such weekday of a month; bits 1 to 5 count from its beginning.
const lastOf = 0

// cronField is one of the five fields of an expression.
type cronField struct {
	name        string
	first, last int
	names       []string // of values, from first
}

var cronFields = [5]cronField{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
	{"day of the week", 0, 7, strings.Fields("sun mon tue wed thu fri sat")},
}

// cronWords are what other crons call frequent schedules by.
var cronWords = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// CronError is what is wrong with an expression, and what may have been meant.
type CronError struct {
	Offset  int // bytes into the expression
	Message string
	Hint    string // an expression that may be meant; "" for none
}

// Error is the message.
func (e *CronError) Error() string { return e.Message }

// ParseCron reads five fields. An error is a *CronError.
func ParseCron(text string) (*Cron, error) {
	if meant, ok := cronWords[strings.ToLower(strings.TrimSpace(text))]; ok {
		return nil, &CronError{Message: "a cron schedule is written in five fields", Hint: meant}
	}
	words, offsets := cronSplit(text)
	if len(words) != len(cronFields) {
		return nil, cronCount(words)
	}
	c := &Cron{}
	into := [5]*uint64{&c.minutes, &c.hours, &c.days, &c.months, &c.weekdays}
	for i, word := range words {
		for part := range strings.SplitSeq(word, ",") {
			set, err := c.part(i, part)
			if err != nil {
				err.Offset, err.Hint = offsets[i], cronHint(words, i, err.Hint)
				return nil, err
			}
			*into[i] |= set
		}
	}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays |= 1
	}
	c.either = !strings.HasPrefix(words[2], "*") && !strings.HasPrefix(words[4], "*")
	if c.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, &CronError{
			Offset: offsets[2], Message: "no month that is meant has such a day: it would never be due",
		}
	}
	return c, nil
}

func cronSplit(text string) (words []string, offsets []int) {
	for at := 0; at < len(text); {
		if text[at] == ' ' || text[at] == '\t' {
			at++
			continue
		}
		end := at + len(strings.FieldsFunc(text[at:], func(r rune) bool { return r == ' ' || r == '\t' })[0])
		words, offsets = append(words, text[at:end]), append(offsets, at)
		at = end
	}
	return words, offsets
}

// cronCount says that there are not five fields.
func cronCount(words []string) *CronError {
	e := &CronError{Message: fmt.Sprintf("a cron schedule has five fields: minute, hour, day of the month, month, "+
		"day of the week; this one has %d", len(words))}
	switch {
	case len(words) == 6 && words[0] == "0", len(words) == 6 && words[0] == "*":
		e.Hint = strings.Join(words[1:], " ") // with seconds, as some crons have them
	case len(words) == 4:
		e.Hint = strings.Join(words, " ") + " *"
	}
	return e
}

// cronHint puts what was meant for a field into the whole.
func cronHint(words []string, i int, meant string) string {
	if meant == "" {
		return ""
	}
	whole := append([]string{}, words...)
	whole[i] = meant
	return strings.Join(whole, " ")
}

// part reads one entry of the list that a field is.
func (c *Cron) part(i int, part string) (uint64, *CronError) {
	f := cronFields[i]
	switch upper := strings.ToUpper(part); {
	case i == 2 && upper == "L":
		c.last = true
		return 0, nil
	case i == 4 && strings.HasSuffix(upper, "L"), i == 4 && strings.Contains(part, "#"):
		return 0, c.weekdayOfMonth(f, part)
	case part == "?":
		return f.all(), nil
	}
	span, stepText, stepped := strings.Cut(part, "/")
	first, last, err := f.span(span)
	if err != nil {
		return 0, err
	}
	step := 1
	if stepped {
		n, fail := strconv.Atoi(stepText)
		if fail != nil || n < 1 || n > f.last {
			return 0, &CronError{
				Message: fmt.Sprintf("%q: after / stands how many to go on by, from 1 to %d", part, f.last),
			}
		}
		if step = n; first == last && !strings.Contains(span, "-") {
			last = f.last
		}
	}
	var set uint64
	for v := first; v <= last; v += step {
		set |= 1 << v
	}
	return set, nil
}

// all are all values of the field.
func (f cronField) all() uint64 { return 1<<(f.last+1) - 1<<f.first }

// span reads *, a value or a range.
func (f cronField) span(text string) (first, last int, err *CronError) {
	if text == "*" {
		return f.first, f.last, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if first, err = f.value(from); err != nil || !ranged {
		return first, first, err
	}
	if last, err = f.value(to); err != nil {
		return 0, 0, err
	}
	if last == 0 && f.last == 7 {
		last = 7 // fri-sun
	}
	if last < first {
		return 0, 0, &CronError{
			Message: fmt.Sprintf("the range %s of the %s runs backwards", text, f.name),
			Hint:    fmt.Sprintf("%s-%d,%d-%s", from, f.last, f.first, to),
		}
	}
	return first, last, nil
}

// value reads a number or a name.
func (f cronField) value(text string) (int, *CronError) {
	for i, name := range f.names {
		if len(text) >= 3 && strings.EqualFold(text[:3], name) {
			return f.first + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil && len(f.names) > 0:
		return 0, &CronError{Message: fmt.Sprintf("%q is no %s: it is a number from %d to %d or a name such as %s",
			text, f.name, f.first, f.last, f.names[1])}
	case err != nil:
		return 0, &CronError{
			Message: fmt.Sprintf("%q is no %s: it is a number from %d to %d", text, f.name, f.first, f.last),
		}
	case n < f.first || n > f.last:
		e := &CronError{Message: fmt.Sprintf("%d is no %s: they go from %d to %d", n, f.name, f.first, f.last)}
		if n == f.last+1 && f.first == 0 {
			e.Hint = "0" // 24 o'clock, minute 60
		}
		return 0, e
	}
	return n, nil
}

// weekdayOfMonth reads 5L and 5#2.
func (c *Cron) weekdayOfMonth(f cronField, part string) *CronError {
	dayText, countText, counted := strings.Cut(part, "#")
	if !counted {
		dayText = part[:len(part)-1]
	}
	day, err := f.value(dayText)
	if err != nil {
		return err
	}
	count := lastOf
	if counted {
		n, fail := strconv.Atoi(countText)
		if fail != nil || n < 1 || n > 5 {
			return &CronError{
				Message: fmt.Sprintf("%q: after # stands which such day of the month is meant, from 1 to 5", part),
			}
		}
		count = n
	}
	c.nth[day%7] |= 1 << count
	return nil
}

// cronYears is how far ahead a day is looked for: 29 February on a given weekday is there every 40 years at least.
const cronYears = 100

// next is the first wall time after one; zero if there is none.
func (c *Cron) next(after time.Time) time.Time {
	wall := after.Truncate(time.Minute).Add(time.Minute)
	year, month, day := wall.Date()
	hour, minute, _ := wall.Clock()
	for end := year + cronYears; year < end; day, hour, minute = day+1, 0, 0 {
		if day > daysIn(year, month) {
			day, month = 1, month+1
		}
		if month > time.December {
			month, year = time.January, year+1
		}
		if c.months&(1<<month) == 0 {
			day = 31
			continue
		}
		if !c.onDay(year, month, day) {
			continue
		}
		if h, m, ok := c.clock(hour, minute); ok {
			return time.Date(year, month, day, h, m, 0, 0, time.UTC)
		}
	}
	return time.Time{}
}

// onDay tells whether a day fits.
func (c *Cron) onDay(year int, month time.Month, day int) bool {
	count := daysIn(year, month)
	weekday := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()
	byDate := c.days&(1<<day) != 0 || c.last && day == count
	byWeekday := c.weekdays&(1<<weekday) != 0 || c.nth[weekday]&(1<<((day+6)/7)) != 0 ||
		c.nth[weekday]&(1<<lastOf) != 0 && day+7 > count
	if c.either {
		return byDate || byWeekday
	}
	return byDate && byWeekday
}

// clock is the first time of day that fits, not before one.
func (c *Cron) clock(hour, minute int) (int, int, bool) {
	if c.hours&(1<<hour) != 0 {
		if left := c.minutes >> minute; left != 0 {
			return hour, minute + bits.TrailingZeros64(left), true
		}
	}
	left := c.hours >> (hour + 1)
	if left == 0 {
		return 0, 0, false
	}
	return hour + 1 + bits.TrailingZeros64(left), bits.TrailingZeros64(c.minutes), true
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
