package engine

import (
	"context"
	"maps"
)

// MaxFound is the most records that one Find returns.
const MaxFound = 100

// Traits are what the engine must know of a CRM.
type Traits struct {
	Local  bool // its records are in Postern's own store: the writes of a run commit with the run
	Echoes bool // it tells its changes itself, by events: what Postern writes gets no second event from us
}

// CRM is where the records live. Calls may run side by side; each ends with its context, and a CRM
// that is reached over a network sets a deadline of its own besides. Errors carry verdicts: Permanent
// and Misconfigured as everywhere, Unknown when nobody can tell whether a change was made, and none
// when it certainly was not and another try may help.
type CRM interface {
	// Traits are the same for as long as the CRM is open.
	Traits() Traits
	// Get reads records; those that are not there are left out. The order is not promised.
	Get(ctx context.Context, refs ...Ref) ([]Record, error)
	// Update applies Patch.Set if Patch.Expect stands, outside of a run. It fails with ErrNoRecord,
	// ErrConflict or ErrTaken, each Permanent, nothing done.
	//
	// A CRM that is Local applies a write once: the same EventID again changes nothing. Any other knows
	// no EventID and goes by the values: where Set stands already, nothing is done, whatever was
	// expected. A write that may be asked for again needs an Expect for each field that it sets, or
	// else the second time would undo what somebody did in between.
	Update(ctx context.Context, write Write) error
	// Create makes a record, once for one Key: the record that has it is looked for first, so that
	// asking again after a lost answer gives the same record, unchanged. It returns the record as the
	// CRM stored it. A record that has the key but was deleted is not there; only a Local CRM still
	// knows that it made it, and answers the same EventID with ErrNoRecord, Permanent.
	//
	// Match is for a Local CRM: it fails with ErrConflict, Permanent, where another record has that value.
	// Any other cannot promise that, and the engine looks before it asks.
	Create(ctx context.Context, create Create) (Record, error)
	// Find reads the records of a module whose field has a value, compared as text, at most limit (1 to
	// MaxFound). It is for external ids and client keys: an empty value finds nothing.
	Find(ctx context.Context, module, field string, value any, limit int) ([]Record, error)
	// Delete removes a record, if Expect stands, and returns it as it last was; the zero Record where it was gone
	// already. It fails with ErrConflict, Permanent, nothing done.
	Delete(ctx context.Context, d Delete) (Record, error)
	// Relate joins or parts two records and tells whether that changed anything, as far as the CRM can tell.
	// Joining what is joined, and parting what is parted or gone, changes nothing. Joining fails with
	// ErrNoRecord, Permanent, when one of them is not there.
	Relate(ctx context.Context, r Relate) (changed bool, err error)
	// List reads a page of the records of a module. A list goes on after the last id that it gave, so that
	// over all its pages no record comes twice, and one that is there from the first page to the last, and
	// has the value all that time, comes once, whatever is made, changed or deleted meanwhile. One that is
	// made, or gets the value, meanwhile may come or not. Each record is as it was when its page was read.
	List(ctx context.Context, listing Listing) (Page, error)
}

// Create is a record to be made, together with what its event will say.
type Create struct {
	Module   string
	Fields   Fields
	KeyField string // the unique field that carries Key; empty only where the CRM is Local
	Key      string // names this record and no other, for asking again
	Match    string // a field among Fields whose value no record may have yet; "" for none
	About    Ref    // the record that a visitor was at who asked for it; zero for nobody
	Origin
}

// Make returns the record with the id that its CRM gave it, and the event that tells it.
func (c Create) Make(id string) (Record, *Event) {
	ref := Ref{Module: c.Module, ID: id}
	record := Record{Ref: ref, Fields: Fields{}, Written: map[string]string{}}
	maps.Copy(record.Fields, c.Fields)
	if c.KeyField != "" {
		record.Fields[c.KeyField] = c.Key
	}
	for name := range record.Fields {
		record.Written[name] = c.EventID.String()
	}
	return record, c.event(RecordCreated, ref, &Change{Record: record.Fields})
}
