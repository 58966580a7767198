package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
)

// beat is one entry of a story.
type beat struct {
	line int
	do   func(ctx context.Context, s *play) error
}

// beatFile is an entry of a story: one of these keys, and beside it who did it.
type beatFile struct {
	// Create makes records in the CRM: HelpDesk/17x1: { ticket_no: TT1 }.
	Create []yamldoc.Entry `yaml:"create" schema:"fields"`
	// Update changes fields of records.
	Update []yamldoc.Entry `yaml:"update" schema:"fields"`
	// Delete takes a record away: HelpDesk/17x1.
	Delete *yamldoc.Node `yaml:"delete" schema:"text"`
	// Restore brings a deleted record back.
	Restore *yamldoc.Node `yaml:"restore" schema:"text"`
	// Relate joins two records: [Contacts/12x1, HelpDesk/17x1].
	Relate []*yamldoc.Node `yaml:"relate" schema:"text"`
	// Unrelate parts two records.
	Unrelate []*yamldoc.Node `yaml:"unrelate" schema:"text"`
	// Event is an event that tells no change of a record.
	Event *eventFile `yaml:"event"`
	// Visit is somebody who follows a link of a message.
	Visit *visitFile `yaml:"visit"`
	// Press is somebody who presses a button of a message.
	Press *pressFile `yaml:"press"`
	// Wait is how long nothing else happens, or until when: 48h, or 2026-03-04T09:00.
	Wait *yamldoc.Node `yaml:"wait" schema:"text"`
	// Provider says what channels answer from now on: takes, refuses, fails or unknown.
	Provider []yamldoc.Entry `yaml:"provider" schema:"text"`
	// Answer says what web services answer to a step from now on, by its id: { status: 200, body: … }, a list of such,
	// fails or unknown.
	Answer []yamldoc.Entry `yaml:"answer" schema:"'fails'|'unknown'|replyFile|[]any"`
	// Start starts a workflow by hand.
	Start *startFile `yaml:"start"`
	// Expect is what should have come of the story so far, all of it since the last expect, or nothing.
	Expect *yamldoc.Node `yaml:"expect" schema:"'nothing'|[]expectFile"`
	// By is who did it, as the CRM names its users.
	By string `yaml:"by"`
}

type eventFile struct {
	// Type is the type of the event: ticket.escalated.
	Type *yamldoc.Node `yaml:"type,required" schema:"event"`
	// Subject is the record that it is about.
	Subject *yamldoc.Node `yaml:"subject,required" schema:"text"`
	// Data is what it says.
	Data *yamldoc.Node `yaml:"data"`
}

// beat reads an entry of a story. One that is wrong does nothing.
func (p *parser) beat(node *yamldoc.Node) beat {
	var f beatFile
	diags := yamldoc.Decode(node, &f)
	p.complain(diags...)
	kinds := 0
	for key := range node.Entries() {
		if key.Text() != "by" {
			kinds++
		}
	}
	if diags.Err() != nil {
		return beat{}
	}
	if kinds != 1 {
		p.complain(node.Errorf("an entry of a story has one key that says what happens, found %d", kinds).
			WithHint("begin each with - on a line of its own"))
		return beat{}
	}
	return beat{line: node.Line(), do: p.what(node, f)}
}

// what is what an entry does.
func (p *parser) what(node *yamldoc.Node, f beatFile) func(context.Context, *play) error {
	switch {
	case f.Create != nil:
		return p.changes(f.Create, node, f.By, engine.RecordCreated)
	case f.Update != nil:
		return p.changes(f.Update, node, f.By, engine.RecordUpdated)
	case f.Delete != nil:
		return p.gone(f.Delete, node, f.By, engine.RecordDeleted)
	case f.Restore != nil:
		return p.gone(f.Restore, node, f.By, engine.RecordRestored)
	case f.Relate != nil:
		return p.related(f.Relate, node, f.By, engine.RecordRelated)
	case f.Unrelate != nil:
		return p.related(f.Unrelate, node, f.By, engine.RecordUnrelated)
	case f.Event != nil:
		return p.event(*f.Event, node)
	case f.Visit != nil:
		return p.visit(*f.Visit, node)
	case f.Press != nil:
		return p.press(*f.Press, node)
	case f.Wait != nil:
		return p.wait(f.Wait)
	case f.Provider != nil:
		return p.provider(f.Provider)
	case f.Answer != nil:
		return p.answer(f.Answer)
	case f.Start != nil:
		return p.start(*f.Start, node, f.By)
	case f.Expect != nil:
		return p.expectation(f.Expect).do
	}
	p.complain(node.Errorf("the entry says nothing"))
	return nil
}

