package exprsafe

import (
	"strings"
	"unicode/utf8"
)

// textFunctions count and cut by characters, not bytes.
func textFunctions() []function {
	return []function{
		{
			name: "lower", params: []Kind{Text}, result: Text, example: `lower("Ab") == "ab"`,
			call: onText(strings.ToLower),
		},
		{
			name: "upper", params: []Kind{Text}, result: Text, example: `upper("Ab") == "AB"`,
			call: onText(strings.ToUpper),
		},
		{
			name: "trim", params: []Kind{Text, Text}, optional: 1, result: Text, example: `trim(" ab ") == "ab"`,
			call: trim,
		},
		{
			name: "trimPrefix", params: []Kind{Text, Text}, result: Text, example: `trimPrefix("TT12", "TT") == "12"`,
			call: onTexts(strings.TrimPrefix),
		},
		{
			name: "trimSuffix", params: []Kind{Text, Text}, result: Text, example: `trimSuffix("a.pdf", ".pdf") == "a"`,
			call: onTexts(strings.TrimSuffix),
		},
		{
			name: "replace", params: []Kind{Text, Text, Text}, result: Text,
			example: `replace("a-b", "-", "+") == "a+b"`,
			call:    replace,
		},
		{
			name: "split", params: []Kind{Text, Text}, result: List, example: `split("a,b", ",")[1] == "b"`,
			call: split,
		},
		{
			name: "join", params: []Kind{List, Text}, optional: 1, result: Text,
			example: `join(["a", "b"], ", ") == "a, b"`,
			call:    joinList,
		},
		{
			name: "indexOf", params: []Kind{Text, Text}, result: Number, example: `indexOf("abc", "c") == 2`,
			call: indexOf,
		},
		{
			name: "string", params: []Kind{Any}, result: Text, example: `string(12.5) == "12.5"`,
			call: func(_ *run, args []any) (any, error) { return format(args[0]) },
		},
		{
			name: "len", params: []Kind{Any}, result: Number, example: `len("abc") == 3 && len([1, 2]) == 2`,
			call: length,
		},
		{
			name: "has", params: []Kind{Any}, result: Bool, example: `has("a") && !has("") && !has(null)`,
			call: has,
		},
	}
}

// onText makes an operation of a function of one text. The length of its result is checked after the
// fact, which is safe for functions that make a text at most a few times longer.
func onText(f func(string) string) operation {
	return func(_ *run, args []any) (any, error) { return f(str(args[0])), nil }
}

// onTexts is onText with a second text.
func onTexts(f func(text, part string) string) operation {
	return func(_ *run, args []any) (any, error) { return f(str(args[0]), str(args[1])), nil }
}

// trim drops space, or the characters of the second text, from both ends. It looks them up in a set:
// strings.Trim would go through the second text for each character of the first.
func trim(_ *run, args []any) (any, error) {
	if len(args) == 1 {
		return strings.TrimSpace(str(args[0])), nil
	}
	drop := map[rune]bool{}
	for _, r := range str(args[1]) {
		drop[r] = true
	}
	return strings.TrimFunc(str(args[0]), func(r rune) bool { return drop[r] }), nil
}

// replace replaces each occurrence; the empty text occurs nowhere.
func replace(r *run, args []any) (any, error) {
	text, old, by := str(args[0]), str(args[1]), str(args[2])
	if old == "" {
		return text, nil
	}
	if err := r.room(len(text) + strings.Count(text, old)*(len(by)-len(old))); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(text, old, by), nil
}

// split cuts at each separator, or into characters if it is empty. The empty text gives no parts.
func split(_ *run, args []any) (any, error) {
	if args[0] == "" {
		return []any{}, nil
	}
	parts := strings.SplitN(str(args[0]), str(args[1]), MaxList+2)
	list := make([]any, len(parts))
	for i, part := range parts {
		list[i] = part
	}
	return list, nil
}

// joinList writes the items one after another with the separator, or nothing, between them.
func joinList(r *run, args []any) (any, error) {
	separator := ""
	if len(args) == 2 {
		separator = str(args[1])
	}
	var out strings.Builder
	for i, item := range items(args[0]) {
		text, err := format(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = separator + text
		}
		if out.Len()+len(text) > MaxText {
			return nil, r.room(out.Len() + len(text))
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// indexOf counts characters, -1 if the part is not there.
func indexOf(_ *run, args []any) (any, error) {
	text := str(args[0])
	at := strings.Index(text, str(args[1]))
	if at < 0 {
		return at, nil
	}
	return utf8.RuneCountInString(text[:at]), nil
}

// length counts the characters of a text, the items of a list or the entries of a map.
func length(_ *run, args []any) (any, error) {
	switch x := args[0].(type) {
	case nil:
		return 0, nil
	case string:
		return utf8.RuneCountInString(x), nil
	case []any, map[string]any:
		return size(x), nil
	}
	return nil, faultf("len expects text or a list, this gives %s", kindOf(args[0]))
}

// has tells whether there is a value: not null, not the empty text, not an empty list or map.
func has(_ *run, args []any) (any, error) {
	empty, err := isEmpty(nil, args)
	return empty == false, err
}

// cut is x[from:to] of a list or, by characters, of a text. Bounds beyond the ends are the ends;
// negative ones count from the end, null ones are the ends.
func cut(r *run, args []any) (any, error) {
	switch x := args[0].(type) {
	case nil:
		return noValue()
	case []any:
		from, to, err := bounds(args, len(x))
		if err != nil {
			return nil, err
		}
		return x[from:to:to], nil
	case string:
		if err := r.spend(len(x)); err != nil {
			return nil, err
		}
		runes := []rune(x)
		from, to, err := bounds(args, len(runes))
		if err != nil {
			return nil, err
		}
		return string(runes[from:to]), nil
	}
	return nil, faultf("expected text or a list, this gives %s", kindOf(args[0]))
}

// bounds reads the from and to of a cut; from is never beyond to.
func bounds(args []any, length int) (from, to int, err error) {
	limits := [2]int{0, length}
	for i, arg := range args[1:] {
		if arg == nil {
			continue
		}
		n, ok := whole(arg)
		if !ok {
			return 0, 0, fault("the bounds of [from:to] are whole numbers")
		}
		if n < 0 {
			n += length
		}
		limits[i] = min(max(n, 0), length)
	}
	return min(limits[0], limits[1]), limits[1], nil
}
