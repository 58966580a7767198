package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// NewPortalEvent tells of somebody who signs in to a portal, about their record: of a type such as portal.signed_in,
// with the portal's name and more besides. cause is the id of the event that led to it, "" for none.
func NewPortalEvent(
	portal string, subject Ref, kind string, id ID, at time.Time, cause string, more map[string]any,
) (*Event, error) {
	data := map[string]any{"portal": portal}
	maps.Copy(data, more)
	written, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", kind, err)
	}
	return &Event{
		ID: id.String(), Source: Source, Type: kind, Subject: subject.String(), Time: at, CauseID: cause, Data: written,
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
