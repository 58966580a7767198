package engine

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// RunState is where a run stands.
type RunState string

// The states of a run.
const (
	RunPending RunState = "pending" // its condition needs the CRM and is decided in the lane
	RunReady   RunState = "ready"   // has steps to take
	RunDone    RunState = "done"
	RunFailed  RunState = "failed"  // a step failed; Reason says why
	RunStopped RunState = "stopped" // ended on purpose before its end: a loop, a condition that no longer held
)

// Run is one workflow on one occasion.
type Run struct {
	ID        ID
	Key       []byte // of workflow and occasion; unique for longer than the history lives
	Workflow  string
	Version   string
	Partition int
	Seq       uint64 // stream position of the event: runs of one record go in this order
	Record    Ref
	State     RunState
	Reason    string
	Event     *Event
	Progress  Progress
	History   []Decision
	Created   time.Time
}

// Progress is what a run has done so far and needs to go on.
type Progress struct {
	Next    int               `json:"next"`              // index of the step to take next
	Written Fields            `json:"written,omitempty"` // the run's own writes to the record
	Outputs map[string]Fields `json:"outputs,omitempty"`
}

// RunKey is the name of a workflow on an occasion; the same event never starts the same workflow twice.
func RunKey(workflow, source, eventID string) []byte {
	h := sha256.New()
	for _, part := range []string{workflow, source, eventID} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)[:16]
}

// decide adds a line to the run's history.
func (r *Run) decide(at time.Time, step, format string, args ...any) {
	r.History = append(r.History, Decision{At: at, Step: step, Text: fmt.Sprintf(format, args...)})
}

// EventJSON is the run's event as it is stored.
func (r *Run) EventJSON() ([]byte, error) { return r.Event.MarshalJSON() }

// RestoreEvent reads what EventJSON wrote, for events of any type. The limits of arriving events do not
// hold here: what was taken in must come back, even where its JSON grew by escaping.
func RestoreEvent(data []byte) (*Event, error) {
	var env envelope
	if err := strictJSON(data, &env); err != nil {
		return nil, fmt.Errorf("read stored event: %w", err)
	}
	event, err := env.event()
	if err != nil {
		return nil, fmt.Errorf("read stored event: %w", err)
	}
	if !event.IsRecord() {
		return event, nil
	}
	event.Change = &Change{}
	if err := strictJSON(event.Data, event.Change); err != nil {
		return nil, fmt.Errorf("read stored event: %w", err)
	}
	event.Data = nil
	return event, nil
}
