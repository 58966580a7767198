package exprsafe

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEval(t *testing.T) {
	tests := []struct {
		src  string
		want any
	}{
		{`1 + 2 * 3`, 7},
		{`7 / 2`, 3.5},
		{`6 / 2`, 3},
		{`-7 % 3`, -1},
		{`2 ** 10`, 1024},
		{`-2.5 + +1`, -1.5},
		{`0.5 + 0.25`, 0.75},
		{`"a" + "b"`, "ab"},
		{`record.status == "Open" and not record.urgent or record.amount >= 1200.5`, true},
		{`record.status == record.any`, false},
		{`record["status"]`, "Open"},
		{`record?.status`, "Open"},
		{`record.title contains "café" && record.title startsWith "Pri" && record.title endsWith "é"`, true},
		{`record.title matches "^P.*é$"`, true},
		{`record.status in ["New", "Open"]`, true},
		{`record.status not in ["New", "Open"]`, false},
		{`"told" in steps`, true},
		{`steps.told.acted`, true},
		{`steps.untold.acted`, nil},
		{`vars.n + 1`, 4},
		{`vars["te" + "xt"]`, "abc"},
		{`vars.list[1]`, "a"},
		{`vars.list[-3]`, 1},
		{`vars.list[7]`, nil},
		{`record.tags[0]`, "a"},
		{`record.tags[9]`, ""},
		{`record.title[8:]`, "café"},
		{`record.title[-2:-1]`, "f"},
		{`record.tags[1:9]`, []any{"b"}},
		{`1..3`, []any{1, 2, 3}},
		{`3..1`, []any{}},
		{`record.urgent ? "hot" : "cold"`, "hot"},
		{`if record.urgent { 1 } else { 2 }`, 1},
		{`record.any ?? "none"`, "x"},
		{`record.parent_id ?? "none"`, "12x3"},
		{`vars.empty ?? "none"`, "none"},
		{`any(lines, .price > 3)`, true},
		{`map(filter(lines, has(.price)), upper(.name))`, []any{"NUT", "BOLT"}},
		{`map(record.tags, # + string(#index))`, []any{"a0", "b1"}},
		{`count(lines, #.name matches "t$") == 2`, true},
		{`lines | filter(.name != "nut") | len()`, 2},
		{`sum(map(lines, .price))`, 12.5},
		{`lines[0].price`, 10},
		{`{a: 1, "b": record.status}`, map[string]any{"a": 1, "b": "Open"}},
		{`record.due - now()`, 48 * time.Hour},
		{`now() + duration("2d") == record.due`, true},
		{`record.due - duration("24h") * 2`, noon},
		{`record.due - now() > duration("36h")`, true},
		{`duration("36h") / duration("1d")`, 1.5},
		{`record.due > date("2026-03-02")`, true},
		{`null`, nil},
		{"/* ( */ 'it\\'s' + `a``b` // )", "it'sa`b"},
	}
	for _, tt := range tests {
		got, err := evaluate(t, tt.src, full())
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, %v\n%s", tt.src, got, err, diff)
		}
	}
}

