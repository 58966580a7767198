package enginetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

func hearCases() map[string]func(*testing.T, *storeTrial) {
	return map[string]func(*testing.T, *storeTrial){
		"a report is taken in once":                         storeHearOnce,
		"a rank never goes down":                            storeHearRank,
		"a report resolves what is in doubt":                storeHearDoubt,
		"a report by the provider's name finds its message": storeHearProvider,
		"a report during a try waits for it":                storeHearSending,
		"a report before its message has a name waits":      storeHearUnnamed,
		"a report that waits outlives its owner":            storeHearOrphan,
		"a report of a channel that was left changes none":  storeHearLeft,
		"a report on nothing is lost":                       storeHearLost,
		"a reply is told about the last message":            storeHearReply,
		"a reply nobody asked for is a dead letter":         storeHearUnasked,
		"a suppressed address gets nothing more":            storeSuppressed,
		"what a recipient lifts":                            storeLift,
		"what was heard is forgotten in time":               storeForgetsHeard,
		"who wrote to us is forgotten in time":              storeForgetsConversations,
	}
}

// sent is a delivery that is being sent in a slot.
func (s *storeTrial) sent(t *testing.T, run *engine.Run) *engine.Delivery {
	t.Helper()
	s.advance(t, run, engine.Advance{Deliveries: []*engine.Delivery{s.delivery(run, storeNow)}})
	return s.take(t, storeNow, 1)[0]
}

