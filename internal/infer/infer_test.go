package infer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postern/engine"
	"postern/internal/infer"
	"postern/tasks"
	"postern/workflows"
)

func event(module, id string, record engine.Fields) *engine.Event {
	return &engine.Event{
		Type: engine.RecordCreated, Subject: module + "/" + id, Change: &engine.Change{Record: record},
	}
}

// described gives the lines of a file without what is only for looks.
func described(text []byte) map[string]string {
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		what, why, _ := strings.Cut(strings.TrimSpace(line), "   # ")
		name, _, _ := strings.Cut(what, ":")
		lines[name] = strings.TrimSpace(what) + " # " + strings.TrimSpace(why)
	}
	return lines
}

// everything is known.
func everything(string) bool { return true }

func TestGuesses(t *testing.T) {
	n := func(i int) json.Number { return json.Number(fmt.Sprint(i)) }
	tests := []struct {
		name  string
		value func(i int) any // of the i-th of twelve records
		want  string
	}{
		{"title", func(i int) any { return fmt.Sprintf("Printer %d on fire", i) }, "text # 12 of 12 records, up to 18 characters"},
		{"seldom", func(i int) any { return []any{"a", nil, "", " "}[i%4] }, "text # 3 of 12 records, up to 1 characters"},
		{"never", func(int) any { return nil }, "text # never a value"},
		{"whole", func(i int) any { return n(i) }, "integer # 12 of 12 records"},
		{"wholetext", func(i int) any { return fmt.Sprint(100 * i) }, "integer # 12 of 12 records"},
		{"part", func(i int) any { return json.Number(fmt.Sprintf("%d.5", i)) }, "number # 12 of 12 records"},
		{"price", func(i int) any { return fmt.Sprintf("%d.50", i) }, "decimal # 12 of 12 records"},
		{"zip", func(i int) any { return fmt.Sprintf("0%d451", i%9) }, "text # 12 of 12 records, up to 5 characters"},
		{"long", func(i int) any { return fmt.Sprintf("12345678901234567890%d", i) }, "decimal # 12 of 12 records"},
		{"flag", func(i int) any { return i%2 == 0 }, "boolean # 12 of 12 records"},
		{"bit", func(i int) any { return fmt.Sprint(i % 2) }, "boolean # 12 of 12 records, only 0 and 1"},
		{"zero", func(int) any { return "0" }, "integer # 12 of 12 records"},
		{"word", func(i int) any { return []any{"yes", "no"}[i%2] }, "boolean # 12 of 12 records"},
		{"day", func(i int) any { return fmt.Sprintf("2026-11-%02d", i+1) }, "date # 12 of 12 records"},
		{"at", func(int) any { return "2026-11-22 10:00:00" }, "datetime # 12 of 12 records, without a zone, read as UTC"},
		{"zoned", func(int) any { return "2026-11-22T10:00:00-03:00" }, "datetime # 12 of 12 records"},
		{"mail", func(i int) any { return fmt.Sprintf("c%d@acme.example", i) }, "email # 12 of 12 records"},
		{"web", func(i int) any { return fmt.Sprintf("https://acme.example/%d", i) }, "url # 12 of 12 records"},
		{"called", func(i int) any { return fmt.Sprintf("+34 600 000 %03d", i) }, "phone # 12 of 12 records"},
		{"homephone", func(i int) any { return fmt.Sprintf("91555%04d", i) }, "phone # 12 of 12 records"},
		{
			"state", func(i int) any { return []any{"Open", "Closed", "no: never"}[i%3] },
			`{ type: picklist, options: [Closed, Open, "no: never"] } # 12 of 12 records, 3 different`,
		},
		{
			"tags", func(i int) any { return []any{"Red |##| Blue", "Green"}[i%2] },
			"{ type: multipicklist, options: [Blue, Green, Red] } # 12 of 12 records, 3 different",
		},
		{
			"kinds", func(i int) any { return []any{"a", "b"}[:i%2+1] },
			"{ type: multipicklist, options: [a, b] } # 12 of 12 records, 2 different",
		},
		{"contact", func(i int) any { return []any{"12x1", "12x2"}[i%2] }, "{ type: reference, to: Contacts } # 12 of 12 records, ids of Contacts"},
		{
			"about", func(i int) any { return []any{"12x1", "11x9"}[i%2] },
			"{ type: reference, to: [Accounts, Contacts] } # 12 of 12 records, ids of Accounts and Contacts",
		},
		{"room_id", func(i int) any { return n(i%2 + 1) }, "{ type: reference, to: Rooms } # 12 of 12 records, ids of Rooms"},
		{"uid", func(int) any { return "c0ffee-1" }, "{ type: reference, to: Guids } # 12 of 12 records, ids of Guids"},
		{
			"assigned_user_id", func(int) any { return "19x5" },
			"owner # 12 of 12 records, ids by the name of somebody who owns or does something",
		},
		{
			"product", func(i int) any { return fmt.Sprintf("14x%d", i) },
			"text # 12 of 12 records, ids that begin with 14x, of a module that was not seen: perhaps a reference",
		},
		{"mixed", func(i int) any { return []any{true, "x"}[i%2] }, "text # 12 of 12 records, true or false among other values"},
	}
	var seen infer.Seen
	seen.Add(event("Contacts", "12x1", engine.Fields{"name": "Ann"}))
	seen.Add(event("Accounts", "11x3", engine.Fields{"name": "Acme"}))
	seen.Add(event("Rooms", "1", engine.Fields{"name": "Hall"}))
	seen.Add(event("Rooms", "2", engine.Fields{"name": "Lobby"}))
	seen.Add(event("Guids", "c0ffee-1", engine.Fields{"name": "Odd"}))
	for i := range 12 {
		record := engine.Fields{}
		for _, tt := range tests {
			record[tt.name] = tt.value(i)
		}
		seen.Add(event("HelpDesk", fmt.Sprintf("17x%d", i), record))
	}
	got := described(seen.File("HelpDesk", everything))
	for _, tt := range tests {
		if want := tt.name + ": " + tt.want; got[tt.name] != want {
			t.Errorf("guessed %s\n   want %s", got[tt.name], want)
		}
	}
	alone := described(seen.File("HelpDesk", func(module string) bool { return module == "Accounts" }))
	want := "about: text # 12 of 12 records, ids of Accounts and Contacts, describe Contacts too to make it a reference"
	if alone["about"] != want {
		t.Errorf("guessed %s\n   want %s", alone["about"], want)
	}
}

