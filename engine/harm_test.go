package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"postern/engine"
)

// A record of which cannot be told whether it is meant fails alone; the walk goes on.
func TestScheduleEachHarmsOne(t *testing.T) {
	seen := sight(t, sightTick)
	h := newHouse(t, planned(t, `{ schedule: { cron: "0 13 * * *", each: { module: Tickets,
      where: 'record.contact.name == "" && record.status == "Open"' } } }`))
	h.open()
	h.engine.CRM = closedCRM{h.engine.CRM, engine.Ref{Module: "People", ID: "9"}}
	h.kept(3)
	h.publish(engine.RecordCreated, "Tickets/0000001a", engine.Change{
		Record: engine.Fields{"no": "T", "status": "Open", "contact": "9"},
	})
	h.run()
	h.due(time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC))
	h.until("the fourth ticket", func() bool {
		found, err := h.store.Records(t.Context(), []engine.Ref{{Module: "Tickets", ID: "0000001a"}})
		return err == nil && len(found) == 1
	})
	h.clock.Advance(time.Hour)
	h.soon("the runs", func() bool { return seen.count() == 2 && len(h.runsOf("planned", engine.RunFailed)) == 1 })
	h.due(time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC))
}

// An alarm whose record cannot be read keeps no other from ringing.
func TestAroundHarmsOne(t *testing.T) {
	seen := sight(t, sightDate)
	h := newHouse(t, dated(t))
	h.open()
	h.engine.CRM = closedCRM{h.engine.CRM, engine.Ref{Module: "Tickets", ID: "2"}}
	h.run()
	for _, id := range []string{"1", "2", "3"} {
		h.dueTicket(engine.RecordCreated, id, "2026-03-05")
	}
	h.armed(3)
	h.clock.Advance(70 * time.Hour)
	h.soon("the others", func() bool { return seen.count() == 2 })
	h.soon("the failure", func() bool { return len(h.runsOf("planned", engine.RunFailed)) == 1 })
	h.armed(0)
	got := seen.all()
	slices.Sort(got)
	if want := []string{"Tickets/1 2026-03-05 2026-03-05", "Tickets/3 2026-03-05 2026-03-05"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// closedCRM has a record that nobody may read.
type closedCRM struct {
	engine.CRM
	closed engine.Ref
}

func (c closedCRM) Get(ctx context.Context, refs ...engine.Ref) ([]engine.Record, error) {
	if slices.Contains(refs, c.closed) {
		return nil, engine.Permanent(errors.New("permission denied"))
	}
	return c.CRM.Get(ctx, refs...)
}
