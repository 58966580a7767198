package tasks

import (
	"errors"
	"fmt"
	"strings"

	"postern/engine"
)

// toldPrefix begins the name of a recipient whose address the event tells: event.data.old_address.
const toldPrefix = "event.data."

// told is the value of the event's data that To names; "" where it names none.
func (n *Notify) told() string {
	name, _ := strings.CutPrefix(n.To, toldPrefix)
	if name == n.To {
		return ""
	}
	return name
}

// checkTold holds an address that an event tells against the channels that are to reach it.
func (n *Notify) checkTold(scope engine.CheckScope) {
	if strings.Contains(n.told(), ".") {
		scope.Complain("to", fmt.Sprintf("%s is not an address in the event's data, such as event.data.address", n.To))
	} else {
		scope.Wording("to") // which knows what the events of a portal tell
	}
	for _, by := range n.means {
		if by.carrier.ID {
			scope.Complain("to", fmt.Sprintf("%s is an address; %s reaches a record, by its id", n.To, by.channel))
		}
	}
}

// toldRecipient is who has the address that the event tells. They are written to in the language of the event's record.
func (n *Notify) toldRecipient(env *engine.Env, by engine.Carrier) (engine.Recipient, error) {
	if env.Event == nil {
		return engine.Recipient{}, errors.New("no event led here")
	}
	data, err := env.Event.DataView()
	if err != nil {
		return engine.Recipient{}, err
	}
	address, _ := data[n.told()].(string)
	if address = strings.TrimSpace(address); address == "" {
		return engine.Recipient{}, fmt.Errorf("%s is empty", n.To)
	}
	to := engine.Recipient{}
	if env.Module != nil && env.Module.Language != "" {
		to.Language = env.Record.Text(env.Module.Language)
	}
	to.Address, err = by.Literal(address)
	return to, err
}

// checkOpens sees that a link into a portal goes to nobody but whose record it opens the portal for, and not for long.
func (n *Notify) checkOpens(scope engine.CheckScope, key string, to LinkTo, landing *engine.Landing) {
	if landing.Opens == nil {
		return
	}
	if n.To != "record" || to.About != "" {
		scope.Complain(key+".landing", fmt.Sprintf("landing %s opens portal %s for the record's person, so its link "+
			"goes to nobody else: to: record, without about", landing.Name, landing.Opens.Portal))
	}
	if to.Expires != nil && *to.Expires > engine.MaxOpens {
		scope.Complain(key+".expires", "a link into a portal lives for at most 24h")
	}
}
