package exprsafe

import (
	"strings"
	"unicode/utf8"
)

// textFunctions count and cut by characters, not bytes.
func textFunctions() []function {
	text, two := []Kind{Text}, []Kind{Text, Text}
	return []function{
		{
			name: "lower", args: "text", params: text, result: Text, summary: "small letters",
			example: `lower("Ab") == "ab"`, call: onText(strings.ToLower),
		},
		{
			name: "upper", args: "text", params: text, result: Text, summary: "capital letters",
			example: `upper("Ab") == "AB"`, call: onText(strings.ToUpper),
		},
		{
			name: "trim", args: "text, characters?", params: two, optional: 1, result: Text,
			summary: "without space, or the characters, at both ends",
			example: `trim(" ab ") == "ab"`, call: trim,
		},
		{
			name: "trimPrefix", args: "text, prefix", params: two, result: Text,
			summary: "without the prefix, if it has it",
			example: `trimPrefix("TT12", "TT") == "12"`, call: onTexts(strings.TrimPrefix),
		},
		{
			name: "trimSuffix", args: "text, suffix", params: two, result: Text,
			summary: "without the suffix, if it has it",
			example: `trimSuffix("a.pdf", ".pdf") == "a"`, call: onTexts(strings.TrimSuffix),
		},
		{
			name: "replace", args: "text, old, new", params: []Kind{Text, Text, Text}, result: Text,
			summary: "with each occurrence of old replaced",
			example: `replace("a-b", "-", "+") == "a+b"`, call: replace,
		},
		{
			name: "indexOf", args: "text, part", params: two, result: Number,
			summary: "where the part begins, in characters from 0; -1 if it is not there",
			example: `indexOf("abc", "c") == 2`, call: indexOf,
		},
		{
			name: "string", args: "value", params: []Kind{Any}, result: Text,
			summary: "the value as text: numbers in full, times by RFC 3339",
			example: `string(12.5) == "12.5"`,
			call:    func(_ *run, args []any) (any, error) { return format(args[0]) },
		},
		{
			name: "len", args: "value", params: []Kind{Any}, result: Number,
			summary: "how many characters, items or entries it has",
			example: `len("abc") == 3 && len([1, 2]) == 2`, call: length,
		},
		{
			name: "has", args: "value", params: []Kind{Any}, result: Bool,
			summary: "whether there is a value: not null, not empty",
			example: `has("a") && !has("") && !has(null)`, call: has,
		},
		{
			name: "kind", args: "value", params: []Kind{Any}, result: Text,
			summary: "what sort of value it is: text, number, true/false, time, duration, list, map or null",
			example: `kind("a") == "text" && kind([]) == "list"`,
			call:    func(_ *run, args []any) (any, error) { return short(kindOf(args[0])), nil },
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
	separator := str(arg(args, 1))
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