// Only the newest value of a record counts, and a deleted record says nothing.
func TestTheNewestValueCounts(t *testing.T) {
	var seen infer.Seen
	seen.Add(event("HelpDesk", "1", engine.Fields{"a": "soon", "b": "x"}))
	seen.Add(&engine.Event{
		Type: engine.RecordUpdated, Subject: "HelpDesk/1",
		Change: &engine.Change{Record: engine.Fields{"a": "2026-11-22"}, Partial: true},
	})
	seen.Add(&engine.Event{Type: engine.RecordDeleted, Subject: "Gone/1", Change: &engine.Change{}})
	seen.Add(&engine.Event{Type: "ticket.escalated", Subject: "HelpDesk/2"})
	got := described(seen.File("HelpDesk", everything))
	if got["a"] != "a: date # 1 of 1 record" || !strings.HasPrefix(got["keep"], "keep: true") || seen.Has("Gone") {
		t.Errorf("guessed %v of %v", got, seen.Modules())
	}
}

// Whatever the records hold, the book that comes of it is in order.
func TestAnyGuessPassesLint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var seen infer.Seen
		value := rapid.OneOf(
			rapid.SampledFrom([]any{
				nil, true, json.Number("7"),
				[]any{"a", 1, nil},
				[]any{},
				map[string]any{"a": "b"},
				"0", "1", "yes", "Open", "no: x", "# x", "{a", "- a", "12x1", "2026-11-22", "a |##| b |##|", "|##|",
				"[x]", "\u0085", "\ufeff", "~", "null", "1e3",
			}),
			rapid.Map(rapid.String(), func(s string) any { return s }),
		)
		name := rapid.OneOf(
			rapid.SampledFrom([]string{"a", "b_id", "language", "id", "cf-x", "2nd", "null", "true"}),
			rapid.String(),
		)
		modules := []string{"Contacts", "null", "12", "a-b", "true"}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			record := engine.Fields{}
			for range rapid.IntRange(0, 4).Draw(t, "fields") {
				record[name.Draw(t, "name")] = value.Draw(t, "value")
			}
			id := rapid.SampledFrom([]string{"12x1", "12x2", "7", "x"}).Draw(t, "id")
			seen.Add(event(rapid.SampledFrom(modules).Draw(t, "module"), id, record))
		}
		files := map[string]string{}
		for _, module := range seen.Modules() {
			files["modules/"+module+".yaml"] = string(seen.File(module, seen.Has))
		}
		book, complaints, _ := workflows.LoadFiles(files, workflows.Options{Tasks: tasks.Kinds()})
		if len(complaints) > 0 || len(book.Modules) != len(seen.Modules()) {
			t.Fatalf("%v\n%v", complaints, files)
		}
	})
}
