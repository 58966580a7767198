package engine

import (
	"fmt"
	"time"
)

// EffectState is where an effect stands. It never goes back from a final state.
type EffectState string

// The states of an effect.
const (
	EffectPlanned  EffectState = "planned"  // waits for its time, or for an older one of the same record
	EffectSending  EffectState = "sending"  // is being tried
	EffectDone     EffectState = "done"     // it stands in the CRM
	EffectConflict EffectState = "conflict" // somebody else changed what it expected to find
	EffectRejected EffectState = "rejected" // given up: refused for good, or every try was used
)

// Over tells whether the state is final.
func (s EffectState) Over() bool { return s != EffectPlanned && s != EffectSending }

// Ask is what an effect is to do; exactly one of its fields is set.
type Ask struct {
	Write  *Write  `json:"write,omitempty"`
	Create *Create `json:"create,omitempty"`
	Delete *Delete `json:"delete,omitempty"`
	Relate *Relate `json:"relate,omitempty"`
	Call   *Call   `json:"call,omitempty"`
}

// record is what the ask writes to; its id is empty for a record that is to be made, and all of it for a call.
func (a Ask) record() Ref {
	switch {
	case a.Write != nil:
		return a.Write.Ref
	case a.Create != nil:
		return Ref{Module: a.Create.Module}
	case a.Delete != nil:
		return a.Delete.Ref
	case a.Relate != nil:
		return a.Relate.From
	}
	return Ref{}
}

// origin is where the events of the ask come from; zero for a call, which tells none.
func (a Ask) origin() Origin {
	switch {
	case a.Write != nil:
		return a.Write.Origin
	case a.Create != nil:
		return a.Create.Origin
	case a.Delete != nil:
		return a.Delete.Origin
	case a.Relate != nil:
		return a.Relate.Origin
	}
	return Origin{}
}

// phrase says what is asked for, after "would".
func (a Ask) phrase() string {
	switch {
	case a.Write != nil:
		return fmt.Sprintf("write %s of %s", nameList(a.Write.Patch.Set), a.Write.Ref)
	case a.Create != nil:
		return fmt.Sprintf("create a record of %s with %s", a.Create.Module, nameList(a.Create.Fields))
	case a.Delete != nil:
		return fmt.Sprintf("delete %s", a.Delete.Ref)
	case a.Relate != nil && a.Relate.Part:
		return fmt.Sprintf("unrelate %s and %s", a.Relate.From, a.Relate.To)
	case a.Relate != nil:
		return fmt.Sprintf("relate %s and %s", a.Relate.From, a.Relate.To)
	}
	return fmt.Sprintf("call %s %s", a.Call.Method, a.Call.Host)
}

// Effect is one ask that is done outside of our own store, with all its tries: a write to a CRM, or the call
// of a web service. The run that asked for it parks until it is over.
type Effect struct {
	ID        ID     // derived from run, step and item: the same effect asked for twice is one row
	Run       ID     // that asked; of an act by a link, the visit
	Partition int    // of the record it writes to: effects of one record pass in the order they were asked for
	Workflow  string // that asked, or that the link is of
	Step      string // path of the step that asked; "" for an act by a link
	Round     int    // which time the step was taken: a conflict takes it again
	Record    Ref    // what it writes to; the id is empty for a record that is to be made, and all of it for a call
	Host      string // that a Call asks; "" for the CRM
	Ask

	State    EffectState
	Doubtful bool // a try may have reached the CRM without an answer: the next must look first
	Attempts int
	Due      time.Time // when the next try may begin
	Until    time.Time // after which no try begins
	Retry    Retry
	Reason   string  // why it waits, or how it ended
	Result   *Record // of what is done: the record that was made or deleted (then without fields), if there was one
	Sealed   []byte  // the Request of a Call, encrypted at rest
	Answer   []byte  // the Answer to a Call that is done, likewise
	History  []Decision
	Created  time.Time
}

// host is what the ask is of: "" for the CRM.
func (a Ask) host() string {
	if a.Call != nil {
		return a.Call.Host
	}
	return ""
}

// NewEffect is an effect to be tried at once. Who asks sets Workflow, Step and Round, and the Partition of a call.
func NewEffect(id, run ID, ask Ask, retry Retry, now time.Time) *Effect {
	ref := ask.record()
	return &Effect{
		ID: id, Run: run, Record: ref, Host: ask.host(), Partition: ref.partition(),
		Ask: ask, State: EffectPlanned, Due: now, Until: now.Add(retry.For), Retry: retry, Created: now,
	}
}

// besides are the events that are told with a write that stands.
func (f *Effect) besides() (events []*Event, err error) {
	if f.Write == nil {
		return nil, nil
	}
	for _, written := range f.Write.Besides {
		event, err := RestoreEvent(written)
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
	return events, nil
}
