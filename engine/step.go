package engine

import (
	"context"
	"fmt"
	"io"
	"maps"
	"time"
)

// StepContext is what a task sees and asks. It is valid during Run only.
type StepContext struct {
	Env     *Env
	Ref     Ref // the record the run is about
	Step    *Step
	Modules map[string]*Module

	random io.Reader
	minter LinkMinter
	class  Class // of the workflow
	run    *Run
	asks   *asks
	local  bool // the records are our own: writes commit with the run
	list   func(ctx context.Context, listing Listing) (Page, error)
	read   func(ctx context.Context, ref Ref) (Record, error)
	items  int
	asked  int   // effects
	round  int   // which time the step is taken, for the item if it has one
	loop   *Loop // nil: it is taken once
	item   int   // index of the item
}

// Now is the step's start: the same at every look.
func (s *StepContext) Now() time.Time { return s.Env.Now }

// Random is the source of randomness; what it gave is part of the asks and so stored.
func (s *StepContext) Random() io.Reader { return s.random }

// Get reads a record of the CRM as it is now, with the run's own writes on top.
func (s *StepContext) Get(ctx context.Context, ref Ref) (Record, error) {
	record, err := s.read(ctx, ref)
	if err != nil {
		return Record{}, err
	}
	if ref == s.Ref && len(s.run.Progress.Written) > 0 {
		record.Fields = maps.Clone(record.Fields)
		maps.Copy(record.Fields, s.run.Progress.Written)
	}
	return record, nil
}

// Wait asks that the run rests until a time, or for ever if it is zero, or sooner once Woken of the task
// says that it has waited enough: that is asked whenever something happens on which the condition
// depends. A nil condition waits for the time alone.
func (s *StepContext) Wait(until time.Time, condition Program) {
	rest := &Rest{Began: s.Now(), Until: until}
	if condition != nil {
		rest.Topics = s.topics(condition)
		if uses, ok := condition.(Sensitive); ok {
			rest.Baseline = pick(s.Env.Record, uses.Uses().Changes)
		}
		rest.Routes = condition.Routes()
	}
	s.run.Progress.Rest = rest
	s.asks.wait = &Wait{Due: until, Topics: rest.Topics}
}

// topics are what the value of a program depends on.
func (s *StepContext) topics(p Program) []string {
	sensitive, ok := p.(Sensitive)
	if !ok {
		return nil
	}
	var topics []string
	if uses := sensitive.Uses(); uses.Record {
		topics = append(append(topics, RecordTopic(s.Ref)), routeTopics(s.Env, p.Routes())...)
	}
	if len(sensitive.Uses().Steps) > 0 {
		topics = append(topics, RunTopic(s.run.ID))
	}
	return uniqueTopics(topics)
}

// pick is some of the fields.
func pick(fields Fields, names []string) Fields {
	some := make(Fields, len(names))
	for _, name := range names {
		some[name] = fields[name]
	}
	return some
}

// Adopt lets the steps that follow see values that the record has by now, without a write.
func (s *StepContext) Adopt(values Fields) {
	if s.run.Progress.Written == nil {
		s.run.Progress.Written = Fields{}
	}
	maps.Copy(s.run.Progress.Written, values)
	s.Env.Write(values)
}

// SetVars keeps values for the steps that follow, over those with the same names. They are plain data:
// what expressions give. All vars of the run have at most MaxVars bytes; beyond that it fails for good.
func (s *StepContext) SetVars(values Values) error {
	all := maps.Clone(s.run.Progress.Vars)
	if all == nil {
		all = Values{}
	}
	maps.Copy(all, values)
	all, size, err := kept(all)
	if err != nil {
		return Permanent(fmt.Errorf("vars: %w", err))
	}
	if size > MaxVars {
		return Permanent(fmt.Errorf("the vars of a run have %d kB at most, with %s they have %d kB",
			MaxVars>>10, nameList(Fields(values)), (size+1<<10-1)>>10))
	}
	s.run.Progress.Vars, s.Env.Vars, s.Env.views = all, all, nil
	s.Note("keeps %s", nameList(Fields(values)))
	return nil
}

// Stop asks that the run ends after this step, as failed or as stopped on purpose.
func (s *StepContext) Stop(reason string, failed bool) { s.asks.stop = &halt{reason, failed} }

// Output gives values to the steps that follow, under the step's id.
func (s *StepContext) Output(values Fields) {
	if s.loop != nil {
		s.loop.output(s.Step, s.item, values)
		return
	}
	s.run.output(s.Step, values)
}

// Note adds a line to the run's history.
func (s *StepContext) Note(format string, args ...any) {
	if s.loop != nil && !s.loop.noted() {
		return
	}
	s.run.decide(s.Now(), s.Step.Path, format, args...)
}
