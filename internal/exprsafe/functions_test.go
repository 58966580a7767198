package exprsafe

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// value is an expression and what it gives; a text in place of the value that begins with "fails: " is
// the reason for which the evaluation fails.
type value struct {
	src  string
	want any
}

func checkValues(t *testing.T, tests []value) {
	t.Helper()
	for _, tt := range tests {
		got, err := evaluate(t, tt.src, full())
		checkOne(t, tt.src, got, err, tt.want)
	}
}

func checkOne(t *testing.T, src string, got any, err error, want any) {
	t.Helper()
	if text, ok := want.(string); ok && strings.HasPrefix(text, "fails: ") {
		if !strings.Contains(message(err), strings.TrimPrefix(text, "fails: ")) {
			t.Errorf("%s: %v, %v, want it to fail: %s", src, got, err, text)
		}
		return
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%s: %v, %v\n%s", src, got, err, diff)
	}
}

func TestWords(t *testing.T) {
	checkValues(t, []value{
		{`capitalize("")`, ""},
		{`capitalize("élan VITAL")`, "Élan VITAL"},
		{`capitalize("ǆ")`, "ǅ"},
		{`title("jean-luc  DE LA tour")`, "Jean-Luc  De La Tour"},
		{`padStart("12345", 3)`, "12345"},
		{`padStart("é", 3)`, "  é"},
		{`padStart("1", 6, "ab")`, "ababa1"},
		{`padEnd("1", 4, "")`, "1   "},
		{`padEnd("", 2, "é")`, "éé"},
		{`padStart(null, 2, "0")`, "00"},
		{`padStart("a", 1.5)`, "fails: the length of padStart is a whole number from 0 to 65536"},
		{`len(padStart("a", 65536))`, 65536},
		{`padStart("a", 65536, "é")`, "fails: makes a text longer than 65536 bytes"},
		{`padStart("a", null)`, ""},
		{`squash(" a\t b\n")`, "a b"},
		{`kind(null)`, "null"},
		{`kind(1.5) + kind(true) + kind(now()) + kind(duration("1h")) + kind({a: 1})`, "numbertrue/falsetimedurationmap"},
	})
}

func TestPatternFunctions(t *testing.T) {
	checkValues(t, []value{
		{`replacePattern("aaa", "^a", "b")`, "baa"},
		{`replacePattern("abc", "", "-")`, "-a-b-c-"},
		{`replacePattern("café", "é?", "-")`, "-c-a-f-"},
		{`replacePattern("ab  cd", "\\b", "|")`, "|ab|  |cd|"},
		{`replacePattern("Lee, Ann", "(\\w+), (\\w+)", "$2 $1")`, "Ann Lee"},
		{`replacePattern("5", "\\d", "$$$0$x$")`, "$5$x$"},
		{`replacePattern("a1", "(b)?\\d", "[$1$7]")`, "a[]"},
		{`replacePattern("AbA", "(?i)a", "x")`, "xbx"},
		{"replacePattern(\"a\\nb\", `(?m)^`, \"> \")", "> a\n> b"},
		{`replacePattern(null, "a", "b")`, ""},
		{`extract("no 12 and 13", "\\d+")`, "12"},
		{`extract("no 12 and 13", "and (\\d+)")`, "13"},
		{`extract("none", "\\d+")`, ""},
		{`extract("a", "(b)?a")`, ""},
		{`extractAll("k=1, l=22", "=(\\d+)")`, []any{"1", "22"}},
		{`extractAll("éaéa", "a")`, []any{"a", "a"}},
		{`extractAll("x", "\\d")`, []any{}},
		{`extractAll("a|b|", "|")`, []any{"", "", "", "", ""}},
		{`len(extractAll(padStart("", 1000, "a"), "a"))`, 1000},
		{`extractAll(padStart("", 1001, "a"), "a")`, "fails: extractAll gives a list of more than 1000 items"},
		{`replacePattern(padStart("", 40000, "a"), "a", "$0$0")`, "fails: makes a text longer than 65536 bytes"},
	})
}

// TestPatternsReadAsGoDoes holds the matches that follow one another against those of package regexp.
func TestPatternsReadAsGoDoes(t *testing.T) {
	for _, pattern := range []string{
		"a", "a*", "a+?", "^a", "a$", `\b`, `\B`, `\bé`, "(a)(b)?", "a|ab", "ab|a", "(?m)^.", "(?m)$", `\A`, `\z`, "",
		"(?s).b", "é|", "(a*)*", "[^a]", "(?U)a+b",
	} {
		src := "replacePattern(vars.text, `" + pattern + "`, '<$0>')"
		for _, text := range []string{"", "a", "aab", "abéab\nab", "ééa", "b\n\na", "a\xffb"} {
			p, fail := Compile(src, world(), Any)
			if fail != nil {
				t.Fatalf("%s: %v", src, fail)
			}
			env := full()
			env["vars"] = map[string]any{"text": text}
			got, err := p.Eval(env)
			if want := goReplace(t, pattern, text); err != nil || got != want {
				t.Errorf("%q in %q: %q, %v, want %q", pattern, text, got, err, want)
			}
		}
	}
}