// changes reads records that come to be or change.
func (p *parser) changes(
	entries []yamldoc.Entry, node *yamldoc.Node, by, eventType string,
) func(context.Context, *play) error {
	type change struct {
		ref engine.Ref
		set engine.Fields
	}
	var changes []change
	for _, entry := range entries {
		if ref, set, ok := p.record(entry); ok {
			changes = append(changes, change{ref, set})
		}
	}
	return func(ctx context.Context, s *play) error {
		for _, c := range changes {
			tell := s.update
			if eventType == engine.RecordCreated {
				tell = s.create
			}
			if err := tell(ctx, c.ref, c.set, by, node.Line()); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *play) create(ctx context.Context, ref engine.Ref, set engine.Fields, by string, line int) error {
	if _, there, err := s.record(ctx, ref); err != nil || there {
		return errors.Join(err, fmt.Errorf("%s is there already: say update", ref))
	}
	change := &engine.Change{Record: maps.Clone(set), Actor: by}
	return s.publish(ctx, &engine.Event{Type: engine.RecordCreated, Subject: ref.String(), Change: change}, line)
}

func (s *play) update(ctx context.Context, ref engine.Ref, set engine.Fields, by string, line int) error {
	record, there, err := s.record(ctx, ref)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("%s is not there: say create, or put it under records", ref)
	}
	change := &engine.Change{Record: maps.Clone(record.Fields), Old: engine.Fields{}, Actor: by}
	for name, value := range set {
		if !engine.Same(record.Fields[name], value) {
			change.Record[name], change.Old[name] = value, record.Fields[name]
		}
	}
	if len(change.Old) == 0 {
		return fmt.Errorf("the update of %s changes nothing: it has these values already", ref)
	}
	change.Changed = slices.Sorted(maps.Keys(change.Old))
	return s.publish(ctx, &engine.Event{Type: engine.RecordUpdated, Subject: ref.String(), Change: change}, line)
}

// gone reads a record that is deleted or comes back.
func (p *parser) gone(ref, node *yamldoc.Node, by, eventType string) func(context.Context, *play) error {
	at, ok := p.ref(ref)
	if !ok {
		return nil
	}
	return func(ctx context.Context, s *play) error {
		records, err := s.CRM.Get(ctx, at)
		if err != nil {
			return err
		}
		if eventType == engine.RecordDeleted && len(records) == 0 {
			return fmt.Errorf("%s is not there", at)
		}
		change := &engine.Change{Record: engine.Fields{}, Actor: by}
		if len(records) > 0 {
			change.Record = records[0].Fields
			s.deleted[at] = records[0].Fields
		} else if was := s.deleted[at]; was != nil {
			change.Record = was
		}
		return s.publish(ctx, &engine.Event{Type: eventType, Subject: at.String(), Change: change}, node.Line())
	}
}

// related reads two records that are joined or parted.
func (p *parser) related(
	ends []*yamldoc.Node, node *yamldoc.Node, by, eventType string,
) func(context.Context, *play) error {
	if len(ends) != 2 {
		p.complain(node.Errorf("two records are joined, found %d", len(ends)).
			WithHint("write it like [Contacts/12x1, HelpDesk/17x1]"))
		return nil
	}
	one, ok := p.ref(ends[0])
	other, both := p.ref(ends[1])
	if !ok || !both {
		return nil
	}
	return func(ctx context.Context, s *play) error {
		record, there, err := s.record(ctx, one)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("%s is not there", one)
		}
		change := &engine.Change{Record: record.Fields, Related: other.String(), Actor: by}
		return s.publish(ctx, &engine.Event{Type: eventType, Subject: one.String(), Change: change}, node.Line())
	}
}

