package yamldoc

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// parsed returns the tree of a text without mistakes.
func parsed(t *testing.T, text string) *Node {
	t.Helper()
	doc, diags := Parse("test.yaml", []byte(text))
	if err := diags.Err(); err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return doc.Root()
}

func TestParseRefuses(t *testing.T) {
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	tests := []struct{ name, text, want string }{
		{"nothing", "", "f:1:1: error: the file is empty"},
		{"only a marker", "---\n", "f:1:1: error: the file is empty"},
		{"too long", strings.Repeat("x", maxBytes+1), "f:1:1: error: the file is 257 kB; the limit is 256 kB"},
		{
			"latin-1", "a: b\nc: caf\xe9\n",
			"f:2:7: error: this is not valid UTF-8 text (save the file as UTF-8)",
		},
		{"utf-16", "\xff\xfea\x00", "f:1:1: error: this is not valid UTF-8 text (save the file as UTF-8)"},
		{"escape character", "a: é\x1b[0m", "f:1:5: error: the character U+001B is not allowed (remove it)"},
		{"line separator", "a: b\u2028c", "f:1:5: error: the character U+2028 is not allowed (remove it)"},
		{"lone carriage return", "a: b\rc: d", "f:1:5: error: the character U+000D is not allowed (remove it)"},
		{"byte order mark inside", "a: \ufeffb", "f:1:4: error: the character U+FEFF is not allowed (remove it)"},
		{"flow depth", nested(maxDepth + 1), "f:1:65: error: nesting is deeper than 64 levels"},
		{"block depth", strings.Repeat("- ", maxDepth) + "- x", "f:1:129: error: nesting is deeper than 64 levels"},
		{"mixed depth", strings.Repeat("- ", 40) + nested(25), "f:1:105: error: nesting is deeper than 64 levels"},
		{"broken second document", "a: b\n---\nc: [", "f:3:5: error: expected a value here"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, diags := Parse("f", []byte(test.text))
			if len(diags) != 1 || diags[0].String() != test.want {
				t.Errorf("got %v\nwant %s", diags, test.want)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	tests := map[string]string{
		"byte order mark":     "\ufeffa: b",
		"windows line ends":   "a: b\r\nc:\r\n  - d\r\n",
		"document markers":    "---\na: b\n...\n",
		"replacement char":    "a: \ufffd",
		"emoji and accents":   "é: \"🎟 名前\"",
		"the deepest allowed": strings.Repeat("- ", maxDepth-1) + "- x",
		"the longest allowed": "a: " + strings.Repeat("x", maxBytes-3),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) { parsed(t, text) })
	}
}

func TestParseGoesOnAfterStructuralMistakes(t *testing.T) {
	doc, diags := Parse("f", []byte("a: 1\na: 2\nb: *x1\nc: &x d\n"))
	if doc != nil || diags.Errors() != 1 {
		t.Errorf("an alias to nowhere is a syntax error: got %v", diags)
	}
	doc, diags = Parse("f", []byte("c: &x d\na: 1\na: 2\nb: *x\ne: !t u\n"))
	if diags.Errors() != 4 {
		t.Errorf("want 4 errors, got %v", diags)
	}
	want := map[string]any{"a": int64(1), "b": nil, "c": "d", "e": nil}
	if diff := cmp.Diff(want, doc.Root().Plain()); diff != "" {
		t.Error(diff)
	}
}

// Hostile files must cost little; the deadline leaves room for the race detector on a busy machine.
func TestHostileFilesAreCheap(t *testing.T) {
	const size = 200_000
	var bomb strings.Builder
	bomb.WriteString("a: &a [x, x, x, x, x, x, x, x, x]\n")
	for name := 'b'; name <= 'z'; name++ {
		last := string(name - 1)
		bomb.WriteString(string(name) + ": &" + string(name) + " [" + strings.Repeat("*"+last+", ", 8) + "*" + last + "]\n")
	}
	tests := map[string]string{
		"alias bomb":      bomb.String(),
		"brackets":        strings.Repeat("[", size),
		"braces":          strings.Repeat("{a: ", size/4),
		"dashes":          strings.Repeat("- ", size/2),
		"question marks":  strings.Repeat("? ", size/2),
		"open quote":      `a: "` + strings.Repeat("x\n ", size/3),
		"exclamations":    strings.Repeat("!", size),
		"one key, often":  strings.Repeat("a: b\n", size/10),
		"many tags":       strings.Repeat("- !a b\n", size/7),
		"comments":        strings.Repeat("# x\n", size/4),
		"unknown keys":    unknownKeys(size / 8),
		"one long key":    strings.Repeat("k", size) + ": v",
		"very long line":  "name: a\nport: [" + strings.Repeat("é", size/2) + "]",
		"flat list":       "[" + strings.Repeat("a,", size/8) + "]",
		"flat mappings":   "[" + strings.Repeat("{},", size/8) + "]",
		"flat templates":  "[" + strings.Repeat("{{a}},", size/20) + "]",
		"folded trickery": "a: >\n" + strings.Repeat(" \n", size/2),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if out := explain(t, "f", []byte(text)); len(out) > 100_000 {
				t.Errorf("%d bytes of complaints", len(out))
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func unknownKeys(count int) string {
	var text strings.Builder
	for i := range count {
		text.WriteString(string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + "el: 1\n")
	}
	return text.String()
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a: b\n", "a: |\n  x\n  y\n", "- 'it''s'\n- \"a\\nb\"\n- >\n  x\n\n  y\n", "{{ x }}",
		"a: !x &y z\nb: *y", "? [a]\n: b\n", "a: b\n---\nc",
		"on: {e: 1e3, d: 2026-01-02}\r\n", "%TAG ! x\n---\n", "name: [\n", "\ufeff\té: 名\n", "a: |2-\n   x\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, diags := Parse("f", text)
		if doc == nil && diags.Err() == nil {
			t.Fatal("neither a document nor an error")
		}
		if doc != nil {
			diags = append(diags, Decode(doc.Root(), &specimen{})...)
			checkTree(t, doc, doc.Root())
		}
		lines := strings.Split(strings.TrimPrefix(string(text), byteOrderMark), "\n")
		for _, d := range diags {
			if d.Line < 1 || d.Line > len(lines) ||
				d.Column < 1 || d.Column > utf8.RuneCountInString(lines[d.Line-1])+1 {
				t.Fatalf("outside the file: %v", d)
			}
		}
		if err := Print(new(strings.Builder), diags, map[string][]byte{"f": text}); err != nil {
			t.Fatal(err)
		}
	})
}

// checkTree visits every node and maps each place of each scalar into the file.
func checkTree(t *testing.T, doc *Doc, n *Node) {
	inside := func(line, column int) {
		if l, c := doc.clamp(line, column); l != line || c != column {
			t.Fatalf("%s at %d:%d is outside the file", n.Path(), line, column)
		}
	}
	inside(n.Line(), n.Column())
	for offset := range min(len(n.Text()), 50) {
		inside(n.AtByte(offset))
		inside(n.At(offset/5, offset))
	}
	for key, value := range n.Entries() {
		checkTree(t, doc, key)
		checkTree(t, doc, value)
	}
	for _, item := range n.Items() {
		checkTree(t, doc, item)
	}
}
