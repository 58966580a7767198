package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/links"
)

var ticketOne = engine.Ref{Module: "Tickets", ID: "1"}

// runsOf are the runs of a workflow's tickets as they stand, by way of their events' subjects.
func (h *house) runState(ref engine.Ref) engine.RunState {
	h.t.Helper()
	ctx := h.t.Context()
	for _, list := range []func() ([]engine.Standing, error){
		func() ([]engine.Standing, error) { return h.store.Unfinished(ctx) },
		func() ([]engine.Standing, error) { return h.store.Parked(ctx, []string{"waits", "gated", "retries"}) },
	} {
		found, err := list()
		if err != nil {
			h.t.Fatal(err)
		}
		for _, s := range found {
			if s.Record == ref {
				return s.State
			}
		}
	}
	return ""
}

func (h *house) stands(ref engine.Ref, state engine.RunState) {
	h.t.Helper()
	h.until("the run of "+ref.String()+" is "+string(state), func() bool { return h.runState(ref) == state })
}

// waits notes what it is about as soon as its wait is over.
func waits(wait string) map[string]string {
	return bookOf(`
name: waits
on: { event: record.created, module: Tickets }
tasks:
  - notify: { to: record.contact, via: email, template: hello, link: { landing: ticket } }
    id: told
  - wait: ` + wait + `
    id: waited
  - update: { set: { note: "went on: {{ record.status }} {{ steps.waited.timed_out }} {{ steps.told.acted }}" } }
`)
}

// becomes polls until a field of a ticket has a value.
func (h *house) becomes(ref engine.Ref, field, want string) {
	h.t.Helper()
	h.until(field+" of "+ref.String()+" is "+want, func() bool {
		records, err := h.store.Records(h.t.Context(), []engine.Ref{ref})
		return err == nil && len(records) == 1 && records[0].Fields.Text(field) == want
	})
}

// note polls the note of the first ticket.
func (h *house) note(want string) {
	h.t.Helper()
	h.becomes(ticketOne, "note", want)
}

func TestWaitForATime(t *testing.T) {
	for _, restart := range []bool{false, true} {
		h := newHouse(t, waits("{ for: 48h }"))
		h.start()
		h.person()
		h.ticket("1")
		h.stands(ticketOne, engine.RunWaiting)
		if restart {
			h.stop()
			h.start()
		}
		h.clock.Advance(47 * time.Hour)
		h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
			Record: engine.Fields{"status": "Resolved"}, Changed: []string{"status"}, Partial: true,
		})
		h.becomes(ticketOne, "status", "Resolved")
		h.stands(ticketOne, engine.RunWaiting)
		h.clock.Advance(time.Hour)
		h.noteInTime("went on: Resolved true false") // the record is read again after the wait
		h.stop()
	}
}

func TestWaitUntilTheRecordChanges(t *testing.T) {
	for _, until := range []string{`record.status == "Resolved"`, `changed("status")`} {
		h := newHouse(t, waits("{ for: 48h, until: '"+until+"' }"))
		h.start()
		h.person()
		h.ticket("1")
		h.stands(ticketOne, engine.RunWaiting)
		h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
			Record: engine.Fields{"count": 3}, Changed: []string{"count"}, Partial: true,
		})
		h.becomes(ticketOne, "count", "3")
		h.stands(ticketOne, engine.RunWaiting)
		h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
			Record: engine.Fields{"status": "Resolved"}, Changed: []string{"status"}, Partial: true,
		})
		h.note("went on: Resolved false false")
		h.stop()
	}
}

func TestWaitUntilARelatedRecordChanges(t *testing.T) {
	h := newHouse(t, waits(`{ until: 'record.contact.name == "Anna"' }`))
	h.start()
	h.person()
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	h.publish(engine.RecordUpdated, "People/p1", engine.Change{
		Record: engine.Fields{"name": "Anna"}, Changed: []string{"name"}, Partial: true,
	})
	h.note("went on: Open false false")
}

