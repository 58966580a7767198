package exprsafe

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestText(t *testing.T) {
	tests := []struct {
		src  string
		want any
		kind Kind
	}{
		{`plain`, "plain", Text},
		{``, "", Text},
		{`{{ record.amount }}`, 1200.5, Number},
		{`{{record.tags}}`, []any{"a", "b"}, List},
		{`{{ record.due }}`, noon.Add(48 * time.Hour), Time},
		{`{{ vars.nothing }}`, nil, Any},
		{` {{ record.amount }}`, " 1200.5", Text},
		{`a {{ record.status }}, {{ record.urgent }}{{ record.due }}!`, "a Open, true2026-03-03T12:00:00Z!", Text},
		{`{{ 1e21 + 0.5 }}{{ 1/4 }}{{ 3 }}{{ vars.nothing }}.`, "10000000000000000000000.253.", Text},
		{`{{ "}}" }}x`, "}}x", Text},
		{`{{ '}}' + "{{" }}`, "}}{{", Text},
		{"{{ `}}` }}", "}}", Text},
		{`{{ "{{" }} and }} and { } stay`, "{{ and }} and { } stay", Text},
		{`{{ {a: {b: 1}}.a.b }}`, 1, Any},
		{`{{ 1 /* }} */ }}`, 1, Number},
		{`{{ "a\"}}" }}`, `a"}}`, Text},
		{"{{ 1 // }}\n}}", 1, Number},
	}
	for _, tt := range tests {
		text, fail := CompileText(tt.src, world())
		if fail != nil {
			t.Errorf("CompileText(%s): %v at %d", tt.src, fail, fail.Offset)
			continue
		}
		got, err := text.Eval(full())
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, %v\n%s", tt.src, got, err, diff)
		}
		if text.Kind() != tt.kind {
			t.Errorf("%s: kind %v", tt.src, text.Kind())
		}
		constant, ok := text.Const()
		if ok == strings.Contains(tt.src, "{{") || ok && constant != tt.src {
			t.Errorf("%s: Const is %q, %v", tt.src, constant, ok)
		}
	}
}

func TestTextErrors(t *testing.T) {
	tests := []struct{ src, message, at string }{
		{`Dear {{ record.name`, `{{ is not closed by }}`, `{{ record`},
		{`Dear {{ "}}" `, `{{ is not closed by }}`, `{{ "`},
		{`{{ record.status }} {{`, `{{ is not closed by }}`, `{{`},
		{`Dear {{ record.statu }}`, `unknown field "statu"`, `statu`},
		{`é {{ 1 }} {{ "é" + record.statu }}`, `unknown field "statu"`, `statu`},
		{`{{ }}`, `the expression is empty`, ` }}`},
		{`tags: {{ record.tags }}`, `a list cannot be written as text`, ` record.tags`},
		{`{{ 1 }}{{ ` + strings.Repeat("(", 60) + ` }}`, `nested deeper`, `(`},
		{`{{ "` + strings.Repeat("x", MaxSource) + `" }}`, `longer than 4096 bytes`, ``},
		{strings.Repeat("x", MaxText+1), `the text is longer than`, ``},
		{strings.Repeat("{{1}}", MaxParts+1), `more than 200 expressions`, `{{1}}`},
		{strings.Repeat("{{", MaxText/2), `{{ is not closed by }}`, `{{`},
	}
	for _, tt := range tests {
		text, fail := CompileText(tt.src, world())
		if text != nil {
			t.Errorf("%.40s: a text beside the error", tt.src)
		}
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
}

func TestTextEvalErrors(t *testing.T) {
	env := full()
	env["vars"] = map[string]any{"list": []any{1}, "half": strings.Repeat("x", MaxText/2)}
	tests := []struct{ src, message, at string }{
		{`a {{ vars.list }}`, `a list cannot be written as text`, ` vars`},
		{`a {{ "é" + (1 - vars.half) }}`, `- cannot be used between a number and text`, `-`},
		{`{{ 1 - vars.half }}`, `- cannot be used`, `-`},
		{`a {{ vars.half }}{{ vars.half }}`, `the text is longer than 65536 bytes`, ` vars.half }}`},
		{strings.Repeat(`{{ len(replace(vars.half, "x", "yy")) }}`, 200) + ".", `looks at too much data`, ``},
	}
	for _, tt := range tests {
		text, fail := CompileText(tt.src, world())
		if fail != nil {
			t.Fatalf("CompileText(%s): %v", tt.src, fail)
		}
		_, err := text.Eval(env)
		if !errors.As(err, &fail) {
			t.Fatalf("%.40s: %v", tt.src, err)
		}
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
}

func TestTextRoutes(t *testing.T) {
	text, fail := CompileText(`{{ record.parent_id.email }} of {{ record.parent_id.account_id.accountname }}`, world())
	if fail != nil {
		t.Fatal(fail)
	}
	if diff := cmp.Diff([]string{"parent_id", "parent_id.account_id"}, text.Routes()); diff != "" {
		t.Error(diff)
	}
	env := full()
	env[EnvRoutes] = map[string]map[string]any{"parent_id": {"email": "ann@example.org"}}
	if got, err := text.Render(env); err != nil || got != "ann@example.org of " {
		t.Errorf("%q, %v", got, err)
	}
}