// event reads an event that tells no change of a record.
func (p *parser) event(f eventFile, node *yamldoc.Node) func(context.Context, *play) error {
	if strings.HasPrefix(f.Type.Text(), "record.") {
		p.complain(f.Type.Errorf("%s tells a change of a record", f.Type.Text()).
			WithHint("say create, update, delete, restore, relate or unrelate"))
		return nil
	}
	ref, ok := p.ref(f.Subject)
	if !ok {
		return nil
	}
	data := []byte("{}")
	if f.Data != nil {
		text, err := json.Marshal(plain(f.Data.Plain()))
		if err != nil {
			p.complain(f.Data.Errorf("the data cannot be written: %v", err))
		}
		data = text
	}
	return func(ctx context.Context, s *play) error {
		return s.publish(ctx, &engine.Event{Type: f.Type.Text(), Subject: ref.String(), Data: data}, node.Line())
	}
}

type startFile struct {
	// Workflow is the one to start; that of the file if not said.
	Workflow *yamldoc.Node `yaml:"workflow" schema:"workflow"`
	// Record is what it is started for.
	Record *yamldoc.Node `yaml:"record" schema:"text"`
	// Inputs are what is handed over.
	Inputs []yamldoc.Entry `yaml:"inputs"`
}

// start reads who is started by hand: the workflow of the file, unless another is named.
func (p *parser) start(f startFile, node *yamldoc.Node, by string) func(context.Context, *play) error {
	order := engine.StartOrder{Workflow: ofFile(p.book, node.File()), Inputs: engine.Fields{}, By: by}
	if f.Workflow != nil {
		order.Workflow = f.Workflow.Text()
	}
	ref := engine.Ref{Module: engine.ScheduleModule, ID: order.Workflow}
	if f.Record != nil {
		ok := false
		if ref, ok = p.ref(f.Record); !ok {
			return nil
		}
	}
	for _, input := range f.Inputs {
		order.Inputs[input.Key.Text()] = plain(input.Value.Plain())
	}
	if _, _, err := p.book.Startable(order, ref); err != nil {
		p.complain(node.Errorf("%v", err))
		return nil
	}
	data := []byte(asJSON(order))
	return func(ctx context.Context, s *play) error {
		return s.publish(ctx, &engine.Event{Type: engine.WorkflowStart, Subject: ref.String(), Data: data}, node.Line())
	}
}

// wait reads how long nothing else happens, or until when.
func (p *parser) wait(node *yamldoc.Node) func(context.Context, *play) error {
	if d, err := yamldoc.ParseDuration(node.Text()); err == nil {
		return func(ctx context.Context, s *play) error { return s.advance(ctx, d) }
	}
	until, ok := parseMoment(node.Text(), p.zone)
	if !ok {
		p.complain(node.Errorf("%q is neither a duration nor a time", node.Text()).
			WithHint("write it like 48h, or 2026-03-04T09:00"))
		return nil
	}
	return func(ctx context.Context, s *play) error {
		d := until.Sub(s.Clock.Now())
		if d <= 0 {
			now := s.Clock.Now().In(until.Location())
			return fmt.Errorf("%s is over: it is %s", node.Text(), now.Format(time.RFC3339))
		}
		return s.advance(ctx, d)
	}
}

// provider reads what channels answer from now on.
func (p *parser) provider(entries []yamldoc.Entry) func(context.Context, *play) error {
	for _, entry := range entries {
		if !slices.Contains(answers(), entry.Value.Text()) {
			p.complain(entry.Value.Unknown("answer", answers()))
		}
	}
	return func(_ context.Context, s *play) error {
		for _, entry := range entries {
			c := s.channels[entry.Key.Text()]
			if c == nil {
				return fmt.Errorf("there is no channel %s", entry.Key.Text())
			}
			c.answer = entry.Value.Text()
		}
		return nil
	}
}