func TestEncoding(t *testing.T) {
	checkValues(t, []value{
		{`base64Encode("")`, ""},
		{`base64Decode("")`, ""},
		{`base64Decode("8J+YgA")`, "😀"},
		{`base64Decode("8J-YgA==")`, "😀"},
		{`base64Decode("?")`, "fails: the text is not Base64"},
		{`base64Decode("/w==")`, "fails: what the Base64 stands for is no text"},
		{`urlEncode("é/?=+ ~")`, "%C3%A9%2F%3F%3D%2B%20~"},
		{`toJSON("<a href=\"x\">\n")`, `"<a href=\"x\">\n"`},
		{`toJSON([1, 2.5, true, null, now(), duration("90m")])`, `[1,2.5,true,null,"2026-03-01T12:00:00Z","1h30m0s"]`},
		{`toJSON({})`, `{}`},
		{`toJSON(padStart("", 65536, "a"))`, "fails: makes a text longer than 65536 bytes"},
		{`toJSON(map(1..100, padStart("", 1000, "a")))`, "fails: makes a text longer than 65536 bytes"},
		{`fromJSON("")`, nil},
		{`fromJSON(" [1, 2.5, \"a\", {\"b\": null}] ")`, []any{1, 2.5, "a", map[string]any{"b": nil}}},
		{`fromJSON("{")`, "fails: the text is not JSON"},
		{`fromJSON("1 2")`, "fails: the text is more than one JSON value"},
		{`fromJSON("1e999")`, "fails: the JSON is not plain data"},
		{`fromJSON("[" + join(map(1..1000, "0"), ",") + ",0]")`, "fails: the JSON has more than 1000 items"},
		{`fromJSON(padStart("", 40, "[") + padEnd("", 40, "]"))`, "fails: the JSON is nested deeper than 32"},
		{`fromJSON(toJSON(vars.list))`, []any{1, "a", nil}},
	})
}

