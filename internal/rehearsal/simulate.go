package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Simulation is what one event would lead to.
type Simulation struct {
	Event     string    `json:"event"` // in words
	Workflows []Verdict `json:"workflows"`
	Outcomes  []Outcome `json:"outcomes"` // what the runs would have sent, written, called and told by then
}

// Verdict is what the event is to one workflow.
type Verdict struct {
	Workflow  string  `json:"workflow"`
	Begins    bool    `json:"begins"`
	Reason    string  `json:"reason,omitempty"` // why it does not begin
	Condition string  `json:"condition,omitempty"`
	Parts     []Value `json:"parts,omitempty"` // of the condition
	After     bool    `json:"after"`           // it begins later, by what a workflow wrote or told
	State     string  `json:"state,omitempty"` // how far its run would come at once
	Why       string  `json:"why,omitempty"`   // it comes no further
	Steps     []Taken `json:"steps,omitempty"`
}

// Value is a part of a condition with its value.
type Value struct {
	Source string `json:"source"`
	Value  string `json:"value"`
}

// Taken is a line of a run's history.
type Taken struct {
	Step string `json:"step"`
	Text string `json:"text"`
}

// Outcome is one thing that would happen.
type Outcome struct {
	Kind  string         `json:"kind"`
	Title string         `json:"title"`
	Facts map[string]any `json:"facts"`
}

// Simulate plays one event on a stage of its own, at a time, with the records as they are before. Nothing is sent,
// written or called.
func Simulate(
	ctx context.Context, cast Cast, carriers map[string]engine.Carrier, event *engine.Event, records []*engine.Event,
	open Open,
) (result *Simulation, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := newPlay(cast.Book, carriers, &cast)
	s.services.silent = true
	if s.Stage, err = open(ctx, cast); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Rehearsal.Seed(ctx, records...); err != nil {
		return nil, err
	}
	if err := s.refused(ctx); err != nil {
		return nil, fmt.Errorf("the records: %w", err)
	}
	s.seen = len(s.Bus.All())
	weighed, err := s.Rehearsal.Weigh(ctx, event)
	if err != nil {
		return nil, err
	}
	if err := s.Bus.Publish(ctx, event); err != nil {
		return nil, fmt.Errorf("the event cannot be published: %w", err)
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	result = &Simulation{Event: inWords(event)}
	for _, w := range weighed {
		verdict, err := s.verdict(ctx, w)
		if err != nil {
			return nil, err
		}
		result.Workflows = append(result.Workflows, verdict)
	}
	happened, err := s.happened(ctx)
	for _, h := range happened {
		if h.kind != "run" {
			result.Outcomes = append(result.Outcomes, Outcome{Kind: h.kind, Title: h.title, Facts: h.facts})
		}
	}
	return result, err
}

// verdict joins how a workflow was weighed to what its run did.
func (s *play) verdict(ctx context.Context, w engine.Weighing) (Verdict, error) {
	v := Verdict{Workflow: w.Workflow.Name, Reason: w.Reason}
	if w.Weighed {
		v.Condition = w.Workflow.If.Source()
	}
	for _, p := range w.Parts {
		value := show(p.Value)
		if p.Err != nil {
			value = p.Err.Error()
		}
		v.Parts = append(v.Parts, Value{Source: p.Source, Value: value})
	}
	runs, err := s.Desk.RunLines(ctx, engine.RunSelection{Workflow: w.Workflow.Name, Limit: most})
	if err != nil || len(runs) == 0 {
		return v, err
	}
	story, err := s.Desk.RunStory(ctx, runs[len(runs)-1].ID) // the first: what it tells may begin it once more
	if err == nil && v.Reason != "" {
		v.After = story.Run.Reason != engine.NotMet
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.Begins, v.State, v.Why = true, string(story.Run.State), story.Run.Reason
	for _, d := range story.Run.History {
		if d.Step != "" {
			v.Steps = append(v.Steps, Taken{Step: d.Step, Text: d.Text})
		}
	}
	if story.Run.State == engine.RunWriting {
		v.State, v.Why = string(engine.RunWaiting), "for the answer of a web service, which is not called here"
	}
	if story.Run.State == engine.RunWaiting && len(story.Waits) > 0 {
		v.Why = "for what it waits for"
		if due := story.Waits[0].Due; !due.IsZero() {
			v.Why = "until " + due.Format(time.RFC3339)
		}
	}
	return v, nil
}

// inWords is what an event tells.
func inWords(event *engine.Event) string {
	text := fmt.Sprintf("%s of %s", event.Type, event.Subject)
	if event.Change != nil && len(event.Change.Changed) > 0 {
		text += ", changed " + strings.Join(event.Change.Changed, ", ")
	}
	if actor := event.Actor(); actor != "" {
		text += ", by " + actor
	}
	return text
}

// Lines are what matters of an outcome beside its title, for people.
func (o Outcome) Lines() (lines []string) {
	if o.Kind == "message" {
		if subject, _ := engine.PlainText(o.Facts["subject"]); subject != "" {
			lines = append(lines, subject, "")
		}
		text, _ := engine.PlainText(o.Facts["text"])
		return append(lines, strings.Split(strings.TrimSpace(text), "\n")...)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Facts)) {
		text, single := engine.PlainText(o.Facts[name])
		said := told[name] || name == "tries" || name == "method" || name == "url"
		if said || single && text == "" || o.Facts[name] == nil {
			continue
		}
		lines = append(lines, name+": "+show(o.Facts[name]))
	}
	return lines
}

// ParseRecords reads records as they stand under records: of a test file.
func ParseRecords(name string, text []byte, book *engine.Book, now time.Time) ([]*engine.Event, yamldoc.Diagnostics) {
	doc, diags := yamldoc.Parse(name, text)
	if doc == nil || diags.Err() != nil {
		return nil, diags
	}
	p := &parser{book: book, zone: time.UTC}
	var entries []yamldoc.Entry
	p.complain(yamldoc.Decode(doc.Root(), &entries)...)
	return p.records(entries, nil, now), p.diags
}
