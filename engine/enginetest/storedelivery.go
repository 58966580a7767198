package enginetest

import (
	"encoding/json"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

func storeOutbox(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open")}})
	run := s.takeIn(t, 1)
	want := []*engine.Event{
		{
			ID: "a", Source: engine.Source, Type: engine.LinkUsed, Subject: "HelpDesk/1", Time: storeNow, CauseID: "c",
			Depth: 2, Data: json.RawMessage(`{"link":"x"}`),
		},
		{ID: "b", Source: engine.Source, Type: "ticket.escalated", Subject: "HelpDesk/1", TraceParent: "00-1-2-01"},
		keptTicket("1", 9, "Closed").Event,
	}
	s.advance(t, run, engine.Advance{Events: want[:2]})
	select {
	case <-s.Waiting():
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told of the events")
	}
	s.advance(t, done(run), engine.Advance{Events: want[2:]})
	got, err := s.Outgoing(t.Context(), 10)
	if err != nil || len(got) != len(want) {
		t.Fatalf("outgoing: %d events, %v", len(got), err)
	}
	for i, out := range got {
		if diff := cmp.Diff(want[i], out.Event); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", i, diff)
		}
	}
	if first, err := s.Outgoing(t.Context(), 1); err != nil || len(first) != 1 || first[0].Seq != got[0].Seq {
		t.Errorf("the oldest event alone: %v, %v", first, err)
	}
	if err := s.Published(t.Context(), got[2].Seq); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), s.write("1", "Open", "Closed")); err != nil {
		t.Fatal(err)
	}
	left, err := s.Outgoing(t.Context(), 10)
	if err != nil || len(left) != 1 || left[0].Seq <= got[2].Seq {
		t.Errorf("after publishing and one more event: %v, %v; want one with a number never used", left, err)
	}
}

