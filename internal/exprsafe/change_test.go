package exprsafe

import "testing"

func TestChangeWords(t *testing.T) {
	closed := Change{
		Changed: map[string]bool{"status": true, "amount": true},
		Old:     map[string]any{"status": "Open", "amount": nil},
		Now:     map[string]any{"status": "Closed", "amount": 5.0, "title": "Printer", "paid": nil},
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
		{`was("paid", "")`, true, false, false},
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
	}
	for _, tt := range tests {
		_, fail := Compile(tt.src, world(), Any)
		wantError(t, tt.src, fail, tt.message, tt.at)
	}
}
