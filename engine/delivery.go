package engine

import (
	"slices"
	"time"
)

// DeliveryState is where a delivery stands. Once somebody took the message its rank never goes down.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPlanned  DeliveryState = "planned"  // waits for its time and a free sender slot
	DeliverySending  DeliveryState = "sending"  // a sender slot holds it
	DeliveryAccepted DeliveryState = "accepted" // the provider took it
	DeliveryUnknown  DeliveryState = "unknown"  // it may have left: the answer was lost
	DeliveryRejected DeliveryState = "rejected" // given up: refused for good, or every try was used
)

// The states that providers and recipients report of a message, some time after it was sent.
const (
	DeliverySent        DeliveryState = "sent"        // it left the provider
	DeliveryDelivered   DeliveryState = "delivered"   // it is where the recipient looks
	DeliveryRead        DeliveryState = "read"        // the recipient looked
	DeliveryUndelivered DeliveryState = "undelivered" // the provider gave it up
	DeliveryBounced     DeliveryState = "bounced"     // it came back
	DeliveryComplained  DeliveryState = "complained"  // the recipient called it spam
)

// Over tells whether Postern has done with the delivery: what may follow is a report.
func (s DeliveryState) Over() bool {
	return s != DeliveryPlanned && s != DeliverySending && s != DeliveryUnknown
}

// Taken tells whether somebody said that they took the message.
func (s DeliveryState) Taken() bool { return s.Rank() > 0 }

// Rank orders what is known of a message: from 1 for accepted up, and 0 while nobody said that they took it. A report
// of a lower rank comes too late.
func (s DeliveryState) Rank() int {
	return 1 + slices.Index([]DeliveryState{
		DeliveryAccepted, DeliverySent, DeliveryUndelivered, DeliveryDelivered, DeliveryRead, DeliveryBounced,
		DeliveryComplained,
	}, s)
}

// DeliveryStates are all states of a delivery, in the order of its life.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{
		DeliveryPlanned, DeliverySending, DeliveryAccepted, DeliveryUnknown, DeliveryRejected, DeliverySent,
		DeliveryDelivered, DeliveryRead, DeliveryUndelivered, DeliveryBounced, DeliveryComplained,
	}
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
