package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/engine"
)

// Notify sends one message to whom a route leads, with links back to the web.
type Notify struct {
	// To is a route to the recipient: a record with an address (record.parent_id, or record itself) or an address
	// itself (record.email); an address as it is, such as desk@acme.example and +34600123456; or one that the event
	// tells (event.data.old_address).
	To string `yaml:"to,required"`
	// Via names the channels to choose from: the first that the recipient has an address for. If that one refuses the
	// message for good (there is no such mailbox), the next one takes it.
	Via []string `yaml:"via,required,one"`
	// Template names the folder of the message's texts under templates/.
	Template string `yaml:"template,required" schema:"template"`
	// Link is what {{ link }} leads to.
	Link *LinkTo `yaml:"link"`
	// Links are several links, each as {{ links.name }}.
	Links map[string]LinkTo `yaml:"links"`
	// Buttons name actions of the landing of link that the message has buttons for, where its channel shows any:
	// Mattermost does. A press does what the action does, without a page in between; so the action asks for nothing,
	// and neither it nor the landing for a factor.
	Buttons []string `yaml:"buttons"`
	// OnUnknown says what happens when nobody can tell whether the message left: hold (an operator decides), resend (it
	// may come twice) or next (by the next channel of via; it may come by both). If not set, it is sent again where the
	// provider recognises a repetition, and held elsewhere.
	OnUnknown string `yaml:"on_unknown" schema:"engine.OnUnknown"`

	means []means // what via names
	to    *engine.Route
	terms map[string]engine.LinkTerms
	about map[string]*engine.Route // by the link's name; nothing for one about the workflow's record
	first string
	offer []engine.Offer
}

// means is a channel and what reaches a recipient by it.
type means struct {
	channel string
	carrier engine.Carrier
}

// LinkTo says what a link opens.
type LinkTo struct {
	// Landing names the page and the rules.
	Landing string `yaml:"landing,required" schema:"landing"`
	// Preset names an action of the landing that the link opens with.
	Preset string `yaml:"preset"`
	// About is a route to the record that the link opens, or item; the workflow's own record if it is not said.
	About string `yaml:"about"`
	// Expires is how long the link lives, at most 90d, if not as long as the landing says.
	Expires *time.Duration `yaml:"expires"`
}

func notifyKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "notify",
		Summary: "sends a message with links back to the web",
		Example: "notify: { to: record.parent_id, via: email, template: ticket-created, link: { landing: ticket } }",
		New:     func() engine.Task { return &Notify{} },
	}
}

// Check finds route, channels, landings and template.
func (n *Notify) Check(scope engine.CheckScope) {
	known := scope.Channels("via", n.Via)
	n.means = nil
	for _, channel := range known {
		n.means = append(n.means, means{channel, scope.Carrier(channel)})
	}
	switch {
	case isAddress(n.To):
		n.checkAddress(scope)
	case n.told() != "":
		n.checkTold(scope)
	default:
		if n.to = scope.Route("to"); n.to != nil {
			n.checkRecipient(scope)
		}
	}
	n.checkChoice(scope)
	n.terms, n.about = map[string]engine.LinkTerms{}, map[string]*engine.Route{}
	if n.Link != nil {
		n.first = "link"
		n.link(scope, "link", "link", *n.Link)
	}
	for _, name := range slices.Sorted(maps.Keys(n.Links)) {
		if n.first == "" {
			n.first = name
		}
		n.link(scope, "links."+name, name, n.Links[name])
	}
	n.checkButtons(scope)
	scope.Template("template", n.Template, known, slices.Sorted(maps.Keys(n.terms)))
}

// checkChoice checks what is said of the channels beyond their names.
func (n *Notify) checkChoice(scope engine.CheckScope) {
	if len(n.Via) == 0 {
		scope.Complain("via", "via names at least one channel")
	}
	for i, channel := range n.Via {
		if slices.Contains(n.Via[:i], channel) {
			scope.Complain("via", fmt.Sprintf("via names %s twice", channel))
		}
	}
	choices := []string{string(engine.OnUnknownHold), string(engine.OnUnknownResend), string(engine.OnUnknownNext)}
	if n.OnUnknown == "" || !scope.Choice("on_unknown", "choice", n.OnUnknown, choices) {
		return
	}
	if engine.OnUnknown(n.OnUnknown) == engine.OnUnknownNext && len(n.Via) == 1 {
		scope.Complain("on_unknown", "next needs a second channel in via")
	}
}

func (n *Notify) checkRecipient(scope engine.CheckScope) {
	if !n.to.Records() {
		n.checkField(scope)
		return
	}
	for _, by := range n.means {
		for _, module := range n.to.Field.To {
			if m := scope.Modules()[module]; m != nil && !by.carrier.In(m) {
				scope.Complain("to", fmt.Sprintf("%s has no %s, which %s needs",
					module, by.carrier.Needs(), by.channel))
			}
		}
	}
}

