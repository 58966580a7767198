package enginetest

import (
	"testing"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

func (s *storeTrial) origin() engine.Origin {
	return engine.Origin{
		EventID: s.id(), Source: engine.Source, Cause: "cause", Depth: 2, Chain: "a", Actor: "workflow:test",
		At: storeNow,
	}
}

// leaving are the events that wait to go out.
func (s *storeTrial) leaving(t *testing.T) []*engine.Event {
	t.Helper()
	waiting, err := s.Outgoing(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var events []*engine.Event
	for _, o := range waiting {
		events = append(events, o.Event)
	}
	return events
}

// comesBack lets the stream give back all that goes out, from a position on.
func (s *storeTrial) comesBack(t *testing.T, seq uint64) {
	t.Helper()
	waiting, err := s.Outgoing(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range waiting {
		s.intake(t, engine.Intake{Kept: []engine.Kept{{Event: o.Event, Seq: seq + uint64(i)}}})
		if err := s.Published(t.Context(), o.Seq); err != nil {
			t.Fatal(err)
		}
	}
}

// there tells whether a ticket can be read.
func (s *storeTrial) there(t *testing.T, id string) bool {
	t.Helper()
	records, err := s.Records(t.Context(), []engine.Ref{{Module: "HelpDesk", ID: id}})
	if err != nil {
		t.Fatal(err)
	}
	return len(records) == 1
}

// A deletion is told with what the record was, and holds against what was told before it.
func storeDelete(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open")}})
	run := s.takeIn(t, 1)
	unique := s.write("1", "Open", "Open")
	unique.Patch.Set["externalid"], unique.Unique = "x", []string{"externalid"}
	d := engine.Delete{Ref: engine.Ref{Module: "HelpDesk", ID: "1"}, Origin: s.origin()}
	again := engine.Delete{Ref: d.Ref, Origin: s.origin()}
	changes := append(writes(unique), engine.Ask{Delete: &d}, engine.Ask{Delete: &again})
	s.advance(t, done(run), engine.Advance{Changes: changes})
	if s.there(t, "1") {
		t.Fatal("it is still there")
	}
	told := s.leaving(t)
	want := &engine.Event{
		ID: d.EventID.String(), Source: engine.Source, Type: engine.RecordDeleted, Subject: "HelpDesk/1",
		Time: storeNow, CauseID: "cause", Depth: 2, Chain: "a", Change: &engine.Change{
			Record: engine.Fields{"status": "Open", "externalid": "x", "hours": number("1.50")}, Actor: "workflow:test",
		},
	}
	if diff := cmp.Diff(want, told[len(told)-1]); diff != "" || len(told) != 2 {
		t.Errorf("%d events; the last (-want +got):\n%s", len(told), diff)
	}

	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 2, "Closed")}}) // the CRM had not heard of it yet
	if s.there(t, "1") {
		t.Error("an older change of the CRM brought it back")
	}
	s.comesBack(t, 3)
	if s.there(t, "1") {
		t.Error("its own event brought it back")
	}
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("2", 5, "Open")}})
	taken := s.write("2", "Open", "Open")
	taken.Patch.Set["externalid"], taken.Unique = "x", []string{"externalid"}
	if err := s.Write(t.Context(), taken); err != nil {
		t.Errorf("the value of its unique field is not free: %v", err)
	}
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 6, "Open")}})
	if !s.there(t, "1") {
		t.Error("the CRM cannot bring it back")
	}
}

// A relation is told for both ends, holds against what was told before it, and follows the stream else.
func storeRelate(t *testing.T, s *storeTrial) {
	s.intake(t, engine.Intake{Kept: []engine.Kept{keptTicket("1", 1, "Open"), keptTicket("2", 2, "Closed")}})
	one, two := engine.Ref{Module: "HelpDesk", ID: "1"}, engine.Ref{Module: "HelpDesk", ID: "2"}
	relate := func(part, want bool) engine.Relate {
		t.Helper()
		r := engine.Relate{From: two, To: one, Part: part, Origin: s.origin()}
		if changed, err := s.Relate(t.Context(), r); err != nil || changed != want {
			t.Fatalf("part %v: changed %v, %v", part, changed, err)
		}
		return r
	}
	crmTells := func(seq uint64, eventType string) {
		t.Helper()
		s.intake(t, engine.Intake{Kept: []engine.Kept{{Seq: seq, Event: &engine.Event{
			ID: eventType, Source: "crm", Type: eventType, Subject: one.String(),
			Change: &engine.Change{Record: engine.Fields{"status": "Stale"}, Related: two.String()},
		}}}})
	}
	r := relate(false, true)
	event := func(id string, subject, related engine.Ref, status string) *engine.Event {
		return &engine.Event{
			ID: id, Source: engine.Source, Type: engine.RecordRelated, Subject: subject.String(), Time: storeNow,
			CauseID: "cause", Depth: 2, Chain: "a", Change: &engine.Change{
				Record: engine.Fields{"status": status, "hours": number("1.50")}, Related: related.String(),
				Actor: "workflow:test",
			},
		}
	}
	want := []*engine.Event{
		event(r.EventID.String(), two, one, "Closed"), event(r.FarEventID().String(), one, two, "Open"),
	}
	if diff := cmp.Diff(want, s.leaving(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	crmTells(3, engine.RecordUnrelated) // before it heard of ours
	relate(false, false)
	s.comesBack(t, 4)
	relate(false, false)
	s.expectStatus(t, "1", "Open")
	crmTells(6, engine.RecordUnrelated)
	relate(true, false)
	crmTells(7, engine.RecordRelated)
	relate(true, true)
	crmTells(8, engine.RecordRelated)
	relate(true, false)
	s.comesBack(t, 9)
	relate(true, false)
}