// outcome settles a delivery that was being sent.
func (s *storeTrial) outcome(t *testing.T, d *engine.Delivery, state engine.DeliveryState, events ...*engine.Event) {
	t.Helper()
	d.State, d.Slot = state, 0
	if state == engine.DeliveryAccepted {
		d.Receipt = engine.Receipt{Provider: "p", ID: "m1"}
	}
	err := s.Settle(t.Context(), engine.Settle{
		Fence: s.fences[d.Partition], Delivery: d, Events: events, ProviderID: d.Receipt.ID,
		Address: storeZoe, Lineage: engine.Lineage{Cause: "cause", Depth: 3, Chain: "test"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// report is a report on a delivery, ten minutes later.
func (s *storeTrial) report(d *engine.Delivery, state engine.DeliveryState) engine.Hearing {
	return engine.Hearing{
		Channel: "email", Key: d.ID.String() + "/" + string(state), At: storeNow.Add(9 * time.Minute),
		Now: storeNow.Add(10 * time.Minute), Delivery: d.ID,
		Lineage: engine.Lineage{Cause: "cause", Depth: 3, Chain: "test"},
		Report:  &engine.Report{Delivery: d.ID, State: state, Code: "5.1.1", Detail: "no such user"},
	}
}

func (s *storeTrial) hear(t *testing.T, h engine.Hearing, want engine.HearOutcome) {
	t.Helper()
	got, err := s.Hear(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what came of %s (-want +got):\n%s", h.Key, diff)
	}
}

// expectHeard holds what is known of a delivery against its state, the events that tell it and the end of its history.
func (s *storeTrial) expectHeard(t *testing.T, id engine.ID, state engine.DeliveryState, told, last string) {
	t.Helper()
	d, err := s.Reported(t.Context(), "", engine.Report{Delivery: id})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	waiting, err := s.Outgoing(t.Context(), 99)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range waiting {
		types = append(types, w.Event.Type)
	}
	if got := strings.Join(types, " "); d.State != state || got != told {
		t.Errorf("it is %s and told %q, want %s and %q", d.State, got, state, told)
	}
	line := ""
	if len(d.History) > 0 {
		line = d.History[len(d.History)-1].Text
	}
	if line != last {
		t.Errorf("the history ends with %q, want %q", line, last)
	}
}

var changed = engine.HearOutcome{Changed: true}

func storeHearOnce(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	s.outcome(t, d, engine.DeliveryAccepted)
	report := s.report(d, engine.DeliveryBounced)
	s.hear(t, report, changed)
	s.expectHeard(t, d.ID, engine.DeliveryBounced, engine.DeliveryBouncedEvent,
		"email reports bounced: 5.1.1 no such user")
	s.hear(t, report, engine.HearOutcome{Again: true})
	s.expectHeard(t, d.ID, engine.DeliveryBounced, engine.DeliveryBouncedEvent,
		"email reports bounced: 5.1.1 no such user")
	waiting, err := s.Outgoing(t.Context(), 9)
	if err != nil {
		t.Fatal(err)
	}
	event := waiting[0].Event
	says := strings.Contains(string(event.Data), `"code":"5.1.1","reason":"5.1.1 no such user"`)
	if event.Subject != d.Record.String() || event.CauseID != "cause" || event.Depth != 3 || event.Chain != "test" ||
		!event.Time.Equal(report.At) || !says {
		t.Errorf("told %+v: %s", event, event.Data)
	}
}

func storeHearRank(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	s.outcome(t, d, engine.DeliveryAccepted)
	s.hear(t, s.report(d, engine.DeliveryRead), changed)
	for _, late := range []engine.DeliveryState{
		engine.DeliveryDelivered, engine.DeliveryUndelivered, engine.DeliverySent,
	} {
		s.hear(t, s.report(d, late), engine.HearOutcome{})
	}
	s.expectHeard(t, d.ID, engine.DeliveryRead, engine.DeliveryDeliveredEvent, "email reports read: 5.1.1 no such user")
	s.hear(t, s.report(d, engine.DeliveryComplained), changed)
	s.expectHeard(t, d.ID, engine.DeliveryComplained, engine.DeliveryDeliveredEvent+" "+engine.DeliveryComplainedEvent,
		"email reports complained: 5.1.1 no such user")
}

func storeHearDoubt(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	s.outcome(t, d, engine.DeliveryUnknown)
	report := s.report(d, engine.DeliverySent)
	report.Report.ProviderID = "m7"
	s.hear(t, report, changed)
	s.expectHeard(t, d.ID, engine.DeliverySent, "", "email reports sent: 5.1.1 no such user")
	found, err := s.Reported(t.Context(), "", *report.Report)
	if err != nil || found.Receipt.ID != "m7" || found.Reason != "" {
		t.Errorf("the provider's name is %q, the reason %q, %v", found.Receipt.ID, found.Reason, err)
	}
	if again := s.take(t, storeEver, 1); len(again) > 0 {
		t.Error("what was resolved is sent again")
	}
}

func storeHearProvider(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	s.outcome(t, d, engine.DeliveryAccepted)
	report := s.report(d, engine.DeliveryDelivered)
	report.Report.Delivery, report.Report.ProviderID, report.Delivery = engine.ID{}, "m1", engine.ID{}
	if _, err := s.Hear(t.Context(), report); !errors.Is(err, engine.ErrStale) {
		t.Errorf("a report about another delivery than was read: %v", err)
	}
	found, err := s.Reported(t.Context(), "email", *report.Report)
	if err != nil || found.ID != d.ID {
		t.Fatalf("found %v, %v", found, err)
	}
	if _, err := s.Reported(t.Context(), "sms", *report.Report); !errors.Is(err, engine.ErrNoThing) {
		t.Errorf("another channel's message of that name: %v", err)
	}
	report.Delivery = d.ID
	s.hear(t, report, changed)
	s.expectHeard(t, d.ID, engine.DeliveryDelivered, engine.DeliveryDeliveredEvent,
		"email reports delivered: 5.1.1 no such user")
}

func storeHearSending(t *testing.T, s *storeTrial) {
	for _, settled := range []engine.DeliveryState{
		engine.DeliveryAccepted, engine.DeliveryUnknown, engine.DeliveryPlanned, engine.DeliveryRejected,
	} {
		run := s.takeIn(t, 1)
		d := s.sent(t, run)
		s.hear(t, s.report(d, engine.DeliveryUndelivered), engine.HearOutcome{Kept: true})
		second := s.report(d, engine.DeliveryDelivered)
		second.Now = second.Now.Add(time.Second)
		s.hear(t, second, engine.HearOutcome{Kept: true})
		s.hear(t, second, engine.HearOutcome{Again: true})
		s.expectHeard(t, d.ID, engine.DeliverySending, "", "")
		told := &engine.Event{
			ID: "told", Source: engine.Source, Type: engine.DeliveryUnknownEvent, Subject: run.Record.String(),
		}
		s.outcome(t, d, settled, told)
		s.expectHeard(t, d.ID, engine.DeliveryDelivered, engine.DeliveryFailedEvent+" "+engine.DeliveryDeliveredEvent,
			"email reports delivered: 5.1.1 no such user")
		if again := s.take(t, storeEver, 1); len(again) > 0 {
			t.Errorf("what was %s is sent again", settled)
		}
		waiting, err := s.Outgoing(t.Context(), 9)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Published(t.Context(), waiting[len(waiting)-1].Seq); err != nil {
			t.Fatal(err)
		}
	}
}

func storeHearUnnamed(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	report := s.report(d, engine.DeliveryDelivered)
	report.Report.Delivery, report.Report.ProviderID, report.Delivery = engine.ID{}, "m1", engine.ID{}
	s.hear(t, report, engine.HearOutcome{Kept: true})
	other := s.sent(t, run)
	other.Receipt = engine.Receipt{ID: "m2"}
	s.outcome(t, other, engine.DeliveryRejected)
	s.expectHeard(t, other.ID, engine.DeliveryRejected, "", "")
	s.outcome(t, d, engine.DeliveryAccepted)
	s.expectHeard(t, d.ID, engine.DeliveryDelivered, engine.DeliveryDeliveredEvent,
		"email reports delivered: 5.1.1 no such user")
}

func storeHearOrphan(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	s.hear(t, s.report(d, engine.DeliveryDelivered), engine.HearOutcome{Kept: true})
	s.claim(t, "two")
	orphans, err := s.Orphans(t.Context())
	if err != nil || len(orphans) != 1 {
		t.Fatalf("%d orphans, %v", len(orphans), err)
	}
	s.outcome(t, orphans[0].Delivery, engine.DeliveryUnknown)
	s.expectHeard(t, d.ID, engine.DeliveryDelivered, engine.DeliveryDeliveredEvent,
		"email reports delivered: 5.1.1 no such user")
}

func storeHearLeft(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	d.Channel = "sms"
	s.outcome(t, d, engine.DeliveryPlanned)
	s.hear(t, s.report(d, engine.DeliveryUndelivered), engine.HearOutcome{})
	s.expectHeard(t, d.ID, engine.DeliveryPlanned, "", "email reports undelivered: 5.1.1 no such user")
}

func storeHearLost(t *testing.T, s *storeTrial) {
	report := s.report(&engine.Delivery{ID: s.id()}, engine.DeliveryDelivered)
	report.Delivery = engine.ID{}
	s.hear(t, report, engine.HearOutcome{Lost: true})
	s.hear(t, report, engine.HearOutcome{Again: true})
}

// storeZoe is the hash of an address.
var storeZoe = engine.HashAddress([]byte("key"), "email", "Zoe@acme.example ")

func storeReply(key string) engine.Hearing {
	return engine.Hearing{
		Channel: "email", Key: key, At: storeNow.Add(time.Minute), Now: storeNow.Add(2 * time.Minute),
		Reply: &engine.Reply{From: "zoe@acme.example", Text: "thanks <3"}, Masked: "z…@acme.example",
		From: engine.HashAddress([]byte("key"), "email", "zoe@acme.example"),
		Unasked: engine.DeadLetter{
			ID: engine.DerivedID(engine.ID{}, key), Subject: "reply.email", Reason: "nobody asked", At: storeNow,
		},
	}
}

func storeHearReply(t *testing.T, s *storeTrial) {
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	s.outcome(t, d, engine.DeliveryUnknown) // it may have arrived
	s.hear(t, storeReply("r1"), engine.HearOutcome{})
	s.hear(t, storeReply("r1"), engine.HearOutcome{Again: true})
	s.expectHeard(t, d.ID, engine.DeliveryUnknown, engine.ReplyReceivedEvent, "a reply came by email")
	waiting, err := s.Outgoing(t.Context(), 9)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"channel":"email","text":"thanks <3","from":"z…@acme.example","delivery":"` + d.ID.String() + `"}`
	if event := waiting[0].Event; event.Subject != d.Record.String() || string(event.Data) != want {
		t.Errorf("told about %s: %s", event.Subject, event.Data)
	}
	at, err := s.LastHeard(t.Context(), "email", storeZoe)
	if err != nil || !at.Equal(storeNow.Add(time.Minute)) {
		t.Errorf("last heard at %v, %v", at, err)
	}
	if at, err := s.LastHeard(t.Context(), "sms", storeZoe); err != nil || !at.IsZero() {
		t.Errorf("on another channel heard at %v, %v", at, err)
	}
}

func storeHearUnasked(t *testing.T, s *storeTrial) {
	s.hear(t, storeReply("r1"), engine.HearOutcome{Unasked: true})
	at, err := s.LastHeard(t.Context(), "email", storeZoe)
	if err != nil || !at.Equal(storeNow.Add(time.Minute)) {
		t.Errorf("last heard at %v, %v", at, err)
	}
	run := s.takeIn(t, 1)
	d := s.sent(t, run)
	s.outcome(t, d, engine.DeliveryAccepted)
	if at, err := s.LastHeard(t.Context(), "email", storeZoe); err != nil || at.IsZero() {
		t.Errorf("a message made forget when they wrote: %v, %v", at, err)
	}
	s.hear(t, storeReply("r2"), engine.HearOutcome{})
	s.expectHeard(t, d.ID, engine.DeliveryAccepted, engine.ReplyReceivedEvent, "a reply came by email")
}

// storeForgetsHeard keeps what was heard as long as it may come again, and no longer.
func storeForgetsHeard(t *testing.T, s *storeTrial) {
	keep := engine.DefaultRetention()
	lost := s.report(&engine.Delivery{ID: s.id()}, engine.DeliveryDelivered)
	lost.Delivery = engine.ID{}
	s.hear(t, lost, engine.HearOutcome{Lost: true})
	waits := lost
	waits.Key, waits.Report = "waits", &engine.Report{ProviderID: "m1", State: engine.DeliveryDelivered}
	s.hear(t, waits, engine.HearOutcome{Kept: true})
	s.hear(t, storeReply("r1"), engine.HearOutcome{Unasked: true})
	s.forget(t, keep, lost.Now.Add(engine.HeardKept-time.Hour))
	s.hear(t, lost, engine.HearOutcome{Again: true})
	s.forget(t, keep, lost.Now.Add(engine.HeardKept+time.Hour))
	s.hear(t, lost, engine.HearOutcome{Lost: true})
	d := s.sent(t, s.takeIn(t, 1))
	s.outcome(t, d, engine.DeliveryAccepted) // by its provider's name, m1, of which the report is gone
	s.expectHeard(t, d.ID, engine.DeliveryAccepted, "", "")
}

func storeForgetsConversations(t *testing.T, s *storeTrial) {
	keep := engine.DefaultRetention()
	reply := storeReply("r1")
	s.hear(t, reply, engine.HearOutcome{Unasked: true})
	s.forget(t, keep, reply.Now.Add(keep.History-time.Hour))
	if at, err := s.LastHeard(t.Context(), "email", storeZoe); err != nil || at.IsZero() {
		t.Errorf("too early it is forgotten when they wrote: %v", err)
	}
	s.forget(t, keep, reply.Now.Add(keep.History+time.Hour))
	if at, err := s.LastHeard(t.Context(), "email", storeZoe); err != nil || !at.IsZero() {
		t.Errorf("it is known for ever that they wrote at %v, %v", at, err)
	}
}
