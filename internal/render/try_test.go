package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/render"
)

// tried parses and binds a template, and holds its texts against what their channels carry.
func tried(s *render.Shelf, files map[string]string) []render.Problem {
	tmpl, problems := s.Parse("hello", files, nil)
	all := modules()
	problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
	return append(problems, tmpl.Try(tmpl.Channels())...)
}

func TestTextsThatTheirChannelDoesNotCarry(t *testing.T) {
	s := &render.Shelf{Kinds: map[string]string{"short": "sms"}, Segments: map[string]int{"short": 1}}
	long := strings.Repeat("x", 3*153-53)
	for _, tt := range []struct{ file, source, want string }{
		{"sms.en.txt", long + "{{ record.title }}{{ link }}", ""},
		{"sms.en.txt", long + "xx{{ link }}", "this is an SMS of 4 segments already; sms sends 3 at most"},
		{"short.en.txt", strings.Repeat("x", 161), "an SMS of 2 segments already; short sends 1 at most"},
		{"short.en.txt", strings.Repeat("x", 70) + "ł", "an SMS of 2 segments already, since 'ł' is none of the characters"},
		{"short.en.txt", "{{ if link }}" + strings.Repeat("x", 161) + "{{ else }}x{{ end }}", "an SMS of 2 segments already"},
		{"webhook.en.json", `{"a": {{ record.title }}, "b": "{{ link }}", "c": [{{ range 2 }}{{ . }}, {{ end }}0]}`, ""},
		{"webhook.en.json", `{"a": {{ record.title }}, }`, `not valid JSON: invalid character '}'`},
		{"webhook.en.json", `{"a": {{ if link }}1{{ end }}`, "not valid JSON: unexpected end of JSON input"},
	} {
		problems := tried(s, map[string]string{tt.file: tt.source})
		switch {
		case tt.want == "" && len(problems) > 0:
			t.Errorf("%s %.40q: %v", tt.file, tt.source, problems)
		case tt.want != "" && (len(problems) == 0 || !strings.Contains(problems[0].Message, tt.want)):
			t.Errorf("%s %.40q: %v, want %s", tt.file, tt.source, problems, tt.want)
		}
	}
}

func registry(variables ...string) *render.Registry {
	made := &render.Registry{
		Kind: "whatsapp", IDs: map[string]string{"en": "HX1", "es": "HX2"},
		Texts: map[string]render.Quote{"es": {Text: "Hola {{1}}: {{2}}"}},
	}
	for i, text := range variables {
		made.Variables = append(made.Variables, render.Variable{Number: i + 1, Quote: render.Quote{
			File: "whatsapp.yaml", Source: text, Text: text,
		}})
	}
	return made
}

// What was approved goes with its variables, each on one line, in the language of the chain that there is one in.
func TestApprovedTexts(t *testing.T) {
	s := &render.Shelf{Languages: render.Languages{Chains: map[string][]string{"ca": {"es"}}}}
	tmpl, problems := s.Parse("hello", map[string]string{"whatsapp.en.txt": "free"}, registry("{{ record.title }}", "{{ link }}"))
	all := modules()
	problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e := env(engine.Fields{"title": "No\r\n\tpower     at all"})
	got, err := tmpl.Render("whatsapp", "ca", e)
	link := "https://go.example/l/abc"
	want := engine.Content{Language: "en", Text: "free", Link: link, Approved: &engine.Approved{
		ID: "HX2", Variables: map[string]string{"1": "No power at all", "2": link},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if text := tmpl.ApprovedText("ca", got.Approved); text != "Hola No power at all: "+link {
		t.Error(text)
	}
	if got, err := tmpl.Render("whatsapp", "fr", e); err != nil || got.Approved.ID != "HX1" {
		t.Errorf("%+v, %v", got.Approved, err)
	}
	if _, problems = s.Parse("x", nil, registry("{{ link }}")); len(problems) != 1 ||
		problems[0].Message != "the approved text has {{2}}, for which there is no variable" {
		t.Error(problems)
	}
	if _, problems = s.Parse("x", nil, registry("{{ link }}", "{{ if link }}")); len(problems) != 1 {
		t.Error(problems)
	}
}
