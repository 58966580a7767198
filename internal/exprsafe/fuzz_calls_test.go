package exprsafe

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// anything makes a value of a kind of a text, a number and a length, as a CRM or the world could send it.
func anything(kind byte, text string, number float64, n int) any {
	list := make([]any, n)
	for i := range list {
		list[i] = []any{text, number, float64(i), nil, noon, map[string]any{text: number}}[(int(kind)+i)%6]
	}
	switch kind % 10 {
	case 0:
		return text
	case 1:
		return number
	case 2:
		return int(max(-1<<53, min(1<<53, number)))
	case 3:
		return time.Unix(int64(number)%(1<<40), 0).In(time.FixedZone("", n*60))
	case 4:
		return time.Duration(number)
	case 5:
		return list
	case 6:
		return map[string]any{text: list, "n": number}
	case 7:
		return []any{list, list, text}
	case 8:
		return n%2 == 0
	}
	return nil
}

// FuzzCalls calls every function with values of any kind. Nothing ends but with a value or a reason.
func FuzzCalls(f *testing.F) {
	for i := range 120 {
		f.Add(byte(i), byte(i), byte(i/2), byte(i/3), "12-25", "es", 2.5, 7.0, byte(3))
		f.Add(byte(i), byte(3), byte(1), byte(5), "Europe/Madrid", "yyyy", -1e9, 3.0, byte(200))
	}
	list, scope := functions(), world()
	f.Fuzz(func(t *testing.T, which, a, b, c byte, one, two string, x, y float64, length byte) {
		fn := list[int(which)%len(list)]
		if math.IsNaN(x) || math.IsInf(x, 0) || math.IsNaN(y) || math.IsInf(y, 0) || fn.prepare != nil {
			return
		}
		n := len(fn.params)
		if fn.optional > 0 {
			n -= int(length) % (fn.optional + 1)
		}
		args := []string{"vars.a", "vars.b", "vars.c", "vars.a"}[:n]
		src := fmt.Sprintf("%s(%s)", fn.name, strings.Join(args, ", "))
		p, fail := Compile(src, scope, Any)
		if fail != nil {
			t.Fatalf("%s: %v", src, fail)
		}
		env := full()
		env["vars"] = map[string]any{
			"a": anything(a, one, x, int(length)), "b": anything(b, two, y, int(length)), "c": anything(c, one, y, 3),
		}
		start := time.Now()
		v, work, fail := p.eval(env, 0, MaxWork)
		if fail != nil {
			checkFailure(t, src, fail)
			if fail.Message == "the expression could not be evaluated" {
				t.Errorf("%s of %v, %v, %v: %v", src, env["vars"], x, y, fail)
			}
		} else if got := kindOf(v); p.Kind() != Any && got != p.Kind() && (got != null || !p.typ.mayBeNull()) {
			t.Errorf("%s is to give %s and gives %s", src, p.Kind(), got)
		}
		if took := time.Since(start); took > longest || work > MaxWork {
			t.Errorf("%s took %v and %d units", src, took, work)
		}
	})
}

// FuzzPattern holds the matches that follow one another against those of package regexp.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{`a`, `a*?`, `(?i)É|b`, `\b\w+`, `^|$`, `(a)|(b)`, `(?m)^.?`, `[^a]{2,3}`} {
		f.Add(pattern, "abéab\nAB \xff.")
	}
	scope := world()
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := regexp.Compile(pattern)
		if err != nil || strings.Contains(pattern, "`") || !utf8.ValidString(pattern) || len(text) > 2000 {
			return
		}
		p, fail := Compile("replacePattern(vars.text, `"+pattern+"`, '<$0>')", scope, Text)
		if fail != nil {
			checkFailure(t, pattern+strings.Repeat(" ", 50), fail)
			return
		}
		env := full()
		env["vars"] = map[string]any{"text": text}
		got, err := p.Eval(env)
		if err != nil {
			return
		}
		want := re.ReplaceAllStringFunc(text, func(match string) string { return "<" + match + ">" })
		if got != want {
			t.Errorf("%q in %q: %q, want %q", pattern, text, got, want)
		}
	})
}
