package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The types of the events that tell a record's change; the verb after the dot is the third token of
// their NATS subject.
const (
	RecordCreated   = "record.created"
	RecordUpdated   = "record.updated"
	RecordDeleted   = "record.deleted"
	RecordRestored  = "record.restored"
	RecordRelated   = "record.related"
	RecordUnrelated = "record.unrelated"
	LinkOpened      = "link.opened" // a visitor passed the door for the first time
	LinkUsed        = "link.used"
	LinkUndone      = "link.undone"  // what a visitor did was taken back by them
	LinkExpired     = "link.expired" // without having been used
	LinkLocked      = "link.locked"  // too many guesses
	LinkFailed      = "link.failed"  // what somebody did by a link could not be written to the CRM
	RunFailedEvent  = "run.failed"
	RunConflict     = "run.conflict" // a write to the CRM met somebody else's, and nobody can tell who was first
)

// The types of the events that tell what became of a delivery, and that somebody replied.
const (
	DeliveryFailedEvent     = "delivery.failed"     // given up, by us or by the provider
	DeliveryUnknownEvent    = "delivery.unknown"    // it may have left, and is held
	DeliveryDeliveredEvent  = "delivery.delivered"  // it is where the recipient looks
	DeliveryBouncedEvent    = "delivery.bounced"    // it came back
	DeliveryComplainedEvent = "delivery.complained" // the recipient called it spam
	ReplyReceivedEvent      = "reply.received"
)

// The types of the events that tell of people who sign in to a portal, about their record. Workflows send what the
// portal wants to be sent.
const (
	PortalInvited        = "portal.invited"         // an operator wants them to choose a password
	PortalRecovery       = "portal.recovery"        // they forgot theirs
	PortalSignInAsked    = "portal.signin_asked"    // they want a link to sign in with
	PortalPasswordSet    = "portal.password_set"    // it was set or changed; old and new address are to hear of it
	PortalFactorSet      = "portal.factor_set"      // a passkey or an authenticator was added or removed
	PortalAddressChanged = "portal.address_changed" // they changed what they sign in with, or where mails go
	PortalSignedIn       = "portal.signed_in"
	PortalNewDevice      = "portal.new_device" // signed in from a browser that they did not use before
	PortalLocked         = "portal.locked"     // too many wrong passwords from strangers
	PortalFailed         = "portal.failed"     // what somebody changed could not be written to the CRM
)

// OwnEvents are the types of the events that Postern tells of links, messages, runs and portals.
func OwnEvents() []string {
	return []string{
		LinkOpened, LinkUsed, LinkUndone, LinkExpired, LinkLocked, LinkFailed,
		DeliveryFailedEvent, DeliveryUnknownEvent, DeliveryDeliveredEvent, DeliveryBouncedEvent,
		DeliveryComplainedEvent, ReplyReceivedEvent, RunFailedEvent, RunConflict,
		PortalInvited, PortalRecovery, PortalSignInAsked, PortalPasswordSet, PortalAddressChanged, PortalFactorSet,
		PortalSignedIn, PortalNewDevice, PortalLocked, PortalFailed,
	}
}

// Source is the CloudEvents source of the events Postern itself publishes.
const Source = "postern"

// OwnNoun tells whether only Postern itself tells events of a noun, such as link.used.
func OwnNoun(noun string) bool {
	switch noun {
	case "link", "delivery", "portal", "reply", "run":
		return true
	}
	return false
}

// Limits of an event. What is beyond them goes to the dead letters.
const (
	MaxEventBytes = 256 << 10 // the whole message
	MaxEventDepth = 32        // nesting of lists and objects
	MaxAttribute  = 512       // bytes of one CloudEvents attribute
)

// Event says what happened to a record, with the attributes of CloudEvents 1.0. Exactly one of
// Change (types record.*) and Data (all others) is set.
type Event struct {
	ID      string
	Source  string
	Type    string
	Subject string    // "Module/id"
	Time    time.Time // information only: the order of events is the order of the stream

	CauseID     string // id of the event that led to this one
	Depth       int    // how many writes of ours lead from the first cause to this one
	Chain       string // names of the last workflows that wrote on the way here, apart by spaces
	TraceParent string // W3C Trace Context
	Letter      string // id of the dead letter that it was before an operator replayed it

	Change *Change
	Data   json.RawMessage

	// Of the event that a run of a window began with, and kept with the run alone:
	Gathered []json.RawMessage // the events of the window, the oldest first, in structured mode
	LeftOut  int               // how many were too many to be kept
}

