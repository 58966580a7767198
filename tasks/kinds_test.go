package tasks_test

import (
	"maps"
	"strings"
	"testing"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/tasks"
	"postern/workflows"
)

// exampleBook has what the examples of the kinds speak of.
var exampleBook = map[string]string{
	"modules/HelpDesk.yaml": `
module: HelpDesk
fields:
  cf_externalid: text
  ticketstatus: { type: picklist, options: [Open, Closed] }
  ticketpriorities: { type: picklist, options: [Low, High] }
  description: text
  ticket_no: text
  hours: decimal
  parent_id: { type: reference, to: Contacts }
`,
	"modules/ModComments.yaml": `
module: ModComments
fields:
  commentcontent: text
  related_to: { type: reference, to: HelpDesk }
  cf_externalid: { type: text, unique: true }
`,
	"modules/Contacts.yaml": "module: Contacts\nfields: { email: email, firstname: text }\n",
	"started.yaml": `
name: write-to-customer
on: { manual: true, module: Contacts }
inputs: { reason: text }
tasks: [ { emit: { type: contact.started } } ]
`,
	"landings/ticket.yaml":                      "landing: ticket\nmodule: HelpDesk\nshow: description\n",
	"templates/ticket-created/email.en.subject": "Ticket",
	"templates/ticket-created/email.en.txt":     "{{ link }}",
}

// Every kind says what it is, and its documented example works.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range tasks.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			if seen[kind.Name] || kind.Summary == "" || strings.HasSuffix(kind.Summary, ".") {
				t.Errorf("summary is %q", kind.Summary)
			}
			seen[kind.Name] = true
			if kind.New() == kind.New() {
				t.Error("New gives one task to two steps")
			}
			if !strings.HasPrefix(kind.Example, kind.Name+":") {
				t.Errorf("the example is of another kind: %s", kind.Example)
			}
			files := map[string]string{
				"w.yaml": "name: w\non: { event: record.created, module: HelpDesk }\ntasks:\n  - " +
					strings.ReplaceAll(kind.Example, "\n", "\n    ") + "\n",
			}
			maps.Copy(files, exampleBook)
			book, complaints, _ := workflows.LoadFiles(files, workflows.Options{Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email")})
			if len(complaints) > 0 {
				t.Fatal(complaints)
			}
			step := book.Workflows[0].Tasks[0]
			if step.Kind != kind.Name || step.Retry != engine.DefaultRetry() {
				t.Errorf("the example became %+v", step)
			}
		})
	}
}
