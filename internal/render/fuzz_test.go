package render_test

import (
	"testing"
	"time"

	"postern/internal/render"
)

// FuzzParse holds that any template is refused, or fails, or writes a message within the limits, and soon.
func FuzzParse(f *testing.F) {
	for _, source := range []string{
		"{{ record.title }}{{ range steps }}{{ end }}",
		"{{ (record.parent_id).firstname | printf \"%v\" }}",
		`{{ $x := "1" }}{{ range $i, $v := steps.s.list }}{{ $x = print $x $v }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ end }}`,
		`{{ with record.parent_id }}{{ .firstname }}{{ else }}{{ now.Format "2 Jan" }}{{ end }}`,
		`<a href="/?q={{ record.title }}" onclick='f({{ steps.s.wide }})' style="x: {{ record.ticket_no }}">{{ link }}</a>`,
		"<script>`${ {{ recipient.name }} }`</script><!-- {{ links.link }} --><style>{{ steps.s.ones }}</style>",
		`{{ printf "%[2]*[1]d%6.2f|%-40q" 1 2 }}{{ slice record.title 1 3 | js | urlquery }}{{ index steps "s" "list" 1 }}`,
		`{{- if and (not record.id) (or 1 2) -}} < </ <!DOCTYPE {{/* x */}} {{ else if lt 1 2 }}{{ end }}`,
		`{{ range 3 }}{{ range steps.s.wide }}{{ continue }}{{ end }}{{ end }}{{ now.AddDate 0 0 1 }}{{ html "<" }}`,
	} {
		f.Add(source)
	}
	values := large()
	f.Fuzz(func(t *testing.T, source string) {
		start := time.Now()
		for _, part := range []string{"txt", "html"} {
			tmpl, problems := parsed("f", map[string]string{"email.en.txt": "x", "email.en." + part: source})
			for _, p := range problems {
				if p.Message == "" || p.Line < 1 || p.Column < 0 {
					t.Errorf("%q: %+v", source, p)
				}
			}
			all := modules()
			problems = append(problems, tmpl.Bind(render.Scope{Module: all["HelpDesk"], Modules: all, Links: []string{"link"}})...)
			if len(problems) > 0 {
				continue
			}
			content, err := tmpl.Render("email", "en", values)
			if err == nil && len(content.Text)+len(content.HTML) > 2*render.MaxOutput {
				t.Errorf("%q: %d bytes", source, len(content.Text)+len(content.HTML))
			}
		}
		if took := time.Since(start); took > longest {
			t.Errorf("%q took %v", source, took)
		}
	})
}
