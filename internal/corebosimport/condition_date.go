package corebosimport

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var birthday = regexp.MustCompile(`(^|\W)birthday$`)

// dates says the operations that count days or hours. known is false for an operation that is none.
func (s *speech) dates(c condition, left said, f *field, about *speech) (x said, known bool, err error) {
	today, now := s.today().text, "now()"
	l := left.at(levelCompare)
	switch c.Operation {
	case "between":
		x, err = s.between(c, l)
	case "is today":
		x, err = s.isToday(left, c.Field)
	case "monthday":
		x, err = s.monthDay(c, left, about)
	case "less than days ago":
		x, err = s.window(c, about, l, daysFrom(today, "-%s"), today)
	case "in less than":
		x, err = s.window(c, about, l, today, daysFrom(today, "%s"))
	case "more than days ago":
		x, err = s.bound(c, about, l, "<=", daysFrom(today, "-%s"))
	case "in more than":
		x, err = s.bound(c, about, l, ">=", daysFrom(today, "%s"))
	case "days ago":
		x, err = s.bound(c, about, l, "==", daysFrom(today, "-%s"))
	case "days later":
		x, err = s.bound(c, about, l, "==", daysFrom(today, "%s"))
	case "less than hours before":
		x, err = s.window(c, about, l, now+` - duration("%sh")`, now)
	case "less than hours later":
		x, err = s.window(c, about, l, now, now+` + duration("%sh")`)
	case "more than hours before":
		x, err = s.bound(c, about, l, "<=", now+` - duration("%sh")`)
	case "more than hours later":
		x, err = s.bound(c, about, l, ">=", now+` + duration("%sh")`)
	default:
		return said{}, false, nil
	}
	if err == nil && f != nil && !f.said().isTime() {
		err = unsaidf("%s is no date", c.Field)
	}
	return x, true, err
}

func daysFrom(today, days string) string { return "addDays(" + today + ", " + days + ")" }

// amount is the number of days or hours of a condition, as an expression.
func (s *speech) amount(c condition, about *speech) (said, error) {
	x, err := s.value(c, nil, about)
	if err != nil {
		return x, err
	}
	return s.toNumber(x)
}

// put writes the number into a bound. In an expression, durations are made of text.
func put(bound string, n said) string {
	if strings.Contains(bound, `"%sh"`) && !numberForm.MatchString(n.text) {
		return strings.Replace(bound, `"%sh"`, "string("+n.text+`) + "h"`, 1)
	}
	return strings.Replace(bound, "%s", n.at(levelSign), 1)
}

// window says that a time lies between two bounds, both included.
func (s *speech) window(c condition, about *speech, left, from, to string) (said, error) {
	n, err := s.amount(c, about)
	text := left + " >= " + put(from, n) + " && " + left + " <= " + put(to, n)
	return said{text, kindBool, levelAnd}, err
}

func (s *speech) bound(c condition, about *speech, left, op, bound string) (said, error) {
	n, err := s.amount(c, about)
	return said{left + " " + op + " " + put(bound, n), kindBool, levelCompare}, err
}

// between leaves both ends out, as the original does.
func (s *speech) between(c condition, left string) (said, error) {
	from, to, found := strings.Cut(c.raw(), ",")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if !found || !isDate(from) || !isDate(to) {
		return said{}, unsaidf("between takes two dates, such as 2026-01-01,2026-02-01")
	}
	s.remark("Both ends of between are left out, as coreBOS does.")
	text := left + " > date(" + jsonQuoted(from) + ") && " + left + " < date(" + jsonQuoted(to) + ")"
	return said{text, kindBool, levelAnd}, nil
}

func (s *speech) isToday(left said, name string) (said, error) {
	if birthday.MatchString(name) {
		return atom(kindBool, "isAnniversary(%s, %q)", left.text, s.zone), nil
	}
	return said{left.at(levelCompare) + " == " + s.today().text, kindBool, levelCompare}, nil
}

func (s *speech) monthDay(c condition, left said, about *speech) (said, error) {
	month, day := "month("+left.text+") == ", "day("+left.text+") == "
	if c.ValueType == "" || c.ValueType == "rawtext" {
		at, err := time.Parse(time.DateOnly, c.raw())
		if err != nil {
			return said{}, unsaidf("monthday takes a date, such as 2026-12-24")
		}
		month, day = month+strconv.Itoa(int(at.Month())), day+strconv.Itoa(at.Day())
		return said{month + " && " + day, kindBool, levelAnd}, nil
	}
	value, err := s.value(c, nil, about)
	if err == nil {
		value, err = s.toTime(value)
	}
	return said{month + "month(" + value.text + ") && " + day + "day(" + value.text + ")", kindBool, levelAnd}, err
}
