package engine

import "time"

// Heard is what reached us from a channel: a provider's report on a message, or a reply of a person. It is taken in
// once for one Key, in one transaction with all that follows from it.
type Heard struct {
	Channel string    // the name of the channel that heard it
	Key     string    // names it among all that the channel hears; at most 200 bytes
	At      time.Time // when it happened, as far as the provider tells, else when it came

	Report *Report // nil for a reply
	Reply  *Reply  // nil for a report

	Suppress []Suppression // addresses that get nothing more
	Lift     []Suppression // addresses that may get something again: Channel, Address and List suffice
}

// Report is what a provider tells of a message it took. One that would lower the rank of a delivery's state changes
// nothing.
type Report struct {
	Delivery   ID            // zero where only the provider's name for the message is known
	ProviderID string        // as in Receipt.ID
	State      DeliveryState // sent, delivered, read, undelivered, bounced or complained
	Code       string        // the provider's: 30003, 5.1.1; "" for none
	Detail     string        // one line, without an address
}

// Reply is what a person sent to one of our addresses.
type Reply struct {
	From string // their address, as the channel sends to it
	To   string // ours
	Text string // at most 4,000 characters
	ID   string // the provider's name for it
}

// Suppression keeps messages from an address.
type Suppression struct {
	Channel string
	Address string // only on its way in: at rest there is a keyed hash of it
	Masked  string
	List    string // a workflow whose messages are kept back, of class notice or marketing; "" for all messages
	Reason  SuppressionReason
	Detail  string    // one line: the provider's code, or why an operator wanted it
	By      string    // who wanted it: recipient, provider, or an operator
	At      time.Time // since when
	Until   time.Time // zero for good
}

// SuppressionReason is why an address is suppressed.
type SuppressionReason string

// The reasons.
const (
	SuppressedOptOut    SuppressionReason = "opt_out"   // the recipient wants nothing more
	SuppressedBounce    SuppressionReason = "bounce"    // there is no such mailbox, or number
	SuppressedComplaint SuppressionReason = "complaint" // the recipient called a message spam
	SuppressedOperator  SuppressionReason = "operator"  // an operator wanted it
)

// SuppressionReasons are all reasons.
func SuppressionReasons() []SuppressionReason {
	return []SuppressionReason{SuppressedOptOut, SuppressedBounce, SuppressedComplaint, SuppressedOperator}
}

// Says is the reason in words, for the history of a delivery.
func (r SuppressionReason) Says() string {
	switch r {
	case SuppressedOptOut:
		return "the recipient wants nothing more"
	case SuppressedBounce:
		return "nothing arrives at the address"
	case SuppressedComplaint:
		return "the recipient called a message spam"
	case SuppressedOperator:
		return "an operator wants it so"
	}
	return string(r)
}

// Press is somebody's press on a button of a message.
type Press struct {
	Link       ID
	Generation int    // of the link when the message was written
	Action     string // of the link's landing
	By         string // who pressed, in the words of the channel: mattermost:k3u…
}

// Pressed is what came of a press.
type Pressed struct {
	Done  bool   // the action was taken, now or before by the same link
	First bool   // it was this press that did it
	Over  bool   // no button of the link can do anything any more
	Text  string // a sentence for who pressed, in the link's language

	Undo  string    // what a button for PressUndo says, in that language; "" where nothing can be taken back
	Until time.Time // for how long it can be
}

// PressUndo is the action of a press that takes back what the press before it did. No landing has one of that name.
const PressUndo = "~undo"

// Button is an action of a link's landing that a message offers.
type Button struct {
	Link       ID        `json:"link"`
	Generation int       `json:"generation"` // of the link
	Action     string    `json:"action"`
	Label      string    `json:"label"`
	Expires    time.Time `json:"expires"` // the link's
}

// Approved is a text that was approved beforehand, which is sent by its name and its variables: WhatsApp's template.
type Approved struct {
	ID        string            `json:"id"` // the provider's name for it
	Variables map[string]string `json:"variables,omitempty"`
}
