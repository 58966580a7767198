package render_test

import (
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/render"
)

// longest is what loading or writing one message may take in these tests, under the race detector on a machine that
// does much else. On two idle cores of 2023 with Go 1.26 the worst below take 0.3 s. What is not counted takes minutes.
const longest = 20 * time.Second

// attempt parses a template of one part and, if it is right, writes it; it returns what was wrong.
func attempt(t *testing.T, part, source string, e *engine.Env) string {
	t.Helper()
	start := time.Now()
	defer func() {
		took := time.Since(start)
		t.Logf("%5d ms: %s: %.60q", took.Milliseconds(), part, source)
		if took > longest {
			t.Errorf("%s: %.60q took %v", part, source, took)
		}
	}()
	tmpl, problems := parsed("hello", map[string]string{"email.en.txt": "x", "email.en." + part: source})
	all := modules()
	problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
	if len(problems) > 0 {
		return problems[0].Message
	}
	if _, err := tmpl.Render("email", "en", e); err != nil {
		return err.Error()
	}
	return ""
}

// large is an environment with values as large as a template may see.
func large() *engine.Env {
	e := env(engine.Fields{"title": strings.Repeat("x", render.MaxText), "ticket_no": "TT1"})
	list, wide := make([]any, render.MaxList), map[string]any{}
	for i := range list {
		list[i] = "item"
		wide["key"+itoa(i)] = "value"
	}
	e.Outputs = map[string]engine.Fields{"s": {"list": list, "wide": wide, "format": "%9999999d", "ones": "1"}}
	e.Now = time.Date(2026, 11, 11, 11, 11, 11, 0, time.UTC) // a month whose number doubles when it is a layout
	return e
}

