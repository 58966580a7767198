package exprsafe

import (
	"math"
	"slices"
)

// statisticFunctions take a list, or for min and max several values; what is null counts for nothing
// in a list.
func statisticFunctions() []function {
	ordered := []Kind{List, Number, Time, Duration}
	list := []Kind{List}
	return []function{
		{
			name: "min", args: "value…", params: []Kind{Any}, among: ordered, repeats: true, gives: sameKind,
			summary: "the least of several numbers or times, or of a list",
			example: `min(3, 1, 2) == 1 && min([3, 1]) == 1`, call: extreme("min", -1),
		},
		{
			name: "max", args: "value…", params: []Kind{Any}, among: ordered, repeats: true, gives: sameKind,
			summary: "the greatest of several numbers or times, or of a list",
			example: `max(3, 1, 2) == 3 && max([3, 1]) == 3`, call: extreme("max", 1),
		},
		{
			name: "sum", args: "list", params: list, gives: total, summary: "the numbers or durations added up",
			example: `sum([0.1, 0.2]) == 0.3`,
			call:    func(r *run, args []any) (any, error) { return addUp(r, "sum", args) },
		},
		{
			name: "mean", args: "list", params: list, gives: sameKind,
			summary: "the average of numbers or durations",
			example: `mean([1, 2, 6]) == 3`, call: mean,
		},
		{
			name: "median", args: "list", params: list, gives: sameKind,
			summary: "the middle one in order, or the average of the two in the middle",
			example: `median([1, 9, 2]) == 2`, call: median,
		},
		{
			name: "stddev", args: "list", params: list, result: Number,
			summary: "how far numbers lie around their average (standard deviation of all of them)",
			example: `stddev([2, 4, 4, 4, 5, 5, 7, 9]) == 2`, call: deviation,
		},
		{
			name: "frequency", args: "list", params: list, result: Map,
			summary: "how often each value is in the list, by the value as text",
			example: `frequency(["a", "b", "a"]).a == 2`, call: frequency,
		},
	}
}

// total is what sum gives: nothing added up is 0, of whatever kind.
func total(args []Type) Type {
	if args[0].item().Kind == Number {
		return Type{Kind: Number}
	}
	return Type{}
}

// extreme is the value that sorts before (sign -1) or after (sign 1) all others; null if one of several
// values is null, or the list has none.
func extreme(name string, sign int) operation {
	return func(r *run, args []any) (any, error) {
		values := args
		list, isList := args[0].([]any)
		if isList && len(args) == 1 {
			values = list
		}
		var best any
		for _, v := range values {
			switch {
			case blank(v) && isList:
				continue
			case blank(v):
				return noValue()
			case !slices.Contains([]Kind{Number, Time, Duration}, kindOf(v)):
				return nil, faultf("%s expects numbers or times, this gives %s", name, kindOf(v))
			case best == nil:
				best = v
				continue
			}
			order, _, err := r.compare(v, best)
			if err != nil {
				return nil, err
			}
			if order == sign {
				best = v
			}
		}
		return best, nil
	}
}

// addUp adds what is in a list, all numbers or all durations; 0 if there is nothing.
func addUp(r *run, name string, args []any) (any, error) {
	var sum any
	for _, v := range items(args[0]) {
		switch kind := kindOf(v); {
		case blank(v):
			continue
		case kind != Number && kind != Duration:
			return nil, faultf("%s expects numbers or durations, an item is %s", name, kind)
		case sum == nil:
			sum = v
			continue
		}
		next, err := calculate("+")(r, []any{sum, v})
		if err != nil {
			return nil, err
		}
		sum = next
	}
	if sum == nil {
		return 0, nil
	}
	return sum, nil
}

// present is how many items are not null.
func present(list []any) (n int) {
	for _, v := range list {
		if !blank(v) {
			n++
		}
	}
	return n
}

// mean of nothing is null.
func mean(r *run, args []any) (any, error) {
	n := present(items(args[0]))
	if n == 0 {
		return noValue()
	}
	sum, err := addUp(r, "mean", args)
	if err != nil {
		return nil, err
	}
	return calculate("/")(r, []any{sum, n})
}

// median of nothing is null. Of two times in the middle it is the earlier one: times cannot be added.
func median(r *run, args []any) (any, error) {
	list := slices.DeleteFunc(slices.Clone(items(args[0])), blank)
	for _, v := range list {
		if kind := kindOf(v); !slices.Contains([]Kind{Number, Time, Duration}, kind) {
			return nil, faultf("median expects numbers or times, an item is %s", kind)
		}
	}
	v, err := sorted(r, []any{list})
	if err != nil {
		return nil, err
	}
	list = items(v)
	if len(list) == 0 {
		return noValue()
	}
	low, high := list[(len(list)-1)/2], list[len(list)/2]
	if kindOf(low) == Time || len(list)%2 == 1 {
		return low, nil
	}
	return mean(r, []any{[]any{low, high}})
}

// deviation of nothing is null.
func deviation(_ *run, args []any) (any, error) {
	var n, average, squares float64
	for _, v := range items(args[0]) {
		if blank(v) {
			continue
		}
		x, ok := float(v)
		if !ok {
			return nil, faultf("stddev expects numbers, an item is %s", kindOf(v))
		}
		n++
		from := x - average
		average += from / n
		squares += from * (x - average)
	}
	if n == 0 {
		return noValue()
	}
	return finite(math.Sqrt(squares / n))
}

// frequency counts values by how they are written. It takes texts, numbers, times and bools.
func frequency(r *run, args []any) (any, error) {
	times := map[string]any{}
	for _, v := range items(args[0]) {
		key, err := format(v)
		if err != nil {
			return nil, err
		}
		n, _ := times[key].(int)
		times[key] = n + 1
		if err := r.spend(len(key) + itemBytes*makeWork); err != nil {
			return nil, err
		}
	}
	return times, nil
}
