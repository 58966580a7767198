package forms

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
	"postern/internal/upload"
)

func TestFormSentBackUntouched(t *testing.T) {
	options := []string{"Red", "Green", "Blue", "Black", "White"}
	values := map[engine.FieldType][]any{
		engine.TypeText:    {nil, "", "plain", "two\r\nlines", "\nbegins with a break", "  spaced  ", "<b>&amp;"},
		engine.TypeInteger: {nil, json.Number("7"), "7", "no number"},
		engine.TypeDecimal: {json.Number("12.50"), "1234.5"},
		engine.TypeBoolean: {nil, true, false, "1", "0", "maybe"},
		engine.TypeDate:    {nil, "2026-11-22", "2026-11-22 10:00:00", "soon"},
		engine.TypeDateTime: {
			nil, "2026-11-22T10:30:45Z", "2026-11-22 10:30:45", "2026-11-22T10:30:00+02:00", "2026-10-25T01:30:00Z",
		},
		engine.TypePicklist:      {nil, "Red", "Grey"},
		engine.TypeMultiPicklist: {nil, "Red |##| Blue", []any{"Green"}, "Grey"},
		engine.TypeEmail:         {"z@acme.example", " z@acme.example ", "no address"},
		engine.TypeReference:     {nil, "12x7"},
	}
	for _, zone := range []*time.Location{time.UTC, zoneOf(t, "Europe/Madrid")} {
		texts := shippedTexts(t, "en").In(zone)
		for kind, stored := range values {
			for _, value := range stored {
				field := &engine.Field{Name: "f", Type: kind, Options: options}
				record := engine.Record{Fields: engine.Fields{"f": value}}
				form := Fill([]*engine.Edit{{Field: field}}, record, zone)
				values := browserSends(form.Body(texts, time.Now()).Controls[0])
				values.Set(pages.SeenName, form.Seen())
				form.Take(upload.Sent{Values: values}, texts)
				if len(form.Set) > 0 || form.Faulty() || form.Conflict {
					t.Errorf("%s %q in %s: came back as %q and was taken for %v",
						kind, value, zone, values["f"], form.Set)
				}
			}
		}
	}
}

func browserSends(c Control) url.Values {
	values := url.Values{}
	switch c.Kind {
	case "radio", "select", "checks":
		if c.Kind == "checks" {
			values.Add(c.Name, "")
		}
		for _, o := range c.Options {
			if o.Chosen {
				values.Add(c.Name, o.Value)
			}
		}
	case "box":
		values.Add(c.Name, "")
		if c.Ticked() {
			values.Add(c.Name, pages.Ticked)
		}
	default:
		values.Set(c.Name, strings.ReplaceAll(c.Value, "\n", "\r\n"))
	}
	return values
}

