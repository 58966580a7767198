package tasks

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"

	"postern/engine"
)

// phoneNumber is a number as it is dialled from anywhere (E.164).
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// isAddress tells whether the recipient is written down and is no route.
func isAddress(to string) bool {
	return strings.Contains(to, "@") || strings.HasPrefix(to, "+") || isRoom(to)
}

// isRoom tells whether the recipient is a channel of Mattermost, where many read.
func isRoom(to string) bool { return strings.HasPrefix(to, "~") }

// checkAddress holds an address that is written down against the channels that are to reach it.
func (n *Notify) checkAddress(scope engine.CheckScope) {
	if isRoom(n.To) {
		n.checkRoom(scope)
		return
	}
	kind := engine.TypePhone
	if strings.Contains(n.To, "@") {
		kind = engine.TypeEmail
	}
	parsed, err := mail.ParseAddress(n.To)
	formed := true
	switch {
	case kind == engine.TypeEmail && (err != nil || parsed.Address != n.To):
		scope.Complain("to", fmt.Sprintf("%q is no mail address such as desk@acme.example", n.To))
		formed = false
	case kind == engine.TypePhone && !phoneNumber.MatchString(n.To):
		scope.Complain("to", fmt.Sprintf("%q is no phone number such as +34600123456", n.To))
		formed = false
	}
	for _, by := range n.means {
		if needs := by.carrier.Type; needs != "" && needs != kind {
			scope.Complain("via", fmt.Sprintf("%s needs an address of type %s, which %s is not",
				by.channel, needs, n.To))
		} else if _, err := by.carrier.Literal(n.To); err != nil && formed {
			scope.Complain("to", fmt.Sprintf("%s: %v", by.channel, err))
		}
	}
}

func (n *Notify) checkRoom(scope engine.CheckScope) {
	for _, by := range n.means {
		if by.carrier.Kind != "mattermost" {
			scope.Complain("via", fmt.Sprintf("%s is a channel of Mattermost, which %s does not reach",
				n.To, by.channel))
		}
	}
}

// recipient is who gets the message by a carrier.
func (n *Notify) recipient(step *engine.StepContext, by engine.Carrier) (engine.Recipient, error) {
	if isAddress(n.To) {
		address, err := by.Literal(n.To)
		return engine.Recipient{Address: address}, err
	}
	if n.told() != "" {
		return n.toldRecipient(step.Env, by)
	}
	return n.to.Recipient(step.Env, step.Modules, by)
}