// checkField holds a route to an address against the channels that are to reach it.
func (n *Notify) checkField(scope engine.CheckScope) {
	t := n.to.Field.Type
	if t != engine.TypeEmail && t != engine.TypePhone && t != engine.TypeText {
		scope.Complain("to", fmt.Sprintf("%s is of type %s; a message goes to a record or an address", n.To, t))
		return
	}
	for _, by := range n.means {
		if by.carrier.ID {
			scope.Complain("to", fmt.Sprintf("%s is a field; %s reaches a record, by its id", n.To, by.channel))
		}
	}
}

func (n *Notify) link(scope engine.CheckScope, key, name string, to LinkTo) {
	var about *engine.Route
	if to.About != "" {
		if about = scope.Route(key + ".about"); about == nil {
			n.terms[name] = engine.LinkTerms{} // the template may speak of it
			return
		}
		n.about[name] = about
	}
	landing := scope.Landing(key+".landing", to.Landing, about)
	if landing == nil {
		return
	}
	n.checkFactors(scope, key+".landing", landing)
	n.checkOpens(scope, key, to, landing)
	if to.Preset != "" {
		var actions []string
		for _, a := range landing.Actions {
			actions = append(actions, a.Name)
		}
		scope.Choice(key+".preset", "action", to.Preset, actions)
	}
	terms := engine.LinkTerms{Landing: landing, Preset: to.Preset}
	if to.Expires != nil {
		terms.Expires = *to.Expires
		if terms.Expires <= 0 || terms.Expires > engine.MaxExpires {
			scope.Complain(key+".expires", "a link lives for a duration above zero, at most 90d")
		}
	}
	n.terms[name] = terms
}

// checkFactors sees that a code has another way than the link. What carried both would prove nothing.
func (n *Notify) checkFactors(scope engine.CheckScope, key string, landing *engine.Landing) {
	for _, factor := range landing.Factors() {
		if factor.Kind != engine.FactorCode || len(factor.Via) != 1 || !slices.Contains(n.Via, factor.Via[0]) {
			continue
		}
		scope.Complain(key, fmt.Sprintf("factor %s of landing %s sends its code by %s alone, which carries the link "+
			"too: give it another channel", factor.Name, landing.Name, factor.Via[0]))
	}
}

// Run asks for the delivery over the channels the recipient has an address for.
func (n *Notify) Run(ctx context.Context, step *engine.StepContext) error {
	var missing []string
	var ways []engine.Way
	for _, by := range n.means {
		recipient, err := n.recipient(step, by.carrier)
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s: %v", by.channel, err))
			continue
		}
		ways = append(ways, engine.Way{Channel: by.channel, Recipient: recipient})
	}
	if len(ways) == 0 {
		step.Note("no message sent: %s", strings.Join(missing, "; "))
		step.Output(engine.Fields{"channel": ""})
		return nil
	}
	links, missingRecord := n.links(step)
	if missingRecord != nil {
		step.Note("no message sent: %v", missingRecord)
		step.Output(engine.Fields{"channel": ""})
		return nil
	}
	to := ways[0].Recipient.Masked()
	if to != "" {
		to = " to " + to
	}
	step.Note("message %s%s by %s", n.Template, to, ways[0].Channel)
	step.Output(engine.Fields{"channel": ways[0].Channel})
	return step.Notify(ctx, engine.Notice{
		Ways: ways, Template: n.Template, Links: links, First: n.first, Buttons: n.offer,
		Unknown: engine.OnUnknown(n.OnUnknown),
	})
}

// links are the terms of the links, each about its record. The error says which record is missing.
func (n *Notify) links(step *engine.StepContext) (map[string]engine.LinkTerms, error) {
	links := maps.Clone(n.terms)
	for _, name := range slices.Sorted(maps.Keys(n.about)) {
		terms, record := links[name], n.about[name].Record(step.Env)
		switch module := terms.Landing.Module; {
		case record.IsZero():
			return nil, fmt.Errorf("link %s: %s leads to no record", name, n.about[name])
		case record.Module != module.Name:
			return nil, fmt.Errorf("link %s: %s leads to %s, not to a record of %s",
				name, n.about[name], record.Ref, module.Name)
		case module.ExternalID != "":
			terms.External = record.Fields.Text(module.ExternalID)
		}
		terms.Record = record.Ref
		links[name] = terms
	}
	return links, nil
}

var (
	_ engine.Task    = (*Notify)(nil)
	_ engine.Checker = (*Notify)(nil)
)
