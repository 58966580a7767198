package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/engine"
)

// queryBook asks of a person how many of their tickets are open, in a condition and in a value.
func queryBook() map[string]string {
	files := bookOf(`
name: busy
on: { event: record.updated, module: People }
if: count(related("Tickets"), .status == "Open") > 1
tasks:
  - vars: { open: '{{ filter(related("Tickets"), .status == "Open") }}' }
  - emit:
      type: person.busy
      data:
        numbers: '{{ join(sort(map(vars.open, .no)), " ") }}'
        first: '{{ lookup("Tickets", "1").note }}'
        nobody: '{{ lookup("Tickets", "99").note }}'
        known: '{{ exists("Tickets", "no", "T2") }}'
        resolved: '{{ join(map(related("Tickets", "record.status == ''Resolved''"), .no), " ") }}'
`)
	files["modules/Extras.yaml"] = "module: Extras\nfields: { name: text }\n"
	files["far.yaml"] = `
name: far
on: { event: record.updated, module: People }
if: exists("Extras", "name", record.name)
tasks: [ { emit: { type: person.far } } ]
`
	return files
}

func TestExpressionsAskTheCRM(t *testing.T) {
	h := newHouse(t, queryBook())
	h.start()
	h.person()
	h.ticket("1")
	h.publish(engine.RecordUpdated, "People/p1", engine.Change{Record: engine.Fields{"name": "One"}, Partial: true})
	h.ticket("2")
	h.publish(engine.RecordCreated, "Tickets/3", engine.Change{Record: engine.Fields{"no": "T3", "status": "Resolved", "contact": "p1"}})
	h.publish(engine.RecordUpdated, "People/p1", engine.Change{Record: engine.Fields{"name": "Two"}, Partial: true})
	got := h.told(1, "person.busy")
	if want := []string{`person.busy {"first":"","known":true,"nobody":"","numbers":"T1 T2","resolved":"T3"}`}; !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
	h.until("the other runs to end", func() bool { return len(h.runsOf("busy", engine.RunStopped, engine.RunDone)) == 2 })
	h.until("those of far to stop", func() bool { return len(h.runsOf("far", engine.RunStopped)) == 2 })
}

// A version that is kept holds the modules it asks about, though no reference leads to them.
func TestVersionsHoldWhatTheyAskAbout(t *testing.T) {
	h := newHouse(t, queryBook())
	book, err := h.load(queryBook())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range book.Workflows {
		if _, err := h.load(w.Files); err != nil {
			t.Errorf("%s: %v", w.Name, err)
		}
	}
}

// A list is whole or an error.
func TestQueriesHaveALimit(t *testing.T) {
	h := newHouse(t, bookOf(`
name: many
on: { event: record.updated, module: People }
tasks:
  - emit: { type: person.many, data: { n: '{{ len(related("Tickets", "record.no != ''T''")) }}' } }
  - emit: { type: person.many, data: { n: '{{ len(related("Tickets")) }}' } }
`))
	h.start()
	h.person()
	var events []*engine.Event
	for i := range engine.MaxQueried {
		events = append(events, &engine.Event{
			ID: fmt.Sprint("t", i), Source: "crm", Type: engine.RecordCreated, Subject: fmt.Sprint("Tickets/", i),
			Change: &engine.Change{Record: engine.Fields{"no": "T", "contact": "p1"}},
		})
	}
	if err := h.bus.Publish(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	change := engine.Change{Record: engine.Fields{"name": "One"}, Partial: true}
	h.publish(engine.RecordUpdated, "People/p1", change)
	h.until("the first run", func() bool { return len(h.runsOf("many", engine.RunDone)) == 1 })
	h.ticket("one more")
	h.publish(engine.RecordUpdated, "People/p1", change)
	h.until("the second to fail", func() bool { return len(h.runsOf("many", engine.RunFailed)) == 1 })
	if reason := h.runsOf("many", engine.RunFailed)[0].Reason; !strings.Contains(reason, "more than 1000 have this contact") {
		t.Errorf("it failed: %s", reason)
	}
}
