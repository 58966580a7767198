package render_test

import (
	"fmt"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/render"
)

// shelf is one with a layout and partials of all that they can do.
func shelf(t testing.TB) *render.Shelf {
	t.Helper()
	s := &render.Shelf{
		Layouts: map[string]string{
			"layouts/email.html": `<!doctype html>
<html lang="{{ language }}" dir="{{ direction }}"><head><style>
/* the head */
p, td.cell { margin: 0 0 16px; font-family: "Segoe UI" }
.button { color: {{ brand.on_it }}; background: {{ brand.color }} }
.button:hover { color: red }
@media (prefers-color-scheme: dark) { p { color: white !important } }
</style></head><body><div style="display: none">{{ arg 1 "" }}</div>
<!--[if mso]><table width="600"><tr><td><![endif]-->
{{ content }}
<!--[if mso]></td></tr></table><![endif]--><!-- of nobody's concern -->
<p class="footer" style="margin: 0">{{ partial "footer" }}</p></body></html>`,
			"layouts/bare.html": "<b>{{ content }}</b>",
		},
		Partials: map[string]string{
			"partials/button.html":    `<p><a class="button" href="{{ arg 1 }}">{{ arg 2 }}{{ if (arg 3 "") }} {{ arg 3 "" }}{{ end }}</a></p>`,
			"partials/two.html":       `{{ partial "button" (arg 1) "One" }}{{ partial "button" arg 1 "Two" "!" }}`,
			"partials/footer.html":    `Sent by {{ brand.name }}`,
			"partials/footer.es.html": `Enviado por {{ brand.name }}`,
			"partials/sign.txt":       "-- \n{{ brand.name }}",
		},
		Brand: render.Brand{Name: "Acme & Sons", Color: "#123456"},
	}
	if problems := s.Check(); len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

func bound(t testing.TB, s *render.Shelf, files map[string]string) *render.Template {
	t.Helper()
	tmpl, problems := s.Parse("hello", files, nil)
	all := modules()
	problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	return tmpl
}

func TestLayoutsAndPartials(t *testing.T) {
	tmpl := bound(t, shelf(t), map[string]string{
		"email.en.html": `{{ layout "email" "Look" }}
<p>Hello <b>{{ recipient.name }}</b>,</p>
{{- partial "button" link record.title -}}
<table>{{ range $i, $v := steps.s.list }}<tr><th>{{ $i }}</th><td class="cell">{{ $v }}</td></tr>{{ end }}</table>`,
		"email.es.html": `<p>Hola</p>{{ partial "two" link }}`,
		"email.nl.html": `{{ layout "none" }}<p>Zonder</p>`,
		"email.ar.html": `{{ layout "bare" }}<p>{{ direction }}</p>`,
		"email.fr.txt":  "Salut\n{{ partial \"sign\" }}",
	})
	e := env(engine.Fields{"title": "<open>"})
	e.Outputs = map[string]engine.Fields{"s": {"list": []any{"a", "b\u202e"}}}
	for language, want := range map[string]struct{ html, text string }{
		"en": {
			`
<html lang="en" dir="ltr"><head><style>
.button:hover { color: red }
@media (prefers-color-scheme: dark) { p { color: white !important } }
</style></head><body><div style="display: none">Look</div>
<!--[if mso]><table width="600"><tr><td><![endif]-->
<p style="margin: 0 0 16px; font-family: 'Segoe UI'">Hello <b>Zoë O&#39;Brien</b>,</p>` +
				`<p style="margin: 0 0 16px; font-family: 'Segoe UI'"><a style="color: #ffffff; background: #123456" class="button" ` +
				`href="https://go.example/l/abc">&lt;open&gt;</a></p>` +
				`<table><tr><th>0</th><td style="margin: 0 0 16px; font-family: 'Segoe UI'" class="cell">a</td></tr>` +
				`<tr><th>1</th><td style="margin: 0 0 16px; font-family: 'Segoe UI'" class="cell">b</td></tr></table>
<!--[if mso]></td></tr></table><![endif]-->
<p class="footer" style="font-family: 'Segoe UI'; margin: 0">Sent by Acme &amp; Sons</p></body></html>`,
			"Hello Zoë O'Brien,\n\n<open>:\nhttps://go.example/l/abc\n\n0: a\n1: b\n\nSent by Acme & Sons\n",
		},
		"es": {"", "Hola\n\nOne:\nhttps://go.example/l/abc\n\nTwo !:\nhttps://go.example/l/abc\n\nEnviado por Acme & Sons\n"},
		"nl": {"<p>Zonder</p>", "Zonder\n"},
		"ar": {"<b><p>rtl</p></b>", "rtl\n"},
		"fr": {"", "Salut\n-- \nAcme & Sons"},
	} {
		got, err := tmpl.Render("email", language, e)
		if err != nil {
			t.Fatal(err)
		}
		if got.Text != want.text {
			t.Errorf("%s: text %q, want %q", language, got.Text, want.text)
		}
		if html := strings.TrimPrefix(got.HTML, "<!doctype html>"); want.html != "" && html != want.html {
			t.Errorf("%s: HTML\n%s\nwant\n%s", language, html, want.html)
		}
	}
	if files := fmt.Sprint(tmpl.Files()); files != "[layouts/bare.html layouts/email.html partials/button.html "+
		"partials/footer.es.html partials/footer.html partials/sign.txt partials/two.html]" {
		t.Error(files)
	}
}

// What is wrong is told where it stands, also in a layout or a partial.
func TestProblemsOfLayouts(t *testing.T) {
	for _, tt := range []struct{ file, source, want string }{
		{"email.en.html", "\n{{ partial \"buton\" }}", `email.en.html:2:12: unknown partial "buton" for html [button footer two]`},
		{"email.en.html", `{{ partial button }}`, `email.en.html:1:12: unknown name "button"; a template may speak of record`},
		{"email.en.html", `{{ partial }}`, `email.en.html:1:4: a partial is named by a text: {{ partial "name" … }}`},
		{"email.en.html", `{{ partial "button" link }}`, `email.en.html:1:4: partial button takes 2 to 3 arguments, found 1`},
		{"email.en.html", `{{ layout "email" "a" "b" }}`, `email.en.html:1:4: layout email takes 0 to 1 arguments, found 2`},
		{"email.en.html", `{{ layout "letter" }}`, `email.en.html:1:11: unknown layout "letter" for html [bare email]`},
		{"email.en.html", `<p>{{ layout "email" }}`, `email.en.html:1:7: the layout is named first in the file`},
		{"email.en.html", `{{ content }}`, `email.en.html:1:4: {{ content }} is for layouts: it is where the text stands in them`},
		{"email.en.html", `{{ arg 1 }}`, `email.en.html:1:4: arg is for layouts and partials: it is what they were given`},
		{"email.en.html", `{{ if partial "two" }}{{ end }}`, `email.en.html:1:7: partial stands for itself: {{ partial "name" … }}`},
		{"email.en.html", "<p>\n{{ partial \"button\" link record.titel }}", `email.en.html:2:33: unknown field "titel" of HelpDesk`},
		{"email.en.html", "{{ brand.colour }}", `email.en.html:1:10: unknown part of brand "colour" [color dark logo name on_dark on_it]`},
		{"email.en.html", "<p>\n<a href={{ if link }}\"{{ end }}>x", `email.en.html:2:0: {{if}} branches end in different contexts`},
		{"email.en.html", "<p>\n<!--[if mso]>{{ link }}<![endif]-->", `email.en.html:2:1: a conditional comment holds no {{ … }}`},
		{"email.en.html", `<div hidden>{{ if link }}</div>{{ end }}`, `email.en.html:1:35: no text can be derived`},
		{"sms.en.html", `x`, `sms.en.html:1:0: a text for sms has no part "html" [txt]`},
		{"push.en.md", `x`, `push.en.md:1:0: a text for push has no part "md" [subject txt]`},
		{"webhook.en.json", `{"a": "{{ if link }}"{{ end }}}`, `webhook.en.json:1:14: a string of the JSON begins or ends in one branch only`},
		{"webhook.en.json", `{"a": "`, `webhook.en.json:1:8: a string of the JSON has no end`},
		{"webhook.en.json", "{{ range 2 }}\"{{ end }}", `webhook.en.json:1:10: a string of the JSON begins or ends within a range only`},
	} {
		tmpl, problems := shelf(t).Parse("hello", map[string]string{tt.file: tt.source}, nil)
		all := modules()
		problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
		if len(problems) == 0 {
			t.Errorf("%q: no problem found", tt.source)
			continue
		}
		if got := told(problems[0]); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q:\n got %s\nwant %s", tt.source, got, tt.want)
		}
	}
}

