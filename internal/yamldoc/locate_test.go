package yamldoc

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// In each text the character ^ stands at the place that is looked up by the word after it; the caret is not part of
// the file. The word is searched in the scalar's value, so value and file must be mapped onto each other.
func TestPlacesInsideScalars(t *testing.T) {
	tests := []struct{ name, text string }{
		{"plain", "if: record.a == ^wrong"},
		{"plain in a list", "x:\n  - ^wrong + 1"},
		{"plain after wide characters", "né: 名前 == ^wrong"},
		{"plain over two lines", "if: record.a == 1\n  && ^wrong"},
		{"plain over a blank line", "if: a\n\n   b  ^wrong"},
		{"single quotes", "if: 'a == ^wrong'"},
		{"single quotes after a doubled quote", "if: 'it''s ^wrong'"},
		{"single quotes over lines", "if: 'a\n   b ^wrong'"},
		{"double quotes", `if: "a == ^wrong"`},
		{"double quotes over lines", "if: \"a\n  ==   ^wrong\""},
		{"double quotes before an escape", `if: "^wrong\n"`},
		{"double quotes after an escape", `if: ^"a\tb wrong"`},
		{"literal, first line", "if: |\n  ^wrong\n  b\n"},
		{"literal, second line", "if: |\n  a &&\n  ^wrong\n"},
		{"literal, deeper line", "if: |-\n    a &&\n      ^wrong"},
		{"literal after blank lines", "if: |\n\n\n  ^wrong\n"},
		{"literal with its indentation said", "if: |2+\n    ^wrong\n"},
		{"literal in a list", "x:\n  - if: |  # comment\n      a\n\n      b ^wrong\n"},
		{"literal with windows line ends", "if: |\r\n  a\r\n  ^wrong\r\n"},
		{"folded, first line", "if: >\n  a ^wrong\n"},
		{"folded, second line", "if: >-\n  a\n  b ^wrong\n"},
		{"folded, second paragraph", "if: >\n  a\n\n  ^wrong\n"},
		{"folded, deeper line", "if: >\n  a\n    b\n  ^wrong\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, _, _ := strings.Cut(test.text, "^")
			wantLine := strings.Count(before, "\n") + 1
			wantColumn := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1
			n := lastScalar(parsed(t, strings.Replace(test.text, "^", "", 1)))
			offset := strings.Index(n.Text(), "wrong")

			if line, column := n.AtByte(offset); line != wantLine || column != wantColumn {
				t.Errorf("AtByte: got %d:%d, want %d:%d in %q", line, column, wantLine, wantColumn, n.Text())
			}
			value := n.Text()[:offset]
			inLine := strings.Count(value, "\n") + 1
			inColumn := utf8.RuneCountInString(value[strings.LastIndex(value, "\n")+1:])
			if line, column := n.At(inLine, inColumn); line != wantLine || column != wantColumn {
				t.Errorf("At: got %d:%d, want %d:%d", line, column, wantLine, wantColumn)
			}
		})
	}
}

func lastScalar(n *Node) *Node {
	for !n.IsScalar() {
		if n.Kind() == List {
			n = n.Items()[n.Len()-1]
			continue
		}
		for _, value := range n.Entries() {
			n = value
		}
	}
	return n
}

func TestPlacesAtTheEdges(t *testing.T) {
	type at struct{ line, column int }
	tests := []struct {
		name, text string
		ask, want  at
	}{
		{"end of plain text", "a: b +   # more", at{1, 3}, at{1, 7}},
		{"past the end", "a: b +", at{1, 99}, at{1, 7}},
		{"past the last line", "a: |\n  b\n  c +\n", at{9, 0}, at{3, 6}},
		{"end of the first line", "a: |\n  b +\n  c\n", at{1, 3}, at{2, 6}},
		{"before the start", "a: 'b'", at{0, -5}, at{1, 5}},
		{"inside blanks", "a: b    c", at{1, 3}, at{1, 7}},
		{"empty quotes", "a: ''", at{1, 0}, at{1, 4}},
		{"no value", "a:", at{1, 0}, at{1, 3}},
		{"empty block", "a: |", at{1, 0}, at{1, 4}},
		{"not a scalar", "a: [b]", at{1, 1}, at{1, 4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			line, column := parsed(t, test.text).Get("a").At(test.ask.line, test.ask.column)
			if got := (at{line, column}); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
