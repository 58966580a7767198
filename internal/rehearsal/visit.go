package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/yamldoc"
)

type visitFile struct {
	// Link is the name of the link, of the last message that has one of that name: link, or that under links.
	Link *yamldoc.Node `yaml:"link" schema:"text"`
	// To is the address of whom the message went to, where several got one.
	To string `yaml:"to"`
	// ExternalID is the external id of a record, by which they come in place of a link.
	ExternalID string `yaml:"external_id"`
	// Landing is what they come to by an external id.
	Landing *yamldoc.Node `yaml:"landing" schema:"landing"`
	// Proof is what they answer where a factor is asked for: a code; or sent, for what is sent to them then. A list:
	// one after the other.
	Proof []*yamldoc.Node `yaml:"proof,one" schema:"text"`
	// Press is the action whose button they press.
	Press string `yaml:"press"`
	// Enter are the values that they give to fields, with press those that the action asks for.
	Enter []yamldoc.Entry `yaml:"enter"`
	// Undo has them take it back at the end.
	Undo bool `yaml:"undo"`
	// Browser is a name for the browser that they use; those of one name share their cookies.
	Browser string `yaml:"browser"`
	// Finds is what the page says at the end.
	Finds string `yaml:"finds"`
	// Refused says that they do not get to the end.
	Refused bool `yaml:"refused"`
}

// visit reads what somebody does who follows a link of a message: they prove who they are, press a button or change
// fields, through the door as it is.
func (p *parser) visit(f visitFile, node *yamldoc.Node) func(context.Context, *play) error {
	switch {
	case (f.Link == nil) == (f.ExternalID == "") || (f.ExternalID == "") != (f.Landing == nil):
		p.complain(node.Errorf("a visit comes by a link, or by external_id and landing"))
		return nil
	case f.Landing != nil && p.book.Landings[f.Landing.Text()] == nil:
		p.complain(f.Landing.Unknown("landing", slices.Sorted(maps.Keys(p.book.Landings))))
	case f.Press == "" && f.Enter == nil && f.Finds == "" && !f.Refused:
		p.complain(node.Errorf("a visit that does nothing").
			WithHint("say press, enter, refused, or what the page says under finds"))
	case f.Undo && f.Press == "" && f.Enter == nil:
		p.complain(node.Errorf("there is nothing to undo").WithHint("say press or enter"))
	}
	return func(ctx context.Context, s *play) error {
		path, err := s.entrance(ctx, f)
		if err != nil {
			return err
		}
		w := &walk{play: s, visitFile: f, visitor: s.browser(f.Browser)}
		page, err := w.through(ctx, path)
		if err != nil {
			return err
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		text := textOf(page)
		switch {
		case f.Refused && !w.refused:
			return fmt.Errorf("it was to be refused, and is not; the page says: %s", text)
		case !strings.Contains(text, f.Finds):
			return fmt.Errorf("the page does not say %q; it says: %s", f.Finds, text)
		}
		return nil
	}
}

// entrance is the path of the door that a visit begins at.
func (s *play) entrance(ctx context.Context, f visitFile) (string, error) {
	if f.Link == nil {
		return "/x/" + f.Landing.Text() + "/" + url.PathEscape(f.ExternalID), nil
	}
	address, err := s.linkOf(ctx, f.Link.Text(), f.To)
	if err != nil {
		return "", err
	}
	link, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	return link.Path, nil
}

// browser is the one of a name, as it was left.
func (s *play) browser(name string) *visitor {
	if s.visitors[name] == nil {
		s.visitors[name] = &visitor{}
	}
	return s.visitors[name]
}

// linkOf is the address of a link by its name, of the last message that has it.
func (s *play) linkOf(ctx context.Context, name, to string) (string, error) {
	deliveries, err := s.deliveries(ctx)
	if err != nil {
		return "", err
	}
	for i := len(deliveries) - 1; i >= 0; i-- {
		d := deliveries[i]
		message, sent := s.message(d)
		if !sent || to != "" && message.Recipient.Address != to {
			continue
		}
		if address := s.links(ctx, d)[name]; address != "" {
			return address, nil
		}
	}
	if to != "" {
		return "", fmt.Errorf("no message to %s has a link %q", to, name)
	}
	return "", fmt.Errorf("no message has a link %q", name)
}

// links are the addresses of a delivery's links by name.
func (s *play) links(ctx context.Context, d *engine.Delivery) map[string]string {
	story, err := s.Desk.RunStory(ctx, d.Run)
	if err != nil {
		return nil
	}
	addresses := map[engine.ID]string{}
	for _, l := range story.Links {
		if address, err := s.URL(l.Link); err == nil {
			addresses[l.Link.ID] = address
		}
	}
	named := map[string]string{}
	for _, l := range d.Links {
		named[l.Name] = addresses[l.ID]
	}
	return named
}
