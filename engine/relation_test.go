package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/crm/corebostest"
)

// ofAccounts is the book of tickets that belong to accounts.
func ofAccounts(workflows ...string) map[string]string {
	files := map[string]string{
		"modules/HelpDesk.yaml": strings.Replace(helpDeskModule, "parent_id: text",
			"parent_id: { type: reference, to: Accounts }", 1),
		"modules/Accounts.yaml": "module: Accounts\nfields: { accountname: text, website: text }\n",
	}
	for i, text := range workflows {
		files[string(rune('a'+i))+".yaml"] = text
	}
	return files
}

const deletes = `
name: deletes
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - delete: {}
    retry: { attempts: 5, backoff: 5s, for: 1h }
  - emit: { type: ticket.gone, data: { title: "{{ record.ticket_title }}" } }
`

// A record is deleted once and told once, whatever became of the answer.
func TestDeleteEffect(t *testing.T) {
	for name, fault := range map[string]*corebostest.Fault{
		"at once": nil, "answer lost": {Operation: "delete", Done: true, Reset: true},
		"down": {Operation: "delete", Times: 2, Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemoteBook(t, false, ofAccounts(deletes))
			if fault != nil {
				r.played.Break(*fault)
			}
			r.tell(engine.RecordUpdated)
			own := r.ownEventsInTime(2)
			if own[0].Type != engine.RecordDeleted || own[0].Subject != r.ref.String() || own[0].Depth != 1 ||
				own[0].Change.Actor != "workflow:deletes" || own[0].Chain != "deletes" {
				t.Errorf("told %+v", own[0])
			}
			if title := own[0].Change.Record.Text("ticket_title"); (title == "No power") != (name != "answer lost") {
				t.Errorf("the event says that the title was %q", title)
			}
			if string(own[1].Data) != `{"title":"No power"}` || r.writes("delete") != 1 {
				t.Errorf("then came %s %s; the CRM deleted %d times", own[1].Type, own[1].Data, r.writes("delete"))
			}
			if r.played.Fields(r.ref) != nil {
				t.Error("it is still there")
			}
		})
	}
}

func TestDeleteOfWhatIsGoneTellsNothing(t *testing.T) {
	r := newRemoteBook(t, false, ofAccounts(deletes))
	fields := engine.Fields{"ticket_title": "No power", "description": "after"}
	if err := r.played.Delete(r.ref); err != nil {
		t.Fatal(err)
	}
	r.publish(engine.RecordUpdated, r.ref.String(), engine.Change{Record: fields, Old: engine.Fields{"description": "before"}})
	if own := r.ownEventsInTime(1); own[0].Type != "ticket.gone" {
		t.Errorf("told %s", own[0].Type)
	}
}

const relates = `
name: relates
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - relate: { to: record.parent_id }
    retry: { attempts: 5, backoff: 5s, for: 1h }
  - emit: { type: ticket.related }
  - unrelate: { to: record.parent_id }
    if: record.ticketpriorities == "Low"
    retry: { attempts: 5, backoff: 5s, for: 1h }
`

func TestRelateEffect(t *testing.T) {
	r := newRemoteBook(t, false, ofAccounts(relates))
	account := engine.Ref{Module: "Accounts", ID: r.played.Fields(r.ref)["parent_id"]}
	r.played.Break(corebostest.Fault{Operation: "SetRelation", Done: true, Reset: true})
	r.tell(engine.RecordUpdated)
	own := r.ownEventsInTime(3)
	if diff := cmp.Diff([]engine.Ref{account}, r.played.Related(r.ref)); diff != "" {
		t.Errorf("related (-want +got):\n%s", diff)
	}
	for i, ends := range [][2]engine.Ref{{r.ref, account}, {account, r.ref}} {
		event := own[i]
		if event.Type != engine.RecordRelated || event.Subject != ends[0].String() || event.Depth != 1 ||
			event.Change.Related != ends[1].String() || event.Change.Record["id"] != ends[0].ID {
			t.Errorf("event %d is %s of %s: %+v", i, event.Type, event.Subject, event.Change)
		}
	}
	if own[2].Type != "ticket.related" {
		t.Errorf("then came %s", own[2].Type)
	}
	if err := r.played.Edit(r.ref, map[string]string{"ticketpriorities": "Low"}); err != nil {
		t.Fatal(err)
	}
	r.tell(engine.RecordUpdated)
	own = r.ownEventsInTime(8)
	if own[6].Type != engine.RecordUnrelated || own[7].Type != engine.RecordUnrelated || len(r.played.Related(r.ref)) > 0 {
		t.Errorf("told %s and %s; related to %v", own[6].Type, own[7].Type, r.played.Related(r.ref))
	}
}

