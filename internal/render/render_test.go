package render_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/render"
)

func modules() map[string]*engine.Module {
	text := func(names ...string) map[string]*engine.Field {
		fields := map[string]*engine.Field{}
		for _, n := range names {
			fields[n] = &engine.Field{Name: n, Type: engine.TypeText}
		}
		return fields
	}
	ticket := &engine.Module{Name: "HelpDesk", Names: []string{"ticket_no", "title", "parent_id"}, Fields: text("ticket_no", "title")}
	ticket.Fields["parent_id"] = &engine.Field{Name: "parent_id", Type: engine.TypeReference, To: []string{"Contacts"}}
	contact := &engine.Module{Name: "Contacts", Names: []string{"firstname"}, Fields: text("firstname")}
	return map[string]*engine.Module{"HelpDesk": ticket, "Contacts": contact}
}

// parsed parses a template of a book without layouts.
func parsed(name string, files map[string]string) (*render.Template, []render.Problem) {
	return new(render.Shelf).Parse(name, files, nil)
}

func parse(t *testing.T, files map[string]string) *render.Template {
	t.Helper()
	tmpl, problems := parsed("hello", files)
	all := modules()
	problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
	if len(problems) > 0 {
		t.Fatalf("problems: %+v", problems)
	}
	return tmpl
}

func env(fields engine.Fields) *engine.Env {
	return &engine.Env{
		Module: modules()["HelpDesk"], Record: fields,
		Routes: map[string]engine.Record{"parent_id": {
			Ref: engine.Ref{Module: "Contacts", ID: "12x1"}, Fields: engine.Fields{"firstname": "Zoë"},
		}},
		Recipient: engine.Recipient{Name: "Zoë O'Brien", Language: "es-MX"},
		Links:     map[string]string{"link": "https://go.example/l/abc"},
	}
}

