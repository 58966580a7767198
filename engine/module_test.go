package engine_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

// Each row is a value as it may come, what an expression sees of it, and what is kept of it when it
// is written back.
func TestFieldValues(t *testing.T) {
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	noon := day.Add(12 * time.Hour)
	tests := []struct {
		field       engine.Field
		in          any
		view, plain any
	}{
		{engine.Field{Type: engine.TypeText}, "a\nb", "a\nb", "a\nb"},
		{engine.Field{Type: engine.TypeText}, json.Number("1.10"), "1.10", "1.10"},
		{engine.Field{Type: engine.TypeText}, true, "true", "true"},
		{engine.Field{Type: engine.TypeText}, 8, "8", "8"},
		{engine.Field{Type: engine.TypeText}, int64(8), "8", "8"},
		{engine.Field{Type: engine.TypeText}, 2.5, "2.5", "2.5"},
		{engine.Field{Type: engine.TypePhone}, "+49 151 0000001", "+49 151 0000001", "+49 151 0000001"},
		{engine.Field{Type: engine.TypeEmail}, "zoe@acme.example", "zoe@acme.example", "zoe@acme.example"},
		{engine.Field{Type: engine.TypeReference}, "12x8614", "12x8614", "12x8614"},
		{engine.Field{Type: engine.TypePicklist, Options: []string{"Open"}}, "Open", "Open", "Open"},
		{engine.Field{Type: engine.TypeInteger}, "7", 7, json.Number("7")},
		{engine.Field{Type: engine.TypeInteger}, json.Number("7.0"), 7, json.Number("7")},
		{engine.Field{Type: engine.TypeInteger}, 7, 7, json.Number("7")},
		{engine.Field{Type: engine.TypeInteger}, int64(-7), -7, json.Number("-7")},
		{engine.Field{Type: engine.TypeInteger}, "9007199254740993", 9007199254740993, json.Number("9007199254740993")},
		{engine.Field{Type: engine.TypeText}, noon, "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"},
		{engine.Field{Type: engine.TypeNumber}, 0.5, 0.5, json.Number("0.5")},
		{engine.Field{Type: engine.TypeDecimal}, " 1.50 ", 1.5, json.Number("1.5")},
		{engine.Field{Type: engine.TypeCurrency}, json.Number("1e3"), 1000.0, json.Number("1000")},
		{engine.Field{Type: engine.TypeBoolean}, "1", true, true},
		{engine.Field{Type: engine.TypeBoolean}, json.Number("0"), false, false},
		{engine.Field{Type: engine.TypeBoolean}, true, true, true},
		{engine.Field{Type: engine.TypeBoolean}, "off", false, false},
		{engine.Field{Type: engine.TypeDate}, "2026-11-22", day, "2026-11-22"},
		{engine.Field{Type: engine.TypeDateTime}, "2026-11-22 12:00:00", noon, "2026-11-22T12:00:00Z"},
		{engine.Field{Type: engine.TypeDateTime}, "2026-11-22T12:00:00Z", noon, "2026-11-22T12:00:00Z"},
		{engine.Field{Type: engine.TypeDateTime}, noon, noon, "2026-11-22T12:00:00Z"},
		{engine.Field{Type: engine.TypeMultiPicklist}, "a |##| b", []any{"a", "b"}, []any{"a", "b"}},
		{engine.Field{Type: engine.TypeMultiPicklist, Options: []string{"a"}}, []any{"a"}, []any{"a"}, []any{"a"}},
	}
	for _, tt := range tests {
		tt.field.Name = "f"
		module := &engine.Module{Name: "M", Fields: map[string]*engine.Field{"f": &tt.field}}
		view, err := module.View(engine.Fields{"f": tt.in, "undescribed": 1})
		if diff := cmp.Diff(map[string]any{"f": tt.view}, view); err != nil || diff != "" {
			t.Errorf("view of %s %#v: %v\n%s", tt.field.Type, tt.in, err, diff)
		}
		plain, err := tt.field.Plain(tt.in)
		if diff := cmp.Diff(tt.plain, plain); err != nil || diff != "" {
			t.Errorf("plain form of %s %#v: %v\n%s", tt.field.Type, tt.in, err, diff)
		}
	}
}

