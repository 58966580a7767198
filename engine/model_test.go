package engine_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"postern/engine"
	"postern/internal/peer"
)

// Whatever happens in whatever order, to an engine that may be killed at any commit: what was acknowledged is done,
// once, in order, and everything ends. For more than a few cases: go test ./engine -run TestModel -rapid.checks=1000.
// The bubble lets a step go on exactly until nothing happens by itself any more.
func TestModel(t *testing.T) {
	peer.Cases(t, "40", "15") // each is a story of some thirty actions
	var first string          // failure: what follows it is smaller, and need not be the same
	t.Cleanup(func() {
		if first != "" {
			t.Log("the first failure:\n" + first)
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		var failed any
		synctest.Test(t, func(*testing.T) {
			defer func() { failed = recover() }()
			w := newWorld(rt)
			defer func() { first = cmp.Or(first, w.failure) }()
			defer w.leave()
			w.seedRecords()
			w.start()
			rt.Repeat(w.telling(map[string]func(*rapid.T){
				"": w.check, "event": w.happen, "event too": w.happen, "burst": w.burst, "keyless": w.keyless,
				"again": w.again, "status": w.status, "delete or create": w.deleteOrCreate,
				"clock": w.moveClock, "clock too": w.moveClock, "back": w.setBack, "visit": w.visit, "visit too": w.visit,
				"answers": w.answer, "answers too": w.answer, "faults": w.breakCRM, "trouble": w.trouble,
				"arm": w.arm, "arm too": w.arm, "kill": w.kill, "restart": w.restart, "takeover": w.takeover,
				"operate": w.operate, "storm": w.storm, "storm too": w.storm,
			}))
			w.finish()
		})
		if failed != nil {
			panic(failed)
		}
	})
}

// telling writes the actions into the log.
func (w *world) telling(actions map[string]func(*rapid.T)) map[string]func(*rapid.T) {
	for name, do := range actions {
		if name != "" {
			actions[name] = func(rt *rapid.T) {
				w.say("ACTION %s", name)
				do(rt)
			}
		}
	}
	return actions
}

// say adds a line to the log.
func (w *world) say(format string, args ...any) {
	_, _ = fmt.Fprintf(w.logs, w.clock.Now().Format("-- 02 15:04:05.000 ")+format+"\n", args...)
}

// leave ends the process, whatever became of the case.
func (w *world) leave() {
	failed := recover()
	if w.store != nil {
		w.proc.life.kill()
		w.proc.cancel()
		<-w.proc.ended
		w.pumps()
		_ = w.db.Close()
		_ = w.store.Close()
	}
	_ = os.RemoveAll(w.folder)
	if failed != nil {
		panic(failed)
	}
}

// draw makes an event's fields: what workflows are to do.
func (w *world) draw(rt *rapid.T) (id string, set engine.Fields) {
	w.turn++
	var words []string
	for _, j := range modelJobs {
		if j.on == "" {
			words = append(words, j.name)
		}
	}
	does := rapid.SliceOfNDistinct(rapid.SampledFrom(words), 1, 3, rapid.ID).Draw(rt, "does")
	set = engine.Fields{"turn": number(w.turn), "does": strings.Join(does, ";") + ";"}
	if slices.Contains(does, "at") {
		due := w.clock.Now().Add(time.Duration(rapid.IntRange(-10, 120).Draw(rt, "due")) * time.Minute)
		set["due"] = due.Format(time.RFC3339)
	}
	if rapid.IntRange(0, 4).Draw(rt, "ping") == 0 {
		set["ping"] = number(100 * w.turn)
	}
	return w.ticket(rt), set
}

func (w *world) ticket(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"1", "1", "2", "3"}).Draw(rt, "ticket")
}

func (w *world) happen(rt *rapid.T) {
	id, set := w.draw(rt)
	if w.gone[id] {
		rt.Skip("it is deleted")
	}
	w.say("%s %v", id, set)
	w.edit(ticketRef(id), set)
}

func (w *world) burst(rt *rapid.T) {
	for range rapid.IntRange(2, 6).Draw(rt, "events") {
		id, set := w.draw(rt)
		if !w.gone[id] {
			w.say("%s %v", id, set)
			w.edit(ticketRef(id), set)
		}
	}
}

// keyless tells a change without its key: it goes out again with it.
func (w *world) keyless(rt *rapid.T) {
	id, set := w.draw(rt)
	if w.gone[id] || w.outside != nil {
		rt.Skip("only where events may be partial")
	}
	event := &engine.Event{
		ID: w.nextID(), Source: "crm", Type: engine.RecordUpdated, Subject: "Tickets/" + id,
		Change: &engine.Change{Record: set, Changed: slices.Sorted(maps.Keys(set)), Partial: true},
	}
	body, err := event.MarshalJSON()
	if err != nil {
		rt.Fatal(err)
	}
	w.bus.Tell("crm.Tickets.updated", "crm/"+event.ID, body)
}

// again tells an event once more.
func (w *world) again(rt *rapid.T) {
	w.tell(rapid.SampledFrom(w.events).Draw(rt, "event"))
}

