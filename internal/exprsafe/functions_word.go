package exprsafe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordFunctions change how a text looks.
func wordFunctions() []function {
	text, pad := []Kind{Text}, []Kind{Text, Number, Text}
	return []function{
		{
			name: "capitalize", args: "text", params: text, result: Text,
			summary: "the first letter as a capital, the others as they are",
			example: `capitalize("ann Lee") == "Ann Lee"`, call: onText(capitalize),
		},
		{
			name: "title", args: "text", params: text, result: Text,
			summary: "the first letter of each word as a capital, the others small",
			example: `title("ANN o'brien-lee") == "Ann O'brien-Lee"`, call: onText(title),
		},
		{
			name: "padStart", args: "text, length, fill?", params: pad, optional: 1, result: Text,
			summary: "filled up at the beginning to a length, with space or the fill",
			example: `padStart("7", 3, "0") == "007"`, call: padded("padStart", true),
		},
		{
			name: "padEnd", args: "text, length, fill?", params: pad, optional: 1, result: Text,
			summary: "filled up at the end to a length, with space or the fill",
			example: `padEnd("ab", 4, ".") == "ab.."`, call: padded("padEnd", false),
		},
		{
			name: "squash", args: "text", params: text, result: Text,
			summary: "without space at both ends, and with one space wherever there is more inside",
			example: `squash("  a   b ") == "a b"`,
			call:    onText(func(text string) string { return strings.Join(strings.Fields(text), " ") }),
		},
	}
}

// capitalize changes the first character only.
func capitalize(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToTitle(first)) + text[size:]
}

// title begins a word after space or a hyphen, as names are written: Jean-Luc, O'brien.
func title(text string) string {
	begins := true
	return strings.Map(func(r rune) rune {
		was := begins
		begins = unicode.IsSpace(r) || r == '-'
		if was {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, text)
}

// padded counts characters. The fill is repeated and cut to what is missing.
func padded(name string, before bool) operation {
	return func(r *run, args []any) (any, error) {
		text, fill := str(args[0]), " "
		if len(args) == 3 && str(args[2]) != "" {
			fill = str(args[2])
		}
		length, err := count(args[1], 0, MaxText, "the length of "+name)
		if err != nil {
			return nil, err
		}
		missing := length - utf8.RuneCountInString(text)
		if missing <= 0 {
			return text, nil
		}
		signs := []rune(fill)
		if err := r.spend(missing * makeWork); err != nil {
			return nil, err
		}
		filling := make([]rune, missing)
		for i := range filling {
			filling[i] = signs[i%len(signs)]
		}
		if before {
			return string(filling) + text, nil
		}
		return text + string(filling), nil
	}
}