func TestWaitThatIsOverAtOnce(t *testing.T) {
	h := newHouse(t, waits(`{ for: 48h, until: 'record.status == "Open"' }`))
	h.start()
	h.person()
	h.ticket("1")
	h.note("went on: Open false false")
}

// minted keeps the links that runs ask for.
type minted struct {
	engine.Store
	links chan engine.Link
}

func (m minted) Advance(ctx context.Context, step engine.Advance) error {
	err := m.Store.Advance(ctx, step)
	for _, link := range step.Links {
		m.links <- link
	}
	return err
}

// act confirms the action of a link, as the door would store it.
func (h *house) act(ctx context.Context, link engine.Link) {
	h.t.Helper()
	flow := links.Flow{ID: engine.ID{1}, Link: link.ID, Opened: h.clock.Now(), Expires: h.clock.Now().Add(time.Hour)}
	opened := &engine.Event{
		ID: "o", Source: engine.Source, Type: engine.LinkOpened, Subject: "Tickets/1", Time: h.clock.Now(),
	}
	err := errors.Join(h.store.Open(ctx, links.Opening{Flow: flow, Event: opened}), func() error {
		_, err := h.store.Land(ctx, links.Act{
			ID: engine.ID{2}, Flow: flow.ID, Link: link.ID, Name: "resolve", At: h.clock.Now(),
			Write: engine.Write{
				Ref: ticketOne, Patch: engine.Patch{Set: engine.Fields{"status": "Resolved"}},
				Origin: engine.Origin{EventID: engine.ID{3}, Source: engine.Source, At: h.clock.Now()},
			},
			Used: &engine.Event{
				ID: "u", Source: engine.Source, Type: engine.LinkUsed, Subject: "Tickets/1", Time: h.clock.Now(),
			},
		})
		return err
	}())
	if err != nil {
		h.t.Errorf("act by the link: %v", err)
	}
}

func TestWaitUntilSomebodyActs(t *testing.T) {
	h := newHouse(t, waits("{ for: 48h, until: steps.told.acted }"))
	made := make(chan engine.Link, 1)
	h.wrap = func(s engine.Store) engine.Store { return minted{s, made} }
	h.start()
	h.person()
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	h.act(t.Context(), <-made)
	h.note("went on: Resolved false true")
}

// beforeWait does something once, after a wait was evaluated and before it is stored.
type beforeWait struct {
	engine.Store
	done *atomic.Bool
	do   func()
}

func (b beforeWait) Advance(ctx context.Context, step engine.Advance) error {
	if step.Wait != nil && len(step.Wait.Topics) > 0 && b.done.CompareAndSwap(false, true) {
		b.do()
	}
	return b.Store.Advance(ctx, step)
}

func TestNoWakeUpIsLostBeforeTheWaitIsStored(t *testing.T) {
	h := newHouse(t, waits(`{ until: 'record.status == "Resolved"' }`))
	var done atomic.Bool
	h.wrap = func(s engine.Store) engine.Store {
		return beforeWait{s, &done, func() {
			err := h.store.Write(t.Context(), engine.Write{
				Ref: ticketOne, Patch: engine.Patch{Set: engine.Fields{"status": "Resolved"}},
				Origin: engine.Origin{EventID: engine.ID{9}, Source: engine.Source, At: h.clock.Now()},
			})
			if err != nil {
				t.Errorf("write: %v", err)
			}
		}}
	}
	h.start()
	h.person()
	h.ticket("1")
	h.note("went on: Resolved false false")
}

// beforeRearm does something once, after a wait was evaluated in vain and before it rests on.
type beforeRearm struct {
	engine.Store
	done *atomic.Bool
	do   func()
}

func (b beforeRearm) Rearm(ctx context.Context, fence engine.Fence, run engine.ID, seen []engine.Touch) error {
	woken := slices.ContainsFunc(seen, func(t engine.Touch) bool { return t.Marks > 0 })
	if woken && b.done.CompareAndSwap(false, true) {
		b.do()
	}
	return b.Store.Rearm(ctx, fence, run, seen)
}

