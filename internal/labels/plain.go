package labels

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Plain is a text that somebody typed from paper or from memory, in the one writing in which it is compared: without
// spaces and dashes, without regard to capitals, to wide or narrow letters or to the script of its digits.
func Plain(text string) string {
	text = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
	return Digits(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) || r == '\u2212' { // a minus is meant as a dash
			return -1
		}
		return r
	}, text))
}
