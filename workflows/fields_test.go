package workflows_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/workflows"
)

// everyType is a module with a field of each type, named as the type.
const everyType = `module: Things
label: { en: Thing, es: Cosa }
title: text
fields:
  text: text
  number: number
  integer: integer
  decimal: decimal
  currency: { type: currency, label: Price }
  boolean: boolean
  date: date
  datetime: datetime
  picklist:
    type: picklist
    options: { Open: { en: Open, es: Abierta }, "1": Urgent, Closed: }
  multipicklist: { type: multipicklist, options: [Red, Blue] }
  reference: { type: reference, to: [People, Rooms] }
  owner: { type: owner, to: People }
  email: { type: email, unique: true }
  phone: { type: phone, max: 20 }
  url: url
  file: file
`

// A value of each type as a CRM sends it, a condition that holds for it, a value to write in YAML, one that lint
// refuses, and what is kept of the good one.
func TestEveryTypeOfField(t *testing.T) {
	tests := []struct {
		field     engine.FieldType
		sent      any
		condition string
		good, bad string
		kept      any
	}{
		{engine.TypeText, "Zoë", `record.text == "Zoë"`, `42`, `[a]`, "42"},
		{engine.TypeNumber, "0.5", `record.number * 2 == 1`, `1.5`, `many`, json.Number("1.5")},
		{engine.TypeInteger, json.Number("7"), `record.integer == 7`, `8`, `1.5`, json.Number("8")},
		{engine.TypeDecimal, "12.50", `record.decimal > 12`, `2.25`, `x`, json.Number("2.25")},
		{engine.TypeCurrency, json.Number("9.99"), `record.currency < 10`, `10`, `true`, json.Number("10")},
		{engine.TypeBoolean, "1", `record.boolean`, `false`, `maybe`, false},
		{engine.TypeDate, "2026-11-22", `record.date < now()`, `2026-12-24`, `24.12.2026`, "2026-12-24"},
		{
			engine.TypeDateTime, "2026-11-22T12:00:00+01:00", `record.datetime < now()`,
			`"2026-12-24T18:00:00-03:00"`, `noon`, "2026-12-24T18:00:00-03:00",
		},
		{engine.TypePicklist, "Open", `record.picklist == "Open"`, `Closed`, `open`, "Closed"},
		{engine.TypeMultiPicklist, "Red |##| Blue", `"Blue" in record.multipicklist`, `[Red]`, `[Green]`, []any{"Red"}},
		{engine.TypeReference, "12x1", `record.reference.name == "Ann"`, `12x2`, `[12x2]`, "12x2"},
		{engine.TypeOwner, "12x1", `record.owner.email == "ann@acme.example"`, `12x2`, `{ id: 12x2 }`, "12x2"},
		{engine.TypeEmail, "z@acme.example", `record.email != ""`, `a@acme.example`, `nobody`, "a@acme.example"},
		{engine.TypePhone, "+34 600 000 001", `record.phone startsWith "+34"`, `"+34 600"`, `"123456789012345678901"`, "+34 600"},
		{engine.TypeURL, "https://acme.example", `record.url != ""`, `https://a.example/`, `[x]`, "https://a.example/"},
		{engine.TypeFile, "offer.pdf", `record.file endsWith ".pdf"`, `b.pdf`, `[x]`, "b.pdf"},
	}
	if len(tests) != len(engine.FieldTypes()) {
		t.Errorf("%d types are tried, there are %d", len(tests), len(engine.FieldTypes()))
	}
	for _, tt := range tests {
		t.Run(string(tt.field), func(t *testing.T) {
			book, complaints := loadThing(tt.condition, string(tt.field), tt.good)
			if complaints != "" {
				t.Fatal(complaints)
			}
			w := book.Workflows[0]
			record := engine.Fields{string(tt.field): tt.sent}
			person := engine.Record{
				Ref: engine.Ref{Module: "People", ID: "12x1"}, Fields: engine.Fields{"name": "Ann", "email": "ann@acme.example"},
			}
			holds, err := engine.True(w.If, &engine.Env{
				Ref: engine.Ref{Module: "Things", ID: "1"}, Module: w.Module, Record: record,
				Routes: map[string]engine.Record{"reference": person, "owner": person},
				Now:    time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Work: engine.NewWork(engine.QuickWork),
				Event: &engine.Event{Type: engine.RecordCreated, Change: &engine.Change{Record: record}},
			})
			if err != nil || !holds {
				t.Errorf("%s is %t, %v", tt.condition, holds, err)
			}
			kept := book.Landings["thing"].Actions[0].Set[string(tt.field)]
			if diff := cmp.Diff(tt.kept, kept); diff != "" {
				t.Errorf("of %s is kept:\n%s", tt.good, diff)
			}
			_, complaints = loadThing(tt.condition, string(tt.field), tt.bad)
			if strings.Count(complaints, "w.yaml:5:") != 1 || strings.Count(complaints, "landings/thing.yaml:4:") != 1 {
				t.Errorf("of %s lint says:\n%s", tt.bad, complaints)
			}
		})
	}
}

// loadThing loads a book in which a workflow and a landing give a field a value.
func loadThing(condition, field, value string) (*engine.Book, string) {
	book, complaints, _ := workflows.LoadFiles(map[string]string{
		"modules/Things.yaml": everyType,
		"modules/People.yaml": "module: People\nfields: { name: text, email: email }\n",
		"modules/Rooms.yaml":  "module: Rooms\nfields: { name: text }\n",
		"landings/thing.yaml": fmt.Sprintf("landing: thing\nmodule: Things\nshow: [text, %[1]s]\n"+
			"actions: { do: { set: { %[1]s: %[2]s }, undo: 15m } }\nexpires: 7d\n", field, value),
		"w.yaml": fmt.Sprintf("name: w\non: { event: record.saved, module: Things }\nif: %q\n"+
			"tasks:\n  - update: { set: { %s: %s } }\n", condition, field, value),
	}, options())
	var said strings.Builder
	for _, c := range complaints {
		said.WriteString(c.String() + "\n")
	}
	return book, said.String()
}

func TestOptionsWithLabels(t *testing.T) {
	book, complaints := loadThing("true", "text", "a")
	if complaints != "" {
		t.Fatal(complaints)
	}
	field := book.Modules["Things"].Fields["picklist"]
	if diff := cmp.Diff([]string{"Open", "1", "Closed"}, field.Options); diff != "" {
		t.Errorf("options:\n%s", diff)
	}
	for option, want := range map[string]string{"Open": "Abierta", "1": "Urgent", "Closed": "Closed", "Lost": "Lost"} {
		if got := field.ChoiceLabel(option, "es"); got != want {
			t.Errorf("%s is called %q, want %q", option, got, want)
		}
	}
}

// The guide to modules shows files, which must be some.
func TestTheGuidesModulesAreRead(t *testing.T) {
	page, err := os.ReadFile("../docs/guide/modules.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"Accounts", "Contacts", "Users"} {
		files["modules/"+name+".yaml"] = "module: " + name + "\nfields: { email1: email }\n"
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	for i, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		files[fmt.Sprintf("modules/%d.yaml", i)] = text
	}
	book, complaints, _ := workflows.LoadFiles(files, options())
	if len(complaints) > 0 || len(blocks) < 3 || len(book.Modules) != len(files) {
		t.Errorf("%d files, %v", len(blocks), complaints)
	}
}
