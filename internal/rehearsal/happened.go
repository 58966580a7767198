package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/engine"
)

// happening is something that came of the story.
type happening struct {
	kind  string
	title string         // "message to zoe@acme.example by email"
	facts map[string]any // what can be expected of it, by the words of the expectation
	run   engine.ID      // that did it; zero if that is not known
	quiet bool           // it need not be expected
}

// happened is what came of the story since the last expectation, in order.
func (s *play) happened(ctx context.Context) ([]*happening, error) {
	changes, err := s.changes()
	if err != nil {
		return nil, err
	}
	messages, err := s.messages(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := s.runs(ctx)
	return slices.Concat(messages, s.services.happened(), changes, runs), err
}

// messages are the deliveries that are new, or have come to another state.
func (s *play) messages(ctx context.Context) ([]*happening, error) {
	deliveries, err := s.deliveries(ctx)
	if err != nil {
		return nil, err
	}
	var messages []*happening
	for _, d := range deliveries {
		if s.states[d.ID] == string(d.State) {
			continue
		}
		s.states[d.ID] = string(d.State)
		messages = append(messages, s.messageOf(ctx, d))
	}
	return messages, nil
}

func (s *play) messageOf(ctx context.Context, d *engine.Delivery) *happening {
	// What the door sends to whom it asks for a proof, no workflow has a say in.
	h := &happening{kind: "message", run: d.Run, quiet: d.Template == "", facts: map[string]any{
		"by": d.Channel, "to": d.Masked, "state": string(d.State), "about": d.Record.String(),
	}}
	if d.State != engine.DeliveryAccepted {
		h.facts["reason"] = d.Reason
	}
	if m, sent := s.message(d); sent {
		links := s.links(ctx, d)
		h.facts["to"], h.facts["language"] = m.Recipient.Address, m.Content.Language
		h.facts["subject"] = m.Content.Subject
		h.facts["text"] = named(m.Content.Text, links)
		h.facts["html"] = named(m.Content.HTML, links)
		h.facts["links"] = linkNames(d)
	}
	h.title = fmt.Sprintf("message to %s by %s", h.facts["to"], d.Channel)
	return h
}

// linkNames are the names of a delivery's links. The first has the name link besides.
func linkNames(d *engine.Delivery) []any {
	names := []any{}
	for _, l := range d.Links {
		if !slices.Contains(names, any(l.Name)) {
			names = append(names, l.Name)
		}
	}
	if len(names) > 1 {
		names = slices.DeleteFunc(names, func(name any) bool { return name == "link" })
	}
	return names
}

// named writes the names of links in place of their addresses: ‹link›.
func named(text string, links map[string]string) string {
	names := make([]string, 0, len(links))
	for name := range links {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { // one of two names of the same link: its own
		if a == "link" || b == "link" {
			return strings.Compare(b, a)
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if links[name] != "" {
			text = strings.ReplaceAll(text, links[name], "‹"+name+"›")
		}
	}
	return text
}

// deliveries are all there are, the oldest first.
func (s *play) deliveries(ctx context.Context) ([]*engine.Delivery, error) {
	runs, err := s.Desk.RunLines(ctx, engine.RunSelection{Limit: most})
	if err != nil {
		return nil, err
	}
	var all []*engine.Delivery
	for _, line := range slices.Backward(runs) {
		story, err := s.Desk.RunStory(ctx, line.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, story.Deliveries...)
	}
	slices.SortStableFunc(all, func(a, b *engine.Delivery) int { return a.Created.Compare(b.Created) })
	return all, nil
}

// most is how many runs of a case are looked at.
const most = 1000

// message is the last try of a delivery.
func (s *play) message(d *engine.Delivery) (engine.Message, bool) {
	if c := s.channels[d.Channel]; c != nil {
		m, sent := c.sent[d.ID]
		return m, sent
	}
	return engine.Message{}, false
}

// runs are those that are new, or have come to another state.
func (s *play) runs(ctx context.Context) ([]*happening, error) {
	lines, err := s.Desk.RunLines(ctx, engine.RunSelection{Limit: most})
	if err != nil {
		return nil, err
	}
	var runs []*happening
	for _, line := range slices.Backward(lines) {
		if s.states[line.ID] == string(line.State) {
			continue
		}
		s.states[line.ID] = string(line.State)
		h := &happening{
			kind: "run", run: line.ID, quiet: line.State != engine.RunFailed && line.State != engine.RunHeld,
			title: fmt.Sprintf("run of %s about %s", line.Workflow, line.Record),
			facts: map[string]any{
				"workflow": line.Workflow, "about": line.Record.String(), "state": string(line.State),
				"reason": line.Reason,
			},
		}
		story, err := s.Desk.RunStory(ctx, line.ID)
		if err != nil {
			return nil, err
		}
		var said []string
		for _, d := range story.Run.History {
			said = append(said, d.Text)
		}
		h.facts["text"] = strings.Join(said, "\n")
		runs = append(runs, h)
	}
	return runs, nil
}

// changes are what workflows wrote to records and told by events.
func (s *play) changes() ([]*happening, error) {
	var made []*happening
	byRecord := map[string]*happening{}
	entries := s.Bus.All()
	for _, entry := range entries[s.seen:] {
		event, err := read(entry)
		if err != nil {
			return nil, err
		}
		h := changed(event)
		if h == nil {
			continue
		}
		// Several updates of a record are one: what it came to.
		if before := byRecord[h.title]; before != nil && h.kind == "update" {
			maps.Copy(before.facts, h.facts)
			continue
		}
		if strings.HasSuffix(h.kind, "relate") && byRecord[h.title] != nil {
			continue // it is told for each of its ends
		}
		byRecord[h.title] = h
		made = append(made, h)
	}
	s.seen = len(entries)
	return made, nil
}

func read(entry engine.Entry) (*engine.Event, error) {
	at, err := engine.ParseAddress(entry.Subject)
	if err != nil {
		return nil, err
	}
	return engine.DecodeEvent(at, entry.Header, entry.Data)
}

// changed is what an event of ours tells; nil for what the story told, what a visitor did, and what tells of messages
// and runs, which are seen themselves.
func changed(event *engine.Event) *happening {
	if event.Source != engine.Source {
		return nil
	}
	if event.Type == engine.WorkflowStart {
		order, _ := dataOf(event).(map[string]any)
		return &happening{
			kind: "start", title: fmt.Sprintf("start of %v", order["workflow"]),
			facts: map[string]any{"workflow": order["workflow"], "about": event.Subject, "inputs": order["inputs"]},
		}
	}
	if !event.IsRecord() {
		noun, _, _ := strings.Cut(event.Type, ".")
		return &happening{
			kind: "event", title: fmt.Sprintf("event %s of %s", event.Type, event.Subject), quiet: engine.OwnNoun(noun),
			facts: map[string]any{"type": event.Type, "about": event.Subject, "data": dataOf(event)},
		}
	}
	if !strings.HasPrefix(event.Change.Actor, "workflow:") {
		return nil
	}
	ref, change := event.Ref(), event.Change
	switch event.Type {
	case engine.RecordCreated:
		return &happening{kind: "create", title: "a new record of " + ref.Module, facts: change.Record}
	case engine.RecordUpdated:
		facts := map[string]any{}
		for _, name := range change.Changed {
			facts[name] = change.Record[name]
		}
		return &happening{kind: "update", title: "update of " + ref.String(), facts: facts}
	case engine.RecordDeleted:
		return &happening{kind: "delete", title: "delete of " + ref.String(), facts: map[string]any{}}
	case engine.RecordRelated, engine.RecordUnrelated:
		kind := map[string]string{engine.RecordRelated: "relate", engine.RecordUnrelated: "unrelate"}[event.Type]
		return &happening{
			kind: kind, title: joined(kind, ref.String(), change.Related), facts: map[string]any{},
		}
	}
	return nil
}

// joined is the title of a relation, whichever end tells it.
func joined(kind, one, other string) string {
	return fmt.Sprintf("%s of %s and %s", kind, min(one, other), max(one, other))
}

func dataOf(event *engine.Event) any {
	var data any
	decoder := json.NewDecoder(bytes.NewReader(event.Data))
	decoder.UseNumber()
	if err := decoder.Decode(&data); err != nil {
		return errors.New("no JSON").Error()
	}
	return data
}
