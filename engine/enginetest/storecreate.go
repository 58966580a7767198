package enginetest

import (
	"errors"
	"testing"

	"postern/engine"

	"github.com/google/go-cmp/cmp"
)

func storeCreate(t *testing.T, s *storeTrial) {
	c := engine.Create{
		Module: "HelpDesk", Fields: engine.Fields{"status": "Open", "hours": number("1.50")}, KeyField: "externalid",
		Key: "key-1", Origin: engine.Origin{
			EventID: s.id(), Source: engine.Source, Cause: "cause", Depth: 2, Actor: "workflow:test", At: storeNow,
		},
	}
	other := c
	other.EventID = s.id()
	var made engine.Record
	for _, c := range []engine.Create{c, c, other} {
		record, err := s.Create(t.Context(), c)
		if err != nil || made.ID != "" && record.Ref != made.Ref {
			t.Fatalf("made %v after %v: %v", record, made, err)
		}
		made = record
	}
	got, err := s.Outgoing(t.Context(), 10)
	if err != nil || len(got) != 1 {
		t.Fatalf("outgoing: %v, %v; want one event", got, err)
	}
	fields := engine.Fields{"status": "Open", "hours": number("1.50"), "externalid": "key-1"}
	want := &engine.Event{
		ID: c.EventID.String(), Source: engine.Source, Type: engine.RecordCreated, Subject: made.String(),
		Time: storeNow, CauseID: "cause", Depth: 2, Change: &engine.Change{Record: fields, Actor: "workflow:test"},
	}
	if diff := cmp.Diff(want, got[0].Event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}

	// What was written since stands when the event comes back by the stream.
	if err := s.Write(t.Context(), s.write(made.ID, "Open", "Closed")); err != nil {
		t.Fatal(err)
	}
	s.intake(t, engine.Intake{Kept: []engine.Kept{{Event: got[0].Event, Seq: 1}}})
	s.expectStatus(t, made.ID, "Closed")

	deleted := &engine.Event{
		ID: "gone", Source: "crm", Type: engine.RecordDeleted, Subject: made.String(), Change: &engine.Change{},
	}
	s.intake(t, engine.Intake{Kept: []engine.Kept{{Event: deleted, Seq: 2}}})
	if record, err := s.Create(t.Context(), c); !errors.Is(err, engine.ErrNoRecord) {
		t.Errorf("asked again after it was deleted: made %v, %v", record, err)
	}
	if record, err := s.Create(t.Context(), engine.Create{
		Module: "HelpDesk", KeyField: "externalid", Key: "key-1", Origin: engine.Origin{
			EventID: s.id(), Source: engine.Source, At: storeNow,
		},
	}); err != nil || record.Ref == made.Ref {
		t.Errorf("asked for another with the key of a deleted one: made %v, %v", record, err)
	}
}
