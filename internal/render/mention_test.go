package render

import (
	"strings"
	"testing"
)

// A server for chat takes whatever is no letter and no digit for the end of a word, so that a mention begins behind it.
func TestMarkdownCallsNobody(t *testing.T) {
	for _, before := range []string{"", " ", "\u00a0", "，", "“", "—", "¿", "。", "\u200b", ".", "(", "_", "😀"} {
		if got := inMarkdown(before + "@all"); strings.Contains(got, "@all") {
			t.Errorf("%q calls everybody: %q", before, got)
		}
	}
	for _, address := range []string{"zoe@acme.example", "josé@acme.example"} {
		if got := inMarkdown(address); got != address {
			t.Errorf("%q became %q", address, got)
		}
	}
}
