package enginetest

import (
	"errors"
	"fmt"
	"strings"
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
		var got strings.Builder
		for _, d := range lines {
			fmt.Fprint(&got, int(d.Created.Sub(storeNow).Minutes()))
			if d.Sealed != nil {
				t.Errorf("%s: a list carries what is sealed", name)
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: deliveries %s, want %s", name, got.String(), c.want)
		}
	}
}

func deskDeliveries(t *testing.T, s *deskTrial) {
	run := s.takeIn(t, 1)
	retry := func(id engine.ID) (*engine.Delivery, error) {
		return s.RetryDelivery(t.Context(), id, order("it did not come"))
	}
	cancel := func(id engine.ID) (*engine.Delivery, error) { return s.CancelDelivery(t.Context(), id, order("")) }
	for _, state := range engine.DeliveryStates() {
		if state == engine.DeliveryUnknown || state == engine.DeliveryRejected {
			s.changed(t, s.inState(t, run, state), retry, engine.DeliveryPlanned, "sent again by ann: it did not come")
		} else {
			s.refused(t, s.inState(t, run, state), retry)
		}
		if state == engine.DeliveryPlanned || state == engine.DeliveryUnknown {
			s.changed(t, s.inState(t, run, state), cancel, engine.DeliveryRejected, "cancelled by ann")
		} else {
			s.refused(t, s.inState(t, run, state), cancel)
		}
	}
	again := 0
	for _, d := range s.take(t, storeNow, 9) {
		if len(d.History) == 0 {
			continue
		}
		if again++; d.Attempts != 0 || !d.Until.Equal(storeNow.Add(d.Retry.For)) {
			t.Errorf("what is sent again has %d tries behind it and is tried until %v", d.Attempts, d.Until)
		}
	}
	if again != 2 {
		t.Errorf("%d deliveries are sent again, want 2", again)
	}
	if _, err := retry(run.ID); !errors.Is(err, engine.ErrNoThing) {
		t.Errorf("no delivery was sent again: %v", err)
	}
}

// inState stores a new delivery that was tried five times.
func (s *deskTrial) inState(t *testing.T, run *engine.Run, state engine.DeliveryState) *engine.Delivery {
	t.Helper()
	d := s.delivery(run, storeNow.Add(-time.Hour))
	d.State, d.Slot, d.Attempts = state, 3, 5
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{d}})
	return d
}

// changed holds a change against what is stored after it.
func (s *deskTrial) changed(
	t *testing.T, d *engine.Delivery, change func(engine.ID) (*engine.Delivery, error), after engine.DeliveryState,
	line string,
) {
	t.Helper()
	told, err := change(d.ID)
	if err != nil {
		t.Errorf("one that is %s: %v", d.State, err)
		return
	}
	stored, err := s.Delivery(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if stored.State != after || len(stored.History) != 1 || stored.History[0].Text != line {
		t.Errorf("one that was %s is %s, %v", d.State, stored.State, stored.History)
	}
	if diff := cmp.Diff(stored, told); diff != "" {
		t.Errorf("it tells other than what is stored (-stored +told):\n%s", diff)
	}
}

// refused expects a change to be refused and nothing to be changed.
func (s *deskTrial) refused(t *testing.T, d *engine.Delivery, change func(engine.ID) (*engine.Delivery, error)) {
	t.Helper()
	_, err := change(d.ID)
	stored, readErr := s.Delivery(t.Context(), d.ID)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if !engine.IsPermanent(err) || stored.State != d.State || len(stored.History) > 0 {
		t.Errorf("one that is %s: %v, it is %s, %v", d.State, err, stored.State, stored.History)
	}
}
