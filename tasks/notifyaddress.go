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
func isAddress(to string) bool { return strings.Contains(to, "@") || strings.HasPrefix(to, "+") }

// checkAddress holds an address that is written down against the channels that are to reach it.
func (n *Notify) checkAddress(scope engine.CheckScope) {
	kind := engine.TypePhone
	if strings.Contains(n.To, "@") {
		kind = engine.TypeEmail
	}
	parsed, err := mail.ParseAddress(n.To)
	switch {
	case kind == engine.TypeEmail && (err != nil || parsed.Address != n.To):
		scope.Complain("to", fmt.Sprintf("%q is no mail address such as desk@acme.example", n.To))
	case kind == engine.TypePhone && !phoneNumber.MatchString(n.To):
		scope.Complain("to", fmt.Sprintf("%q is no phone number such as +34600123456", n.To))
	}
	for _, channel := range n.Via {
		if engine.AddressType(channel) != kind {
			scope.Complain("via", fmt.Sprintf("%s needs an address of type %s, which %s is not",
				channel, engine.AddressType(channel), n.To))
		}
	}
}

// recipient is who gets the message over a channel.
func (n *Notify) recipient(step *engine.StepContext, channel string) (engine.Recipient, error) {
	if isAddress(n.To) {
		return engine.Recipient{Address: n.To}, nil
	}
	return n.to.Recipient(step.Env, step.Modules, channel)
}
