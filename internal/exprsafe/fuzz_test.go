package exprsafe

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// hard is an environment whose values are as large as the limits allow, or larger.
func hard() map[string]any {
	many := make([]any, MaxList)
	for i := range many {
		many[i] = strings.Repeat("a", i)
	}
	env := full()
	env["vars"] = map[string]any{
		"text": strings.Repeat("ab", MaxText/2), "long": strings.Repeat("x", MaxText+1), "list": many,
		"big": 1 << 62, "tiny": 5e-324, "huge": 1.7e308, "n": -3, "null": nil, "odd": struct{}{}, "time": noon,
		"deep": []any{[]any{map[string]any{"a": []any{1}}}},
	}
	env[EnvRoutes] = map[string]map[string]any{"parent_id": {"email": "ann@example.org"}}
	env[EnvChange] = Change{Changed: map[string]bool{"status": true}, Old: map[string]any{"status": "New"}}
	return env
}

func seeds() []string {
	list := []string{
		typical, `1 < 2 < 3`, `(0 < (0 < (1) < 2) < 3)`, `--1 ** -2 ^ !true`, `a?b:c?d:e`,
		`if true {1} else if false {2} else {3}`,
		`vars.text + vars.text`, `vars.text matches "(a|b)*c{20}"`, `map(vars.list, # + vars.text)`, `vars.list[1:-1][0][2:]`,
		`vars.big * vars.big ?? vars.huge ** vars.tiny`, `1..vars.big`, `vars.deep == vars.deep`, `"\u{1F600}" + 'é' + b"x"`,
		"`a``b` // x", `/* }} */ 1`, `{a: 1, "b": [2]}.a`, `vars.list | filter(# contains "aa") | len()`, `::len("x")`,
		`let x = 1; x`, `$env.record`, `reduce(1..9, # + #acc)`, `record.parent_id.account_id.primary_contact.email`,
		`old.parent_id.email`, `vars.time.Unix()`, `was("status", null)`, `0x1F + 0b1 + 0o7 + 1_000 + .5e-3`,
		`"x" not in [] && not true`, `replace(vars.text, "a", vars.text)`,
		`sort(uniq(split(vars.text, "b")))`, `date("2026-01-01") - duration("1d") * vars.n`,
		strings.Repeat("(", 60), strings.Repeat("!", 60), "\xff", "é.é", "#", `any([1], # ? .x : #index)`,
	}
	for _, f := range Functions() {
		list = append(list, f.Example)
	}
	return list
}

// checkFailure holds what every error promises.
func checkFailure(t *testing.T, src string, fail *Error) {
	t.Helper()
	if fail.Message == "" || strings.Contains(fail.Message, "\n") || fail.Offset < 0 || fail.Offset > len(src) {
		t.Errorf("%q: error %q at %d", src, fail.Message, fail.Offset)
	}
}

// only is the part of an environment that a program says it uses.
func only(env map[string]any, p *Program) map[string]any {
	uses, part := p.Uses(), map[string]any{}
	for _, name := range uses.Names {
		root, below, _ := strings.Cut(name, ".")
		whole, isMap := env[root].(map[string]any)
		if below == "" || !isMap {
			part[root] = env[root]
			continue
		}
		if part[root] == nil {
			part[root] = map[string]any{}
		}
		if some, ok := part[root].(map[string]any); ok {
			some[below] = whole[below]
		}
	}
	if len(p.Routes()) > 0 {
		part[EnvRoutes] = env[EnvRoutes]
	}
	if len(uses.Changes) > 0 {
		part[EnvChange] = env[EnvChange]
	}
	if uses.Now {
		part[EnvNow] = env[EnvNow]
	}
	if uses.Random {
		part[EnvRandom] = env[EnvRandom]
	}
	if len(uses.Secrets) > 0 {
		part[EnvSecret] = env[EnvSecret]
	}
	return part
}

func FuzzCompile(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	scope, env := world(), hard()
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		for _, want := range []Kind{Any, Bool, Text} {
			p, fail := Compile(src, scope, want)
			if fail != nil {
				checkFailure(t, src, fail)
				continue
			}
			v, work, fail := p.eval(env, 0, MaxWork)
			if fail != nil {
				checkFailure(t, src, fail)
			} else if got := kindOf(v); p.Kind() != Any && got != p.Kind() && (got != null || !p.typ.mayBeNull()) {
				t.Errorf("%q is to give %s and gives %s", src, p.Kind(), got)
			}
			if work > MaxWork {
				t.Errorf("%q: work %d", src, work)
			}
			again, least, fewer := p.eval(only(env, p), 0, work)
			if (fail == nil) != (fewer == nil) || least != work { // of several reasons any may be told
				t.Errorf("%q with what it uses for %d: %d, %v, before %v", src, work, least, fewer, fail)
			}
			if diff := cmp.Diff(v, again, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%q with what it uses:\n%s", src, diff)
			}
		}
		if took := time.Since(start); took > longest {
			t.Errorf("%q took %v", src, took)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, seed := range seeds() {
		f.Add("a {{ " + seed + " }} b")
		f.Add("{{" + seed + "}}")
	}
	f.Add(`{{ "{{" }}`)
	f.Add(strings.Repeat("{{1}}", 300))
	scope, env := world(), hard()
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		text, fail := CompileText(src, scope)
		if fail != nil {
			checkFailure(t, src, fail)
			return
		}
		out, err := text.Render(env)
		if err != nil {
			var fail *Error
			if !errors.As(err, &fail) {
				t.Fatalf("%q: %v", src, err)
			}
			checkFailure(t, src, fail)
		}
		if len(out) > MaxText {
			t.Errorf("%q gives %d bytes", src, len(out))
		}
		if constant, ok := text.Const(); ok && constant != out {
			t.Errorf("%q gives %q", src, out)
		}
		if took := time.Since(start); took > longest {
			t.Errorf("%q took %v", src, took)
		}
	})
}