func TestKeys(t *testing.T) {
	checkValues(t, []value{
		{`random(64)`, "aaaqeayeaudao"},
		{`len(random(512))`, 103},
		{`random(63)`, "fails: the number of random bits is a whole number from 64 to 512"},
		{`random(null)`, ""},
		{`uuid()`, "00010203-0405-4607-8809-0a0b0c0d0e0f"},
		{`sha256("")`, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{ // RFC 4231, test case 2
			`hmac("rates", "what do ya want for nothing?")`,
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		},
		{`hmac("rates", "what do ya want for nothing?", "base64")`, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="},
		{`hmac("rates", "x", vars.text)`, "fails: the encoding of hmac is hex or base64"},
		{`hmac("other", "x")`, `fails: the configuration has no secret "other", hmac has no key`},
	})
	for _, src := range []string{`hmac("rates", "x")`, `random(128)`, `uuid()`} {
		_, err := evaluate(t, src, map[string]any{})
		if message(err) == "" || !strings.Contains(message(err), "here") {
			t.Errorf("%s without a source: %v", src, err)
		}
	}
	env := full()
	env[EnvRandom] = strings.NewReader("short")
	if _, err := evaluate(t, `uuid()`, env); message(err) != "nothing random could be read" {
		t.Errorf("a source that ends: %v", err)
	}
}

// TestSteady holds that what is evaluated more than once cannot draw from chance.
func TestSteady(t *testing.T) {
	scope := world()
	scope.Steady = true
	for _, src := range []string{`random(128) == ""`, `has(uuid())`, `any(record.tags, # == random(64))`} {
		_, fail := Compile(src, scope, Any)
		wantError(t, src, fail, "() is a new value each time: it stands in values only", "")
	}
	if _, fail := Compile(`sha256("x") == ""`, scope, Any); fail != nil {
		t.Error(fail)
	}
}

func TestNumbersOnPaper(t *testing.T) {
	checkValues(t, []value{
		{`0.1 + 0.2`, 0.3},
		{`0.1 + 0.2 == 0.3`, true},
		{`1.1 * 1.1`, 1.21},
		{`1000.1 - 1000`, 0.1},
		{`19.99 * 3`, 59.97},
		{`0.3 - 0.1`, 0.2},
		{`1.005 * 100`, 100.5},
		{`sum([0.1, 0.2, 0.3, 0.1, 0.2, 0.3])`, 1.2},
		{`9999999999.99 + 0.01`, 10000000000.0},
		{`1e-300 + 1`, 1.0},
		{`5e-324 * 0.5`, 0.0},
		{`1.7e308 + 0.5`, 1.7e308},
		{`0.1 * 3 * 10`, 3.0},
		{`-0.1 - 0.2`, -0.3},
		{`10 / 4`, 2.5},
		{`0.3 % 0.1`, 0.0},
		{`5.75 % 0.5`, 0.25},
		{`string(-0.3 % 0.1) + string(-1.5 * 0) + string(-(0.5 - 0.5))`, "000"},
		{`-0.7 % 0.2`, -0.1},
		{`1e300 % 0.7 < 0.7`, true},
		{`1.1 ** 2`, 1.21},
		{`1.05 ** 3`, 1.157625},
		{`4 ** 0.5 + 2 ** -1`, 2.5},
		{`round(10 / 3, 2)`, 3.33},
		{`sqrt(2) ** 2 > 2`, true},
		{`distance(0, 0, 0, 180) > 20015 && distance(1, 2, 1, 2) == 0`, true},
		{`distance(91, 0, 0, 0)`, "fails: a latitude is from -90 to 90 degrees"},
		{`sqrt(-1)`, "fails: the result is no number"},
		{`log(8, 2)`, 3},
		{`log(0)`, "fails: the result is no number"},
		{`log(8, 1)`, "fails: the result is no number"},
		{`round(log(81, 3), 10)`, 4},
		{`isNumber(null) || isNumber("") || isNumber("x") || isNumber(true) || isNumber("inf")`, false},
		{`isNumber(1) && isNumber(" -1e3 ")`, true},
	})
}

func TestStatistics(t *testing.T) {
	checkValues(t, []value{
		{`min([3, null, 1])`, 1},
		{`max([])`, nil},
		{`max(null, 1)`, nil},
		{`max(record.due, now())`, noon.Add(48 * time.Hour)},
		{`min([now(), record.due])`, noon},
		{`max([1], 2)`, "fails: max expects numbers or times, this gives a list"},
		{`max(["a"])`, "fails: max expects numbers or times, this gives text"},
		{`sum([])`, 0},
		{`sum([null, ""])`, 0},
		{`sum([duration("1h"), duration("30m")])`, 90 * time.Minute},
		{`sum([now()])`, "fails: sum expects numbers or durations, an item is a time"},
		{`sum([1, duration("1h")])`, "fails: + cannot be used between a number and a duration"},
		{`sum(map(lines, .price)) + 1`, 13.5},
		{`mean([])`, nil},
		{`mean([1, null, 2])`, 1.5},
		{`mean([duration("1h"), duration("2h")])`, 90 * time.Minute},
		{`mean(["a"])`, "fails: mean expects numbers or durations, an item is text"},
		{`median([])`, nil},
		{`median([4, 1, null, 2])`, 2},
		{`median([4, 1, 3, 2])`, 2.5},
		{`median([record.due, now()])`, noon},
		{`median(["a"])`, "fails: median expects numbers or times, an item is text"},
		{`stddev([])`, nil},
		{`stddev([5])`, 0},
		{`stddev(["a"])`, "fails: stddev expects numbers, an item is text"},
		{`frequency([1, "1", null, true])`, map[string]any{"1": 2, "": 1, "true": 1}},
		{`frequency([[1]])`, "fails: a list cannot be written as text"},
	})
}

func TestListFunctions(t *testing.T) {
	checkValues(t, []value{
		{`reverse([])`, []any{}},
		{`reverse(record.tags)`, []any{"b", "a"}},
		{`flatten([1, [2, [3, []]], null])`, []any{1, 2, 3, nil}},
		{`flatten([record.tags, ["c"]])`, []any{"a", "b", "c"}},
		{`flatten([1..600, 1..600])`, "fails: flatten gives a list of more than 1000 items"},
		{`keys({b: 1, a: null})`, []any{"a", "b"}},
		{`values({b: 1, a: null})`, []any{nil, 1}},
		{`keys(null)`, []any{}},
		{`keys(vars)[0]`, "empty"},
		{`map(sortBy(lines, .price), .name)`, []any{"washer", "bolt", "nut"}},
		{`sortBy(["bb", "a", "cc"], len(#))`, []any{"a", "bb", "cc"}},
		{`sortBy([1, 2, 3], -#)`, []any{3, 2, 1}},
		{`sortBy([], #)`, []any{}},
		{`sortBy(null, #)`, []any{}},
		{`first(sortBy(lines, .name)).name`, "bolt"},
		{`sortBy([1, "a"], #)`, "fails: cannot be compared with"},
		{`first(record.tags) + last([])`, "a"},
		{`last(filter(lines, has(.price))).price`, 2.5},
		{`first(filter(record.tags, false))`, ""},
	})
}

// goReplace puts <> around each match as package regexp finds them.
func goReplace(t *testing.T, pattern, text string) string {
	t.Helper()
	re, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return re.ReplaceAllStringFunc(text, func(match string) string { return "<" + match + ">" })
}

// TestElsewhere holds that what is said of other names speaks of functions that are there.
func TestElsewhere(t *testing.T) {
	ours := functionNames()
	for name, here := range Elsewhere() {
		if slices.Contains(ours, name) {
			t.Errorf("%s is a function here", name)
		}
		for _, found := range regexp.MustCompile(`(\w+)\(`).FindAllStringSubmatch(here, -1) {
			if !slices.Contains(ours, found[1]) {
				t.Errorf("%s: %s calls %s, which is none", name, here, found[1])
			}
		}
	}
	for _, src := range []string{`concat("a", "b")`, `add_days(now(), 1)`, `find(lines, .price > 1)`} {
		_, fail := Compile(src, world(), Any)
		wantError(t, src, fail, "here it is written", src[:4])
	}
}