// Change is the data of a record event.
type Change struct {
	Record  Fields   `json:"record"`            // the full state after, or some fields if Partial
	Old     Fields   `json:"old,omitempty"`     // previous values of the changed fields
	Changed []string `json:"changed,omitempty"` // names of the changed fields
	Version int64    `json:"version,omitempty"` // the CRM's own counter of this record, rising
	Actor   string   `json:"actor,omitempty"`   // who did it
	Partial bool     `json:"partial,omitempty"` // Record holds only some fields
	Related string   `json:"related,omitempty"` // the record at the other end of a relation, "Module/id"
}

// Ref is the record the event is about; zero when the subject names none.
func (e *Event) Ref() Ref {
	ref, err := ParseRef(e.Subject)
	if err != nil {
		return Ref{}
	}
	return ref
}

// IsRecord tells whether the event is about a record's change.
func (e *Event) IsRecord() bool { return isRecordType(e.Type) }

func isRecordType(eventType string) bool { return strings.HasPrefix(eventType, "record.") }

// envelope is the event in structured mode (CloudEvents JSON format 1.0).
type envelope struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"`
	Time        string          `json:"time,omitempty"`
	ContentType string          `json:"datacontenttype,omitempty"`
	CauseID     string          `json:"causeid,omitempty"`
	Depth       int             `json:"depth,omitempty"`
	Chain       string          `json:"chain,omitempty"`
	TraceParent string          `json:"traceparent,omitempty"`
	Letter      string          `json:"deadletter,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`

	Gathered []json.RawMessage `json:"gathered,omitempty"` // see Event
	LeftOut  int               `json:"leftout,omitempty"`
}

// MarshalJSON writes the event in structured mode.
func (e *Event) MarshalJSON() ([]byte, error) {
	env := envelope{
		SpecVersion: "1.0", ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject,
		CauseID: e.CauseID, Depth: e.Depth, Chain: e.Chain, TraceParent: e.TraceParent,
		Letter: e.Letter, Data: e.Data, Gathered: e.Gathered, LeftOut: e.LeftOut,
	}
	if !e.Time.IsZero() {
		env.Time = e.Time.UTC().Format(time.RFC3339Nano)
	}
	if e.Change != nil {
		data, err := plainJSON(e.Change)
		if err != nil {
			return nil, fmt.Errorf("write event data: %w", err)
		}
		env.Data = data
	}
	if env.Data != nil {
		env.ContentType = "application/json"
	}
	return plainJSON(env)
}

// fits tells whether the event can be published again: written by us it may be longer than it came.
func (e *Event) fits() error {
	n, err := e.size()
	if err == nil && n > MaxEventBytes {
		err = fmt.Errorf("the event came without a key and with it would have %d bytes; at most %d are taken",
			n, MaxEventBytes)
	}
	return err
}

// size is how many bytes the event has when we write it.
func (e *Event) size() (int, error) {
	body, err := e.MarshalJSON()
	return len(body), err
}

// plainJSON writes JSON without the escapes that HTML pages need: <, > and & stay one byte.
func plainJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// event reads what MarshalJSON wrote, the data still as it came.
func (env envelope) event() (*Event, error) {
	e := &Event{
		ID: env.ID, Source: env.Source, Type: env.Type, Subject: env.Subject,
		CauseID: env.CauseID, Depth: env.Depth, Chain: env.Chain, TraceParent: env.TraceParent,
		Letter: env.Letter, Data: env.Data,
	}
	if env.Time == "" {
		return e, nil
	}
	at, err := time.Parse(time.RFC3339, env.Time)
	if err != nil {
		return nil, fmt.Errorf("attribute \"time\" is %q, which is no RFC 3339 time", clip(env.Time))
	}
	e.Time = at.UTC()
	if year := e.Time.Year(); year < 0 || year > 9999 { // in UTC: RFC 3339 could not write it again
		return nil, errors.New("attribute \"time\" is outside the years 0 to 9999")
	}
	return e, nil
}
