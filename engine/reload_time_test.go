package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/engine"
)

// A workflow that goes by the same date of another module from now on arms its alarms anew: those of the records that
// are there, too.
func TestReloadToTheDateOfAnotherModule(t *testing.T) {
	seen := sight(t, sightDate)
	files := dated(t)
	files["modules/People.yaml"] = strings.Replace(peopleModule, "email: email", "email: email, due: date", 1)
	h := newHouse(t, files)
	h.start()
	h.dueTicket(engine.RecordCreated, "1", "2026-03-05")
	h.publish(engine.RecordCreated, "People/7", engine.Change{Record: engine.Fields{"name": "Ann", "due": "2026-03-05"}})
	h.until("the person", func() bool {
		found, err := h.store.Records(t.Context(), []engine.Ref{{Module: "People", ID: "7"}})
		return err == nil && len(found) == 1
	})
	h.armed(1)
	h.reload(map[string]string{"w.yaml": strings.Replace(files["w.yaml"], "module: Tickets", "module: People", 1)})
	h.armed(1)
	h.clock.Advance(70 * time.Hour)
	h.soon("the run", func() bool { return seen.count() == 1 })
	if got := seen.all()[0]; got != "People/7 2026-03-05 2026-03-05" {
		t.Errorf("got %s", got)
	}
}

// Events that a workflow gathered when it was about another module are none of its business any more.
func TestReloadToAnotherModuleWhileEventsGather(t *testing.T) {
	seen := sight(t, func(step *engine.StepContext) string { return fmt.Sprint(step.Ref) })
	files := bursts(t, `debounce: { for: 10m }`)
	h := newHouse(t, files)
	h.start()
	h.ticket("1")
	h.gathered(1)
	h.reload(map[string]string{"w.yaml": strings.Replace(files["w.yaml"], "module: Tickets", "module: People", 1)})
	h.publish(engine.RecordCreated, "People/1", engine.Change{Record: engine.Fields{"name": "Ann"}})
	h.gathered(2)
	h.clock.Advance(11 * time.Minute)
	h.soon("both windows to close", func() bool {
		open, _, err := h.store.DueWindows(t.Context(), h.clock.Now().AddDate(1, 0, 0), 9)
		return err == nil && len(open) == 0 && seen.count() > 0
	})
	h.stop()
	if got := seen.all(); len(got) != 1 || got[0] != "People/1" {
		t.Errorf("got %v", got)
	}
}
