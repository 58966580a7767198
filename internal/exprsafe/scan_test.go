package exprsafe

import (
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScanner(t *testing.T) {
	for src, want := range map[string][]string{
		``:                            nil,
		" \t\n// x":                   nil,
		`a.b?.c ?? -d ** 2 != !e`:     {"a", ".", "b", "?.", "c", "??", "-", "d", "**", "2", "!=", "!", "e"},
		`"a\"b" 'c\'' "open`:          {`"a\"b"`, `'c\''`, `"open`},
		"`a``b` `` `open``":           {"`a``b`", "``", "`open``"},
		`a/b /* c */ d // e` + "\nf/": {"a", "/", "b", "d", "f", "/"},
		`é_1$+"\`:                     {"é_1$", "+", `"\`},
		`/* open`:                     nil,
	} {
		var got []string
		s := scanner{src: src}
		for token, at := s.next(); token != ""; token, at = s.next() {
			if !strings.HasPrefix(src[at:], token) {
				t.Errorf("%q: %q is not at %d", src, token, at)
			}
			got = append(got, token)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q:\n%s", src, diff)
		}
	}
}

// TestPatternSize compares the estimate with the machine that Go builds.
func TestPatternSize(t *testing.T) {
	for _, pattern := range []string{
		``, `abc`, `^a*b+c?$`, `(a|b|cd)+`, `[a-z]{2,5}`, `(x{3}){4}`, `a{7,}`, `(?i)straße`, `\d{4}-\d\d?`,
		`(?:ab|a(c|d)){0,9}`,
		`^[\w.+-]+@[\w-]+(\.[\w-]+)+$`,
	} {
		parsed, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		size := patternSize(parsed)
		machine, err := syntax.Compile(parsed.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if steps := len(machine.Inst) - 2; size < steps || size > 3*steps+3 { // less the first and the last
			t.Errorf("%s: estimated at %d steps, has %d", pattern, size, steps)
		}
	}
}
