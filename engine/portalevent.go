package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// PortalData are the values that an event of a portal may tell, by the event's type; nil for a type that is no such
// event.
func PortalData(kind string) map[string]FieldType {
	if kind == PortalFailed { // told by the effect, which knows no portal
		return map[string]FieldType{
			"effect": TypeText, "fields": TypeMultiPicklist, "reason": TypeText, "visit": TypeText,
			"workflow": TypeText,
		}
	}
	var more []string
	switch kind {
	case PortalInvited, PortalRecovery, PortalSignInAsked, PortalLocked:
	case PortalPasswordSet:
		more = []string{"old_address"}
	case PortalAddressChanged:
		more = []string{"old_name", "old_address"}
	case PortalFactorSet:
		more = []string{"factor", "change"}
	case PortalSignedIn, PortalNewDevice:
		more = []string{"method", "browser", "from"}
	default:
		return nil
	}
	values := map[string]FieldType{"portal": TypeText, "label": TypeText, "url": TypeText, "name": TypeText}
	for _, name := range more {
		values[name] = TypeText
	}
	return values
}

// NewPortalEvent tells of somebody who signs in to a portal, about their record: of a type such as portal.signed_in,
// with the portal's name, its label in their language, its address below base, the name that they sign in with, and
// more besides, which is among [PortalData]. cause is the id of the event that led to it, "" for none.
func NewPortalEvent(
	portal *Portal, base string, subject Record, kind string, id ID, at time.Time, cause string, more map[string]any,
) (*Event, error) {
	data := map[string]any{
		"portal": portal.Name, "label": portal.Called(portal.LanguageOf(subject.Fields)), "url": portal.URL(base),
		"name": subject.Fields.Text(portal.Subject.Login),
	}
	maps.Copy(data, more)
	known := PortalData(kind)
	for name := range data {
		if known[name] == "" {
			return nil, fmt.Errorf("write event %s: it tells no %s", kind, name)
		}
	}
	written, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", kind, err)
	}
	return &Event{
		ID: id.String(), Source: Source, Type: kind, Subject: subject.Ref.String(), Time: at, CauseID: cause,
		Data: written,
	}, nil
}

// PortalMessage is a message that people of a portal are to get: the gate tells the event, and a workflow of the book
// sends it.
type PortalMessage struct {
	Event string
	What  string       // they get, as it stands in a sentence for admins
	By    SignInMethod // only where people sign in so; "" for any
	Opens OpensWhat    // what its link leads to; "" for a message without one
}

// PortalMessages are all messages that portals need workflows for, those with a link first.
func PortalMessages() []PortalMessage {
	return []PortalMessage{
		{PortalInvited, "an invitation", SignInPassword, OpensPassword},
		{PortalRecovery, "a link to choose another password", SignInPassword, OpensPassword},
		{PortalSignInAsked, "a link to sign in", SignInLink, OpensSignIn},
		{PortalPasswordSet, "word that their password was set", SignInPassword, ""},
		{PortalAddressChanged, "word that their address was changed", "", ""},
		{PortalFactorSet, "word that a passkey or an authenticator was added or removed", "", ""},
		{PortalNewDevice, "word of a sign-in from a new browser", "", ""},
		{PortalLocked, "word that somebody tries wrong passwords", SignInPassword, ""},
	}
}

// Messages are those that people of the portal are to get, by how they sign in.
func (p *Portal) Messages() []PortalMessage {
	return slices.DeleteFunc(PortalMessages(), func(m PortalMessage) bool {
		return m.By != "" && !slices.Contains(p.SignIn.Methods, m.By)
	})
}
