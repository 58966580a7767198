package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/crm/corebostest"
)

// looping is a workflow that goes through the words of the note.
func looping(beside, task, rest string) map[string]string {
	files := bookOf(`
name: looping
on: { event: record.updated, module: Tickets, changed: note }
if: record.status == "Open"
tasks:
  - vars: { sum: "" }
  - ` + task + `
    for_each: split(event.record.note, ",")
    id: looped
` + beside + `
  - update: { set: { status: Resolved, note: "{{ vars.sum }}|{{ steps.looped.count }} of {{ len(steps.looped.items) }}, {{ steps.looped.failures }}" } }
` + rest)
	files["modules/Words.yaml"] = "module: Words\nfields: { word: text, of: { type: reference, to: Tickets } }\n"
	return files
}

// words are n words in a text: w1,w2,…
func words(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint("w", i+1)
	}
	return strings.Join(all, ",")
}

func (h *house) tellNote(text string) {
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
		Record: engine.Fields{"note": text}, Changed: []string{"note"}, Partial: true,
	})
}

func TestForEach(t *testing.T) {
	h := newHouse(t, looping(`    if: item != "w2"`, `vars: { sum: "{{ vars.sum + item }}" }`, ""))
	h.start()
	h.ticket("1")
	h.tellNote(words(4))
	h.becomes(ticketOne, "note", "w1w3w4|3 of 4, 0")
}

func TestForEachOfNothing(t *testing.T) {
	h := newHouse(t, looping("", `vars: { sum: "{{ vars.sum + item }}" }`, ""))
	h.start()
	h.ticket("1")
	h.becomes(ticketOne, "no", "T1")
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
		Record: engine.Fields{"note": ""}, Old: engine.Fields{"note": "x"}, Changed: []string{"note"}, Partial: true,
	})
	h.becomes(ticketOne, "status", "Resolved")
	if got := h.record(ticketOne).Fields.Text("note"); !strings.HasPrefix(got, "|") && got != "|0 of 0, 0" {
		t.Errorf("the note is %q", got)
	}
}

// crashing is a store that lets the process die after a commit: the next start finds what was stored.
type crashing struct {
	engine.Store
	left atomic.Int64 // commits before the next crash
	dead chan struct{}
}

var errDead = errors.New("the process is dead")

func (c *crashing) Advance(ctx context.Context, step engine.Advance) error {
	select {
	case <-c.dead:
		<-ctx.Done() // nothing is stored any more
		return errDead
	default:
	}
	err := c.Store.Advance(ctx, step)
	if c.left.Add(-1) == 0 {
		close(c.dead)
		<-ctx.Done()
		return errDead
	}
	return err
}

// Whatever commit it dies after, each item is done once.
func TestForEachSurvivesCrashes(t *testing.T) {
	const items = 230 // three bites
	for after := int64(1); after <= 3; after++ {
		t.Run(fmt.Sprint("after commit ", after), func(t *testing.T) {
			h := newHouse(t, looping("", "create: { module: Words, set: { word: \"{{ item }}\", of: \"{{ record.id }}\" } }", ""))
			c := &crashing{dead: make(chan struct{})}
			c.left.Store(after)
			h.wrap = func(s engine.Store) engine.Store { c.Store = s; return c }
			h.start()
			h.ticket("1")
			h.tellNote(words(items))
			h.until("the crash", func() bool {
				select {
				case <-c.dead:
					return true
				default:
					return false
				}
			})
			h.stop()
			h.wrap = nil
			h.start()
			h.becomes(ticketOne, "status", "Resolved")
			if got, want := h.record(ticketOne).Fields.Text("note"), fmt.Sprintf("|%d of %[1]d, 0", items); got != want {
				t.Errorf("the note is %q, want %q", got, want)
			}
			seen := map[string]int{}
			for _, event := range h.ownEvents(items + 1) {
				if event.Type == engine.RecordCreated {
					seen[event.Change.Record.Text("word")]++
				}
			}
			if len(seen) != items {
				t.Errorf("%d words", len(seen))
			}
			for word, n := range seen {
				if n != 1 {
					t.Errorf("%s came %d times", word, n)
				}
			}
		})
	}
}

func TestForEachFailsAtAnItem(t *testing.T) {
	trials.Store(t.Name(), func(_ context.Context, step *engine.StepContext) error {
		if step.Env.Item == "w3" {
			return engine.Permanent(errors.New("not this one"))
		}
		return step.SetVars(engine.Values{"sum": fmt.Sprint(step.Env.Vars["sum"], step.Env.Item)})
	})
	task := "trial: { name: " + t.Name() + " }"
	for name, c := range map[string]struct{ beside, note, log string }{
		"fails":     {"", "w1,w2,w3,w4", "step 2 (trial): item 3: not this one"},
		"continues": {"    on_error: continue", "w1w2w4|3 of 4, 1", ""},
		"handled":   {"    on_error: { tasks: [ { vars: { sum: '{{ vars.sum }} {{ steps.looped.error }}' } } ] }", "w1w2 item 3: not this one|2 of 4, 0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, looping(c.beside, task, ""))
			h.start()
			h.ticket("1")
			h.tellNote(words(4))
			if c.log != "" {
				h.until("the failure", func() bool { return strings.Contains(h.logs.String(), c.log) })
			}
			h.becomes(ticketOne, "note", c.note)
		})
	}
}

