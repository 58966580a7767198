package channels

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fit cuts a text to a number of bytes; one that was cut ends with an ellipsis.
func fit(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	end := max(0, limit-len(ellipsis))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.TrimRightFunc(text[:end], unicode.IsSpace) + ellipsis
}
