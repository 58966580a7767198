package engine_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"postern/engine"
)

func TestWork(t *testing.T) {
	var endless *engine.Work
	endless.Spend(math.MaxInt)
	if endless.Left() != math.MaxInt {
		t.Errorf("nil has %d left", endless.Left())
	}
	work := engine.NewWork(engine.QuickWork)
	work.Spend(1000)
	if work.Left() != engine.QuickWork-1000 {
		t.Errorf("%d left", work.Left())
	}
	work.Spend(math.MaxInt)
	if least := work.Left(); least < 1000 || least > engine.QuickWork/100 {
		t.Errorf("with all spent an evaluation gets %d", least)
	}
}

// The intake decides what is cheap to decide. What is not, the run's lane decides.
func TestCostlyConditionIsDecidedInTheLane(t *testing.T) {
	files := bookOf(strings.Replace(mainJob, `if: `, `if: record.note matches "[a-z]{20}1" && `, 1))
	h := newHouse(t, files)
	h.start()
	h.person()
	for id, note := range map[string]string{"1": strings.Repeat("x", 50_000) + "1", "2": strings.Repeat("x", 50_000)} {
		h.publish(engine.RecordCreated, "Tickets/"+id, engine.Change{
			Record: engine.Fields{"no": "T" + id, "status": "Open", "contact": "p1", "note": note},
		})
	}
	h.until("the mail", func() bool { return len(h.mail.Sent()) == 1 })
	if got := h.mail.Sent()[0].Content.Subject; got != "Ticket T1" {
		t.Errorf("the mail is about %s", got)
	}
}

// Each step of this run could be paid for alone.
func TestStepsShareTheWorkOfAStretch(t *testing.T) {
	const costly = `  - update: { set: { status: '{{ record.note matches "[a-z]{120}1" ? "Resolved" : "Open" }}' } }` + "\n"
	files := bookOf(fmt.Sprintf("name: costly\non: { event: record.created, module: Tickets }\ntasks:\n%s",
		strings.Repeat(costly, 4)))
	h := newHouse(t, files)
	h.start()
	h.publish(engine.RecordCreated, "Tickets/1", engine.Change{
		Record: engine.Fields{"no": "T1", "status": "Open", "note": strings.Repeat("x", 60_000)},
	})
	h.until("the end", func() bool { return strings.Contains(h.logs.String(), "state=failed") })
	if want := "step 3 (update): "; !strings.Contains(h.logs.String(), want) ||
		!strings.Contains(h.logs.String(), "the expressions look at too much data together") {
		t.Errorf("the log lacks %q: %s", want, h.logs)
	}
}