// Without limits each of these keeps a processor busy for minutes or fills the memory; together they are what a
// message template was found to be able to do.
func TestNoTemplateIsWithoutEnd(t *testing.T) {
	rep := strings.Repeat
	const tooMuch, tooDeep = "the message looks at more than 32 MB", "at most 4 ranges may lie in one another"
	tests := []struct{ part, source, want string }{
		{"txt", `{{ $x := "aaaa" }}` + rep(`{{ $x = print $x $x }}`, 40), "print is given too much"},
		{"txt", `{{ $x := "aaaa" }}` + rep(`{{ $x = printf "%s%s" $x $x }}`, 40), "printf is given too much"},
		{"txt", `{{ $x := record.title }}` + rep(`{{ $x = $x | urlquery | js }}`, 40), ""},
		{"txt", `{{ $x := "<" }}` + rep(`{{ $x = html $x }}`, 40) + rep(`{{ $x = js $x $x }}`, 20), "js"},
		{"txt", `{{ $x := "1" }}{{ range 1000 }}{{ $x = now.Format $x }}{{ end }}`, "the layout of a time is longer than 200 bytes"},
		{"txt", `{{ (now.AddDate 9000000000000000000 9000000000000000000 9000000000000000000).Format "2006" }}`, ""},
		{"txt", `{{ $t := now }}{{ with $t }}{{ .AppendFormat }}{{ end }}`, "can't evaluate field AppendFormat"},
		{"txt", rep(`{{ $x := len (printf "%1000000s" "x") }}`, 500), "the width of printf is at most 1000"},
		{"txt", `{{ printf "%.999999f" 1.5 }}`, "the width of printf is at most 1000"},
		{"txt", `{{ printf "%*d" 1000000 1 }}`, "the width of printf is a number, not *"},
		{"txt", `{{ printf steps.s.format 1 }}`, "the width of printf is at most 1000"},
		{"txt", `{{ printf "` + rep("%[1]s", 2000) + `" record.title }}`, "printf is given too much"},
		{"txt", `{{ len (printf "` + rep("%1000[1]d", 2000) + `" 1) }}`, "printf makes a text longer than 262144 bytes"},
		{"txt", rep(`{{ if eq record.title record.title }}{{ end }}`, 5000), tooMuch},
		{"txt", `{{ range 5000 }}{{ if record.title | eq "x" }}{{ end }}{{ end }}`, tooMuch},
		{"txt", `{{ range 10000 }}` + rep(`{{ $x := 1 }}`, 100) + `{{ end }}`, tooMuch},
		{"txt", `{{ range 5000 }}{{ range steps.s.wide }}{{ break }}{{ end }}{{ end }}`, tooMuch},
		{"txt", `{{ range 9000 }}{{ with index steps.s.wide record.title }}{{ end }}{{ end }}`, ""},
		{"html", rep(`<!-- {{ record.title }} -->`, 5000), tooMuch},
		{"html", rep(`<p {{ print record.title " " }}>`, 5000), tooMuch},
		{"html", `<script>` + rep(`f({{ steps.s }});`, 5000) + `</script>`, "the message is longer than 262144 bytes"},
		{"html", rep("{{ range 1 }}", 30) + "x" + rep("{{ end }}", 30), tooDeep},
		{"txt", rep("{{ range 1 }}", 5) + "x" + rep("{{ end }}", 5), tooDeep},
		{"html", rep("{{ range 1 }}", 4) + rep("<b>x</b>", 30_000) + rep("{{ end }}", 4), ""},
		{"html", rep("<", 250_000), "more than 100 signs < begin no tag: write &lt;"},
		{"html", rep("</ ", 80_000), "more than 100 signs < begin no tag: write &lt;"},
		{"html", rep("<!doctype html>", 10_000), "more than 100 signs < begin no tag: write &lt;"},
		{"html", rep("<<a>", 60_000), "more than 100 signs < begin no tag: write &lt;"},
		{"html", rep("< ", 100) + rep("x", 250_000), ""},
		{"html", rep("<!-- x -->", 25_000), ""},
		{"html", rep("{{ record.id }}", 16_000), ""},
		{"html", rep("<a href='{{ record.id }}' style='x: {{ record.id }}'>", 4_000), ""},
		{"html", rep("<script>`${ {{ record.id }} }`</script>", 6_000), ""},
		{"html", rep("{{ if 1 }}", 10_000) + rep("{{ end }}", 10_000), ""},
		{"html", "{{ if 1 }}" + rep("{{ else if 1 }}", 10_000) + "{{ end }}", ""},
		{"txt", "{{ " + rep("(", 9_000) + "1" + rep(")", 9_000) + " }}", ""},
		{"txt", "{{ " + rep("(", 100_000) + "1" + rep(")", 100_000) + " }}", "max expression depth exceeded"},
		{"txt", rep("{{ if 1 }}", 25_000), "not closed by {{ end }}"},
		{"html", "<style>" + rep("p{a:b}", 400) + "</style>" + rep("<p>", 80_000), "too many styles to be written"},
		{"html", "<style>" + rep("i b b b{a:b}", 400) + "</style>" + rep("<b>", 80_000), "too many styles"},
		{"html", rep("<title></title>", 17_000), ""},
		{"html", rep("<a href='x'>", 20_000) + rep("</a>", 3_000), ""},
		{"html", rep("<table><tr><td>", 15_000), ""},
		{"html", rep("x", render.MaxSource+1), "the file is longer than 256 kB"},
		{"txt", rep("{{ record.nosuch }}", 13_000), `unknown field "nosuch" of HelpDesk`},
	}
	for _, tt := range tests {
		if got := attempt(t, tt.part, tt.source, large()); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %.60q: %.200q, want %q", tt.part, tt.source, got, tt.want)
		}
	}
}

