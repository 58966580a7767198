package engine

import (
	"context"
	"fmt"
	"strconv"
)

// Notice is a message that a step wants delivered.
type Notice struct {
	Ways     []Way // at least one, each over another channel: the first is taken, the next if that one is no good
	Template string
	// Links are by the name the template uses; landing, preset and expiry suffice, and a record if it is another than
	// the run's, with its external id.
	Links   map[string]LinkTerms
	First   string // the name that {{ link }} means
	Buttons []Offer
	Unknown OnUnknown
}

// Offer is an action of the landing that {{ link }} leads to, which the message has a button for where its channel can
// show one.
type Offer struct {
	Action string `json:"action"`
	Label  Labels `json:"label,omitempty"`
}

// Notify asks for the delivery of a message and mints its links.
func (s *StepContext) Notify(ctx context.Context, n Notice) error {
	item := strconv.Itoa(s.items)
	s.items++
	way := n.Ways[0]
	identity := way.Recipient.Ref.String() + "|" + way.Recipient.Address
	d := &Delivery{
		ID: DerivedID(s.run.ID, s.Step.Path, item, identity, "0", "0"), Run: s.run.ID,
		Partition: s.run.Partition, Workflow: s.run.Workflow, Version: s.run.Version, Step: s.Step.Path,
		Channel: way.Channel, Template: n.Template, Record: s.Ref, Recipient: way.Recipient,
		Masked: way.Recipient.Masked(), State: DeliveryPlanned, Due: s.Now(), Until: s.Now().Add(s.Step.Retry.For),
		Retry: s.Step.Retry, Unknown: n.Unknown, Created: s.Now(),
	}
	env := *s.Env
	env.Recipient, env.views, env.Links = way.Recipient, nil, map[string]string{}
	for name, terms := range n.Links {
		terms.Delivery, terms.Counts = d.ID, n.counts(d.ID, terms)
		link, err := s.mint(ctx, terms, way.Recipient)
		if err != nil {
			return err
		}
		d.Links = append(d.Links, NamedLink{Name: name, Link: link, ID: link.ID})
		if name == n.First {
			d.Links = append(d.Links, NamedLink{Name: "link", Link: link, ID: link.ID})
		}
		s.asks.links = append(s.asks.links, link)
	}
	if id := s.Step.ID; id != "" {
		if s.run.Progress.Sent == nil {
			s.run.Progress.Sent = map[string][]ID{}
		}
		s.run.Progress.Sent[id] = append(s.run.Progress.Sent[id], d.ID)
	}
	s.asks.deliveries = append(s.asks.deliveries, d)
	s.asks.letters[d.ID] = &letter{env: &env, ways: n.Ways, class: s.class, buttons: n.Buttons, lineage: Lineage{
		Cause: s.run.Event.ID, Depth: s.run.Event.Depth + 1, Chain: s.run.chain(),
	}}
	return nil
}

// counts joins the links of a message to one landing about one record: what is done by one of them counts for all, so
// that a question with two answers is answered once. It is zero for the only one.
func (n Notice) counts(delivery ID, of LinkTerms) ID {
	same := 0
	for _, terms := range n.Links {
		if terms.Landing.Name == of.Landing.Name && terms.Record == of.Record {
			same++
		}
	}
	if same < 2 {
		return ID{}
	}
	return DerivedID(delivery, "counts", of.Landing.Name, of.Record.String())
}

func (s *StepContext) mint(ctx context.Context, terms LinkTerms, to Recipient) (Link, error) {
	terms.Run, terms.Workflow, terms.Cause = s.run.ID, s.run.Workflow, s.run.Event.ID
	terms.Recipient, terms.Masked, terms.Address, terms.Language = to.Ref, to.Masked(), to.Address, to.Language
	if terms.Record.IsZero() {
		terms.Record = s.Ref
		if name := s.Env.Module.ExternalID; name != "" {
			terms.External = s.Env.Record.Text(name)
		}
	}
	link, err := s.minter.Mint(ctx, terms, s.Now())
	if err != nil {
		return Link{}, fmt.Errorf("mint link to %s: %w", terms.Landing.Name, err)
	}
	return link, nil
}
