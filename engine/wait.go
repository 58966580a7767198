package engine

import "time"

// Wait is what a run rests for: a time, or that something happens on which its condition depends.
type Wait struct {
	Due    time.Time // zero: by a topic alone
	Topics []string  // see RecordTopic and RunTopic; none: by the time alone
}

// Woken is a run whose wait may be over.
type Woken struct {
	Run     *Run
	Due     time.Time // when it fell due: what it is late by is counted from here
	Timer   bool      // its time has come; else a topic was touched
	Touched []Touch   // the topics that were touched
}

// Touch is how often a topic of a run's wait has been touched: a wait that goes on is armed again only
// if nothing touched it meanwhile.
type Touch struct {
	Topic string
	Marks int
}

// RecordTopic is touched by every change of a record.
func RecordTopic(ref Ref) string { return "record:" + ref.String() }

// RunTopic is touched when a delivery of a run moves on, or somebody acts by a link of one.
func RunTopic(id ID) string { return "run:" + id.String() }
