package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/engine"
)

// condition loads the small book with one more workflow, whose second step has the condition; the first has the id
// told.
func condition(t *testing.T, src string) (engine.Program, *engine.Module) {
	t.Helper()
	book := smallBook(t)
	book["modules/Tickets.yaml"] += "  tags: { type: multipicklist, options: [a, b] }\n"
	book["asked.yaml"] = fmt.Sprintf(`name: asked
on: { event: record.saved, module: Tickets }
tasks:
  - notify: { to: record.contact, via: email, template: hello }
    id: told
  - if: %q
    update: { set: { note: x } }
`, src)
	loaded := load(t, book)
	for _, w := range loaded.Workflows {
		if w.Name == "asked" {
			return w.Tasks[1].If, w.Module
		}
	}
	t.Fatal("no workflow")
	return nil, nil
}

func TestUses(t *testing.T) {
	tests := []struct {
		src  string
		want engine.Uses
	}{
		{`true`, engine.Uses{}},
		{`event.record.status == "Open"`, engine.Uses{}}, // an event never changes
		{`actor == ""`, engine.Uses{}},
		{`record.status == "Open"`, engine.Uses{Record: true}},
		{`record.contact.name == "Zoë"`, engine.Uses{Record: true}},
		{`old.status == "Open"`, engine.Uses{Record: true}},
		{`steps.told.acted`, engine.Uses{Steps: []string{"told"}}},
		{`steps.told.acted || changed("status")`, engine.Uses{
			Record: true, Changes: []string{"status"}, Steps: []string{"told"},
		}},
		{`steps.told.at < now()`, engine.Uses{Steps: []string{"told"}, Now: true}},
	}
	for _, tt := range tests {
		p, _ := condition(t, tt.src)
		sensitive, ok := p.(engine.Sensitive)
		if !ok {
			t.Fatalf("%s: %T does not say what it uses", tt.src, p)
		}
		if diff := cmp.Diff(tt.want, sensitive.Uses(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s:\n%s", tt.src, diff)
		}
	}
}

// What changed is what the event says, and during a wait what differs from when it began.
func TestChangeSinceTheBaseline(t *testing.T) {
	before := engine.Fields{
		"status": "Open", "note": nil, "count": json.Number("4"), "due": "2026-03-01", "tags": []any{"a"}, "room": "7",
	}
	now := maps.Clone(before)
	maps.Copy(now, engine.Fields{
		"status": "Resolved", "note": "", "count": json.Number("5"), "due": "2026-03-02", "tags": []any{"a", "b"},
	})
	event := &engine.Event{Type: engine.RecordCreated, Change: &engine.Change{
		Record: before, Old: engine.Fields{"room": "6"}, Changed: []string{"room"},
	}}
	updated := *event
	updated.Type = engine.RecordUpdated
	tests := []struct {
		src                     string
		created, updated, since bool
	}{
		{`changed("status")`, false, false, true},
		{`changed("note")`, false, false, false}, // null and the empty text are one
		{`changed("room")`, false, true, false},
		{`changed_from("status", "Open")`, false, false, true},
		{`changed_from("status", "Resolved")`, false, false, false},
		{`changed_to("status", "Resolved")`, false, false, true},
		{`was("status", "Open")`, false, false, true},
		{`was("room", "6")`, false, true, false},
		{`was("room", "7")`, false, false, true},
		{`increased("count")`, false, false, true},
		{`increased("due")`, false, false, true},
		{`added("tags", "b")`, false, false, true},
		{`added("tags", "a")`, false, false, false},
		{`old.room == "6"`, true, true, true},
	}
	for _, tt := range tests {
		p, module := condition(t, tt.src)
		env := &engine.Env{
			Event: event, Ref: engine.Ref{Module: "Tickets", ID: "1"}, Module: module, Record: now,
			Now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		}
		other := *env
		other.Event = &updated
		for _, c := range []struct {
			name     string
			env      *engine.Env
			baseline engine.Fields
			want     bool
		}{
			{"created", env, nil, tt.created},
			{"updated", &other, nil, tt.updated},
			{"in a wait", env, before, tt.since},
			{"in another wait of the same run", env, now, tt.src == `old.room == "6"` || tt.src == `was("room", "7")`},
			{"after the wait", env, nil, tt.created},
		} {
			c.env.Baseline = c.baseline
			if got, err := engine.True(p, c.env); err != nil || got != c.want {
				t.Errorf("%s, %s: %v, %v", tt.src, c.name, got, err)
			}
		}
	}
}

// What is left when the work of an event is spent must do for what people write.
func TestOrdinaryConditionsAreCheap(t *testing.T) {
	record := engine.Fields{
		"no": "T1", "status": "Open", "note": strings.Repeat("please ", 30), "count": json.Number("4"), "due": "2026-03-01",
		"tags": []any{"a", "b"},
	}
	for _, src := range []string{
		`record.status != "Resolved" && record.count > 3 && record.due < now()`,
		`changed("status") || record.note contains "urgent" || "b" in record.tags`,
		`lower(record.no) matches "^t[0-9]+$" && any(record.tags, # == "a")`,
	} {
		p, module := condition(t, src)
		env := &engine.Env{
			Ref: engine.Ref{Module: "Tickets", ID: "1"}, Module: module, Record: record, Work: engine.NewWork(0),
			Now:   time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
			Event: &engine.Event{Type: engine.RecordCreated, Change: &engine.Change{Record: record}},
		}
		if got, err := engine.True(p, env); err != nil || !got {
			t.Errorf("%s: %v, %v", src, got, err)
		}
	}
	p, module := condition(t, `lower(record.note) == ""`)
	_, err := p.Eval(&engine.Env{
		Module: module, Record: engine.Fields{"note": strings.Repeat("x", engine.MaxText)}, Work: engine.NewWork(0),
	})
	if !errors.Is(err, engine.ErrWork) {
		t.Errorf("too much is no ErrWork: %v", err)
	}
}

// A value over a limit does no harm where nobody looks at it, and is named where somebody does.
func TestValuesOverALimit(t *testing.T) {
	record := engine.Fields{
		"status": "Open", "note": strings.Repeat("x", engine.MaxText+1), "tags": make([]any, 1001),
	}
	for src, want := range map[string]string{
		`record.status == "Open"`:                       "",
		`record.status == "Open" || record.note == "x"`: "",
		`record.note != ""`:                             `if record.note != "": record.note is longer than 65536 bytes`,
		`"a" in record.tags`:                            `if "a" in record.tags: record.tags has more than 1000 items`,
	} {
		p, module := condition(t, src)
		_, err := engine.True(p, &engine.Env{Module: module, Record: record})
		if got := fmt.Sprint(err); err != nil && got != want || err == nil && want != "" {
			t.Errorf("%s: %v", src, err)
		}
	}
}
