package enginetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

func deskDeliveryLines(t *testing.T, s *deskTrial) {
	run := s.takeIn(t, 1)
	var all []*engine.Delivery
	for i := range 4 {
		d := s.delivery(run, storeNow)
		d.Created = storeNow.Add(time.Duration(i) * time.Minute)
		d.ID = idAt(t, d.Created)
		all = append(all, d)
	}
	all[1].State, all[2].Channel, all[3].State = engine.DeliveryUnknown, "sms", engine.DeliveryAccepted
	all[0].Workflow, all[0].Record.ID = "other", "9"
	s.advance(t, run, engine.Advance{Deliveries: all})
	type states = []engine.DeliveryState
	for name, c := range map[string]struct {
		sel  engine.DeliverySelection
		want string
	}{
		"all":       {engine.DeliverySelection{}, "3210"},
		"a state":   {engine.DeliverySelection{States: states{engine.DeliveryUnknown}}, "1"},
		"states":    {engine.DeliverySelection{States: states{engine.DeliveryUnknown, engine.DeliveryAccepted}}, "31"},
		"channel":   {engine.DeliverySelection{Channel: "sms"}, "2"},
		"workflow":  {engine.DeliverySelection{Workflow: "other"}, "0"},
		"record":    {engine.DeliverySelection{Record: all[1].Record}, "321"},
		"since":     {engine.DeliverySelection{Since: all[2].Created}, "32"},
		"next page": {engine.DeliverySelection{Before: all[2].ID, Limit: 1}, "1"},
	} {
		lines, err := s.DeliveryLines(t.Context(), c.sel)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, d := range lines {
			got += fmt.Sprint(int(d.Created.Sub(storeNow).Minutes()))
			if d.Sealed != nil {
				t.Errorf("%s: a list carries what is sealed", name)
			}
		}
		if got != c.want {
			t.Errorf("%s: deliveries %s, want %s", name, got, c.want)
		}
	}
}

func deskDeliveries(t *testing.T, s *deskTrial) {
	run := s.takeIn(t, 1)
	states := []engine.DeliveryState{
		engine.DeliveryPlanned, engine.DeliveryUnknown, engine.DeliveryRejected, engine.DeliverySending,
		engine.DeliveryAccepted,
	}
	for _, c := range []struct {
		name   string
		change func(engine.ID) (*engine.Delivery, error)
		may    map[engine.DeliveryState]bool
		after  engine.DeliveryState
		line   string
	}{
		{
			"retry", func(id engine.ID) (*engine.Delivery, error) {
				return s.RetryDelivery(t.Context(), id, order("it did not come"))
			},
			map[engine.DeliveryState]bool{engine.DeliveryUnknown: true, engine.DeliveryRejected: true},
			engine.DeliveryPlanned, "sent again by ann: it did not come",
		},
		{
			"cancel", func(id engine.ID) (*engine.Delivery, error) { return s.CancelDelivery(t.Context(), id, order("")) },
			map[engine.DeliveryState]bool{engine.DeliveryPlanned: true, engine.DeliveryUnknown: true},
			engine.DeliveryRejected, "cancelled by ann",
		},
	} {
		for _, state := range states {
			d := s.delivery(run, storeNow.Add(-time.Hour))
			d.State, d.Slot, d.Attempts = state, 3, 5
			s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{d}})
			changed, err := c.change(d.ID)
			stored, readErr := s.Delivery(t.Context(), d.ID)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if !c.may[state] {
				if !engine.IsPermanent(err) || stored.State != state || len(stored.History) > 0 {
					t.Errorf("%s of one that is %s: %v, it is %s", c.name, state, err, stored.State)
				}
				continue
			}
			if err != nil || stored.State != c.after || len(stored.History) != 1 || stored.History[0].Text != c.line {
				t.Errorf("%s of one that is %s: %v, it is %s, %v", c.name, state, err, stored.State, stored.History)
			}
			if diff := cmp.Diff(stored, changed); diff != "" {
				t.Errorf("%s tells other than what is stored (-stored +told):\n%s", c.name, diff)
			}
		}
	}
	again := s.take(t, storeNow, 9)
	for _, d := range again {
		if d.Attempts != 0 && len(d.History) > 0 {
			t.Errorf("a delivery that is sent again has %d tries behind it", d.Attempts)
		}
		if len(d.History) > 0 && !d.Until.Equal(storeNow.Add(d.Retry.For)) {
			t.Errorf("it is tried until %v", d.Until)
		}
	}
	if len(again) != 3 { // the planned one that was not cancelled, and two that are sent again
		t.Errorf("%d deliveries are due, want 3", len(again))
	}
	if _, err := s.RetryDelivery(t.Context(), run.ID, order("")); !errors.Is(err, engine.ErrNoThing) {
		t.Errorf("no delivery was sent again: %v", err)
	}
}
