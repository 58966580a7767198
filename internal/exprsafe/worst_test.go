package exprsafe

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// longest is what one evaluation may take in these tests, which allows for the race detector on a
// machine that is busy with other things. On two idle cores of 2023 with Go 1.26 the worst of them
// takes 0.2 s: a pattern of character classes over texts of 64 kB. A unit of work takes up to 6 ns
// there. What is not counted takes minutes.
const longest = 20 * time.Second

// worst is an environment with the values that are dearest to look at.
func worst() map[string]any {
	rep := strings.Repeat
	numbers, texts, wide := make([]any, MaxList), make([]any, MaxList), map[string]any{}
	for i := range MaxList {
		numbers[i], texts[i], wide[fmt.Sprint("key", i)] = float64(i), rep("a", 60), int64(i)
	}
	several := func(v any, n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = v
		}
		return list
	}
	env := full()
	env["vars"] = map[string]any{
		"numbers": numbers, "texts": texts, "lists": several(numbers, 9), "maps": several(wide, 9),
		"dates": rep("2026-12-25,", MaxList-1) + "2026-12-25",
		"long":  rep("ab", MaxText/2), "accents": rep("é", MaxText/2), "growing": rep("ɐ", MaxText/4),
		"longs": several(rep("ab", MaxText/2), 16),
		"many":  rep("ę", MaxText/2-1) + "é", // a set of characters in which the one looked for is the last
	}
	return env
}

// TestWorst evaluates the expressions that make the most of their limits.
func TestWorst(t *testing.T) {
	rep := strings.Repeat
	var sources []string
	for _, pattern := range []string{
		rep("(a|b)?", 40) + "c", rep("[ab]*", 115) + "c", rep(`\pL*`, 115) + "c", rep(`[\pL\pN]*`, 115) + "c",
		`(a|b|ab|ba|\pL)*` + rep(`\pL?`, 90) + "c", `(?i)` + rep(`[\pL\pN\pS]*`, 115) + "c", rep(`\b?`, 100) + "c",
		rep("(a?)", 60) + "c", rep("(.*)", 8) + "c$", rep(`(\pL|é)?`, 60) + "c",
	} {
		sources = append(sources, "count(vars.longs, # matches `"+pattern+"`)")
	}
	for _, body := range []string{
		`trim(vars.accents, vars.many)`, `len(upper(vars.long))`, `len(upper(vars.growing))`, `len(lower(vars.accents))`,
		`len(sort(vars.texts))`, `len(uniq(vars.texts))`, `len(replace(vars.long, "a", "b"))`, `indexOf(vars.long, "bb")`,
		`vars.long[#:1]`, `len(vars.maps)`, `vars.long contains vars.many`, `# in vars.numbers`, `round(1.7e308 / (# + 1), 3)`,
		`[` + rep("#,", 90) + `]`, rep("# + ", 140) + "1", rep("-", 48) + "#", rep("1 ** ", 45) + "#",
		`min(` + rep("#,", 250) + `1)`, rep("true && ", 140) + "true", `({` + rep("a: #, ", 90) + `b: 1})`,
	} {
		sources = append(sources, "map(vars.numbers, "+body+")")
	}
	sources = append(sources, worstCalls()...)
	sources = append(sources, rep("count(vars.lists[0], # in 1..9) + ", 20)+"1", `map(vars.lists, sum(#))`,
		`map(vars.texts, vars.texts)`)
	env := worst()
	for _, src := range sources {
		p, fail := Compile(src, world(), Any)
		if fail != nil {
			t.Errorf("%s: %v", src, fail)
			continue
		}
		start := time.Now()
		_, work, fail := p.eval(env, 0, MaxWork)
		took := time.Since(start)
		t.Logf("%6d ms, %8d units: %.60s: %v", took.Milliseconds(), work, src, fail)
		if took > longest {
			t.Errorf("%s took %v", src, took)
		}
	}
}