func storeWrite(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open")}})
	w := s.write("1", "Open", "Closed")
	for range 2 {
		if err := s.Write(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	run := s.takeIn(t, 2)
	s.advance(t, done(run), engine.Advance{Changes: writes(w)})
	got, err := s.Outgoing(t.Context(), 10)
	if err != nil || len(got) != 1 {
		t.Fatalf("outgoing: %v, %v; want one event", got, err)
	}
	want := &engine.Event{
		ID: w.EventID.String(), Source: engine.Source, Type: engine.RecordUpdated, Subject: "HelpDesk/1",
		Time: storeNow, CauseID: "cause", Depth: 1, Change: &engine.Change{
			Record: engine.Fields{"status": "Closed", "hours": number("1.50")}, Old: engine.Fields{"status": "Open"},
			Changed: []string{"status"}, Actor: "workflow:test",
		},
	}
	if diff := cmp.Diff(want, got[0].Event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func storeVersions(t *testing.T, s *storeTrial) {
	want := map[string]string{"workflows/x.yaml": "workflow: x\n", "templates/y.yaml": "text: <é>"}
	for _, files := range []map[string]string{want, {"other": "text"}} {
		if err := s.KeepVersion(t.Context(), "v1", files, storeNow); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Version(t.Context(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if files, err := s.Version(t.Context(), "v2"); err == nil {
		t.Errorf("a version that nobody kept has files: %v", files)
	}
}

func storeTake(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	at := func(minutes int) time.Time { return storeNow.Add(time.Duration(minutes) * time.Minute) }
	late, early, now, next, held := s.delivery(run, at(-1)), s.delivery(run, at(-9)), s.delivery(run, at(0)),
		s.delivery(run, at(5)), s.delivery(run, at(-99))
	held.State, held.Slot = engine.DeliverySending, 3
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{next, late, held, now, early}})

	for i, c := range []struct {
		slots []int
		at    time.Time
		taken []engine.ID
		next  time.Time
	}{
		{nil, at(0), nil, at(-9)},
		{[]int{7, 5}, at(0), []engine.ID{early.ID, late.ID}, at(0)},
		{[]int{1, 2, 4}, at(0), []engine.ID{now.ID}, at(5)},
		{[]int{1}, at(4), nil, at(5)},
		{[]int{1}, at(5), []engine.ID{next.ID}, time.Time{}},
	} {
		taken, next, err := s.Take(t.Context(), anyDue(s.fences, c.slots, c.at))
		if err != nil {
			t.Fatal(err)
		}
		var ids []engine.ID
		for n, d := range taken {
			ids = append(ids, d.ID)
			if d.State != engine.DeliverySending || d.Slot != c.slots[n] {
				t.Errorf("take %d: %s in slot %d, want sending in %d", i, d.State, d.Slot, c.slots[n])
			}
		}
		if diff := cmp.Diff(c.taken, ids); diff != "" || !next.Equal(c.next) {
			t.Errorf("take %d: next %v, want %v; taken (-want +got):\n%s", i, next, c.next, diff)
		}
	}
}

func storeTakeByChannel(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	due := map[string]*engine.Delivery{}
	var all []*engine.Delivery
	for i, channel := range []string{"email", "sms", "fax"} {
		d := s.delivery(run, storeNow.Add(-time.Duration(i)*time.Minute))
		d.Channel = channel
		due[channel], all = d, append(all, d)
	}
	s.advance(t, run, engine.Advance{Deliveries: all})
	for _, c := range []struct {
		demand engine.Demand
		taken  string
	}{
		{engine.Demand{Channels: []string{"email"}}, "email"},
		{engine.Demand{Channels: []string{"email"}}, ""},
		{engine.Demand{Channels: []string{"email", "sms"}, Others: true}, "fax"},
		{engine.Demand{Channels: []string{"email", "sms"}}, "sms"},
	} {
		c.demand.Fences, c.demand.Slots, c.demand.Now = s.fences, []int{1, 2, 3}, storeNow
		taken, _, err := s.Take(t.Context(), c.demand)
		if err != nil {
			t.Fatal(err)
		}
		if c.taken == "" && len(taken) == 0 {
			continue
		}
		if len(taken) != 1 || c.taken == "" || taken[0].ID != due[c.taken].ID {
			t.Errorf("%+v gave %d deliveries, want that of %q", c.demand, len(taken), c.taken)
		}
	}
}

func storeDelivery(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	link, want := s.link(), s.delivery(run, storeNow)
	link.Run = run.ID
	want.Links = []engine.NamedLink{{Name: "ticket", Link: link, ID: link.ID}, {Name: "link", Link: link, ID: link.ID}}
	want.History = []engine.Decision{{At: storeNow, Step: "2", Text: "planned"}}
	s.advance(t, run, engine.Advance{Links: []engine.Link{link}, Deliveries: []*engine.Delivery{want}})

	want.Recipient = engine.Recipient{Ref: want.Recipient.Ref}
	want.State, want.Slot = engine.DeliverySending, 10
	if diff := cmp.Diff([]*engine.Delivery{want}, s.take(t, storeNow, 1)); diff != "" {
		t.Errorf("delivery (-want +got):\n%s", diff)
	}
}

func storeTwice(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.delivery(run, storeNow)
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{d}})
	if taken := s.take(t, storeNow, 4); len(taken) != 1 {
		t.Fatalf("%d deliveries, want 1", len(taken))
	}
	s.advance(t, done(run), engine.Advance{Deliveries: []*engine.Delivery{d}})
	if taken := s.take(t, storeNow, 4); len(taken) != 0 {
		t.Errorf("%d deliveries more, want none", len(taken))
	}
}

func storeSettle(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.delivery(run, storeNow)
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{d}})
	later := storeNow.Add(time.Minute)

	d = s.take(t, storeNow, 1)[0]
	d.State, d.Slot, d.Attempts, d.Due, d.Reason = engine.DeliveryPlanned, 0, 1, later, "451 try later"
	d.History = append(d.History, engine.Decision{At: storeNow, Text: "451 try later"})
	s.settle(t, d)
	if early := s.take(t, storeNow, 1); len(early) > 0 {
		t.Fatal("a delivery was taken before it was due")
	}
	again := s.take(t, later, 1)
	d.State, d.Slot = engine.DeliverySending, 10
	if diff := cmp.Diff([]*engine.Delivery{d}, again); diff != "" {
		t.Fatalf("delivery at its second try (-want +got):\n%s", diff)
	}
	d.State, d.Receipt = engine.DeliveryAccepted, engine.Receipt{Provider: "mx.example", ID: "1", Detail: "250 ok"}
	s.settle(t, d)
	d.State = engine.DeliveryPlanned
	err := s.Settle(t.Context(), engine.Settle{Fence: s.fences[d.Partition], Delivery: d})
	if !engine.IsPermanent(err) || len(s.take(t, later, 1)) > 0 {
		t.Errorf("an accepted delivery was planned again, or may be: %v", err)
	}
}

func (s *storeTrial) settle(t *testing.T, d *engine.Delivery) {
	t.Helper()
	if err := s.Settle(t.Context(), engine.Settle{Fence: s.fences[d.Partition], Delivery: d}); err != nil {
		t.Fatal(err)
	}
}