func TestNoWakeUpIsLostBeforeTheWaitGoesOn(t *testing.T) {
	h := newHouse(t, waits(`{ until: 'record.status == "Resolved"' }`))
	var done atomic.Bool
	h.wrap = func(s engine.Store) engine.Store {
		return beforeRearm{s, &done, func() {
			err := h.store.Write(t.Context(), engine.Write{
				Ref: ticketOne, Patch: engine.Patch{Set: engine.Fields{"status": "Resolved"}},
				Origin: engine.Origin{EventID: engine.ID{9}, Source: engine.Source, At: h.clock.Now()},
			})
			if err != nil {
				t.Errorf("write: %v", err)
			}
		}}
	}
	h.start()
	h.person()
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
		Record: engine.Fields{"count": 3}, Changed: []string{"count"}, Partial: true,
	})
	h.note("went on: Resolved false false")
	if !done.Load() {
		t.Error("the wait was not woken in vain")
	}
}

func TestStepThatFailsForAWhile(t *testing.T) {
	h := newHouse(t, bookOf(`
name: retries
on: { event: record.created, module: Tickets }
tasks:
  - update: { set: { note: begun } }
  - trial: { name: `+t.Name()+` }
    retry: { attempts: 4, backoff: 10s, for: 1h }
  - update: { set: { note: "{{ record.note }}, ended" } }
`))
	var tries atomic.Int32
	trials.Store(t.Name(), func(context.Context, *engine.StepContext) error {
		if tries.Add(1) < 3 {
			return errors.New("nobody answers")
		}
		return nil
	})
	h.start()
	h.ticket("1")
	h.stands(ticketOne, engine.RunRetrying)
	if got := h.record(ticketOne).Fields.Text("note"); got != "begun" {
		t.Errorf("what the steps before asked is %q", got)
	}
	h.clock.Advance(9 * time.Second)
	h.stands(ticketOne, engine.RunRetrying)
	if n := tries.Load(); n != 1 {
		t.Errorf("%d tries before the pause was over", n)
	}
	h.stop()
	h.start()
	h.until("the second try", func() bool {
		h.clock.Advance(time.Second)
		return tries.Load() >= 2
	})
	h.noteInTime("begun, ended")
}

func TestStepThatFailsForGood(t *testing.T) {
	h := newHouse(t, bookOf(`
name: retries
on: { event: record.created, module: Tickets }
tasks:
  - trial: { name: `+t.Name()+` }
    retry: { attempts: 3, backoff: 1s, for: 1h }
`))
	var tries atomic.Int32
	trials.Store(t.Name(), func(context.Context, *engine.StepContext) error {
		tries.Add(1)
		return errors.New("nobody answers")
	})
	h.start()
	h.ticket("1")
	event := func() *engine.Event {
		h.until("the end", func() bool {
			h.clock.Advance(time.Second)
			return strings.Contains(h.logs.String(), "run ended early")
		})
		return h.ownEvents(1)[0]
	}()
	if tries.Load() != 3 || event.Type != engine.RunFailedEvent ||
		!strings.Contains(string(event.Data), "step 1 (trial): given up after 3 tries: nobody answers") {
		t.Errorf("after %d tries: %s %s", tries.Load(), event.Type, event.Data)
	}
}

// dying ends reading once something has been done before a wait is stored, as a process that is killed does.
type dying struct{ beforeWait }

func (d dying) Records(ctx context.Context, refs []engine.Ref) ([]engine.Record, error) {
	if d.done.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return d.Store.Records(ctx, refs)
}

func TestNoWakeUpIsLostByAnEndRightAfterTheWaitIsStored(t *testing.T) {
	files := waits("{ until: steps.told.acted }")
	files["w.yaml"] = strings.Replace(files["w.yaml"], "  - wait:", "  - wait: { for: 1h }\n  - wait:", 1)
	h := newHouse(t, files)
	var done atomic.Bool
	made := make(chan engine.Link, 1)
	h.wrap = func(s engine.Store) engine.Store {
		return minted{dying{beforeWait{s, &done, func() { h.act(t.Context(), <-made) }}}, made}
	}
	h.start()
	h.person()
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	h.until("the visit", func() bool {
		h.clock.Advance(10 * time.Minute)
		return done.Load()
	})
	h.until("the second wait is stored", func() bool { return h.runState(ticketOne) == engine.RunWaiting })
	h.stop()
	h.wrap = nil
	h.start()
	h.note("went on: Resolved false true")
}

