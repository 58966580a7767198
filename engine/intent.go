package engine

import "time"

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

// Delete removes a record. One that is not there counts as removed.
type Delete struct {
	Ref Ref
	Origin
}

// Relate joins two records, or parts them. What stands already is left as it is.
type Relate struct {
	From, To Ref
	Part     bool // part them
	Origin
}
