package yamldoc

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

type durationUnit struct {
	name string
	size time.Duration
}

// durationUnits are the units of a duration from the largest to the smallest; a day is always 24 hours.
var durationUnits = []durationUnit{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// durationError splits what is wrong from what to do, for the two parts of a diagnostic.
type durationError struct{ message, hint string }

// Error joins the two parts.
func (e *durationError) Error() string { return e.message + "; " + e.hint }

// ParseDuration reads a duration such as 30s, 1h30m, 72h, 14d or 1d12h: whole numbers each followed by one of the
// units d (24 hours), h, m, s and ms, the larger units first, no sign and no blanks. A number without a unit is an
// error, as is a duration over about 292 years.
func ParseDuration(text string) (time.Duration, error) {
	value, err := parseDuration(text)
	if err != nil {
		return 0, err
	}
	return value, nil
}

func parseDuration(text string) (time.Duration, *durationError) {
	var total time.Duration
	units := durationUnits
	for rest := text; ; {
		part, after, smaller, ok := durationPart(rest, units)
		if !ok || part > math.MaxInt64-total {
			return 0, notDuration(text)
		}
		total += part
		if after == "" {
			return total, nil
		}
		rest, units = after, smaller
	}
}

// durationPart reads one number with its unit and returns the text after it and the units that may still follow.
func durationPart(text string, units []durationUnit) (time.Duration, string, []durationUnit, bool) {
	afterDigits := strings.TrimLeft(text, "0123456789")
	after := strings.TrimLeft(afterDigits, "dhms")
	number, err := strconv.ParseInt(text[:len(text)-len(afterDigits)], 10, 64)
	if err != nil {
		return 0, "", nil, false
	}
	name := afterDigits[:len(afterDigits)-len(after)]
	for i, unit := range units {
		if unit.name == name && number <= math.MaxInt64/int64(unit.size) {
			return time.Duration(number) * unit.size, after, units[i+1:], true
		}
	}
	return 0, "", nil, false
}

func notDuration(text string) *durationError {
	err := &durationError{
		message: quote(text) + " is not a duration", hint: "write it like 30s, 15m, 72h, 14d or 1d12h",
	}
	if text != "" && strings.Trim(text, "0123456789") == "" {
		err.hint = fmt.Sprintf("add a unit, as in %[1]ss, %[1]sm, %[1]sh or %[1]sd", text)
	}
	return err
}

// FormatDuration writes a duration as ParseDuration reads it, with the largest units that fit: 36 hours are 1d12h.
// What is shorter than a millisecond is dropped; a negative duration has a minus sign, which ParseDuration refuses.
func FormatDuration(value time.Duration) string {
	var text strings.Builder
	left := value.Truncate(time.Millisecond)
	if left < 0 {
		text.WriteByte('-')
	}
	for _, unit := range durationUnits {
		if count := left / unit.size; count != 0 {
			text.WriteString(strings.TrimPrefix(strconv.FormatInt(int64(count), 10), "-") + unit.name)
			left %= unit.size
		}
	}
	if text.Len() == 0 {
		return "0s"
	}
	return text.String()
}
