package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Origin is what an event of ours tells of where it comes from.
type Origin struct {
	EventID ID        // id of the event
	Source  string    // its CloudEvents source
	Cause   string    // id of the event that caused it
	Depth   int       // how many writes of ours lead from the first cause to this one
	Chain   string    // names of the workflows that wrote on the way, see Event
	Actor   string    // who did it, as the event says it
	At      time.Time // when
}

// event is the event that tells a change of a record.
func (o Origin) event(eventType string, ref Ref, change *Change) *Event {
	change.Actor = o.Actor
	return &Event{
		ID: o.EventID.String(), Source: o.Source, Type: eventType, Subject: ref.String(), Time: o.At,
		CauseID: o.Cause, Depth: o.Depth, Chain: o.Chain, Change: change,
	}
}

// Delete removes a record. One that is not there counts as removed.
type Delete struct {
	Ref    Ref
	Expect Fields `json:",omitempty"` // what it must still have
	Origin
}

// Check fails with ErrConflict, Permanent, if a record no longer has what is expected of it. The error names the field.
func (d Delete) Check(record Record) error {
	for _, name := range slices.Sorted(maps.Keys(d.Expect)) {
		if !Same(record.Fields[name], d.Expect[name]) {
			return Permanent(fmt.Errorf("field %s: %w", name, ErrConflict))
		}
	}
	return nil
}

// Apply returns the record after it was removed, and the event that tells it with the fields that it had
// last. One that is gone already returns a nil event.
func (d Delete) Apply(before Record) (Record, *Event) {
	if before.Deleted || before.Fields == nil {
		return before, nil
	}
	after := before
	after.Deleted, after.Written = true, clone(before.Written)
	after.Written[deletion] = d.EventID.String()
	return after, d.Tell(before.Fields)
}

// Tell is the event of the deletion of a record that had some fields last.
func (d Delete) Tell(fields Fields) *Event {
	return d.event(RecordDeleted, d.Ref, &Change{Record: fields})
}

// deletion is the name under which Record.Written holds the event of a deletion of ours.
const deletion = ""

// Relate joins two records, or parts them. What stands already is left as it is.
type Relate struct {
	From, To Ref
	Part     bool // part them
	Origin
}

// Tell is the events of the two records, one for each end: each names the other one. from and to are the fields
// that the records have.
func (r Relate) Tell(from, to Fields) []*Event {
	eventType := RecordRelated
	if r.Part {
		eventType = RecordUnrelated
	}
	far := r.Origin
	far.EventID = r.FarEventID()
	return []*Event{
		r.event(eventType, r.From, &Change{Record: from, Related: r.To.String()}),
		far.event(eventType, r.To, &Change{Record: to, Related: r.From.String()}),
	}
}

// FarEventID is the id of the event of the record at the far end, To.
func (r Relate) FarEventID() ID { return DerivedID(r.EventID, "far end") }
