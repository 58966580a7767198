package yamldoc

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func printed(t *testing.T, diags Diagnostics, sources map[string][]byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := Print(&out, diags, sources); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrintSortsAndSparesWhatIsMissing(t *testing.T) {
	diags := Diagnostics{
		{File: "b", Line: 1, Column: 1, Severity: Error, Message: "no source here"},
		{File: "a", Line: 10, Column: 99, Severity: Warning, Message: "past the end", Hint: "look"},
		{File: "a", Line: 2, Column: 3, Severity: Error, Message: "early"},
		{File: "a", Severity: Error, Message: "the file as a whole"},
		{File: "a", Line: 99, Column: 1, Severity: Error, Message: "after the last line"},
	}
	source := "\ufeffone\r\n  two\r\n" + strings.Repeat("\n", 7) + "ten\n"
	want := `a: error: the file as a whole
a:2:3: error: early
  2 |   two
    |   ^
a:10:99: warning: past the end (look)
  10 | ten
     |    ^
a:99:1: error: after the last line
b:1:1: error: no source here
`
	if diff := cmp.Diff(want, printed(t, diags, map[string][]byte{"a": []byte(source)})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCaretStandsUnderTheColumn(t *testing.T) {
	tests := []struct {
		name, source string
		column       int
		want         string
	}{
		{"tabs are kept", "\ta\tb", 4, "  1 | \ta\tb\n    | \t \t^\n"},
		{"wide characters", "名前: x", 5, "  1 | 名前: x\n    |       ^\n"},
		{"emoji", "🎟x", 2, "  1 | 🎟x\n    |   ^\n"},
		{"combining accent", "e\u0301x", 3, "  1 | e\u0301x\n    |  ^\n"},
		{"control and direction characters", "\x1b[0m\u202ex", 6, "  1 | \ufffd[0m\ufffdx\n    |      ^\n"},
		{"invalid bytes", "a\xffb", 3, "  1 | a\ufffdb\n    |   ^\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			diags := Diagnostics{{File: "f", Line: 1, Column: test.column, Severity: Error, Message: "m"}}
			_, excerpt, _ := strings.Cut(printed(t, diags, map[string][]byte{"f": []byte(test.source)}), "\n")
			if diff := cmp.Diff(test.want, excerpt); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLongLinesAreCutAroundTheCaret(t *testing.T) {
	long := []byte(strings.Repeat("a", 150) + "B" + strings.Repeat("c", 150))
	for _, column := range []int{1, 60, 61, 62, 151, 240, 300, 301, 302} {
		diags := Diagnostics{{File: "f", Line: 1, Column: column, Severity: Error, Message: "m"}}
		lines := strings.Split(printed(t, diags, map[string][]byte{"f": long}), "\n")
		shown := []rune(strings.TrimPrefix(lines[1], "  1 | "))
		caret := len(strings.TrimPrefix(lines[2], "    | ")) - 1
		if len(shown) != excerptWidth || caret > len(shown) {
			t.Errorf("column %d: caret at %d of %d", column, caret, len(shown))
		}
		if column == 151 && shown[caret] != 'B' {
			t.Errorf("the caret is under %q", shown[caret])
		}
		if left, right := shown[0] == '…', shown[len(shown)-1] == '…'; left != (column > 61) || right != (column < 242) {
			t.Errorf("column %d: cut marks left %v, right %v", column, left, right)
		}
	}
}

func TestPrintJSON(t *testing.T) {
	diags := Diagnostics{
		{File: "b", Line: 3, Column: 4, Severity: Warning, Message: "m <b>"},
		{File: "a", Line: 1, Column: 2, Severity: Error, Message: "n", Hint: "h"},
	}
	want := `[
  {
    "file": "a",
    "line": 1,
    "column": 2,
    "severity": "error",
    "message": "n",
    "hint": "h"
  },
  {
    "file": "b",
    "line": 3,
    "column": 4,
    "severity": "warning",
    "message": "m <b>",
    "hint": ""
  }
]
`
	var out bytes.Buffer
	if err := PrintJSON(&out, diags); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	out.Reset()
	if err := PrintJSON(&out, nil); err != nil || out.String() != "[]\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteErrorsComeBack(t *testing.T) {
	diags := Diagnostics{{File: "f", Severity: Error, Message: "m"}}
	if Print(brokenPipe{}, diags, nil) == nil || PrintJSON(brokenPipe{}, diags) == nil {
		t.Error("the writer's error is lost")
	}
}

func TestNodePathsAndKinds(t *testing.T) {
	root := parsed(t, "tasks:\n  - a.b: x\n    notify: { to: [y, 1] }\non: ~\n")
	notify, _ := root.Get("tasks").Items()[0].Lookup("notify")
	tests := []struct {
		n    *Node
		want string
	}{
		{root, " a mapping"},
		{root.Get("tasks"), "tasks a list"},
		{root.Get("tasks").Items()[0].Get("a.b"), `tasks[0]["a.b"] text`},
		{notify.Key, "tasks[0].notify text"},
		{notify.Value.Get("to").Items()[1], "tasks[0].notify.to[1] a number"},
		{root.Get("on"), "on nothing"},
	}
	for _, test := range tests {
		if got := test.n.Path() + " " + test.n.Kind().String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if root.Get("absent") != nil || root.Len() != 2 || root.File() != "test.yaml" {
		t.Error("root is read wrong")
	}
}