// An item that fails for a passing reason is taken again, the ones before it are not.
func TestForEachRetriesAnItem(t *testing.T) {
	var failures atomic.Int64
	trials.Store(t.Name(), func(_ context.Context, step *engine.StepContext) error {
		if step.Env.Item == "w2" && failures.Add(1) <= 2 {
			return errors.New("not now")
		}
		return step.SetVars(engine.Values{"sum": fmt.Sprint(step.Env.Vars["sum"], step.Env.Item)})
	})
	h := newHouse(t, looping("", "trial: { name: "+t.Name()+" }", ""))
	h.start()
	h.ticket("1")
	h.tellNote(words(3))
	h.becomes(ticketOne, "no", "T1")
	h.until("the note", func() bool {
		h.clock.Advance(10 * time.Second)
		return h.record(ticketOne).Fields.Text("note") == "w1w2w3|3 of 3, 0"
	})
}

func TestForEachHasLimits(t *testing.T) {
	h := newHouse(t, looping("", `vars: { sum: "{{ item }}" }`, ""))
	h.start()
	h.ticket("1")
	h.tellNote(words(1001))
	h.until("the failure", func() bool { return strings.Contains(h.logs.String(), "1000 items") })
}

// What the store refuses of one of many items that are committed together is found to be of that one.
func TestForEachFindsTheItemThatIsRefused(t *testing.T) {
	h := newHouse(t, looping("    on_error: continue", `update: { record: record.contact, set: { name: "{{ item }}", ext: "{{ item }}" } }`, ""))
	h.files["modules/People.yaml"] = "module: People\ntitle: name\nfields: { name: text, email: email, ext: { type: text, unique: true } }\n"
	h.files["claim.yaml"] = `
name: claim
on: { event: record.created, module: Tickets }
if: record.no == "T2"
tasks: [ { update: { record: record.contact, set: { ext: w2 } } } ]
`
	h.start()
	h.person()
	h.publish(engine.RecordCreated, "People/p2", engine.Change{Record: engine.Fields{"name": "Ann"}})
	h.publish(engine.RecordCreated, "Tickets/2", engine.Change{Record: engine.Fields{"no": "T2", "contact": "p2"}})
	h.becomes(engine.Ref{Module: "People", ID: "p2"}, "ext", "w2")
	h.ticket("1")
	h.tellNote(words(3))
	h.becomes(ticketOne, "note", "|2 of 3, 1")
	if got := h.record(engine.Ref{Module: "People", ID: "p1"}).Fields; got.Text("ext") != "w3" || got.Text("name") != "w3" {
		t.Errorf("the person is %v", got)
	}
}

const remoteLoop = `
name: loops
on: { event: record.updated, module: HelpDesk, changed: description }
tasks:
  - create: { module: HelpDesk, set: { ticket_title: "{{ item }}", ticketstatus: Open }, key: cf_externalid }
    for_each: split(event.record.description, ",")
    parallel: 4
    id: made
    retry: { attempts: 3, backoff: 5s, for: 1h }
    on_error: continue
  - update: { set: { ticketpriorities: "{{ steps.made.count }} and {{ steps.made.failures }}" } }
`

// Four at a time are under way; a lost answer is no second record, and a refused item leaves the others alone.
func TestForEachOfEffects(t *testing.T) {
	r := newRemote(t, false, remoteLoop)
	r.played.Break(corebostest.Fault{Operation: "create", Done: true, Reset: true})
	if err := r.played.Edit(r.ref, map[string]string{"description": words(10)}); err != nil {
		t.Fatal(err)
	}
	r.tell(engine.RecordUpdated)
	r.has("ticketpriorities", "10 and 0")
	if got := r.writes("create"); got != 10 {
		t.Errorf("%d records were made", got)
	}
}

// Records of a list are read in their turn; routes and messages begin at them.
func TestForEachRecord(t *testing.T) {
	h := newHouse(t, bookOf(`
name: each-ticket
on: { event: record.updated, module: People, changed: email }
tasks:
  - update: { record: item, set: { note: "{{ item.no }} of {{ item.contact.name }}", status: Resolved } }
    for_each: filter(related("Tickets"), .status == "Open")
    if: item.no != "T2"
    id: told
  - notify: { to: item.contact, via: email, template: each }
    for_each: related("Tickets")
    if: item.status == "Resolved"
  - update: { record: item.contact, set: { name: "{{ item.contact.name }}{{ item.no }}" } }
    for_each: related("Tickets")
  - update: { set: { name: "{{ record.name }} {{ steps.told.count }}" } }
`))
	h.files["templates/each/email.en.subject"] = "Ticket {{ item.no }}"
	h.files["templates/each/email.en.txt"] = "{{ item.contact.name }}: {{ item.note }} {{ steps.told.count }}"
	h.start()
	h.person()
	for _, id := range []string{"1", "2", "3"} {
		h.ticket(id)
	}
	third := engine.Ref{Module: "Tickets", ID: "3"}
	h.becomes(third, "no", "T3")
	h.publish(engine.RecordUpdated, "People/p1", engine.Change{
		Record: engine.Fields{"email": "z@acme.example"}, Changed: []string{"email"}, Partial: true,
	})
	h.becomes(engine.Ref{Module: "People", ID: "p1"}, "name", "ZoëT1T2T3 2")
	h.becomes(third, "note", "T3 of Zoë")
	h.until("two mails", func() bool { return len(h.mail.Sent()) == 2 })
	texts := []string{}
	for _, m := range h.mail.Sent() {
		texts = append(texts, m.Content.Subject+", "+m.Content.Text+", "+m.Recipient.Address)
	}
	slices.Sort(texts)
	want := []string{"Ticket T1, Zoë: T1 of Zoë 2, z@acme.example", "Ticket T3, Zoë: T3 of Zoë 2, z@acme.example"}
	if !slices.Equal(texts, want) {
		t.Errorf("the mails are %q", texts)
	}
}
