package yamldoc

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDecodeFillsEveryKind(t *testing.T) {
	const text = `
name: weekly
on: { event: record.created, module: HelpDesk }
via: [sms, email]
tasks:
  - if: a == 1
    notify: { to: x, template: y }
active: true
port: 65535
level: -128
ratio: 1e3
wait: 1d12h
labels: { on: yes, 2026-01-02: 1.10, empty: "" }
note: ~
colour: purple
extra: [1, -2.5, true, null, {deep: [x]}]
`
	got := specimen{Note: new(string)}
	if diags := Decode(parsed(t, text), &got); diags != nil {
		t.Fatal(diags)
	}
	want := specimen{
		Name: "weekly", On: []trigger{{Event: "record.created", Module: "HelpDesk"}}, Via: []string{"sms", "email"},
		Tasks:  []task{{If: "a == 1", Notify: &notify{To: "x", Template: "y"}}},
		Active: true, Port: 65535, Level: -128, Ratio: 1000, Wait: 36 * time.Hour, Colour: "purple",
		Labels: map[string]string{"on": "yes", "2026-01-02": "1.10", "empty": ""},
		Extra:  []any{int64(1), -2.5, true, nil, map[string]any{"deep": []any{"x"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOneTakesAListToo(t *testing.T) {
	var got specimen
	diags := Decode(parsed(t, "name: a\non:\n  - event: x\n  - event: y\n"), &got)
	if want := []trigger{{Event: "x"}, {Event: "y"}}; diags != nil || !cmp.Equal(want, got.On) {
		t.Errorf("got %v, %v", got.On, diags)
	}
}

func TestUnquotedWordsHoldNoSurprises(t *testing.T) {
	tests := map[string]any{
		"2026-01-02":           "2026-01-02",
		"2026-01-02T10:00:00Z": "2026-01-02T10:00:00Z",
		"12:30":                "12:30",
		"1e3":                  "1e3",
		"0x1f":                 "0x1f",
		"0o17":                 "0o17",
		"007":                  "007",
		"+31612345678":         "+31612345678",
		"1_000":                "1_000",
		".5":                   ".5",
		".inf":                 ".inf",
		".nan":                 ".nan",
		"yes":                  "yes",
		"off":                  "off",
		"True":                 true,
		"FALSE":                false,
		"NULL":                 nil,
		"":                     nil,
		"'~'":                  "~",
		"-0":                   int64(0),
		"9223372036854775807":  int64(9223372036854775807),
		"9223372036854775808":  "9223372036854775808",
		"1.5":                  1.5,
		`"1"`:                  "1",
	}
	for text, want := range tests {
		var got struct {
			Value any `yaml:"value"`
		}
		if diags := Decode(parsed(t, "value: "+text), &got); diags != nil || got.Value != want {
			t.Errorf("%s: got %#v %v, want %#v", text, got.Value, diags, want)
		}
	}
}

func TestRawNodesAndOtherKeys(t *testing.T) {
	type common struct {
		ID string `yaml:"id"`
		If *Node  `yaml:"if"`
	}
	var step struct {
		common
		Rest    []Entry `yaml:",rest"`
		Skipped string  `yaml:"-"`
		Untold  string
	}
	root := parsed(t, "notify: { to: x }\nid: told\nif: a == 1\nuntold: 1\n")
	if diags := Decode(root, &step); diags != nil {
		t.Fatal(diags)
	}
	if step.ID != "told" || step.If.Text() != "a == 1" || step.If.Line() != 3 {
		t.Errorf("got %+v", step)
	}
	var keys []string
	for _, entry := range step.Rest {
		keys = append(keys, fmt.Sprintf("%s@%d %s", entry.Key.Text(), entry.Key.Line(), entry.Value.Kind()))
	}
	if want := []string{"notify@1 a mapping", "untold@4 a number"}; !slices.Equal(keys, want) {
		t.Errorf("got %q, want %q", keys, want)
	}
	var ordered []Entry
	if diags := Decode(root, &ordered); diags != nil || len(ordered) != 4 {
		t.Errorf("got %d entries, %v", len(ordered), diags)
	}
}

func TestWhatGoCannotHoldIsSaid(t *testing.T) {
	root := parsed(t, "a: 1")
	var channel struct {
		A chan int `yaml:"a"`
	}
	for want, target := range map[string]any{
		"a value of type int cannot be filled":      0,
		"a value of type <nil> cannot be filled":    nil,
		"a value of type chan int cannot be filled": &channel,
	} {
		if diags := Decode(root, target); len(diags) != 1 || diags[0].Message != want {
			t.Errorf("got %v, want %s", diags, want)
		}
	}
}

func TestInvalidPartsAreNotReportedTwice(t *testing.T) {
	doc, diags := Parse("f", []byte("name: !x y\nport: *a\nlabels: {a: &a 1}\n"))
	if doc != nil {
		t.Fatalf("an alias before its anchor is a syntax error, got %v", diags)
	}
	doc, diags = Parse("f", []byte("labels: {a: &a 1}\nname: !x y\nport: *a\nactive: {{ b }}\n"))
	got := specimen{Port: 7}
	if again := Decode(doc.Root(), &got); diags.Errors() != 4 || again != nil || got.Port != 7 {
		t.Errorf("got %v then %v", diags, again)
	}
}

func TestDiagnosticsAreAnError(t *testing.T) {
	root := parsed(t, "b: 1\na: 2")
	diags := Diagnostics{root.Warningf("care", "careless"), root.Get("a").Errorf("second"), root.Get("b").Errorf("first")}
	if diags.Errors() != 2 || diags.Warnings() != 1 {
		t.Errorf("got %d errors, %d warnings", diags.Errors(), diags.Warnings())
	}
	err := fmt.Errorf("load book: %w", diags.Err())
	if want := "load book: test.yaml:1:4: error: first (and 1 more)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if found, ok := errors.AsType[Diagnostics](err); !ok || len(found) != 3 || found[0].Severity != Warning {
		t.Errorf("got %v", found)
	}
	if err := diags[:1].Err(); err != nil {
		t.Errorf("a warning is no error: %v", err)
	}
}

func TestLongListsOfComplaintsAreCut(t *testing.T) {
	var items []string
	diags := Decode(parsed(t, fmt.Sprint(slices.Repeat([]string{"[],"}, 250))), &items)
	want := Diagnostic{
		File: "test.yaml", Line: 1, Severity: Error, Message: "151 more complaints from here on are not listed",
	}
	if diff := cmp.Diff(want, diags[len(diags)-1], cmpopts.IgnoreFields(Diagnostic{}, "Column")); diff != "" {
		t.Error(diff)
	}
	if len(diags) != maxComplaints {
		t.Errorf("got %d complaints", len(diags))
	}
}
