package render

import "testing"

// A style element's rules may come into an attribute that stands in single quotes.
func TestStylesWithinSingleQuotes(t *testing.T) {
	src, wrong := inlineStyles(newSource(&file{"a.html", `<style>p { font-family: "A B", 'C D' }</style>` +
		`<p style='color: red'>x</p><p style="color: red">y</p><p>z</p>`}))
	if wrong != nil {
		t.Fatal(wrong)
	}
	want := `<p style='font-family: "A B", "C D"; color: red'>x</p>` +
		`<p style="font-family: 'A B', 'C D'; color: red">y</p><p style="font-family: 'A B', 'C D'">z</p>`
	if src.text != want {
		t.Errorf("%s", src.text)
	}
}
