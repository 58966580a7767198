package exprsafe

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr/builtin"
)

// TestGuardSource holds the limits on the source itself. Without them the parser of expr ends the
// process on the first of these sources, and never ends on some of the others.
func TestGuardSource(t *testing.T) {
	rep := strings.Repeat
	tests := []struct{ name, src, message string }{
		{"3 MB of brackets", rep("(", 3<<20), "longer than 4096 bytes"},
		{"3 MB of closed brackets", rep("(", 3<<19) + "1" + rep(")", 3<<19), "longer than 4096 bytes"},
		{"not UTF-8", "\"\xff\"", "not UTF-8"},
		{"brackets", rep("(", 51) + "1" + rep(")", 51), "nested deeper than 50"},
		{"lists", rep("[", 51), "nested deeper than 50"},
		{"maps", rep("{a:", 51), "nested deeper than 50"},
		{"not", rep("!", 60) + "true", "nested deeper than 50"},
		{"not in words", rep("not ", 60) + "true", "nested deeper than 50"},
		{"minus", rep("-", 60) + "1", "nested deeper than 50"},
		{"prefixes and brackets", rep("!(-", 20) + "1", "nested deeper than 50"},
		{"conditions", rep("true ? 1 : ", 60) + "1", "nested deeper than 50"},
		{"conditions in the middle", rep("true ? ", 60) + "1" + rep(" : 1", 60), "nested deeper than 50"},
		{"powers", rep("2 ** ", 60) + "2", "nested deeper than 50"},
		{"carets", rep("2^", 60) + "2", "nested deeper than 50"},
		{"declarations", rep("let a = 1;", 60) + "2", "not available"},
		{"else if", rep("if true {1} else ", 60) + "{1}", "nested deeper than 50"},
		{"nodes", rep("1+", 200) + "1", "more than 300 parts"},
		{"nodes the parser leaves out", "[" + rep("if 1 {1} else {1},", 90) + "]", "more than 300 parts"},
		{"brackets within quotes", `"` + rep("(", 60) + `" + '` + rep("[", 60) + "' + `" + rep("{", 60) + "`", ""},
		{"brackets within comments", "/*" + rep("(", 60) + "*/ 1 //" + rep("(", 60), ""},
		{"fifty brackets", rep("(", 50) + "1" + rep(")", 50), ""},
		{"many short conditions", "[" + rep("true ? 1 : 2,", 40) + "]", ""},
		{"many negations", rep("!true || ", 60) + "true", ""},
		{"chained comparison", "1 < record.amount < 3", "comparisons cannot be chained"},
		{"chained comparisons in one another", rep("0 < (", 40) + "1" + rep(") < 0", 40), "comparisons cannot be chained"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, fail := Compile(tt.src, world(), Any)
			if took := time.Since(start); took > longest {
				t.Errorf("took %v", took)
			}
			if tt.message == "" {
				if fail != nil {
					t.Errorf("refused: %v", fail)
				}
				return
			}
			wantError(t, tt.src, fail, tt.message, "")
		})
	}
}

