package exprsafe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoutes(t *testing.T) {
	env := full()
	env[EnvRoutes] = map[string]map[string]any{
		"parent_id":            {"email": "ann@example.org", "score": 7, "account_id": "11x5"},
		"parent_id.account_id": {"accountname": "Acme", "primary_contact": "12x3"},
	}
	tests := []struct {
		src    string
		routes []string
		want   any
	}{
		{`record.parent_id`, nil, "12x3"},
		{`record.parent_id.email`, []string{"parent_id"}, "ann@example.org"},
		{`record.parent_id["email"]`, []string{"parent_id"}, "ann@example.org"},
		{`record?.parent_id?.email`, []string{"parent_id"}, "ann@example.org"},
		{`record.parent_id.account_id`, []string{"parent_id"}, "11x5"},
		{`record.parent_id.account_id.accountname`, []string{"parent_id", "parent_id.account_id"}, "Acme"},
		{
			`record.parent_id.account_id.primary_contact.email`,
			[]string{"parent_id", "parent_id.account_id", "parent_id.account_id.primary_contact"},
			"",
		},
		{
			`record.parent_id.account_id.primary_contact.score == null && record.parent_id.score > 5`,
			[]string{"parent_id", "parent_id.account_id", "parent_id.account_id.primary_contact"},
			true,
		},
		{`any(record.tags, # == record.parent_id.email)`, []string{"parent_id"}, false},
		{`old.parent_id == ""`, nil, true},
	}
	for _, tt := range tests {
		p, fail := Compile(tt.src, world(), Any)
		if fail != nil {
			t.Errorf("Compile(%s): %v", tt.src, fail)
			continue
		}
		if diff := cmp.Diff(tt.routes, p.Routes()); diff != "" {
			t.Errorf("%s: routes\n%s", tt.src, diff)
		}
		if got, err := p.Eval(env); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v, want %v", tt.src, got, err, tt.want)
		}
	}
}

func TestRouteErrors(t *testing.T) {
	tests := []struct{ src, message, at string }{
		{`record.parent_id.emial`, `unknown field "emial" of Contacts (did you mean "email"?)`, `emial`},
		{`record.parent_id.account_id.name`, `unknown field "name" of Accounts`, `name`},
		{`record.parent_id.email.x`, `record.parent_id.email is text and has no field "x"`, `x`},
		{
			`old.parent_id.email`, `old.parent_id is only an id, references are followed from record: record.parent_id.email`,
			`email`,
		},
		{`event.record.parent_id.email`, `event.record.parent_id is only an id`, `email`},
		{`(record.urgent ? record.parent_id : "").email`, `this is text and has no field "email"`, `email`},
	}
	for _, tt := range tests {
		_, fail := Compile(tt.src, world(), Any)
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
	_, err := evaluate(t, `record.parent_id.email`, full())
	if message(err) != "record.parent_id.email cannot be followed here" {
		t.Errorf("without routes: %v", err)
	}
}

// TestRouteLength follows a circle of references as far as a source can write it.
func TestRouteLength(t *testing.T) {
	src := "record.parent_id" + strings.Repeat(".account_id.primary_contact", 60) + ".email"
	p, fail := Compile(src, world(), Text)
	if fail != nil {
		t.Fatal(fail)
	}
	if got := len(p.Routes()); got != 121 {
		t.Errorf("%d routes", got)
	}
}