func told(p render.Problem) string {
	text := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Listed {
		text += fmt.Sprint(" ", p.Choices)
	}
	return text
}

func TestProblemsOfTheShelf(t *testing.T) {
	for _, tt := range []struct{ file, source, want string }{
		{"layouts/a.html", "x", "layouts/a.html:1:0: the layout has no place for the text: write {{ content }} there"},
		{"layouts/a.html", "{{ content }}\n{{ content }}", "layouts/a.html:2:4: a layout has one place for its content"},
		{"layouts/a.html", `{{ layout "b" }}{{ content }}`, "layouts/a.html:1:4: a layout has no layout"},
		{"layouts/a.en.txt.html", "x", "layouts/a.en.txt.html:1:0: a.en.txt.html is not named <layout>.html or .txt"},
		{"partials/a.md", "x", "partials/a.md:1:0: a.md is not named <partial>.html or .txt"},
		{"partials/a.txt", "\n{{ if link }}", "partials/a.txt:2:0: an if, range or with is not closed by {{ end }}"},
		{"partials/a.txt", "{{ content }}", "partials/a.txt:1:4: a partial has no content"},
		{"partials/a.txt", "{{ lnik }}", `partials/a.txt:1:4: unknown name "lnik"`},
	} {
		s := &render.Shelf{Layouts: map[string]string{}, Partials: map[string]string{}}
		folder := map[bool]map[string]string{true: s.Layouts, false: s.Partials}[strings.HasPrefix(tt.file, "layouts/")]
		folder[tt.file] = tt.source
		problems := s.Check()
		if len(problems) == 0 || !strings.HasPrefix(told(problems[0]), tt.want) {
			t.Errorf("%q: %v, want %s", tt.source, problems, tt.want)
		}
	}
	s := &render.Shelf{Partials: map[string]string{
		"partials/a.html": `{{ partial "b" }}`, "partials/b.html": `{{ partial "a" }}`, "partials/dot.html": "<p>\n{{ .x }}",
		"partials/0.html": "", "partials/1.html": strings.Repeat(`{{ partial "0" }}`, 100),
		"partials/2.html":   strings.Repeat(`{{ partial "1" }}`, 100),
		"partials/bad.html": "<p>\n{{ record.nosuch }}{{ steps.s.x }}",
	}}
	if problems := s.Check(); len(problems) > 0 {
		t.Fatal(problems)
	}
	for source, want := range map[string]string{
		`{{ partial "a" }}`:   "partials/b.html:1:4: partial a is within itself, or 8 are within one another",
		`{{ partial "dot" }}`: "partials/dot.html:2:4: write x without the dot before it",
		`{{ partial "2" }}`:   "partials/1.html:1:1517: a text has 1000 layouts and partials at most, and 256 kB with them",
		`{{ partial "bad" }}`: `partials/bad.html:2:11: unknown field "nosuch" of HelpDesk`,
	} {
		tmpl, problems := s.Parse("x", map[string]string{"email.en.html": source}, nil)
		all := modules()
		problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all})...)
		if len(problems) == 0 || told(problems[0]) != want {
			t.Errorf("%s: %v, want %s", source, problems, want)
		}
	}
}