// What a template cannot reach, or has no need of, is told when it is loaded.
func TestTemplateLanguage(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{`{{ $.record.title }}`, "1:4: $ is not available; write record, recipient, steps, vars, item, link, links, now"},
		{`{{ . }}`, "1:4: there is no . outside of range and with; write record, recipient"},
		{`é {{ .record.title }}`, "1:6: write record.title without the dot before it"},
		{`{{ with record.title }}{{ . }}{{ end }}`, ""},
		{`{{ with 1 }}{{ else }}{{ .x }}{{ end }}`, "1:26: write x without the dot before it"},
		{`{{ range steps }}{{ .done }}{{ end }}`, ""},
		{`{{ call record.title }}`, "1:4: call is not available in a template"},
		{`{{ count_look record.title }}`, "1:4: count_look is not available in a template"},
		{`{{ with 1 }}{{ eq count_start 1 }}{{ end }}`, "1:19: count_start is not available in a template"},
		{`{{ now.Unix }}`, `1:8: unknown part of now "Unix"`},
		{`{{ (now.AddDate 0 0 7).Format "2 Jan" }}`, ""},
		{`{{ now.UTC.Year }}{{ now.Month }}{{ now }}`, ""},
	} {
		tmpl, problems := parsed("hello", map[string]string{"email.en.txt": tt.source})
		all := modules()
		problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all})...)
		got := ""
		for _, p := range problems {
			got = itoa(p.Line) + ":" + itoa(p.Column) + ": " + p.Message
		}
		if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.source, got, tt.want)
		}
	}
	for source, want := range map[string]string{
		`<p>{{ record.title | html }}</p>`:  "html escapes by itself: leave out html",
		`<a href="/?{{ urlquery link }}">x`: "html escapes by itself: leave out urlquery",
		`<a href={{ if link }}"{{ end }}>x`: "{{if}} branches end in different contexts",
		"\n<p>\n<script>{{ link }}":         "ends in a non-text context",
	} {
		if got := attempt(t, "html", source, large()); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

// A value over a limit does no harm where nobody looks at it, and is named where somebody does.
func TestValuesOverALimit(t *testing.T) {
	e := env(engine.Fields{"title": strings.Repeat("x", render.MaxText+1), "ticket_no": make([]any, render.MaxList+1)})
	e.Routes["parent_id"].Fields["firstname"] = func() {}
	deep := any("x")
	for range 40 {
		deep = []any{deep}
	}
	e.Outputs = map[string]engine.Fields{"s": {"deep": deep}}
	for source, want := range map[string]string{
		`{{ record.id }}{{ if record.title }}{{ with record.ticket_no }}yes{{ end }}{{ end }}`: "",
		`{{ record.title }}`:                            "record.title is longer than 65536 bytes",
		`{{ len record.title }}`:                        "record.title is longer than 65536 bytes",
		`{{ if eq record.title "x" }}{{ end }}`:         "record.title is longer than 65536 bytes",
		`{{ printf "%s" record.title }}`:                "record.title is longer than 65536 bytes",
		`{{ with record.title }}{{ print . }}{{ end }}`: "record.title is longer than 65536 bytes",
		`{{ range record.ticket_no }}{{ end }}`:         "record.ticket_no has more than 1000 items",
		`{{ record.parent_id.firstname }}`:              "record.parent_id.firstname is not plain data",
		`{{ steps }}`:                                   "steps.s is nested deeper than 32",
		`{{ record.parent_id }}`:                        "",
	} {
		got := attempt(t, "txt", source, e)
		if !strings.HasSuffix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
		if want != "" && !strings.HasPrefix(got, "template hello: email.en.txt:1:") {
			t.Errorf("%s: %q does not tell the place", source, got)
		}
	}
}

// The counting changes nothing of what is written.
func TestFunctionsGiveWhatGoDoes(t *testing.T) {
	e := env(engine.Fields{"title": "a<b", "ticket_no": "TT1"})
	e.Outputs = map[string]engine.Fields{"s": {"list": []any{"x", "y"}, "n": 3, "none": nil}}
	e.Now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for source, want := range map[string]string{
		`{{ printf "%5.2f|%-4s|%03d" 1.5 record.ticket_no steps.s.n }}`:                              " 1.50|TT1 |003",
		`{{ print 1 2 "x" }}{{ println "y" }}`:                                                       "1 2x" + "y\n",
		`{{ record.title | html }}{{ record.title | printf "%q" }}`:                                  `a&lt;b"a<b"`,
		`{{ urlquery "a b" }}{{ js "'" }}`:                                                           `a+b\'`,
		`{{ if record.ticket_no | eq "TT1" }}1{{ else }}2{{ end }}`:                                  "1",
		`{{ if and (lt 1 2) (ne record.title "") (not false) }}1{{ end }}`:                           "1",
		`{{ len steps.s.list }}{{ slice record.title 1 }}{{ index steps.s.list 1 }}`:                 "2<by",
		`{{ steps.s.list }}{{ steps.s.none }}{{ record.parent_id }}{{ record.parent_id.firstname }}`: "[x y]<no value>12x1Zoë",
		`{{ now }} {{ now.Format "2 January 2006" }} {{ now.Year }} {{ now.Weekday }}`:               "2026-03-01 12:00:00 +0000 UTC 1 March 2026 2026 Sunday",
	} {
		tmpl := parse(t, map[string]string{"email.en.txt": source})
		got, err := tmpl.Render("email", "en", e)
		if err != nil || got.Text != want {
			t.Errorf("%s: %q, %v, want %q", source, got.Text, err, want)
		}
	}
	tmpl := parse(t, map[string]string{
		"email.en.txt":  "x",
		"email.en.html": `<p>{{ record.parent_id.firstname }}{{ steps.s.list }}{{ steps.s.none }}</p><script>x = {{ record.parent_id }}, {{ steps.s.list }}</script>`,
	})
	got, err := tmpl.Render("email", "en", e)
	if want := `<p>Zoë[x y]</p><script>x = "12x1", ["x","y"]</script>`; err != nil || got.HTML != want {
		t.Errorf("html: %q, %v, want %q", got.HTML, err, want)
	}
}