func TestRender(t *testing.T) {
	tmpl := parse(t, map[string]string{
		"email.en.subject": "Ticket {{ record.ticket_no }}: {{ record.title }}\n",
		"email.en.txt":     "Hello {{ record.parent_id.firstname }}, {{ record.title }} ({{ record.parent_id }})\n{{ link }}\n",
		"email.en.html":    `<p>{{ record.title }}</p><a href="{{ link }}">Open</a>{{ range $i, $c := steps }}{{ record.ticket_no }}{{ end }}`,
		"email.es.txt":     "Hola {{ recipient.name }}",
	})
	if diff := cmp.Diff([]string{"parent_id"}, tmpl.Routes()); diff != "" {
		t.Errorf("routes: %s", diff)
	}
	evil := env(engine.Fields{"ticket_no": "TT1", "title": "a <b>\r\nBcc: x@y", "parent_id": "12x1"})
	got, err := tmpl.Render("email", "en", evil)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Content{
		Language: "en", Subject: "Ticket TT1: a <b> Bcc: x@y",
		Text: "Hello Zoë, a <b>\nBcc: x@y (12x1)\nhttps://go.example/l/abc\n",
		HTML: "<p>a &lt;b&gt;\nBcc: x@y</p><a href=\"https://go.example/l/abc\">Open</a>",
		Link: "https://go.example/l/abc",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err = tmpl.Render("email", "es-MX", evil); err != nil || got.Text != "Hola Zoë O'Brien" {
		t.Errorf("es-MX: %+v, %v", got, err)
	}
	if got, err = tmpl.Render("email", "fr", evil); err != nil || got.Language != "en" {
		t.Errorf("fr falls back to %q, %v", got.Language, err)
	}
	if _, err := tmpl.Render("sms", "en", evil); err == nil {
		t.Error("a channel without text rendered")
	}
}

// A webhook without a text of its own gets the fullest of the others, and never the JSON of another webhook.
func TestWebhookBorrowsTexts(t *testing.T) {
	files := map[string]string{
		"sms.en.txt": "short {{ link }}", "email.en.subject": "Ticket {{ record.ticket_no }}",
		"email.en.html": "<p>Hello</p>", "email.es.html": "<p>Hola</p>",
	}
	tmpl := parse(t, files)
	got, err := tmpl.Render("webhook", "es-MX", env(engine.Fields{"ticket_no": "TT1"}))
	want := engine.Content{Language: "es", Text: "Hola\n", HTML: "<p>Hola</p>", Link: "https://go.example/l/abc"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || !tmpl.Has("webhook") {
		t.Error(err, diff)
	}
	got, err = tmpl.Render("webhook", "en", env(engine.Fields{"ticket_no": "TT1"}))
	if got.Subject != "Ticket TT1" || got.HTML != "<p>Hello</p>" || got.JSON || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	files["webhook.en.json"] = `{"a": 1}`
	if got, err = parse(t, files).Render("webhook", "es", env(nil)); got.Text != `{"a": 1}` || !got.JSON || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	other := parse(t, map[string]string{"telegram.en.json": `{"a": 1}`})
	if _, err = other.Render("webhook", "en", env(nil)); err == nil || other.Has("webhook") {
		t.Error("a webhook without any text rendered")
	}
}

func TestRenderOfEmptyFieldsAndRoutes(t *testing.T) {
	tmpl := parse(t, map[string]string{"email.en.txt": "[{{ record.title }}|{{ record.parent_id.firstname }}|{{ record.parent_id }}]"})
	e := env(engine.Fields{"title": nil})
	e.Routes = nil
	got, err := tmpl.Render("email", "en", e)
	if err != nil || got.Text != "[||]" {
		t.Errorf("got %q, %v", got.Text, err)
	}
}

func TestRenderIsBounded(t *testing.T) {
	tmpl := parse(t, map[string]string{"email.en.txt": `{{ range 300 }}{{ printf "%1000s" "x" }}{{ end }}`})
	if _, err := tmpl.Render("email", "en", env(engine.Fields{})); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
}

// Whatever a template ranges over, a message is soon written or refused.
func TestRangesAreBounded(t *testing.T) {
	list := make([]any, 150)
	for name, source := range map[string]string{
		"a number":              `{{ range steps.s.huge }}{{ end }}`,
		"one within another":    `{{ range steps.s.list }}{{ range steps.s.list }}{{ end }}{{ end }}`,
		"a thousand a thousand": `{{ range 1000 }}{{ range 1000 }}{{ continue }}{{ end }}{{ end }}`,
	} {
		e := env(engine.Fields{})
		e.Outputs = map[string]engine.Fields{"s": {"huge": 9_000_000_000_000_000_000, "list": list}}
		for _, part := range []string{"txt", "html"} {
			tmpl := parse(t, map[string]string{"email.en.txt": "x", "email.en." + part: source})
			_, err := tmpl.Render("email", "en", e)
			if err == nil || !strings.Contains(err.Error(), "10000 times at most") {
				t.Errorf("%s, %s: got %v", name, part, err)
			}
		}
	}
}

// The counting shows nowhere, also where HTML escapes in its own ways.
func TestRangesPrintNothingOfTheirOwn(t *testing.T) {
	tmpl := parse(t, map[string]string{
		"email.en.txt": `{{ range $i, $v := steps.s.list }}{{ $i }}{{ $v }} {{ else }}none{{ end }}` +
			`{{ range steps.s.none }}x{{ else }}none{{ end }}`,
		"email.en.html": `<p {{ range steps.s.list }}hidden {{ end }}class="{{ range steps.s.list }}{{ . }} {{ end }}">` +
			`<a href="/?q={{ range steps.s.list }}{{ . }}{{ end }}">{{ range 2 }}{{ . }}{{ end }}</a>`,
	})
	e := env(engine.Fields{})
	e.Outputs = map[string]engine.Fields{"s": {"list": []any{"a", "b"}, "none": []any{}}}
	want := engine.Content{
		Language: "en", Text: "0a 1b none", HTML: `<p hidden hidden class="a b "><a href="/?q=ab">01</a>`,
		Link: "https://go.example/l/abc",
	}
	for range 2 { // the limit is each message's own
		got, err := tmpl.Render("email", "en", e)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ file, source, want string }{
		{"email.en.txt", "Hi\n {{ record.titel }}", `email.en.txt:2:12: unknown field "titel" of HelpDesk`},
		{"email.en.txt", "{{ record.title.x }}", `email.en.txt:1:11: title is no reference, so title.x leads nowhere`},
		{"email.en.txt", "{{ record.parent_id.nme }}", `email.en.txt:1:21: unknown field "nme" of Contacts`},
		{"email.en.txt", "{{ recrd.title }}", `email.en.txt:1:4: unknown name "recrd"; a template may speak of record, recipient, steps, vars, item, link, links, now, brand, language, direction, unsubscribe`},
		{"email.en.txt", "{{ upper(record.title) }}", `email.en.txt:1:4: upper is for expressions: a vars step before computes what the text then shows as {{ vars.… }}`},
		{"email.en.txt", "{{ inputs.why }}", `email.en.txt:1:4: inputs is for expressions: a vars step before computes what the text then shows as {{ vars.… }}`},
		{"email.en.txt", "é\né {{ record.title\n\n{{ link }}", `email.en.txt:2:3: {{ is not closed by }}`},
		{"email.en.txt", "{{ links.approve }}", `email.en.txt:1:10: unknown link "approve"`},
		{"email.en.txt", "{{ recipient.mail }}", `email.en.txt:1:14: unknown part of recipient "mail"`},
		{"email.en.txt", "{{ if record.title }}", `email.en.txt:1:0: an if, range or with is not closed by {{ end }}`},
		{"email.en.txt", "Hi é {{ record.title", `email.en.txt:1:6: {{ is not closed by }}`},
		{"email.en.txt", "{{ record.title\n}} {{ record.title\n", `email.en.txt:2:4: {{ is not closed by }}`},
		{
			"email.en.txt", "é\n é {{ range 9000000000000000000 }}{{ end }}",
			`email.en.txt:2:13: the ranges of a message go round 10000 times at most`,
		},
		{"email.en.html", `{{ define "x" }}{{ end }}`, `email.en.html:1:1: a message template cannot define or include others`},
		{"email.txt", "hi", `email.txt:1:0: email.txt is not named <channel>.<language>.<part>, where the part is subject, txt, html, md or json`},
		{"email.en.subject", "hi", `email.en.subject:1:0: template hello has no text for email in "en": add email.en.txt`},
	}
	for _, tt := range tests {
		tmpl, problems := parsed("hello", map[string]string{tt.file: tt.source})
		all := modules()
		problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
		if len(problems) == 0 {
			t.Errorf("%q: no problem found", tt.source)
			continue
		}
		p := problems[0]
		if got := strings.Join([]string{p.File, itoa(p.Line), itoa(p.Column), " " + p.Message}, ":"); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.source, got, tt.want)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

func BenchmarkRender(b *testing.B) {
	tmpl, _ := parsed("hello", map[string]string{
		"email.en.subject": "Ticket {{ record.ticket_no }}",
		"email.en.txt":     "Hello {{ record.parent_id.firstname }}, {{ record.title }}\n{{ link }}\n",
	})
	all := modules()
	tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})
	e := env(engine.Fields{"ticket_no": "TT1", "title": "broken", "parent_id": "12x1"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render("email", "en", e); err != nil {
			b.Fatal(err)
		}
	}
}