// TestT46ValuesChangeNothingAroundThem: values are values, whatever they hold and wherever they stand.
func TestT46ValuesChangeNothingAroundThem(t *testing.T) {
	tmpl := bound(t, new(render.Shelf), map[string]string{
		"email.en.subject":   "[{{ record.title }}]",
		"email.en.txt":       "[{{ record.title }}]",
		"email.en.html":      "<p>[{{ record.title }}]</p>",
		"sms.en.txt":         "[{{ record.title }}]",
		"push.en.txt":        "[{{ record.title }}]",
		"push.en.subject":    "[{{ record.title }}]",
		"mattermost.en.md":   "**{{ record.title }}** [x]({{ link }})",
		"webhook.en.json":    `{"in": "<{{ record.title }}>", "out": {{ record.title }}, "list": {{ steps.s.list }}, "no": {{ steps.s.no }}}`,
		"whatsapp.en.txt":    "[{{ record.title }}]",
		"telegram.en.md":     "{{ record.title }}",
		"telegram.en.txt":    "{{ record.title }}",
		"webpush.en.txt":     "x",
		"webpush.en.subject": "x",
	})
	type texts struct{ subject, text, html string }
	for value, want := range map[string]map[string]texts{
		"a\r\nBcc: x@y.z\x00\u202e{{ link }}\u2028": {
			"email": {
				"[a Bcc: x@y.z{{ link }} ]", "[a\nBcc: x@y.z{{ link }}\n]", "<p>[a\nBcc: x@y.z{{ link }}\n]</p>",
			},
			"sms":        {"", "[a Bcc: x@y.z{{ link }} ]", ""},
			"whatsapp":   {"", "[a Bcc: x@y.z{{ link }} ]", ""},
			"push":       {"[a Bcc: x@y.z{{ link }} ]", "[a\nBcc: x@y.z{{ link }}\n]", ""},
			"mattermost": {"", "**a Bcc: x@y.z{{ link }} ** [x](https://go.example/l/abc)", ""},
			"webhook": {
				"", `{"in": "<a\nBcc: x@y.z{{ link }}\n>", "out": "a\nBcc: x@y.z{{ link }}\n", "list": ["x",1], "no": ""}`, "",
			},
		},
		`@all # *x* [a](b) <c> ~t "`: {
			"mattermost": {
				"", "**@\u200ball # \\*x\\* \\[a\\](b) \\<c\\> \\~\u200bt \"** [x](https://go.example/l/abc)", "",
			},
			"webhook": {
				"", `{"in": "<@all # *x* [a](b) \u003cc\u003e ~t \">", "out": "@all # *x* [a](b) \u003cc\u003e ~t \"", ` +
					`"list": ["x",1], "no": ""}`, "",
			},
			"email": {`[@all # *x* [a](b) <c> ~t "]`, `[@all # *x* [a](b) <c> ~t "]`, `<p>[@all # *x* [a](b) &lt;c&gt; ~t &#34;]</p>`},
		},
		"1. x":             {"mattermost": {"", "**1\\. x** [x](https://go.example/l/abc)", ""}},
		"- x_y @a.b":       {"mattermost": {"", "**\\- x\\_y @\u200ba.b** [x](https://go.example/l/abc)", ""}},
		"zoe@acme.example": {"mattermost": {"", "**zoe@acme.example** [x](https://go.example/l/abc)", ""}},
		"Zoë\t\u0646":      {"sms": {"", "[Zoë \u0646]", ""}, "email": {"[Zoë \u0646]", "[Zoë\t\u0646]", "<p>[Zoë\t\u0646]</p>"}},
	} {
		e := env(engine.Fields{"title": value})
		e.Outputs = map[string]engine.Fields{"s": {"list": []any{"x", 1}}}
		for channel, want := range want {
			got, err := tmpl.Render(channel, "en", e)
			if (texts{got.Subject, got.Text, got.HTML}) != want || err != nil {
				t.Errorf("%q by %s: %v\n got %q\nwant %q", value, channel, err, texts{got.Subject, got.Text, got.HTML}, want)
			}
		}
	}
}

