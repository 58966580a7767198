package exprsafe

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestUses(t *testing.T) {
	tests := []struct {
		src  string
		want Uses
	}{
		{`1 + 2 == 3`, Uses{}},
		{`record.status == "Open"`, Uses{Names: []string{"record.status"}}},
		{`record["status"] == old?.status`, Uses{Names: []string{"old.status", "record.status"}}},
		{`record.parent_id.account_id.accountname == ""`, Uses{Names: []string{"record.parent_id"}}},
		{`steps.told.acted || steps.asked["done"]`, Uses{Names: []string{"steps.asked", "steps.told"}}},
		{`has(steps[record.status])`, Uses{Names: []string{"record.status", "steps"}}},
		{`any(record.tags, # in event.record.tags)`, Uses{Names: []string{"event.record", "record.tags"}}},
		{`false && record.urgent ? 1 : vars.n`, Uses{Names: []string{"record.urgent", "vars.n"}}},
		{`changed("status")`, Uses{Changes: []string{"status"}}},
		{
			`was("status", old.title) || increased("amount") && !changed("status")`,
			Uses{Names: []string{"old.title"}, Changes: []string{"amount", "status"}},
		},
		{`record.due < now()`, Uses{Names: []string{"record.due"}, Now: true}},
		{`"now()" == ""`, Uses{}},
		{`today("Europe/Madrid") == date("2026-03-01")`, Uses{Now: true}},
		{`age(record.due, record.due)`, Uses{Names: []string{"record.due"}}},
		{`age(record.due)`, Uses{Names: []string{"record.due"}, Now: true}},
		{`isToday(record.due, "UTC")`, Uses{Names: []string{"record.due"}, Now: true}},
		{`has(uuid()) || has(random(64))`, Uses{Random: true}},
		{`hmac("rates", hmac("door", record.title))`, Uses{Names: []string{"record.title"}, Secrets: []string{"door", "rates"}}},
		{`decreased("paid") || removed("tags", "a")`, Uses{Changes: []string{"paid", "tags"}}},
	}
	for _, tt := range tests {
		p, fail := Compile(tt.src, world(), Any)
		if fail != nil {
			t.Errorf("Compile(%s): %v", tt.src, fail)
			continue
		}
		if diff := cmp.Diff(tt.want, p.Uses(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s:\n%s", tt.src, diff)
		}
	}
}

func TestTextUses(t *testing.T) {
	text, fail := CompileText(`{{ record.title }}: {{ now() }} {{ changed("status") }} {{ record.title }} record.x`+
		` {{ uuid() }} {{ hmac("rates", "x") }}`, world())
	if fail != nil {
		t.Fatal(fail)
	}
	want := Uses{
		Names: []string{"record.title"}, Changes: []string{"status"}, Secrets: []string{"rates"}, Now: true, Random: true,
	}
	if diff := cmp.Diff(want, text.Uses()); diff != "" {
		t.Error(diff)
	}
}
