package tasks

import (
	"fmt"
	"slices"

	"postern/engine"
)

// maxButtons is how many buttons a message has at most: more are a page.
const maxButtons = 5

// checkButtons finds the actions that the message has buttons for. Each must be one that takes no more than a press.
func (n *Notify) checkButtons(scope engine.CheckScope) {
	n.offer = nil
	if len(n.Buttons) == 0 {
		return
	}
	if n.Link == nil {
		scope.Complain("buttons", "buttons are actions of the landing of link, and there is no link")
		return
	}
	if len(n.Buttons) > maxButtons {
		scope.Complain("buttons", fmt.Sprintf("a message has at most %d buttons", maxButtons))
	}
	landing := n.terms["link"].Landing
	if landing == nil {
		return // it has been complained about
	}
	var names []string
	for _, action := range landing.Actions {
		names = append(names, action.Name)
	}
	for i, name := range n.Buttons {
		if slices.Contains(n.Buttons[:i], name) {
			scope.Complain("buttons", "buttons names "+name+" twice")
			continue
		}
		if !scope.Choice("buttons", "action", name, names) {
			continue
		}
		action := landing.Action(name)
		if why := notPressed(landing, action); why != "" {
			scope.Complain("buttons", name+" cannot be a button: "+why)
			continue
		}
		n.offer = append(n.offer, engine.Offer{Action: name, Label: action.Label})
	}
}

// notPressed is why an action takes more than a press; "" if it does not.
func notPressed(landing *engine.Landing, action *engine.Action) string {
	switch {
	case len(action.Ask) > 0:
		return "it asks for something, which takes its page"
	case action.Factor != nil:
		return "it asks for factor " + action.Factor.Name
	case landing.Factor != nil:
		return "landing " + landing.Name + " asks for factor " + landing.Factor.Name
	case landing.Bind:
		return "landing " + landing.Name + " opens in one browser alone"
	}
	return ""
}