// TestNull is the golden table of what null means. n is a missing number, d a missing time, a null of
// unknown kind; s, b and l are a missing text, bool and list.
func TestNull(t *testing.T) {
	scope := world()
	maps.Copy(scope.Names, map[string]Type{
		"n": {Kind: Number}, "d": {Kind: Time}, "a": {}, "s": {Kind: Text},
		"b": {Kind: Bool}, "l": {Kind: List},
	})
	tests := []struct {
		src  string
		want any
	}{
		{`n == ""`, true},
		{`n != ""`, false},
		{`"" == n`, true},
		{`n == null`, true},
		{`n == nil`, true},
		{`null == null`, true},
		{`null == ""`, true},
		{`d == ""`, true},
		{`a == ""`, true},
		{`s == ""`, true},
		{`s == null`, true},
		{`l == ""`, true},
		{`n == 0`, false},
		{`n != 0`, true},
		{`n == a`, true},
		{`a == s`, true},
		{`a == "x"`, false},
		{`b == false`, true},
		{`b`, false},
		{`!b`, true},
		{`!a`, true},
		{`a && true`, false},
		{`a ? 1 : 2`, 2},
		{`n < 1`, false},
		{`n > 1`, false},
		{`n <= 1`, false},
		{`n >= 1`, false},
		{`1 < n`, false},
		{`d < now()`, false},
		{`d >= now()`, false},
		{`a < "b"`, false},
		{`a >= 0`, false},
		{`null < 1`, false},
		{`s < "b"`, true}, // a text without value is the empty text
		{`n + 1`, nil},
		{`1 - n`, nil},
		{`n * 2`, nil},
		{`n / 0`, nil},
		{`n % 2`, nil},
		{`n ** 2`, nil},
		{`-n`, nil},
		{`d - now()`, nil},
		{`d + duration("1h")`, nil},
		{`a + 1`, nil},
		{`a + a`, nil},
		{`"x" + a`, "x"},
		{`a + "x"`, "x"},
		{`"x" + s`, "x"},
		{`"x" + null`, "x"},
		{`a in ["x", ""]`, false},
		{`n in [1, 2]`, false},
		{`"x" in l`, false},
		{`"x" in a`, false},
		{`a contains "x"`, false},
		{`"x" contains a`, false},
		{`a startsWith ""`, false},
		{`a endsWith ""`, false},
		{`a matches ".*"`, false},
		{`s contains ""`, true},
		{`a ?? 1`, 1},
		{`s ?? "none"`, "none"},
		{`n ?? 0`, 0},
		{`null ?? 2`, 2},
		{`a.b.c`, nil},
		{`a[0]`, nil},
		{`a["x"]`, nil},
		{`a[1:2]`, nil},
		{`len(a)`, 0},
		{`upper(a)`, ""},
		{`abs(n)`, nil},
		{`year(d)`, nil},
		{`sum(a)`, 0},
		{`string(a)`, ""},
		{`first(l)`, nil},
		{`any(a, # > 1)`, false},
		{`count(l, # == "")`, 0},
		{`filter(a, true)`, []any{}},
		{`min(n, 1)`, nil},
		{`has(a)`, false},
		{`has(s)`, false},
		{`has(l)`, false},
		{`old.status == ""`, true},
		{`old.amount`, nil},
	}
	for _, tt := range tests {
		p, fail := Compile(tt.src, scope, Any)
		if fail != nil {
			t.Errorf("Compile(%s): %v", tt.src, fail)
			continue
		}
		got, err := p.Eval(data(nil))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, %v\n%s", tt.src, got, err, diff)
		}
	}
}

func TestBool(t *testing.T) {
	tests := []struct {
		src  string
		want bool
	}{
		{`steps.told.acted`, true},
		{`steps.nothing`, false},
		{`record.amount > 1000 && record.status != "Closed"`, true},
	}
	for _, tt := range tests {
		p, fail := Compile(tt.src, world(), Bool)
		if fail != nil {
			t.Fatalf("Compile(%s): %v", tt.src, fail)
		}
		if got, err := p.Bool(full()); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", tt.src, got, err)
		}
	}
	p, fail := Compile(`vars.text`, world(), Bool)
	if fail != nil {
		t.Fatal(fail)
	}
	if _, err := p.Bool(full()); err == nil || err.Error() != "expected true or false, this gives text" {
		t.Errorf("text as a condition: %v", err)
	}
}

// TestWant checks that an expression of unknown kind is held to what was asked for when it is evaluated.
func TestWant(t *testing.T) {
	env := full()
	for _, want := range []Kind{Text, Number} {
		p, fail := Compile(`vars.n`, world(), want)
		if fail != nil || p.Kind() != want {
			t.Fatalf("Compile: %v", fail)
		}
		got, err := p.Eval(env)
		if diff := cmp.Diff(map[Kind]any{Text: "3", Number: 3}[want], got); err != nil || diff != "" {
			t.Errorf("vars.n as %s: %v, %v", want, got, err)
		}
	}
	p, fail := Compile(`vars.text`, world(), Number)
	if fail != nil {
		t.Fatal(fail)
	}
	if _, err := p.Eval(env); err == nil || err.Error() != "the result holds text where a number is expected" {
		t.Errorf("text as a number: %v", err)
	}
}

