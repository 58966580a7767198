package render

import (
	"encoding/json"
	"fmt"
	"time"

	"postern/engine"
)

// maxDepth is how deep lists and maps of a value may lie in one another.
const maxDepth = 32

// refused stands for a value beyond a limit. It does no harm where it is not looked at.
type refused struct{ reason string }

// plain gives a value the forms that templates may see: single values, lists, maps and moments. What has methods of
// its own could do anything, and grow without bounds.
func plain(v any, name string, depth int) any {
	if depth > maxDepth {
		return refused{fmt.Sprintf("%s is nested deeper than %d", name, maxDepth)}
	}
	switch v := v.(type) {
	case nil, bool, int, int64, float64, json.Number, time.Duration:
		return v
	case string:
		if len(v) > MaxText {
			return refused{fmt.Sprintf("%s is longer than %d bytes", name, MaxText)}
		}
		return v
	case time.Time:
		return moment{v}
	case []any:
		if len(v) > MaxList {
			return refused{fmt.Sprintf("%s has more than %d items", name, MaxList)}
		}
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item, name, depth+1)
		}
		return list
	case map[string]any:
		return plainMap(v, name, depth)
	case engine.Fields:
		return plainMap(v, name, depth)
	}
	return refused{name + " is not plain data"}
}

func plainMap(m map[string]any, name string, depth int) any {
	if len(m) > MaxList {
		return refused{fmt.Sprintf("%s has more than %d entries", name, MaxList)}
	}
	all := make(map[string]any, len(m))
	for key, item := range m {
		all[key] = plain(item, name, depth+1)
	}
	return all
}

// moment is a time with those methods of time.Time that cannot make a text without end.
type moment struct{ at time.Time }

// moments are the methods of a moment, for the check of templates.
var moments = []string{"AddDate", "Day", "Format", "Hour", "Minute", "Month", "UTC", "Weekday", "Year"}

// maxLayout is the longest layout of Format in bytes.
const maxLayout = 200

// Format writes the time by a layout of at most maxLayout bytes, as time.Time.Format.
func (m moment) Format(layout string) (string, error) {
	if len(layout) > maxLayout {
		return "", faultf("the layout of a time is longer than %d bytes", maxLayout)
	}
	return m.at.Format(layout), nil
}

// AddDate is so many years, months and days later.
func (m moment) AddDate(years, months, days int) moment {
	return moment{m.at.AddDate(years, months, days)}
}

// Day is the day of the month.
func (m moment) Day() int { return m.at.Day() }

// Hour is the hour of the day.
func (m moment) Hour() int { return m.at.Hour() }

// Minute is the minute of the hour.
func (m moment) Minute() int { return m.at.Minute() }

// Month is the month, written in English.
func (m moment) Month() time.Month { return m.at.Month() }

// UTC is the same instant in UTC.
func (m moment) UTC() moment { return moment{m.at.UTC()} }

// Weekday is the day of the week, written in English.
func (m moment) Weekday() time.Weekday { return m.at.Weekday() }

// Year is the year.
func (m moment) Year() int { return m.at.Year() }

// String is what a moment prints as.
func (m moment) String() string { return m.at.String() }
