package workflows_test

import (
	"fmt"
	"strings"
	"testing"

	"postern/engine/enginetest"
	"postern/tasks"
	"postern/workflows"
)

// largeBook is a book of so many workflows, all on one module and with one template, as an install that has grown has.
func largeBook(b *testing.B, n int) map[string]string {
	b.Helper()
	files := map[string]string{
		"modules/Tickets.yaml": "module: Tickets\nfields:\n  no: text\n  note: text\n  hours: decimal\n" +
			"  status: { type: picklist, options: [Open, Closed] }\n  ext: { type: text, unique: true }\n" +
			"  contact: { type: reference, to: People }\n",
		"modules/People.yaml":              "module: People\ntitle: name\nfields: { name: text, email: email }\n",
		"landings/ticket.yaml":             "landing: ticket\nmodule: Tickets\nshow: no\n",
		"templates/hello/email.en.subject": "Ticket {{ record.no }}",
		"templates/hello/email.en.txt":     "Hello {{ recipient.name }}: {{ link }}",
	}
	for i := range n {
		files[fmt.Sprintf("w%05d.yaml", i)] = strings.ReplaceAll(`
name: w#
description: Number #.
on: { event: record.saved, module: Tickets, changed: status }
if: record.status == "Open" && record.no == "T#" && record.hours > #
tasks:
  - fill: { field: ext }
    if: record.note != ""
  - update: { set: { note: "{{ record.note }} seen #" } }
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
    id: told
  - wait: { for: 48h, until: steps.told.acted || changed("status") }
`, "#", fmt.Sprint(i))
	}
	return files
}

// Ten thousand workflows are read and checked whole in less than five seconds.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		files := largeBook(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, diags, _ := workflows.LoadFiles(files, workflows.Options{Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email")})
				if diags.Err() != nil {
					b.Fatal(diags)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/workflow")
		})
	}
}