// worstCalls calls the functions that do most for what they are given, each a thousand times.
func worstCalls() (sources []string) {
	const zones = `["Europe/Madrid", "America/New_York", "Asia/Kathmandu"][# % 3]`
	for _, body := range []string{
		"len(replacePattern(vars.long, `a.*z|a`, 'x'))", "len(replacePattern(vars.long, ``, '$0$0'))",
		"len(extractAll(vars.long, `(a)(b)`))", "extract(vars.long, `[a-y]*z`)", "len(replacePattern('', `" +
			strings.Repeat("(a?)", 60) + "`, ''))", "replacePattern('a', `(a)`, '" + strings.Repeat("$1", 900) + "')",
		`title(vars.accents)`, `squash(vars.long)`, `padStart("", 65536, vars.many)`, `base64Decode(base64Encode(vars.long))`,
		`len(urlEncode(vars.texts[0]))`, `len(toJSON(vars.numbers))`, `toJSON(vars.maps)`, `toJSON(vars.longs)`,
		`fromJSON("[" + join(vars.numbers, ",") + "]")`, `fromJSON('{"a":[[[[[[[[[[{}]]]]]]]]]]}')`,
		`len(uniq(vars.numbers))`, `frequency(vars.texts)`, `median(vars.numbers)`, `stddev(vars.numbers)`,
		`flatten(vars.lists)`, `reverse(vars.numbers)`, `keys(vars.maps[0])`, `values(vars.maps[0])`,
		`0.1 * # + 0.7 - 1.3`, `1.7e308 + 0.1`, `log(# + 1, 3)`, `addMonths(inZone(now(), ` + zones + `), #)`,
		`endOf(inZone(now(), ` + zones + `), "quarter")`, `nextMonthDay(inZone(now(), "Europe/Madrid"), 31)`,
		`addBusinessDays(now(), 10000)`, `addBusinessDays(now(), 10000, [], [1, 2, 3, 4, 5, 6])`,
		`businessDays(date("2000-01-01"), date("2050-01-01"), ["01-01", "12-25"])`,
		`isBusinessDay(now(), map2)`, `formatNumber(# / 7, 15, "es")`, `formatCurrency(# * 1.5, "EUR", "nl")`,
		`formatDate(now(), "` + strings.Repeat("EEEE, ", 33) + `", "es")`, `formatDate(now(), "long", "fr-CA-x-" + string(#))`,
		`sha256(vars.long)`, `hmac("rates", "x")`, `hmac("rates", vars.long)`, `random(512)`, `uuid()`,
	} {
		source := "map(vars.numbers, " + body + ")"
		if strings.Contains(body, "map2") {
			source = strings.ReplaceAll("map(vars.numbers, "+body+")", "map2", `split(vars.dates, ",")`)
		}
		sources = append(sources, source)
	}
	return append(sources, `sortBy(vars.longs, #)`, `map(vars.lists, first(reverse(#)))`, `sortBy(vars.numbers, -#)`)
}

// TestWorstText holds that the expressions of one text have one limit together.
func TestWorstText(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("{{ count(vars.numbers, "+strings.Repeat("#+", 140)+"0>0) }}", 200),
		strings.Repeat("{{ count(vars.numbers, "+strings.Repeat("!", 48)+"true) }}", 200),
		strings.Repeat("{{ count(vars.longs, # matches `[a-z]*c`) }}", 200),
	} {
		text, fail := CompileText(src, world())
		if fail != nil {
			t.Fatal(fail)
		}
		start := time.Now()
		_, work, err := text.RenderWithin(worst(), MaxWork)
		took := time.Since(start)
		t.Logf("%6d ms, %8d units: %.60s: %v", took.Milliseconds(), work, src, err)
		if took > longest || work > MaxWork {
			t.Errorf("%.60s took %v and %d units", src, took, work)
		}
	}
}

// TestWorstSource compiles the sources that are dearest to compile or to complain about.
func TestWorstSource(t *testing.T) {
	fields := map[string]Type{}
	for i := range 2000 {
		fields[fmt.Sprintf("a_field_with_quite_a_long_name_%d", i)] = Type{Kind: Text}
	}
	scope := &Scope{Names: map[string]Type{"record": ObjectOf("HelpDesk", fields)}}
	for _, src := range []string{
		"record." + strings.Repeat("x", MaxSource-10),
		"record.x matches `[" + strings.Repeat(`\pL`, 1300) + "]`",
		"`` matches `(?i)[" + strings.Repeat(`\pL\pN`, 640) + "]`",
		"`` matches `" + strings.Repeat("(", 900) + strings.Repeat("a?){1,9}", 380) + "`",
		strings.Repeat("min(", 49) + "1" + strings.Repeat(",1)", 49),
		"[" + strings.Repeat("`` matches `[\\pL\\pN]{100}`,", 140) + "]",
	} {
		start := time.Now()
		_, fail := Compile(src, scope, Any)
		took := time.Since(start)
		t.Logf("%6d ms: %.60s: %.60v", took.Milliseconds(), src, fail)
		if took > longest {
			t.Errorf("%.60s took %v", src, took)
		}
	}
}

// TestWithin holds that an evaluation keeps to a lower limit and says so.
func TestWithin(t *testing.T) {
	p, fail := Compile(`len(upper(vars.long))`, world(), Any)
	if fail != nil {
		t.Fatal(fail)
	}
	v, work, err := p.EvalWithin(worst(), MaxWork)
	if v != MaxText || err != nil || work < 2*MaxText || work > 8*MaxText {
		t.Errorf("%v for %d, %v", v, work, err)
	}
	if v, again, err := p.EvalWithin(worst(), work); v != MaxText || err != nil || again != work {
		t.Errorf("with just enough: %v for %d, %v", v, again, err)
	}
	_, less, err := p.EvalWithin(worst(), work-1)
	if message(err) != string(tooMuchTogether) || less != work-1 {
		t.Errorf("with too little: %d, %v", less, err)
	}
	text, fail := CompileText(`{{ len(upper(vars.long)) }} {{ len(upper(vars.long)) }}`, world())
	if fail != nil {
		t.Fatal(fail)
	}
	if v, twice, err := text.EvalWithin(worst(), 2*work); v != "65536 65536" || err != nil || twice != 2*work {
		t.Errorf("a text: %v for %d, %v", v, twice, err)
	}
	if _, _, err := text.EvalWithin(worst(), 2*work-1); message(err) != string(tooMuchTogether) {
		t.Errorf("a text with too little: %v", err)
	}
}
