package exprsafe

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// numberFunctions work with numbers as people write them: in decimals, with a point.
func numberFunctions() []function {
	return []function{
		{name: "number", params: []Kind{Any}, result: Number, example: `number("12.50") == 12.5`, call: parseNumber},
		{name: "int", params: []Kind{Number}, result: Number, example: `int(12.9) == 12`, call: onNumber(math.Trunc)},
		{name: "abs", params: []Kind{Number}, result: Number, example: `abs(-3) == 3`, call: onNumber(math.Abs)},
		{name: "ceil", params: []Kind{Number}, result: Number, example: `ceil(1.2) == 2`, call: onNumber(math.Ceil)},
		{name: "floor", params: []Kind{Number}, result: Number, example: `floor(1.8) == 1`, call: onNumber(math.Floor)},
		{
			name: "round", params: []Kind{Number, Number}, optional: 1, result: Number,
			example: `round(2.345, 2) == 2.35`,
			call:    round,
		},
		{
			name: "min", params: []Kind{Number}, repeats: true, result: Number,
			example: `min(3, 1, 2) == 1`, call: smallest,
		},
		{
			name: "max", params: []Kind{Number}, repeats: true, result: Number,
			example: `max(3, 1, 2) == 3`, call: largest,
		},
		{name: "sum", params: []Kind{List}, result: Number, example: `sum([1, 2.5]) == 3.5`, call: sum},
	}
}

// onNumber makes an operation of a function of one number, whose whole results become ints again.
func onNumber(f func(float64) float64) operation {
	return func(_ *run, args []any) (any, error) {
		x, _ := float(args[0])
		return shortest(f(x), true), nil
	}
}

// parseNumber reads a text written with a point and without separators; the empty text is null.
func parseNumber(_ *run, args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		if args[0] == nil || kindOf(args[0]) == Number {
			return args[0], nil
		}
		return nil, faultf("number expects text or a number, this gives %s", kindOf(args[0]))
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return noValue()
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, fault("the text is not a number")
	}
	return shortest(x, true), nil
}

// round rounds half away from zero, as people do, to 0–15 digits after the point.
func round(_ *run, args []any) (any, error) {
	x, _ := float(args[0])
	digits := 0
	if len(args) == 2 {
		n, ok := whole(args[1])
		if !ok || n < 0 || n > 15 {
			return nil, fault("round takes 0 to 15 digits")
		}
		digits = n
	}
	// The shortest decimal form is the number that was meant: 2.345 is stored a little below it.
	text := strconv.FormatFloat(math.Abs(x), 'f', -1, 64)
	point := strings.IndexByte(text, '.')
	if point < 0 || len(text)-point-1 <= digits {
		return shortest(x, true), nil
	}
	kept, err := strconv.ParseFloat(text[:point+1+digits], 64)
	if err != nil {
		return nil, fault("the number is too large")
	}
	if text[point+1+digits] >= '5' {
		kept, err = strconv.ParseFloat(strconv.FormatFloat(kept+math.Pow10(-digits), 'f', digits, 64), 64)
		if err != nil {
			return nil, fault("the number is too large")
		}
	}
	return shortest(math.Copysign(kept, x), true), nil
}

// smallest is min.
func smallest(r *run, args []any) (any, error) { return extreme(r, args, -1) }

// largest is max.
func largest(r *run, args []any) (any, error) { return extreme(r, args, 1) }

// extreme is the argument that sorts before (sign -1) or after (sign 1) all others.
func extreme(r *run, args []any, sign int) (any, error) {
	best := args[0]
	for _, arg := range args[1:] {
		order, _, err := r.compare(arg, best)
		if err != nil {
			return nil, err
		}
		if order == sign {
			best = arg
		}
	}
	return best, nil
}

// sum adds the numbers of a list; nulls count nothing.
func sum(r *run, args []any) (any, error) {
	var total any = 0
	for _, item := range items(args[0]) {
		if blank(item) {
			continue
		}
		if kindOf(item) != Number {
			return nil, faultf("sum expects numbers, an item is %s", kindOf(item))
		}
		next, err := calculate("+")(r, []any{total, item})
		if err != nil {
			return nil, err
		}
		total = next
	}
	return total, nil
}

// listFunctions never change the list they are given, which may belong to the caller.
func listFunctions() []function {
	return []function{
		{
			name: "first", params: []Kind{List}, result: Any, example: `first([1, 2]) == 1`,
			call: func(_ *run, args []any) (any, error) { return at(items(args[0]), 0), nil },
		},
		{
			name: "last", params: []Kind{List}, result: Any, example: `last([1, 2]) == 2`,
			call: func(_ *run, args []any) (any, error) { return at(items(args[0]), len(items(args[0]))-1), nil },
		},
		{name: "sort", params: []Kind{List}, result: List, example: `first(sort(["b", "a"])) == "a"`, call: sorted},
		{name: "uniq", params: []Kind{List}, result: List, example: `len(uniq([1, 1, 2])) == 2`, call: uniq},
	}
}

// at is an item of a list or null.
func at(list []any, i int) any {
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}

// sorted puts texts, numbers or times in rising order, nulls first.
func sorted(r *run, args []any) (any, error) {
	list := slices.Clone(items(args[0]))
	var failed error
	slices.SortStableFunc(list, func(a, b any) int {
		if failed != nil {
			return 0
		}
		if a == nil || b == nil {
			return boolOrder(a != nil, b != nil)
		}
		order, _, err := r.compare(a, b)
		failed = err
		return order
	})
	return list, failed
}

// boolOrder sorts false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// uniq drops each item that equals an earlier one. It takes texts, numbers, times and bools.
func uniq(r *run, args []any) (any, error) {
	seen, out := map[any]bool{}, []any{}
	for _, item := range items(args[0]) {
		key, err := format(item)
		if err != nil {
			return nil, err
		}
		if err := r.spend(len(key)); err != nil {
			return nil, err
		}
		id := [2]any{kindOf(item), key}
		if !seen[id] {
			seen[id] = true
			out = append(out, item)
		}
	}
	return out, nil
}