func TestFormTakes(t *testing.T) {
	var (
		text, integer = engine.Field{Type: engine.TypeText}, engine.Field{Type: engine.TypeInteger}
		decimal       = engine.Field{Type: engine.TypeDecimal}
		number, email = engine.Field{Type: engine.TypeNumber}, engine.Field{Type: engine.TypeEmail}
		date, moment  = engine.Field{Type: engine.TypeDate}, engine.Field{Type: engine.TypeDateTime}
		boolean       = engine.Field{Type: engine.TypeBoolean}
		required      = engine.Field{Type: engine.TypeText, Required: true}
		short         = engine.Field{Type: engine.TypeText, Max: 4}
		picklist      = engine.Field{Type: engine.TypePicklist, Options: []string{"A", "C"}}
		several       = engine.Field{Type: engine.TypeMultiPicklist, Options: []string{"A", "C"}}
	)
	tests := map[string]struct {
		field   engine.Field
		sent    []string
		want    any
		problem string
	}{
		"text":                {text, []string{"hello\r\nworld"}, "hello\nworld", ""},
		"text to nothing":     {text, []string{""}, "", ""},
		"required":            {required, []string{""}, nil, "Please fill this in."},
		"too long":            {short, []string{"seven"}, nil, "Please use at most 4 characters."},
		"as long as it may":   {short, []string{"fünf"}, "fünf", ""},
		"a zero byte":         {text, []string{"a\x00b"}, nil, "plain text"},
		"broken UTF-8":        {text, []string{"\xff"}, nil, "plain text"},
		"twice the same name": {text, []string{"a", "b"}, nil, ""},
		"a whole number":      {integer, []string{" 12 "}, json.Number("12"), ""},
		"not quite whole":     {integer, []string{"1.5"}, nil, "whole number"},
		"a decimal comma":     {decimal, []string{"12,5"}, json.Number("12.5"), ""},
		"infinity":            {number, []string{"Inf"}, nil, "Please write a number"},
		"no number at all":    {number, []string{"NaN"}, nil, "Please write a number"},
		"a date":              {date, []string{"2026-12-24"}, "2026-12-24", ""},
		"a day that is not":   {date, []string{"2026-02-30"}, nil, "Please write a date"},
		"a moment":            {moment, []string{"2026-12-24T18:00"}, "2026-12-24T18:00:00Z", ""},
		"pages.Ticked":        {boolean, []string{"", "on"}, true, ""},
		"an option":           {picklist, []string{"A"}, "A", ""},
		"none of the options": {picklist, []string{"B"}, nil, "one of the options"},
		"several": {
			several,
			[]string{"", "A", "C"},
			[]any{"A", "C"},
			"",
		},
		"several, one unknown": {
			several, []string{"", "A", "X"}, nil, "one of the options",
		},
		"no address": {email, []string{"nobody"}, nil, "email address"},
	}
	texts := shippedTexts(t, "en")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.field.Name = "f"
			stored := any(nil)
			if test.want == "" {
				stored = "something"
			}
			record := engine.Record{Fields: engine.Fields{"f": stored}}
			form := Fill([]*engine.Edit{{Field: &test.field}}, record, texts.Clocks())
			values := url.Values{pages.SeenName: {form.Seen()}, "f": test.sent, "other": {"x"}}
			form.Take(upload.Sent{Values: values}, texts)
			want := engine.Fields{}
			if test.want != nil {
				want["f"] = test.want
			}
			if diff := cmp.Diff(want, form.Set); diff != "" {
				t.Errorf("wishes:\n%s", diff)
			}
			problem := form.entries[0].problem
			if (test.problem == "") != (problem == "") || !strings.Contains(problem, test.problem) {
				t.Errorf("problem %q, want %q", problem, test.problem)
			}
		})
	}
}

func FuzzTakeForm(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "a=1&~seen=x.y")
	f.Add("application/x-www-form-urlencoded", "number=1e309&date=0000&many=%0A&many=&flag=on")
	texts := shippedTexts(f, "en")
	landing := &engine.Landing{}
	for _, kind := range engine.FieldTypes() {
		field := &engine.Field{Name: string(kind), Type: kind, Options: []string{"x", "y"}}
		field.Required = kind == engine.TypeText
		landing.Edit = append(landing.Edit, &engine.Edit{Field: field})
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/f/x", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		values, err := pages.ReadForm(r)
		if err != nil {
			return
		}
		record := engine.Record{Fields: engine.Fields{"date": "2026-11-22", "integer": json.Number("7")}}
		form := Fill(landing.Edit, record, texts.Clocks())
		form.Take(upload.Sent{Values: values}, texts)
		if _, err := json.Marshal(form.Set); err != nil {
			t.Errorf("%q makes values that cannot be stored: %v", body, err)
		}
		form.Body(texts, time.Now())
	})
}

func shippedTexts(t testing.TB, lang string) labels.Texts {
	t.Helper()
	catalogue, err := pages.Labels()
	if err != nil {
		t.Fatal(err)
	}
	return catalogue.For(lang)
}
