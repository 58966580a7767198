package exprsafe

import (
	"testing"
	"time"
)

func TestChangeWords(t *testing.T) {
	closed := Change{
		Changed: map[string]bool{
			"status": true, "amount": true, "paid": true, "due": true, "tags": true, "any": true, "urgent": true,
		},
		Old: map[string]any{
			"status": "Open", "amount": nil, "paid": 4.5, "due": noon, "tags": []any{"a", "b"}, "any": 1, "urgent": nil,
		},
		Now: map[string]any{
			"status": "Closed", "amount": 5.0, "paid": 5, "due": noon.Add(time.Hour), "tags": []any{"b", "c"}, "any": 2,
			"urgent": true, "title": "Printer",
		},
	}
	tests := []struct {
		src                    string
		closed, created, quiet bool
	}{
		{`changed("status")`, true, false, false},
		{`changed("title")`, false, false, false},
		{`changed_from("status", "Open")`, true, false, false},
		{`changed_from("status", "New")`, false, false, false},
		{`changed_from("amount", "")`, true, false, false},
		{`changed_from("amount", null)`, true, false, false},
		{`changed_from("title", "Printer")`, false, false, false},
		{`changed_to("status", "Clo" + "sed")`, true, false, false},
		{`changed_to("amount", 5)`, true, false, false},
		{`changed_to("title", "Printer")`, false, false, false},
		{`was("status", "Open")`, true, false, false},
		{`was("status", "Closed")`, false, false, false},
		{`was("title", "Printer")`, true, false, false},
		{`was("parent_id", "")`, true, false, false},
		{`was("parent_id", null)`, true, false, false},
		{`was("urgent", false)`, true, false, false},
		{`changed_to("urgent", true)`, true, false, false},
		{`changed_to("due", now() + duration("1h"))`, true, false, false},
		{`increased("paid")`, true, false, false},
		{`increased("due")`, true, false, false},
		{`increased("any")`, true, false, false},
		{`increased("amount")`, false, false, false}, // it was null
		{`changed("tags")`, true, false, false},
		{`added("tags", "c")`, true, false, false},
		{`added("tags", "b")`, false, false, false},
		{`added("tags", "a")`, false, false, false},
		{`added("tags", null)`, false, false, false},
		{`changed("status") && !changed("title")`, true, false, false},
		{`!changed("status")`, false, true, true},
	}
	created := closed
	created.New = true
	for _, tt := range tests {
		p, fail := Compile(tt.src, world(), Bool)
		if fail != nil {
			t.Errorf("Compile(%s): %v", tt.src, fail)
			continue
		}
		for _, c := range []struct {
			name   string
			change any
			want   bool
		}{{"closed", closed, tt.closed}, {"created", created, tt.created}, {"without a change", nil, tt.quiet}} {
			env := full()
			env[EnvChange] = c.change
			if got, err := p.Bool(env); err != nil || got != c.want {
				t.Errorf("%s, %s: %v, %v", tt.src, c.name, got, err)
			}
		}
	}
}

func TestChangeErrors(t *testing.T) {
	tests := []struct{ src, message, at string }{
		{`changed("statu")`, `unknown field "statu" of HelpDesk (did you mean "status"?)`, `"statu"`},
		{`changed()`, `changed is written changed("status")`, `changed`},
		{`changed("status", "Open")`, `changed is written changed("status")`, `changed`},
		{`was("status")`, `was is written was("status", "Open")`, `was`},
		{`changed(record.status)`, `changed takes the name of a field in quotes`, `record.status`},
		{`changed_to("status", 5)`, `status is text, this gives a number`, `5`},
		{`changed_to("amount", "5")`, `amount is a number, this gives text`, `"5"`},
		{`was("tags", [])`, `a list or a map cannot be compared`, `[]`},
		{`changed_to("due", "2026-03-01")`, `due is a time, this gives text`, `"2026`},
		{`changed_to("urgent", "yes")`, `urgent is true or false, this gives text`, `"yes"`},
		{`increased("status")`, `increased asks about a number, status is text`, `"status"`},
		{`increased("amount", 1)`, `increased is written increased("amount")`, `increased`},
		{`added("status", "Open")`, `added asks about a list, status is text`, `"status"`},
		{`added("tags", 5)`, `tags is text, this gives a number`, `5`},
		{`added("tags")`, `added is written added("tags", "urgent")`, `added`},
	}
	for _, tt := range tests {
		_, fail := Compile(tt.src, world(), Any)
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
}

// TestChangeOfOtherKinds holds what the words do where the field may be anything and is not what they
// ask about.
func TestChangeOfOtherKinds(t *testing.T) {
	env := full()
	env[EnvChange] = Change{
		Changed: map[string]bool{"any": true}, Old: map[string]any{"any": "9"}, Now: map[string]any{"any": "10"},
	}
	for src, want := range map[string]string{
		`increased("any")`:           "increased expects a number or a time, any is text",
		`added("any", "1")`:          "added expects a list, any is text",
		`changed_from("any", "9")`:   "",
		`changed_to("any", vars.n)`:  "",
		`was("any", record.tags[0])`: "",
	} {
		if _, err := evaluate(t, src, env); message(err) != want {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
}
