package engine_test

import (
	"fmt"
	"slices"
	"strings"

	"postern/engine"
)

// modelJob is a workflow of the model's book. One of the first kind starts when the word of its name is among those
// that an event's field does holds, and its field turn has changed.
type modelJob struct {
	name, gate, steps string
	on                string // in place of a word
}

// The jobs cover each kind of task and of wait, each mode of concurrency and each choice of on_unknown.
var modelJobs = []modelJob{
	{name: "fill", steps: `
  - fill: { field: ext }
  - update: { set: { note: "seen {{ record.turn }}" } }
    retry: { attempts: 5, backoff: 5s, for: 1h }
  - emit: { type: ticket.seen, data: { turn: "{{ record.turn }}" } }`},
	{name: "route", steps: `
  - update: { record: record.contact, set: { tally: "{{ record.turn }} {{ record.no }}" } }
    retry: { attempts: 5, backoff: 5s, for: 1h }`},
	{name: "make", steps: `
  - create: { module: Notes, set: { text: "{{ record.no }} {{ record.turn }}" }, key: ext }
    id: made
  - update: { set: { mark: "{{ steps.made.id }}" } }`},
	{name: "each", steps: `
  - vars: { of: "{{ event.id }}" }
  - create: { module: Notes, set: { text: "{{ record.no }} {{ item }} {{ vars.of }}" }, key: ext }
    for_each: split("` + modelItems + `", ",")
    parallel: 2
    retry: { attempts: 4, backoff: 5s, for: 1h }
    on_error: continue
    id: made
  - update: { set: { mark: "{{ steps.made.count }} {{ vars.of }}" } }
    retry: { attempts: 3, backoff: 5s, for: 1h }
    on_error: { tasks: [ { vars: { why: "{{ steps.marked.error }}" } }, { emit: { type: ticket.stuck, data: { why: "{{ vars.why }}" } } } ] }
    id: marked
  - emit: { type: ticket.marked, data: { of: "{{ vars.of }}" } }`},
	{name: "share", steps: `
  - upsert: { module: Firms, match: name, set: { name: acme }, key: ext }
    id: firm
    retry: { attempts: 5, backoff: 5s, for: 1h }
  - relate: { to: record.contact }`},
	{name: "hold", steps: tell(", on_unknown: hold")},
	{name: "resend", steps: tell(", on_unknown: resend")},
	{name: "next", steps: tell(", on_unknown: next")},
	{name: "auto", steps: tell("")},
	{name: "rest", steps: `
  - update: { set: { rested: "from {{ record.turn }}" } }
  - wait: { for: 10m }
    id: waited
  - update: { set: { rested: "to {{ record.turn }} {{ record.no }}" } }`},
	{name: "until", gate: "concurrency: { mode: skip }", steps: `
  - update: { set: { looked: "from {{ record.turn }}" } }
  - wait: { for: 2h, until: 'record.status == "Resolved"' }
    id: waited
  - update: { set: { looked: "to {{ record.turn }} {{ steps.waited.timed_out }}" } }`},
	{name: "ever", gate: "concurrency: { mode: cancel_previous }", steps: `
  - update: { set: { watched: "from {{ record.turn }}" } }
  - wait: { until: 'changed("status")' }
    id: waited
  - update: { set: { watched: "to {{ record.turn }} {{ record.status }}" } }`},
	{name: "acted", gate: "concurrency: { hold: true }", steps: `
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
    id: told
    retry: { attempts: 3, backoff: 10s, for: 1h }
  - wait: { for: 3h, until: steps.told.acted }
    id: waited
  - update: { set: { answered: "{{ record.turn }} {{ steps.told.acted }}" } }`},
	{name: "at", gate: "concurrency: { key: record.contact, hold: true }", steps: `
  - wait: { at: record.due }
    id: waited
  - emit: { type: ticket.due }`},
	{name: "ping", on: "{ event: record.updated, module: Tickets, changed: ping }", steps: `
  - update: { set: { ping: "{{ record.ping + 1 }}" } }`},
	{name: "born", on: "{ event: record.created, module: Tickets }", steps: `
  - fill: { field: ext }`},
	{name: "gone", on: "{ event: record.deleted, module: Tickets }", steps: `
  - emit: { type: ticket.gone }`},
}

// modelItems are what the job each goes through.
const modelItems = "a,b,c,d,e"

func tell(more string) string {
	return `
  - notify: { to: record.contact, via: [email, sms], template: hello, link: { landing: ticket }` + more + ` }
    id: told
    retry: { attempts: 3, backoff: 10s, for: 1h }`
}

const (
	modelTickets = `
module: Tickets
title: no
fields:
  no: text
  turn: integer
  does: text
  status: { type: picklist, options: [Open, Resolved] }
  note: text
  mark: text
  rested: text
  answered: text
  looked: text
  watched: text
  ping: integer
  due: datetime
  ext: { type: text, unique: true }
  contact: { type: reference, to: People }
`
	modelPeople  = "module: People\ntitle: name\nfields: { name: text, email: email, phone: phone, tally: text }\n"
	modelNotes   = "module: Notes\ntitle: text\nfields: { text: text, ext: { type: text, unique: true } }\n"
	modelFirms   = "module: Firms\ntitle: name\nfields: { name: text, ext: { type: text, unique: true } }\n"
	modelLanding = `
landing: ticket
module: Tickets
show: [no, status]
actions: { resolve: { set: { status: Resolved } }, reopen: { set: { status: Open } } }
expires: 7d
uses: 3
`
)

// modelBook is the book of the jobs.
func modelBook() map[string]string {
	files := map[string]string{
		"modules/Tickets.yaml": modelTickets, "modules/People.yaml": modelPeople, "modules/Notes.yaml": modelNotes,
		"modules/Firms.yaml":               modelFirms,
		"landings/ticket.yaml":             modelLanding,
		"templates/hello/email.en.subject": "Ticket {{ record.no }}",
		"templates/hello/email.en.txt":     "{{ recipient.name }}: {{ record.no }} {{ record.turn }} {{ record.note }} {{ link }}",
		"templates/hello/sms.en.txt":       "{{ record.no }} {{ record.turn }} {{ link }}",
	}
	for _, j := range modelJobs {
		on, when := j.on, ""
		if on == "" {
			on = "{ event: record.updated, module: Tickets, changed: turn }"
			when = fmt.Sprintf("if: record.does contains \"%s;\"\n", j.name)
		}
		if j.name == "ping" {
			when = "if: record.ping > 0\n"
		}
		files[j.name+".yaml"] = "name: " + j.name + "\non: " + on + "\n" + when + j.gate + "\ntasks:" + j.steps + "\n"
	}
	return files
}

// starts tells, in the plainest way, whether an event starts a job.
func (j modelJob) starts(event *engine.Event) bool {
	if event.Ref().Module != "Tickets" {
		return false
	}
	record, changed := event.Change.Record, event.Change.Changed
	switch j.name {
	case "born":
		return event.Type == engine.RecordCreated
	case "gone":
		return event.Type == engine.RecordDeleted
	case "ping":
		return event.Type == engine.RecordUpdated && slices.Contains(changed, "ping") && record.Text("ping") > "0"
	}
	return event.Type == engine.RecordUpdated && slices.Contains(changed, "turn") &&
		strings.Contains(record.Text("does"), j.name+";")
}

// holds tells whether a waiting run of the job keeps others out.
func (j modelJob) holds() bool { return strings.Contains(j.gate, "hold: true") }

func modelJobOf(name string) modelJob {
	return modelJobs[slices.IndexFunc(modelJobs, func(j modelJob) bool { return j.name == name })]
}