// A channel of another name has the texts of its kind, if it has none of its own.
func TestTextsOfTheKind(t *testing.T) {
	s := &render.Shelf{Kinds: map[string]string{"alerts": "mattermost", "texts": "sms"}}
	tmpl := bound(t, s, map[string]string{"mattermost.en.md": "kind", "sms.en.txt": "kind", "texts.en.txt": "own"})
	for channel, want := range map[string]string{"alerts": "kind", "texts": "own", "sms": "kind"} {
		if got, err := tmpl.Render(channel, "en", env(engine.Fields{})); err != nil || got.Text != want || !tmpl.Has(channel) {
			t.Errorf("%s: %q, %v", channel, got.Text, err)
		}
	}
	if tmpl.Has("email") {
		t.Error("there is a text for email")
	}
}

func TestLanguagesFollowTheChain(t *testing.T) {
	s := &render.Shelf{Languages: render.Languages{
		Chains: map[string][]string{"ca": {"es", "fr"}, "pt-BR": {"pt-PT"}, "gsw": {"de"}}, Default: "nl",
	}}
	for _, tt := range []struct{ has, wants, gets string }{
		{"es fr nl", "ca", "es"},
		{"fr nl", "ca", "fr"},
		{"nl en", "ca", "nl"},
		{"es nl", "ca-ES", "es"},
		{"pt-PT pt nl", "pt-BR", "pt-PT"},
		{"pt nl", "pt-BR", "pt"},
		{"es de", "gsw-CH", "de"},
		{"de fr", "xx", "de"},
	} {
		files := map[string]string{}
		for language := range strings.FieldsSeq(tt.has) {
			files["sms."+language+".txt"] = language
		}
		got, err := bound(t, s, files).Render("sms", tt.wants, env(engine.Fields{}))
		if err != nil || got.Text != tt.gets || got.Language != tt.gets {
			t.Errorf("%s of %s: %s, %v, want %s", tt.wants, tt.has, got.Text, err, tt.gets)
		}
	}
}

// BenchmarkMail is a mail with a layout and partials, of which the text part is derived.
func BenchmarkMail(b *testing.B) {
	tmpl := bound(b, shelf(b), map[string]string{
		"email.en.subject": "Ticket {{ record.ticket_no }}",
		"email.en.html":    `<p>Hello {{ record.parent_id.firstname }},</p><p>{{ record.title }}</p>{{ partial "button" link "See it" }}`,
	})
	e := env(engine.Fields{"ticket_no": "TT1", "title": "broken", "parent_id": "12x1"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render("email", "en", e); err != nil {
			b.Fatal(err)
		}
	}
}