func TestWaitFollowsARouteThatMoves(t *testing.T) {
	h := newHouse(t, waits(`{ until: 'record.contact.name == "Anna"' }`))
	h.start()
	h.person()
	second := engine.Ref{Module: "People", ID: "p2"}
	h.publish(engine.RecordCreated, second.String(), engine.Change{Record: engine.Fields{"name": "Ben"}})
	h.becomes(second, "name", "Ben")
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
		Record: engine.Fields{"contact": "p2"}, Changed: []string{"contact"}, Partial: true,
	})
	h.until("it waits for the other person", func() bool {
		lines, err := h.store.WaitLines(t.Context(), engine.WaitSelection{})
		return err == nil && len(lines) == 1 && slices.Contains(lines[0].Topics, engine.RecordTopic(second))
	})
	h.publish(engine.RecordUpdated, second.String(), engine.Change{
		Record: engine.Fields{"name": "Anna"}, Changed: []string{"name"}, Partial: true,
	})
	h.note("went on: Open false false")
}

// flaky reads fail while it is set.
type flaky struct {
	engine.Store
	fails *atomic.Bool
}

func (f flaky) Records(ctx context.Context, refs []engine.Ref) ([]engine.Record, error) {
	if f.fails.Load() {
		return nil, errors.New("nobody answers")
	}
	return f.Store.Records(ctx, refs)
}

// Troubles that pass while a run waits are not added up: each has the time of the policy for itself.
func TestWaitOutlivesTroublesDaysApart(t *testing.T) {
	h := newHouse(t, waits(`{ for: 240h, until: 'record.status == "Resolved"' }`))
	var fails atomic.Bool
	h.wrap = func(s engine.Store) engine.Store { return flaky{s, &fails} }
	h.start()
	h.person()
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	tries := func() int { return strings.Count(h.lastRun().Reason, "nobody answers") }
	for n := range 3 {
		fails.Store(true)
		h.publish(engine.RecordUpdated, "Tickets/1", engine.Change{
			Record: engine.Fields{"count": n}, Old: engine.Fields{"count": -1}, Changed: []string{"count"},
		})
		h.until("the trouble", func() bool { return tries() == 1 })
		fails.Store(false)
		h.until("the end of the trouble", func() bool {
			h.clock.Advance(10 * time.Second)
			return tries() == 0
		})
		if run := h.lastRun(); run.State != engine.RunWaiting {
			t.Fatalf("after trouble %d it is %s: %s", n+1, run.State, run.Reason)
		}
		h.clock.Advance(48 * time.Hour)
	}
}

func (h *house) lastRun() engine.RunLine {
	h.t.Helper()
	lines := h.runs(engine.RunSelection{})
	if len(lines) != 1 {
		h.t.Fatalf("there are %d runs", len(lines))
	}
	return lines[0]
}

// A trouble that has passed is no reason why a run ended.
func TestPassedTroubleIsNoReason(t *testing.T) {
	h := newHouse(t, waits(`{ for: 1h }`))
	var fails atomic.Bool
	h.wrap = func(s engine.Store) engine.Store { return flaky{s, &fails} }
	h.start()
	h.person()
	h.ticket("1")
	h.stands(ticketOne, engine.RunWaiting)
	fails.Store(true)
	h.clock.Advance(time.Hour)
	h.until("the trouble", func() bool { return strings.Contains(h.lastRun().Reason, "nobody answers") })
	fails.Store(false)
	h.until("the end", func() bool {
		h.clock.Advance(10 * time.Second)
		return h.lastRun().State == engine.RunDone
	})
	if reason := h.lastRun().Reason; reason != "" {
		t.Errorf("the run is done, and says %q", reason)
	}
}