func TestFunctionExamples(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Functions() {
		if seen[f.Name] {
			t.Errorf("%s is listed twice", f.Name)
		}
		seen[f.Name] = true
		if !slices.Contains(Groups(), f.Group) || f.Summary == "" || strings.HasSuffix(f.Summary, ".") {
			t.Errorf("%s: group %q, summary %q", f.Name, f.Group, f.Summary)
		}
		if !strings.HasPrefix(f.Signature, f.Name+"(") {
			t.Errorf("%s: signature %q", f.Name, f.Signature)
		}
		if f.Group == "The CRM" {
			continue // see TestQueries
		}
		p, fail := Compile(f.Example, world(), Bool)
		if fail != nil {
			t.Errorf("%s: %s: %v", f.Name, f.Example, fail)
			continue
		}
		env := full()
		env[EnvChange] = Change{
			Changed: map[string]bool{"status": true, "amount": true, "paid": true, "tags": true},
			Old:     map[string]any{"status": "Open", "amount": 1, "paid": 2, "tags": []any{"new"}},
			Now:     map[string]any{"status": "Closed", "amount": 2, "paid": 1, "tags": []any{"urgent"}},
		}
		if ok, err := p.Bool(env); err != nil || !ok {
			t.Errorf("%s: %s is %v, %v", f.Name, f.Example, ok, err)
		}
	}
}

// TestSignatures holds that a signature shows as many arguments as the function takes.
func TestSignatures(t *testing.T) {
	for _, f := range functions() {
		optional := strings.Count(f.args, "?")
		repeats := strings.HasSuffix(f.args, "…")
		shown := 0
		if f.args != "" {
			shown = strings.Count(f.args, ",") + 1
		}
		if shown != len(f.params) || optional != f.optional || repeats != f.repeats {
			t.Errorf("%s takes %d arguments, %d of them optional", f.signature(), len(f.params), f.optional)
		}
		if (f.call == nil) == (f.prepare == nil) {
			t.Errorf("%s has no operation, or two", f.name)
		}
	}
}

func TestFunctions(t *testing.T) {
	tests := []struct {
		src  string
		want any
	}{
		{`replace("abc", "", "x")`, "abc"},
		{`split("", ",")`, []any{}},
		{`split("abc", "")`, []any{"a", "b", "c"}},
		{`trim("--a-", "-")`, "a"},
		{`indexOf("café au", "au")`, 5},
		{`indexOf("a", "b")`, -1},
		{`join([1, null, true])`, "1true"},
		{`round(2.5)`, 3},
		{`round(-2.5)`, -3},
		{`round(1.005, 2)`, 1.01},
		{`round(12, 1)`, 12},
		{`round(9.999, 2)`, 10},
		{`round(1e20)`, 1e20},
		{`sort([3, null, 1.5])`, []any{nil, 1.5, 3}},
		{`uniq(["1", 1, "1", null])`, []any{"1", 1, nil}},
		{`number("")`, nil},
		{`number(4)`, 4},
		{`int(-1.9)`, -1},
		{`hour(date("2026-03-01T10:00:00+02:00"))`, 10},
		{`duration("1d12h")`, 36 * time.Hour},
		{`duration("-1d")`, -24 * time.Hour},
		{`duration("-90m")`, -90 * time.Minute},
		{`last(1..3)`, 3},
		{`max(1, 2.5)`, 2.5},
		{`string(1e6)`, "1000000"},
		{`string(now())`, "2026-03-01T12:00:00Z"},
		{`len({a: 1})`, 1},
		{`first([])`, nil},
	}
	for _, tt := range tests {
		got, err := evaluate(t, tt.src, full())
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, %v\n%s", tt.src, got, err, diff)
		}
	}
}

// TestConcurrent lets many goroutines use one program with different data.
func TestConcurrent(t *testing.T) {
	p, fail := Compile(`record.amount > vars.n && any(record.tags, # == record.status)`, world(), Bool)
	if fail != nil {
		t.Fatal(fail)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			env := data(map[string]any{"amount": i, "status": "x", "tags": []any{"x"}})
			for range 200 {
				if got, err := p.Bool(env); err != nil || got != (i > 3) {
					t.Errorf("amount %d: %v, %v", i, got, err)
					return
				}
			}
		})
	}
	group.Wait()
}
