package exprsafe

import (
	"maps"
	"slices"
)

// listFunctions never change the list they are given, which may belong to the caller.
func listFunctions() []function {
	list := []Kind{List}
	return []function{
		{
			name: "first", args: "list", params: list, gives: oneItem, summary: "the first item",
			example: `first([1, 2]) == 1`,
			call:    func(_ *run, args []any) (any, error) { return at(items(args[0]), 0), nil },
		},
		{
			name: "last", args: "list", params: list, gives: oneItem, summary: "the last item",
			example: `last([1, 2]) == 2`,
			call:    func(_ *run, args []any) (any, error) { return at(items(args[0]), len(items(args[0]))-1), nil },
		},
		{
			name: "sort", args: "list", params: list, result: List, gives: sameList,
			summary: "texts, numbers or times in rising order",
			example: `first(sort(["b", "a"])) == "a"`, call: sorted,
		},
		{
			name: "uniq", args: "list", params: list, result: List, gives: sameList, summary: "each value only once",
			example: `len(uniq([1, 1, 2])) == 2`, call: uniq,
		},
		{
			name: "reverse", args: "list", params: list, result: List, gives: sameList, summary: "the last item first",
			example: `reverse([1, 2])[0] == 2`,
			call: func(_ *run, args []any) (any, error) {
				list := slices.Clone(items(args[0]))
				slices.Reverse(list)
				return list, nil
			},
		},
		{
			name: "flatten", args: "list", params: list, result: List,
			summary: "one list of all that is in the lists within it; also joins lists",
			example: `len(flatten([[1, 2], [3], 4])) == 4`, call: flatten,
		},
		{
			name: "split", args: "text, separator", params: []Kind{Text, Text}, result: List, gives: texts,
			summary: "the parts between the separators, or the characters",
			example: `split("a,b", ",")[1] == "b"`, call: split,
		},
		{
			name: "join", args: "list, separator?", params: []Kind{List, Text}, optional: 1, result: Text,
			summary: "the items as one text",
			example: `join(["a", "b"], ", ") == "a, b"`, call: joinList,
		},
		{
			name: "keys", args: "map", params: []Kind{Map}, result: List, gives: texts,
			summary: "the keys of a map, sorted",
			example: `keys({b: 1, a: 2})[0] == "a"`, call: keys,
		},
		{
			name: "values", args: "map", params: []Kind{Map}, result: List,
			summary: "the values of a map, in the order of its keys",
			example: `values({b: 1, a: 2})[0] == 2`, call: values,
		},
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
	return list, r.sortBy(list, func(v any) any { return v })
}

// sortedPairs sorts pairs of an item and what it is sorted by, and gives the items.
func sortedPairs(r *run, args []any) (any, error) {
	list := slices.Clone(items(args[0]))
	if err := r.sortBy(list, func(pair any) any { return at(items(pair), 1) }); err != nil {
		return nil, err
	}
	for i, pair := range list {
		list[i] = at(items(pair), 0)
	}
	return list, r.spend(len(list) * itemBytes * makeWork)
}

// sortBy sorts in place, by a key of each item. Items with the same key keep their order.
func (r *run) sortBy(list []any, key func(any) any) (failed error) {
	slices.SortStableFunc(list, func(a, b any) int {
		a, b = key(a), key(b)
		if failed != nil {
			return 0
		}
		if failed = r.spend(1); failed != nil {
			return 0
		}
		if a == nil || b == nil {
			return boolOrder(a != nil, b != nil)
		}
		order, _, err := r.compare(a, b)
		failed = err
		return order
	})
	return failed
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

// flatten goes down to the values that are no lists.
func flatten(r *run, args []any) (any, error) {
	out := []any{}
	var add func(list []any, depth int) error
	add = func(list []any, depth int) error {
		if err := r.spend(len(list) * itemBytes); err != nil {
			return err
		}
		if depth > MaxDepth {
			return faultf("flatten takes lists at most %d deep", MaxDepth)
		}
		for _, item := range list {
			inner, ok := item.([]any)
			if !ok {
				out = append(out, item)
			} else if err := add(inner, depth+1); err != nil {
				return err
			}
			if len(out) > MaxList {
				return faultf("flatten gives a list of more than %d items", MaxList)
			}
		}
		return nil
	}
	return out, add(items(args[0]), 1)
}

// keys of a map are texts.
func keys(_ *run, args []any) (any, error) {
	m, _ := args[0].(map[string]any)
	list := make([]any, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, key)
	}
	return list, nil
}

// values of a map stand in the order of their keys.
func values(_ *run, args []any) (any, error) {
	m, _ := args[0].(map[string]any)
	list := make([]any, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[key])
	}
	return list, nil
}
