package engine

import "time"

// DeliveryState is where a delivery stands. It never goes back from a final state.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPlanned  DeliveryState = "planned"  // waits for its time and a free sender slot
	DeliverySending  DeliveryState = "sending"  // a sender slot holds it
	DeliveryAccepted DeliveryState = "accepted" // the provider took it
	DeliveryUnknown  DeliveryState = "unknown"  // it may have left: the answer was lost
	DeliveryRejected DeliveryState = "rejected" // given up: refused for good, or every try was used
)

// Over tells whether the state is final.
func (s DeliveryState) Over() bool { return s == DeliveryAccepted || s == DeliveryRejected }

// DeliveryStates are all states of a delivery, in the order of its life.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryPlanned, DeliverySending, DeliveryAccepted, DeliveryUnknown, DeliveryRejected}
}

// Delivery is one message to one recipient.
type Delivery struct {
	ID        ID // derived from run, step, recipient: the same message asked for twice is one row
	Run       ID
	Partition int
	Workflow  string
	Version   string // of the workflow: its templates write the message
	Step      string
	Channel   string
	Template  string
	Record    Ref
	Recipient Recipient // Address only while in memory; at rest it is within Sealed
	Masked    string
	Links     []NamedLink
	Sealed    []byte // what the template needs, encrypted at rest

	State    DeliveryState
	Slot     int // sender slot while it is being sent
	Attempts int
	Due      time.Time // when the next try may begin
	Until    time.Time // after which no try begins: Retry.For from the first, or from the plan until there was one
	Retry    Retry
	Unknown  OnUnknown // what happens when nobody can tell whether it left
	Receipt  Receipt
	Reason   string // why it waits or was given up
	History  []Decision
	Created  time.Time
}

// OnUnknown says what happens to a delivery of which nobody can tell whether it left.
type OnUnknown string

// The choices of on_unknown.
const (
	OnUnknownAuto   OnUnknown = ""       // resend where the provider knows a message by our key, else hold
	OnUnknownHold   OnUnknown = "hold"   // an operator decides
	OnUnknownResend OnUnknown = "resend" // it may come twice
	OnUnknownNext   OnUnknown = "next"   // by the next channel that the step names; it may come by both
)

// NamedLink is a link of a message under the name the template knows it by.
type NamedLink struct {
	Name string `json:"name"`
	Link Link   `json:"-"`
	ID   ID     `json:"id"`
}

// Decision is one line of why: what was done, skipped or put off, and the reason.
type Decision struct {
	At   time.Time `json:"at"`
	Step string    `json:"step,omitempty"`
	Text string    `json:"text"`

	Doubt bool `json:"doubt,omitempty"` // the try it speaks of may have left
}
