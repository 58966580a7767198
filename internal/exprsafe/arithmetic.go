package exprsafe

import (
	"math"
	"time"
)

// exact is the largest whole number up to which float64 holds each one, 2^53.
const exact = 1 << 53

// float gives a number as float64.
func float(v any) (float64, bool) {
	switch x := v.(type) {
	case int:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// whole gives a number that is an integer as int.
func whole(v any) (int, bool) {
	switch x := v.(type) {
	case int:
		return x, true
	case float64:
		return int(x), x == math.Trunc(x) && math.Abs(x) <= exact
	}
	return 0, false
}

// calculate is an arithmetic operator. With null it gives null, but text + null is the text.
func calculate(operator string) operation {
	return func(r *run, args []any) (any, error) {
		a, b := args[0], args[1]
		if operator == "+" && (kindOf(a) == Text || kindOf(b) == Text) {
			return r.concat(a, b)
		}
		if blank(a) || blank(b) {
			return noValue()
		}
		x, isNumber := float(a)
		y, both := float(b)
		if !isNumber || !both {
			return calculateTime(operator, a, b)
		}
		n, err := calculateNumber(operator, x, y)
		if err == nil && operator != "/" {
			n, err = r.decimals(operator, n, x, y)
		}
		if err != nil {
			return nil, err
		}
		_, wholeA := a.(int)
		_, wholeB := b.(int)
		return shortest(n, wholeA && wholeB), nil
	}
}

// shortest gives a number as int if it is a whole one made of whole ones.
func shortest(n float64, whole bool) any {
	if whole && n == math.Trunc(n) && math.Abs(n) <= exact {
		return int(n)
	}
	return n + 0 // which is 0 for -0
}

// concat joins two texts, either of which may be null. It checks the length before it makes the text.
func (r *run) concat(a, b any) (any, error) {
	left, isText := a.(string)
	right, both := b.(string)
	if !isText && a != nil || !both && b != nil {
		return nil, faultf("%s and %s cannot be added; write string(…) around what is not text", kindOf(a), kindOf(b))
	}
	if err := r.room(len(left) + len(right)); err != nil {
		return nil, err
	}
	return left + right, nil
}

// room makes sure that a text of n bytes may be made.
func (r *run) room(n int) error {
	if n > MaxText {
		return faultf("the expression makes a text longer than %d bytes", MaxText)
	}
	return r.spend(n * makeWork)
}

// calculateNumber refuses what has no result, so that no expression ever sees infinity or NaN: both
// would slip through every comparison that follows.
func calculateNumber(operator string, x, y float64) (float64, error) {
	if (operator == "/" || operator == "%") && y == 0 {
		return 0, fault("a number is divided by zero")
	}
	var n float64
	switch operator {
	case "+":
		n = x + y
	case "-":
		n = x - y
	case "*":
		n = x * y
	case "/":
		n = x / y
	case "%":
		n = math.Mod(x, y)
	default: // ** and ^
		n = math.Pow(x, y)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fault("the number is too large")
	}
	return n, nil
}

// calculateTime works with times and durations. Durations beyond 292 years are an error.
func calculateTime(operator string, a, b any) (any, error) {
	switch x := a.(type) {
	case time.Time:
		switch y := b.(type) {
		case time.Time:
			if operator == "-" {
				return x.Sub(y), nil
			}
		case time.Duration:
			switch operator {
			case "+":
				return x.Add(y), nil
			case "-":
				return x.Add(-y), nil
			}
		}
	case time.Duration:
		if t, ok := b.(time.Time); ok && operator == "+" {
			return t.Add(x), nil
		}
		return calculateDuration(operator, x, b)
	}
	if d, ok := b.(time.Duration); ok && operator == "*" {
		return calculateDuration(operator, d, a)
	}
	return nil, faultf("%s cannot be used between %s and %s", operator, kindOf(a), kindOf(b))
}

// calculateDuration works with a duration on the left and a duration or a number on the right.
func calculateDuration(operator string, d time.Duration, b any) (any, error) {
	if other, ok := b.(time.Duration); ok {
		switch operator {
		case "+", "-":
			n, err := calculateNumber(operator, float64(d), float64(other))
			return asDuration(n, err)
		case "/":
			n, err := calculateNumber(operator, float64(d), float64(other))
			return n, err
		}
	}
	if n, ok := float(b); ok && (operator == "*" || operator == "/") {
		n, err := calculateNumber(operator, float64(d), n)
		return asDuration(n, err)
	}
	return nil, faultf("%s cannot be used between %s and %s", operator, Duration, kindOf(b))
}

// asDuration checks a computed duration before the conversion, which would wrap around silently.
func asDuration(n float64, err error) (any, error) {
	if err == nil && math.Abs(n) >= math.MaxInt64 {
		err = fault("the duration is too long")
	}
	if err != nil {
		return nil, err
	}
	return time.Duration(n), nil
}

// negate is the minus sign before a value; null stays null.
func negate(_ *run, args []any) (any, error) {
	switch x := args[0].(type) {
	case int:
		return -x, nil
	case float64:
		return 0 - x, nil
	case time.Duration:
		return -x, nil
	}
	if blank(args[0]) {
		return noValue()
	}
	return nil, faultf("- expects a number, this gives %s", kindOf(args[0]))
}

// span is the list a..b of whole numbers.
func span(r *run, args []any) (any, error) {
	from, ok := whole(args[0])
	to, both := whole(args[1])
	if !ok || !both {
		return nil, fault("a range goes from whole number to whole number")
	}
	if to < from {
		return []any{}, nil
	}
	if n := to - from; n < 0 || n >= MaxList { // below zero when the difference overflows
		return nil, faultf("a range has at most %d numbers", MaxList)
	}
	if err := r.spend((to - from + 1) * itemBytes * makeWork); err != nil {
		return nil, err
	}
	list := make([]any, 0, to-from+1)
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list, nil
}
