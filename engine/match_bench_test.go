package engine

import (
	"fmt"
	"testing"
	"time"
)

// wants is a condition that the record has a status; like those of a book it tells what it needs.
type wants string

func (w wants) Eval(env *Env) (any, error) { return env.Record.Text("status") == string(w), nil }

func (wants) Routes() []string { return nil }

func (w wants) Source() string { return `record.status == "` + string(w) + `"` }

func (w wants) Needs() (field, value string, ok bool) { return "status", string(w), true }

// BenchmarkMatch is what an event costs that starts one workflow of ten, and one of ten thousand on the same module.
func BenchmarkMatch(b *testing.B) {
	module := &Module{Name: "Tickets", Names: []string{"status"}, Fields: map[string]*Field{
		"status": {Name: "status", Type: TypeText}, "title": {Name: "title", Type: TypeText},
	}}
	event := &Event{
		ID: "1", Source: "crm", Type: RecordUpdated, Subject: "Tickets/1",
		Change: &Change{Record: Fields{"status": "s7", "title": "Stuck"}, Changed: []string{"status"}},
	}
	for _, n := range []int{10, 10_000} {
		book := &Book{Modules: map[string]*Module{"Tickets": module}}
		for i := range n {
			book.Workflows = append(book.Workflows, &Workflow{
				Name: fmt.Sprintf("w%05d", i), Module: module, If: wants(fmt.Sprint("s", i)),
				Triggers: []Trigger{{Event: RecordUpdated, Module: "Tickets"}},
			})
		}
		m := newMatcher(book)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				env := &Env{Event: event, Ref: event.Ref(), Module: module, Record: event.Change.Record, Now: time.Time{}}
				if jobs := m.match(event, env); len(jobs) != 1 {
					b.Fatalf("%d workflows start", len(jobs))
				}
			}
		})
	}
}