func (w *world) status(rt *rapid.T) {
	id := w.ticket(rt)
	if w.gone[id] {
		rt.Skip("it is deleted")
	}
	set := engine.Fields{"status": rapid.SampledFrom([]string{"Open", "Resolved"}).Draw(rt, "status")}
	if rapid.Bool().Draw(rt, "and note") {
		w.turn++
		set["note"] = fmt.Sprint("by hand ", w.turn)
	}
	w.say("%s %v", id, set)
	w.edit(ticketRef(id), set)
}

func (w *world) deleteOrCreate(rt *rapid.T) {
	if rapid.IntRange(0, 2).Draw(rt, "really") > 0 {
		rt.Skip("not now")
	}
	if w.gone["3"] {
		w.create("3")
		return
	}
	w.gone["3"] = true
	w.edit(ticketRef("3"), nil)
}

var modelSteps = []time.Duration{
	100 * time.Millisecond, 3 * time.Second, 12 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute,
	time.Hour, 2 * time.Hour,
}

func (w *world) moveClock(rt *rapid.T) { w.advance(rapid.SampledFrom(modelSteps).Draw(rt, "by")) }

// setBack sets the engine's clock back, once in a case.
func (w *world) setBack(rt *rapid.T) {
	if w.jumped {
		rt.Skip("once is enough")
	}
	w.jumped = true
	w.behind = rapid.SampledFrom(modelSteps).Draw(rt, "by")
	w.clock.Advance(-w.behind)
	w.settle()
}

func (w *world) answer(rt *rapid.T) {
	p := w.posts[rapid.SampledFrom([]string{"email", "email", "sms"}).Draw(rt, "channel")]
	answers := rapid.SliceOfN(rapid.SampledFrom(modelAnswers), 1, 5).Draw(rt, "answers")
	w.say("%s: %q", p.name, answers)
	p.script(answers...)
}

func (w *world) breakCRM(rt *rapid.T) {
	if w.outside == nil {
		rt.Skip("the records are kept")
	}
	defer w.outside.lock()()
	w.outside.faults = rapid.SliceOfN(rapid.SampledFrom(modelFaults), 1, 4).Draw(rt, "faults")
	w.outside.down = rapid.IntRange(0, 2).Draw(rt, "down")
	w.say("faults %q, %d reads", w.outside.faults, w.outside.down)
}

// trouble lets the store refuse some changes while an event comes.
func (w *world) trouble(rt *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(rt, "refusals")
	troubled := w.proc.life
	defer troubled.set(func() { troubled.trouble = 0 })
	w.proc.life.set(func() { w.proc.life.trouble = n })
	w.happen(rt)
	for range 6 {
		w.advance(time.Second)
	}
}

// arm lets the process die of one of its next changes.
func (w *world) arm(rt *rapid.T) {
	calls, after := rapid.IntRange(0, 15).Draw(rt, "calls"), rapid.Bool().Draw(rt, "after")
	w.say("%d calls, after %v", calls, after)
	w.proc.life.set(func() { w.proc.life.armed, w.proc.life.calls, w.proc.life.after = true, calls, after })
}

func (w *world) kill(*rapid.T) { w.proc.life.kill() }

func (w *world) restart(*rapid.T) {
	w.stop()
	w.start()
}

// takeover lets another process claim the partitions while the owner goes on.
func (w *world) takeover(rt *rapid.T) {
	if w.posts["email"].busy() || w.posts["sms"].busy() {
		rt.Skip("a message is on its way")
	}
	old := w.proc
	old.life.set(func() { old.life.armed = false })
	w.start()
	w.settle()
	w.advance(31*time.Second + w.behind) // it looks every half minute, by a clock that may have been set back
	select {
	case err := <-old.ended:
		if !isFenced(err) {
			w.fail("the stale owner ended with %v", err)
		}
	default:
		w.fail("the stale owner still runs")
	}
	old.life.kill()
}

// finish lets everything end and holds the end against the model.
func (w *world) finish() {
	for _, p := range w.posts {
		p.script()
	}
	if w.outside != nil {
		unlock := w.outside.lock()
		w.outside.faults, w.outside.down = nil, 0
		unlock()
	}
	w.settle()
	w.proc.life.set(func() { w.proc.life.armed = false })
	for _, d := range []time.Duration{
		time.Minute, 10 * time.Minute, time.Hour, time.Hour, 2 * time.Hour, 3 * time.Hour, 25 * time.Hour, 25 * time.Hour,
		25 * time.Hour,
	} {
		w.advance(d)
	}
	// Runs that hold their gate while they wait go one after the other.
	const open = "SELECT count(*) FROM runs WHERE workflow = 'acted' AND state NOT IN ('done', 'failed', 'stopped')"
	for left := w.one(open); left > 0; left-- {
		w.advance(4 * time.Hour)
	}
	w.check(w.T)
	w.checkEnd()
	w.proc.cancel()
	if err := <-w.proc.ended; err != nil {
		w.fail("the engine ended with %v", err)
	}
	w.proc.ended <- nil
}

// modelVisit is an act that was done by a link.
type modelVisit struct {
	link, flow engine.ID
	name       string
	at         time.Time
	used       string // id of the event that tells it
}

var modelActs = map[string]engine.Fields{"resolve": {"status": "Resolved"}, "reopen": {"status": "Open"}}
