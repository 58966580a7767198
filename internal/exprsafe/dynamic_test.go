package exprsafe

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDynamic checks operators on values whose kinds only the evaluation knows.
func TestDynamic(t *testing.T) {
	env := full()
	env["vars"] = map[string]any{
		"i": 2, "f": 0.5, "t": noon, "d": time.Hour, "s": "ab", "b": true, "l": []any{1, 2}, "m": map[string]any{"k": 1},
		"e": "", "key": "k", "i64": int64(7), "u64": uint64(math.MaxUint64), "u32": uint32(7), "i32": int32(-7),
		"f32": float32(0.5), "j": json.Number("12"), "jf": json.Number("1.5"), "nan": math.NaN(), "strings": []string{
			"x",
			"y",
		},
	}
	tests := []struct {
		src  string
		want any
	}{
		{`vars.t + vars.d`, noon.Add(time.Hour)},
		{`vars.d + vars.t`, noon.Add(time.Hour)},
		{`vars.t - vars.d`, noon.Add(-time.Hour)},
		{`vars.t - vars.t`, time.Duration(0)},
		{`vars.d * vars.i`, 2 * time.Hour},
		{`vars.i * vars.d`, 2 * time.Hour},
		{`vars.d / vars.i`, 30 * time.Minute},
		{`vars.d / vars.d`, 1.0},
		{`vars.d - vars.d * vars.f`, 30 * time.Minute},
		{`-vars.d`, -time.Hour},
		{`-vars.f`, -0.5},
		{`vars.e * 2`, nil},
		{`-vars.e`, nil},
		{`vars.s + vars.s`, "abab"},
		{`vars.s < "b"`, true},
		{
			`vars.d < vars.d`,
			false,
		},
		{`vars.t == now()`, true},
		{`vars.t == vars.d`, false},
		{`vars.i == vars.s`, false},
		{`vars.b == true`, true},
		{`vars.e < 1`, false},
		{`vars.l == ""`, false},
		{`vars.b ? vars.i : vars.s`, 2},
		{`vars.l[0:1]`, []any{1}},
		{`vars.s[1:]`, "b"},
		{`vars.m[vars.key]`, 1},
		{`vars.s in vars.m`, false},
		{`vars.key in vars.m`, true},
		{`vars.i in vars.l`, true},
		{`vars.s matches "^a"`, true},
		{`vars.s contains "b"`, true},
		{
			`vars.i..vars.i + 1`,
			[]any{2, 3},
		},
		{`vars.i64 + vars.i32`, 0},
		{`vars.u32`, 7},
		{`vars.u64 > 1`, true},
		{`vars.f32`, 0.5},
		{`vars.j + vars.jf`, 13.5},
		{`vars.strings`, []any{"x", "y"}},
		{`"y" in vars.strings`, true},
		{`any(vars.strings, # == "x")`, true},
		{`4611686018427387904 + 4611686018427387904`, math.Pow(2, 63)},
		{`4611686018427387905 == 4611686018427387904`, false},
	}
	for _, tt := range tests {
		got, err := evaluate(t, tt.src, env)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, %v\n%s", tt.src, got, err, diff)
		}
	}
	for src, want := range map[string]string{
		`vars.t + vars.t`: `+ cannot be used between a time and a time`, `vars.d - vars.t`: `- cannot be used between`,
		`vars.t * vars.i`: `* cannot be used between`, `vars.i - vars.d`: `- cannot be used between`,
		`vars.b + 1`: `+ cannot be used between true or false and a number`, `-vars.b`: `- expects a number`,
		`vars.b < vars.b`: `cannot be compared`, `vars.s in vars.i`: `in expects a list`,
		`vars.i contains "a"`: `expects text`,
		`vars.i matches "a"`:  `matches expects text`, `vars.i[1:]`: `expected text or a list`,
		`vars.s[vars.f:]`: `whole numbers`,
		`vars.l[vars.f]`:  `whole numbers`, `vars.m[vars.i]`: `the key of a map is text`, `vars.f..3`: `whole number`,
		`vars.nan`: `not plain data`, `len(vars.i)`: `len expects text or a list`, `sum(["a"])`: `an item is text`,
		`number(vars.b)`: `number expects text or a number`, `filter(vars.i, true)`: `filter expects a list`,
		`(vars.i ?? 1).x`: `the value has no fields`,
	} {
		if _, err := evaluate(t, src, env); !strings.Contains(message(err), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
}

// TestLists checks that the items of a list are held to their type, and that this changes a copy only.
func TestLists(t *testing.T) {
	scope := &Scope{Names: map[string]Type{
		"texts": ListOf(Type{Kind: Text}), "numbers": ListOf(Type{Kind: Number}), "nested": ListOf(ListOf(Type{Kind: Text})),
	}}
	texts, numbers := []any{"a", nil, json.Number("3")}, []any{1, "", json.Number("2")}
	env := map[string]any{"texts": texts, "numbers": numbers, "nested": []any{[]any{nil, "b"}, nil}}
	for src, want := range map[string]any{
		`texts`: []any{"a", "", "3"}, `numbers`: []any{1, nil, 2}, `nested`: []any{[]any{"", "b"}, []any{}},
		`any(nested[0], # == "b")`: true, `sum(numbers)`: 3, `count(texts, # == "")`: 1,
	} {
		p, fail := Compile(src, scope, Any)
		if fail != nil {
			t.Fatalf("Compile(%s): %v", src, fail)
		}
		got, err := p.Eval(env)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", src, err, diff)
		}
	}
	if diff := cmp.Diff([]any{"a", nil, json.Number("3")}, texts); diff != "" {
		t.Errorf("the caller's list has changed:\n%s", diff)
	}
	if diff := cmp.Diff([]any{1, "", json.Number("2")}, numbers); diff != "" {
		t.Errorf("the caller's list has changed:\n%s", diff)
	}
}

// TestErrorsInside checks that an error is found, and placed, wherever an expression can stand.
func TestErrorsInside(t *testing.T) {
	for _, around := range []string{
		`!%`, `-%`, `% && true`, `true || %`, `% == 1`, `1 == %`, `% ? 1 : 2`, `true ? % : 2`, `true ? 1 : %`, `[1, %]`,
		`{a: %}`,
		`%[0]`, `vars[%]`, `vars.text[%:]`, `vars.text[:%]`, `%.x`, `lower(%)`, `changed_to("status", %)`, `any(%, true)`,
		`any(lines, %)`, `map(lines, %)`, `% matches "a"`, `% ?? 1`, `1..%`, `% in [1]`, `"a" contains %`,
		`if % {1} else {2}`,
		`(%)`, `vars?.text + %`, `%?.x`, `% | lower()`,
	} {
		src := strings.ReplaceAll(around, "%", "record.statu")
		_, fail := Compile(src, world(), Any)
		wantError(t, src, fail, `unknown field "statu" of HelpDesk`, "statu")
	}
}

func TestKinds(t *testing.T) {
	names := map[string]bool{}
	for k := Any; k <= null; k++ {
		names[k.String()] = true
	}
	if len(names) != int(null)+1 {
		t.Errorf("kinds share a name: %v", names)
	}
	for v, want := range map[any]string{
		nil: "", true: "true", -3: "-3", 1e21: "1000000000000000000000",
		time.Hour: "1h0m0s", json.Number("1.50"): "1.50",
	} {
		if got, err := format(v); err != nil || got != want {
			t.Errorf("format(%v) = %q, %v", v, got, err)
		}
	}
}
