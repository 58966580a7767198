package yamldoc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSilence(t *testing.T) {
	const text = `a: 1  # lint: allow odd: it is meant
# lint: allow odd: this one too
# and says so
b: 2
c: 3 # lint: allow odd
d: 4 # lint: allow even: no such warning
e: 5 # lint: allow
f: "#lint: allow odd: within a text"
g: 7
`
	warning := func(line int, severity Severity, code string) Diagnostic {
		return Diagnostic{File: "f.yaml", Line: line, Column: 1, Severity: severity, Code: code, Message: "m"}
	}
	given := Diagnostics{
		warning(1, Warning, "odd"), warning(1, Error, ""), warning(4, Warning, "odd"), warning(5, Warning, "odd"),
		warning(7, Warning, "odd"), warning(9, Warning, "odd"),
	}
	var got []string
	for _, d := range given.Silence(map[string][]byte{"f.yaml": []byte(text), "other.yaml": []byte("a: 1\n")}) {
		got = append(got, d.WithHint("").String())
	}
	want := []string{
		"f.yaml:1:1: error: m",
		"f.yaml:5:1: warning [odd]: m",
		"f.yaml:5:6: warning [allow]: this comment does not say why odd is allowed",
		"f.yaml:6:6: warning [allow]: nothing here is warned of as even, so there is nothing to allow",
		"f.yaml:7:1: warning [odd]: m",
		"f.yaml:7:6: warning [allow]: this comment does not say which warning it allows",
		"f.yaml:9:1: warning [odd]: m",
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")); diff != "" {
		t.Error(diff)
	}
}
