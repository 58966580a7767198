package enginetest

import (
	"errors"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

// The new owner finds what the old one was sending, and of each whether its try is known not to have left.
func storeOrphan(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	kept, left, again := s.delivery(run, storeNow), s.delivery(run, storeNow), s.delivery(run, storeNow)
	planned := s.delivery(run, storeNow.Add(time.Minute))
	for i, d := range []*engine.Delivery{kept, left, again} {
		d.State, d.Slot = engine.DeliverySending, i+1
	}
	link := s.link()
	link.Run = run.ID
	left.Links = []engine.NamedLink{{Name: "link", Link: link, ID: link.ID}}
	left.Unknown = engine.OnUnknownNext
	again.Attempts = 1
	s.Leaving(1, s.id(), 1) // before, of another delivery
	s.Leaving(3, again.ID, 1)
	s.advance(t, run, engine.Advance{
		Links: []engine.Link{link}, Deliveries: []*engine.Delivery{kept, left, again, planned},
	})
	s.Leaving(2, left.ID, 1)
	old := s.fences[run.Partition]
	s.claim(t, "two")

	got, err := s.Orphans(t.Context())
	for _, d := range []*engine.Delivery{kept, left, again} {
		d.Recipient = engine.Recipient{Ref: d.Recipient.Ref}
	}
	want := []engine.Orphan{{Delivery: kept, Kept: true}, {Delivery: left}, {Delivery: again, Kept: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("orphans, %v (-want +got):\n%s", err, diff)
	}
	if taken := s.take(t, storeEver, 9); len(taken) != 1 || taken[0].ID != planned.ID {
		t.Errorf("the new owner took %d deliveries, want the planned one alone", len(taken))
	}
	accepted := *left
	accepted.State = engine.DeliveryAccepted
	if err := s.Settle(t.Context(), engine.Settle{Fence: old, Delivery: &accepted}); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the old owner settled: %v", err)
	}
}

func storeOutcomes(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	plain, acted, unused := s.delivery(run, storeNow), s.delivery(run, storeNow), s.delivery(run, storeNow)
	used, fresh, other := s.link(), s.link(), s.link()
	used.Uses = 1
	named := func(link engine.Link) engine.NamedLink { return engine.NamedLink{Name: "x", Link: link, ID: link.ID} }
	acted.Links = []engine.NamedLink{named(fresh), named(used), named(fresh)}
	unused.Links = []engine.NamedLink{named(other)}
	acted.State, unused.Channel = engine.DeliveryAccepted, "sms"
	s.advance(t, run, engine.Advance{
		Links: []engine.Link{used, fresh, other}, Deliveries: []*engine.Delivery{plain, acted, unused},
	})
	got, err := s.Outcomes(t.Context(), []engine.ID{unused.ID, s.id(), acted.ID, plain.ID})
	want := []engine.Outcome{
		{Delivery: unused.ID, Channel: "sms", State: engine.DeliveryPlanned, Links: []engine.ID{other.ID}},
		{
			Delivery: acted.ID, Channel: "email", State: engine.DeliveryAccepted,
			Links: []engine.ID{fresh.ID, used.ID}, Acted: true,
		},
		{Delivery: plain.ID, Channel: "email", State: engine.DeliveryPlanned},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("outcomes, %v (-want +got):\n%s", err, diff)
	}
}
