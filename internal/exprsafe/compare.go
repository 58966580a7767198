package exprsafe

import (
	"cmp"
	"strings"
	"time"
)

// blank tells whether a value counts as null, as the empty text does.
func blank(v any) bool { return v == nil || v == "" }

// isEmpty is x == "" and x == null.
func isEmpty(_ *run, args []any) (any, error) {
	switch args[0].(type) {
	case []any, map[string]any:
		return size(args[0]) == 0, nil
	}
	return blank(args[0]), nil
}

// nullIfEmpty prepares the left side of ??, which in the machine looks for nil alone.
func nullIfEmpty(_ *run, args []any) (any, error) {
	if _, ok := args[0].(string); ok && args[0] == "" {
		return noValue()
	}
	return args[0], nil
}

// equal is == of two values of unknown or equal kinds.
func equal(r *run, args []any) (any, error) { return r.same(args[0], args[1]) }

// same tells whether two values are equal: null and the empty text are, values of different kinds
// are not.
func (r *run) same(a, b any) (bool, error) {
	switch x := a.(type) {
	case nil:
		return blank(b), nil
	case string:
		y, ok := b.(string)
		if ok && len(x) == len(y) {
			return x == y, r.spend(len(x))
		}
		return x == "" && b == nil, nil
	case bool:
		return x == b, nil
	case []any, map[string]any:
		return false, fault("a list or a map cannot be compared; use in, any or all")
	}
	if kindOf(a) != kindOf(b) {
		return false, nil
	}
	order, _, err := r.compare(a, b)
	return order == 0, err
}

// compare orders two values of one kind. There is no order (ok is false) if one of them is null;
// the empty text counts as null beside another kind.
func (r *run) compare(a, b any) (order int, ok bool, err error) {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true, r.spend(min(len(x), len(y)))
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), true, nil
		}
	case time.Duration:
		if y, ok := b.(time.Duration); ok {
			return cmp.Compare(x, y), true, nil
		}
	case int:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y), true, nil
		}
	}
	if blank(a) || blank(b) {
		return 0, false, nil
	}
	x, isNumber := float(a)
	y, both := float(b)
	if !isNumber || !both {
		return 0, false, faultf("%s cannot be compared with %s", kindOf(a), kindOf(b))
	}
	return cmp.Compare(x, y), true, nil
}

// ordered is < <= > or >=; false if one side is null.
func ordered(operator string) operation {
	holds := map[string]func(order int) bool{
		"<":  func(order int) bool { return order < 0 },
		"<=": func(order int) bool { return order <= 0 },
		">":  func(order int) bool { return order > 0 },
		">=": func(order int) bool { return order >= 0 },
	}[operator]
	return func(r *run, args []any) (any, error) {
		order, ok, err := r.compare(args[0], args[1])
		return ok && holds(order), err
	}
}

// contained is in: an item of a list or a key of a map. Null is in nothing.
func contained(r *run, args []any) (any, error) {
	if args[0] == nil {
		return false, nil
	}
	switch in := args[1].(type) {
	case nil:
		return false, nil
	case []any:
		if err := r.spend(len(in)); err != nil { // the texts count where they are compared
			return nil, err
		}
		for _, item := range in {
			if same, err := r.same(args[0], item); same || err != nil {
				return same, err
			}
		}
		return false, nil
	case map[string]any:
		key, ok := args[0].(string)
		_, found := in[key]
		return ok && found, nil
	}
	return nil, faultf("in expects a list, this gives %s", kindOf(args[1]))
}

// textTest is contains, startsWith or endsWith; false if one side is null.
func textTest(operator string) operation {
	test := map[string]func(text, part string) bool{
		"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix,
	}[operator]
	return func(r *run, args []any) (any, error) {
		if args[0] == nil || args[1] == nil {
			return false, nil
		}
		text, ok := args[0].(string)
		part, both := args[1].(string)
		if !ok || !both {
			return nil, faultf("%s expects text on both sides", operator)
		}
		return test(text, part), r.spend(len(text) + len(part))
	}
}

// size is the number of items of a list or entries of a map.
func size(v any) int {
	switch x := v.(type) {
	case []any:
		return len(x)
	case map[string]any:
		return len(x)
	}
	return 0
}
