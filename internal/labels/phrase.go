package labels

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// hole is a place in a text that a value is put into.
var hole = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

// phrase is a text cut at its holes: the text before each, then the hole's name, and at the end the rest.
type phrase []string

func parse(text string) phrase {
	var p phrase
	at := 0
	for _, found := range hole.FindAllStringSubmatchIndex(text, -1) {
		p = append(p, text[at:found[0]], text[found[2]:found[3]])
		at = found[1]
	}
	return append(p, text[at:])
}

// fill puts values into the holes, which come as pairs of name and value. A hole without a value stays, so that the gap
// is seen.
func (p phrase) fill(pairs []any, isolate bool) string {
	if len(p) == 1 {
		return p[0]
	}
	var out strings.Builder
	for i, part := range p {
		if i%2 == 0 {
			out.WriteString(part)
			continue
		}
		out.WriteString(valueOf(part, pairs, isolate))
	}
	return out.String()
}

// verbatim are the holes whose values people or programs copy: nothing may stick to them.
var verbatim = []string{"Code", "Host", "Link"}

// valueOf is what a hole is filled with. In a language that runs from right to left it is isolated, so that a name or a
// number in the other direction does not turn its neighbours around (Unicode Bidirectional Algorithm section 2.4).
func valueOf(name string, pairs []any, isolate bool) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != name {
			continue
		}
		text, ok := pairs[i+1].(string)
		if !ok {
			return fmt.Sprint(pairs[i+1])
		}
		if isolate && text != "" && !slices.Contains(verbatim, name) {
			return "\u2068" + text + "\u2069"
		}
		return text
	}
	return "{{." + name + "}}"
}

// Holes are the values that a text may, and those that it must, have a place for.
type Holes struct {
	May, Must []string // sorted; May holds those of Must too
}

// HolesOf are the names of a text's holes, sorted, each once.
func HolesOf(text string) []string {
	var names []string
	for _, found := range hole.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Check tells what is wrong with a text in place of one that has these holes; nil for nothing.
func Check(text string, holes Holes) error {
	has := HolesOf(text)
	for _, name := range has {
		if !slices.Contains(holes.May, name) {
			return fmt.Errorf("{{.%s}} is not known here; %s", name, known(holes.May))
		}
	}
	for _, name := range holes.Must {
		if !slices.Contains(has, name) {
			return fmt.Errorf("{{.%s}} is missing: without it the text is of no use", name)
		}
	}
	if rest := hole.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return fmt.Errorf("a place for a value is written {{.Name}}; %s", known(holes.May))
	}
	return nil
}

// known says which holes there are.
func known(names []string) string {
	if len(names) == 0 {
		return "this text takes no values"
	}
	return "there is {{." + strings.Join(names, "}}, {{.") + "}}"
}

// Digits is the text with the decimal digits of every script as 0 to 9: who writes Arabic or Hindi may have others on
// the keyboard.
func Digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII || !unicode.IsDigit(r) {
			return r
		}
		// The ten digits of a script follow one another, and each range begins at a zero.
		for _, digits := range unicode.Nd.R16 {
			if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
				return '0' + (r-rune(digits.Lo))%10
			}
		}
		for _, digits := range unicode.Nd.R32 {
			if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
				return '0' + (r-rune(digits.Lo))%10
			}
		}
		return r
	}, text)
}
