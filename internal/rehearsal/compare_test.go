package rehearsal

import (
	"encoding/json"
	"testing"
)

func TestLike(t *testing.T) {
	for _, c := range []struct {
		want, got any
		is        bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"", nil, true},
		{json.Number("3"), "3.0", true},
		{true, "1", true},
		{"/^[a-z]+$/", "abc", true},
		{"/^[a-z]+$/", "abc1", false},
		{"/./", nil, false},
		{"/./", json.Number("7"), true},
		{"/", "/", true},
		{"//", "//", true},
		{[]any{"a", "/b/"}, []any{"a", "bb"}, true},
		{[]any{"a"}, []any{"a", "b"}, false},
		{[]any{}, "a", false},
		{map[string]any{"a": "1"}, map[string]any{"a": "1", "b": "2"}, true},
		{map[string]any{"a": "1"}, map[string]any{"b": "1"}, false},
		{map[string]any{}, "text", false},
	} {
		if got := like(c.want, c.got); got != c.is {
			t.Errorf("like(%v, %v) is %v", c.want, c.got, got)
		}
	}
}

func TestContains(t *testing.T) {
	const text = "Dear Zoë,\n\n  we look\nat it."
	for piece, is := range map[string]bool{
		"we look at it": true, "Zoë, we": true, "we  look": true, "/look\\s+at/": true, "at once": false, "/^we/": false,
	} {
		if contains(piece, text) != is || lacks(piece, text) == is {
			t.Errorf("%q is in the text: %v", piece, !is)
		}
	}
}

func TestSameText(t *testing.T) {
	for other, is := range map[string]bool{"a\nb": true, "\na  \nb\n\n": true, "a\n\nb": false, "a b": false} {
		if sameText("a\nb\n", other) != is {
			t.Errorf("%q is the same: %v", other, !is)
		}
	}
}

func TestTextDiff(t *testing.T) {
	for _, c := range []struct{ want, got, diff string }{
		{"a\nb\nc", "a\nx\nc", "  a\n- b\n+ x\n  c"},
		{"a", "a\nb", "  a\n+ b"},
		{"a\nb", "b", "- a\n  b"},
		{"", "a", "- \n+ a"},
	} {
		if got := textDiff(c.want, c.got); got != c.diff {
			t.Errorf("%q against %q:\n%s", c.want, c.got, got)
		}
	}
}
