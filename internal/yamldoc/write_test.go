package yamldoc_test

import (
	"testing"

	"pgregory.net/rapid"

	"postern/internal/yamldoc"
)

// Whatever a text holds, it is written so that the same is read, in a list and as a key's value.
func TestWordsAreReadAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.SampledFrom([]string{"", "yes", "No", "In Progress", "a: b", "# x", "{{ x }}", "- a", "1", "~", "a\u0085b", "’"}),
		).Draw(t, "text")
		doc, diags := yamldoc.Parse("f", []byte("a: [x, "+yamldoc.Word(text)+"]\nb: "+yamldoc.Word(text)+"\n"))
		if diags.Err() != nil {
			t.Fatalf("%q: %v", text, diags)
		}
		for _, n := range []*yamldoc.Node{doc.Root().Get("a").Items()[1], doc.Root().Get("b")} {
			if n.Kind() != yamldoc.Text || n.Text() != text {
				t.Fatalf("%q became %s %q", text, n.Kind(), n.Text())
			}
		}
	})
}