func TestGuardLanguage(t *testing.T) {
	tests := []struct{ src, message, at string }{
		{`$env`, `unknown name "$env"`, `$env`},
		{`$env["record"]`, `unknown name "$env"`, `$env`},
		{`$routes`, `unknown name "$routes"`, `$routes`},
		{`f0($env)`, `unknown function "f0"`, `f0`},
		{`repeat("a", 1000)`, `unknown function "repeat"`, `repeat`},
		{`reduce(lines, # + #acc)`, `unknown function "reduce"`, `reduce`},
		{`findLast(lines, .price > 1)`, `unknown function "findLast"`, `findLast`},
		{`groupBy(lines, .price)`, `unknown function "groupBy"`, `groupBy`},
		{`find(lines, .price > 1)`, `unknown function "find"`, `find`},
		{`sum(lines, .price)`, `sum does not take 2 arguments`, `sum`},
		{`::upper("x") + toPairs(1)`, `unknown function "toPairs"`, `toPairs`},
		{`concat([1], [2])`, `unknown function "concat"`, `concat`},
		{`timezone("UTC")`, `unknown function "timezone"`, `timezone`},
		{`any(lines, any(lines, true))`, `any cannot stand within the condition of another list`, `any(lines, true)`},
		{`map(lines, len(filter(record.tags, true)))`, `filter cannot stand within the condition`, `filter`},
		{`let a = 1; a`, `let and ; are not available`, ``},
		{`1; 2`, `let and ; are not available`, `1`},
		{`now().Year()`, `values have no functions of their own`, `Year`},
		{`record.due.Unix()`, `values have no functions of their own`, `Unix`},
		{`vars.x.String()`, `values have no functions of their own`, `String`},
		{`record.due.wall`, `is a time and has no field "wall"`, `wall`},
		{`b"abc"`, `this is not available`, ``},
		{`{(record.status): 1}`, `a key is written as it is`, `record`},
		{`record.status matches record.title`, `a pattern is written as a quoted text`, `record.title`},
		{`record.status matches "a" + "b"`, `a pattern is written as a quoted text`, `"a"`},
		{`record.status matches "(a{100}){100}"`, `this pattern cannot be read: invalid repeat count`, `"(a`},
		{`record.status matches "(a{30}){30}"`, `more than 250 steps`, `"(a`},
		{`record.status matches "((a{10}){10}){10}x"`, `more than 250 steps`, `"((`},
		{`map(lines, #acc)`, `unknown name "#acc"`, ``},
	}
	for _, tt := range tests {
		_, fail := Compile(tt.src, world(), Any)
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
}

// TestOnlyListedFunctions holds that no function of the library is reachable but under the name of one
// of ours, whatever a later version brings.
func TestOnlyListedFunctions(t *testing.T) {
	ours := functionNames()
	for _, f := range builtin.Builtins {
		if slices.Contains(ours, f.Name) {
			continue
		}
		for _, src := range []string{"%s()", "%s(1)", "%s(lines)", "%s(lines, true)", "::%s(1)", "1 | %s()", "%s(lines, # > 1, 0)"} {
			if _, fail := Compile(fmt.Sprintf(src, f.Name), world(), Any); fail == nil {
				t.Errorf("%s compiles", fmt.Sprintf(src, f.Name))
			}
		}
	}
}

// TestGuardData holds the limits on values: touching one beyond them fails and names the field,
// otherwise it does no harm.
func TestGuardData(t *testing.T) {
	long := strings.Repeat("x", MaxText+1)
	list := make([]any, MaxList+1)
	deep := any(1)
	for range MaxDepth + 2 {
		deep = []any{deep}
	}
	wide := map[string]any{}
	for i := range 100 {
		wide[fmt.Sprint(i)] = make([]any, 200)
	}
	env := data(map[string]any{"status": "Open", "title": long, "tags": list})
	env["vars"] = map[string]any{
		"long": long, "deep": deep, "wide": wide, "inner": []any{long}, "f": func() {},
		"at": &noon, "list": []any{env},
	}
	for src, want := range map[string]string{
		`record.title == "x"`:                    "record.title is longer than 65536 bytes",
		`len(record.tags)`:                       "record.tags has more than 1000 items",
		`vars.long`:                              "vars.long is longer than 65536 bytes",
		`vars.deep`:                              "vars.deep is nested deeper than 32",
		`vars.wide`:                              "vars.wide holds more than 10000 values",
		`vars.inner[0]`:                          "vars.inner is longer than 65536 bytes",
		`vars.f`:                                 "vars.f is not plain data",
		`vars.at`:                                "vars.at is not plain data",
		`vars["at"]`:                             "vars.at is not plain data",
		`record.status == "Open" || has(vars.f)`: "",
		`record.status == "Open" ? 1 : record.title`: "",
	} {
		_, err := evaluate(t, src, env)
		if got := message(err); got != want {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
}

// TestGuardWork holds the limits on what an evaluation makes and looks at.
func TestGuardWork(t *testing.T) {
	half := strings.Repeat("a", MaxText/2)
	many := make([]any, MaxList)
	texts := make([]any, MaxList)
	for i := range many {
		many[i], texts[i] = i, half
	}
	env := full()
	env["vars"] = map[string]any{"half": half, "many": many, "texts": texts, "n": 1 << 60}
	tests := []struct{ src, message string }{
		{`vars.half + vars.half`, ""},
		{`vars.half + vars.half + "b"`, "a text longer than 65536 bytes"},
		{`"b" + vars.half + "b" + vars.half`, "a text longer than 65536 bytes"},
		{`replace(vars.half, "a", vars.half)`, "a text longer than 65536 bytes"},
		{`join(vars.texts)`, "a text longer than 65536 bytes"},
		{`join(vars.many, vars.half)`, "a text longer than 65536 bytes"},
		{`split(vars.half, "")`, "a list of more than 1000 items"},
		{`1..1000`, ""},
		{`1..1001`, "a range has at most 1000 numbers"},
		{`-vars.n * 7..vars.n * 7`, "whole number"},
		{`-vars.n..vars.n`, "a range has at most 1000 numbers"},
		{`map(vars.texts[:200], # + "b")`, ""},
		{`[map(vars.texts[:200], # + "b"), map(vars.texts[:200], # + "c")]`, "looks at too much data"},
		{`map(vars.many[:200], vars.half + "b")`, ""},
		{`map(vars.many, trim(upper(vars.half) + "b"))`, "looks at too much data"},
		{`count(vars.texts, # matches "(a|aa|aaa)*b")`, "looks at too much data"},
		{`count(vars.many, vars.half == vars.half + "") > 0`, "looks at too much data"},
		{`count(vars.many, # in vars.many)`, ""},
		{`count(vars.many, len(vars.many) > #)`, ""},
		{`count(vars.many, len(vars.many) + len(vars.many) + len(vars.many) > #)`, "looks at too much data"},
		{`map(vars.many, vars.many)`, "the result holds more than 10000 values"},
		{`[` + strings.Repeat(`map(vars.many, #),`, 12) + `]`, "the result holds more than 10000 values"},
		{`len([` + strings.Repeat(`map(1..1000, [1,1,1,1,1,1,1,1,1,1]),`, 12) + `])`, "makes more than 100000 list items"},
		{`map(1..100, 1..300)`, "the result holds more than 10000 values"},
		{`map(1..1000, 1..1000)`, "looks at too much data"},
		{`map(map(vars.many, vars.many), #)`, "the result holds more than 10000 values"},
	}
	for _, tt := range tests {
		start := time.Now()
		_, err := evaluate(t, tt.src, env)
		if took := time.Since(start); took > longest {
			t.Errorf("%s: took %v", tt.src, took)
		}
		if got := message(err); !strings.Contains(got, tt.message) || (got == "") != (tt.message == "") {
			t.Errorf("%s: %q, want %q", tt.src, got, tt.message)
		}
	}
}

// TestGuardPattern times the patterns that the machine of Go's regexp finds hardest.
func TestGuardPattern(t *testing.T) {
	env := data(map[string]any{"title": strings.Repeat("ab", MaxText/8)})
	for _, pattern := range []string{strings.Repeat("(a|b)?", 40) + "c", strings.Repeat("[ab]*", 115) + "c"} {
		start := time.Now()
		got, err := evaluate(t, fmt.Sprintf("record.title matches %q", pattern), env)
		if got != false || err != nil {
			t.Errorf("%.20s…: %v, %v", pattern, got, err)
		}
		if took := time.Since(start); took > longest {
			t.Errorf("%.20s…: took %v", pattern, took)
		}
	}
}

// TestPanic checks that a panic below an evaluation is an error and leaves the program usable.
func TestPanic(t *testing.T) {
	p, fail := Compile(`record.parent_id.email`, world(), Any)
	if fail != nil {
		t.Fatal(fail)
	}
	if _, err := p.Eval(map[string]any{EnvRoutes: map[string]map[string]any{"parent_id": {"email": 1}}}); err != nil {
		t.Fatal(err)
	}
	p.code.Bytecode = p.code.Bytecode[1:] // a call without its argument
	p.code.Arguments = p.code.Arguments[1:]
	for range 2 {
		_, err := p.Eval(nil)
		if got := message(err); got != "the expression could not be evaluated" {
			t.Errorf("got %q", got)
		}
	}
}