// A CRM that tells relations and deletions as its own changes cannot be made to run in circles.
func TestLoopOfRelationsThroughACRMThatKnowsNoCauses(t *testing.T) {
	swing := func(name, on, does string) string {
		return fmt.Sprintf("name: %s\non: { event: record.%s, module: HelpDesk }\ntasks: [ { %s: { to: record.parent_id } } ]\n",
			name, on, does)
	}
	r := newRemoteBook(t, true, ofAccounts(swing("parts", "related", "unrelate"), swing("joins", "unrelated", "relate"), relates))
	if err := r.played.Edit(r.ref, map[string]string{"description": "join them"}); err != nil {
		t.Fatal(err)
	}
	r.until("the end of the loop", func() bool { return strings.Contains(r.logs.String(), "loop") })
	if !strings.Contains(r.logs.String(), "9 writes") || r.writes("SetRelation")+r.writes("UnsetRelation") != 9 {
		t.Errorf("after %d changes:\n%s", r.writes("SetRelation")+r.writes("UnsetRelation"), r.logs)
	}
}

const upserts = `
name: upserts
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - upsert: { module: Accounts, match: accountname, set: { accountname: "{{ record.ticket_title }}", website: acme.example } }
    id: account
    retry: { attempts: 5, backoff: 5s, for: 1h }
  - emit: { type: ticket.sorted, data: { id: "{{ steps.account.id }}", created: "{{ steps.account.created }}" } }
`

func TestUpsertEffect(t *testing.T) {
	for name, c := range map[string]struct {
		there   bool
		fault   corebostest.Fault
		created bool
		writes  int
	}{
		"makes":            {false, corebostest.Fault{Operation: "none"}, true, 1},
		"finds":            {true, corebostest.Fault{Operation: "none"}, false, 1},
		"makes, lost":      {false, corebostest.Fault{Operation: "create", Done: true, Reset: true}, true, 1},
		"finds, lost":      {true, corebostest.Fault{Operation: "revise", Done: true, Reset: true}, false, 1},
		"makes, after 503": {false, corebostest.Fault{Operation: "create", Status: 503}, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemoteBook(t, false, ofAccounts(upserts))
			if c.there {
				if _, err := r.played.Seed("Accounts", map[string]string{"accountname": "No power"}); err != nil {
					t.Fatal(err)
				}
			}
			r.played.Break(c.fault)
			r.tell(engine.RecordUpdated)
			own := r.ownEventsInTime(2)
			var found []engine.Ref
			for _, ref := range r.played.Records("Accounts") {
				if fields := r.played.Fields(ref); fields["accountname"] == "No power" && fields["website"] == "acme.example" {
					found = append(found, ref)
				}
			}
			if len(found) != 1 || r.writes("create")+r.writes("revise") != c.writes {
				t.Fatalf("found %v after %d writes", found, r.writes("create")+r.writes("revise"))
			}
			if want := fmt.Sprintf(`{"created":%v,"id":"%s"}`, c.created, found[0].ID); string(own[1].Data) != want {
				t.Errorf("the steps that follow see %s, want %s", own[1].Data, want)
			}
		})
	}
}

// Of runs that look for the same account at the same time one makes it.
func TestUpsertEffectsAtTheSameTimeMakeOneRecord(t *testing.T) {
	r := newRemoteBook(t, true, ofAccounts(upserts))
	const tickets = 8
	for range tickets {
		ref, err := r.played.Seed("HelpDesk", map[string]string{"ticket_title": "Same", "ticketstatus": "Open"})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.played.Edit(ref, map[string]string{"description": "new"}); err != nil {
			t.Fatal(err)
		}
	}
	r.ownEventsInTime(tickets)
	n := 0
	for _, ref := range r.played.Records("Accounts") {
		if r.played.Fields(ref)["accountname"] == "Same" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d accounts were made", n)
	}
}

// ownEventsInTime are the first n events that Postern told, while time goes by.
func (r *remote) ownEventsInTime(n int) []*engine.Event {
	r.t.Helper()
	var ticking sync.WaitGroup
	enough := make(chan struct{})
	ticking.Go(func() {
		for {
			select {
			case <-enough:
				return
			case <-time.After(2 * time.Millisecond):
				r.clock.Advance(time.Second)
			}
		}
	})
	defer ticking.Wait()
	defer close(enough)
	return r.ownEvents(n)[:n]
}
