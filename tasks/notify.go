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
	// To is a route to the recipient: a record with an address (record.parent_id) or an address
	// itself (record.email).
	To string `yaml:"to,required"`
	// Via names the channels to choose from: the first that the recipient has an address for.
	Via []string `yaml:"via,required,one"`
	// Template names the folder of the message's texts under templates/.
	Template string `yaml:"template,required"`
	// Link is what {{ link }} leads to.
	Link *LinkTo `yaml:"link"`
	// Links are several links, each as {{ links.name }}.
	Links map[string]LinkTo `yaml:"links"`

	to    *engine.Route
	terms map[string]engine.LinkTerms
	first string
}

// LinkTo says what a link opens.
type LinkTo struct {
	// Landing names the page and the rules.
	Landing string `yaml:"landing,required"`
	// Preset names an action of the landing that the link opens with.
	Preset string `yaml:"preset"`
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
	if n.to = scope.Route("to"); n.to != nil {
		n.checkRecipient(scope)
	}
	var known []string
	for _, channel := range n.Via {
		if scope.Choice("via", "channel", channel, scope.Channels()) {
			known = append(known, channel)
		}
	}
	if len(n.Via) == 0 {
		scope.Complain("via", "via names at least one channel")
	}
	n.terms = map[string]engine.LinkTerms{}
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
	scope.Template("template", n.Template, known, slices.Sorted(maps.Keys(n.terms)))
}

func (n *Notify) checkRecipient(scope engine.CheckScope) {
	if !n.to.Records() {
		if t := n.to.Field.Type; t != engine.TypeEmail && t != engine.TypePhone && t != engine.TypeText {
			scope.Complain("to", fmt.Sprintf("%s is of type %s; a message goes to a record or an address", n.To, t))
		}
		return
	}
	for _, channel := range n.Via {
		address := engine.AddressType(channel)
		for _, module := range n.to.Field.To {
			if m := scope.Modules()[module]; m != nil && !hasType(m, address) {
				scope.Complain("to", fmt.Sprintf("%s has no field of type %s, which %s needs",
					module, address, channel))
			}
		}
	}
}

func hasType(m *engine.Module, t engine.FieldType) bool {
	for _, f := range m.Fields {
		if f.Type == t {
			return true
		}
	}
	return false
}

func (n *Notify) link(scope engine.CheckScope, key, name string, to LinkTo) {
	landing := scope.Landing(key+".landing", to.Landing)
	if landing == nil {
		return
	}
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

// Run asks for the delivery over the first channel the recipient has an address for.
func (n *Notify) Run(ctx context.Context, step *engine.StepContext) error {
	var missing []string
	for _, channel := range n.Via {
		recipient, err := n.to.Recipient(step.Env, step.Modules, channel)
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s: %v", channel, err))
			continue
		}
		step.Note("message %s to %s by %s", n.Template, recipient.Masked(), channel)
		step.Output(engine.Fields{"channel": channel})
		return step.Notify(ctx, engine.Notice{
			Recipient: recipient, Channel: channel, Template: n.Template, Links: n.terms, First: n.first,
		})
	}
	step.Note("no message sent: %s", strings.Join(missing, "; "))
	step.Output(engine.Fields{"channel": ""})
	return nil
}

var (
	_ engine.Task    = (*Notify)(nil)
	_ engine.Checker = (*Notify)(nil)
)