func TestEmptyFields(t *testing.T) {
	for _, fieldType := range engine.FieldTypes() {
		field := &engine.Field{Name: "f", Type: fieldType}
		module := &engine.Module{Name: "M", Fields: map[string]*engine.Field{"f": field}}
		var want any
		if field.IsText() {
			want = ""
		}
		for name, fields := range map[string]engine.Fields{"missing": nil, "null": {"f": nil}, "empty": {"f": ""}} {
			view, err := module.View(fields)
			if got, there := view["f"]; err != nil || !there || got != want {
				t.Errorf("a %s %s reads as %#v, %v", name, fieldType, got, err)
			}
		}
		if got, err := field.Plain(nil); err != nil || got != "" {
			t.Errorf("an empty %s is kept as %#v, %v", fieldType, got, err)
		}
		field.Required = true
		if got, err := field.Plain(""); err == nil || err.Error() != "f must not be empty" {
			t.Errorf("a required %s took %#v, %v", fieldType, got, err)
		}
	}
}

func TestFieldErrors(t *testing.T) {
	tests := []struct {
		field engine.Field
		in    any
		want  string
	}{
		{engine.Field{Type: engine.TypeText}, []any{"x"}, `f: expected text, found a list`},
		{engine.Field{Type: engine.TypeText}, map[string]any{}, `f: expected text, found an object`},
		{engine.Field{Type: engine.TypeText, Max: 3}, "Zoë!", `f: is longer than 3 characters`},
		{engine.Field{Type: engine.TypeText}, strings.Repeat("x", engine.MaxText+1), `f: is longer than 65536 characters`},
		{engine.Field{Type: engine.TypeText}, "a\xff", `f: holds broken UTF-8`},
		{engine.Field{Type: engine.TypePicklist, Options: []string{"Open", "Closed"}}, "open", `f: "open" is not one of Open, Closed`},
		{engine.Field{Type: engine.TypeEmail}, "zoe", `f: is no email address`},
		{engine.Field{Type: engine.TypeEmail}, "zoe@acme.example\r\nBcc: eve@evil.example", `f: is no email address`},
		{engine.Field{Type: engine.TypeInteger}, "1.5", `f: expected a whole number, found 1.5`},
		{engine.Field{Type: engine.TypeInteger}, "99999999999999999999", `f: 99999999999999999999 is too large a number`},
		{engine.Field{Type: engine.TypeNumber}, "many", `f: expected a number, found other text`},
		{engine.Field{Type: engine.TypeNumber}, "NaN", `f: expected a number, found other text`},
		{engine.Field{Type: engine.TypeNumber}, json.Number("1e999"), `f: 1e999 is too large a number`},
		{engine.Field{Type: engine.TypeNumber}, math.Inf(1), `f: expected a number, found other text`},
		{engine.Field{Type: engine.TypeDecimal}, true, `f: expected a number, found true or false`},
		{engine.Field{Type: engine.TypeBoolean}, "maybe", `f: expected true or false, found something else`},
		{engine.Field{Type: engine.TypeDate}, "22.11.2026", `f: expected a date such as 2026-11-22, found other text`},
		{engine.Field{Type: engine.TypeDate}, json.Number("20261122"), `f: expected a date, found a number`},
		{engine.Field{Type: engine.TypeMultiPicklist, Options: []string{"a"}}, []any{"a", "z"}, `f: "z" is not one of a`},
		{engine.Field{Type: engine.TypeMultiPicklist}, true, `f: expected a list, found true or false`},
	}
	for _, tt := range tests {
		tt.field.Name = "f"
		if got, err := tt.field.Plain(tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("%s took %#v\n got %v\nwant %s", tt.field.Type, got, err, tt.want)
		}
	}
	module := &engine.Module{Fields: map[string]*engine.Field{"count": {Name: "count", Type: engine.TypeInteger}}}
	if _, err := module.View(engine.Fields{"count": "many"}); err == nil || err.Error() != `field count: expected a number, found other text` {
		t.Errorf("view: %v", err)
	}
}

func TestTitleAndLabels(t *testing.T) {
	module := &engine.Module{Title: []string{"no", "title"}}
	record := engine.Record{Ref: engine.Ref{Module: "M", ID: "17x42"}, Fields: engine.Fields{"no": "TT1", "title": nil}}
	if got := module.TitleOf(record); got != "TT1" {
		t.Errorf("title is %q", got)
	}
	record.Fields = nil
	if got := module.TitleOf(record); got != "17x42" {
		t.Errorf("title of an empty record is %q", got)
	}
	labels := engine.Labels{"en": "Name", "pt-BR": "Nome", "pt": "Nome PT"}
	for lang, want := range map[string]string{"pt-BR": "Nome", "pt-PT": "Nome PT", "fr": "Name", "": "Name"} {
		if got := labels.In(lang); got != want {
			t.Errorf("in %q it is %q", lang, got)
		}
	}
	if got := (engine.Labels{"nl": "Naam", "fr": "Nom"}).In("de"); got != "Nom" {
		t.Errorf("without English it is %q", got)
	}
}
