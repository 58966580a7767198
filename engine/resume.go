package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Finisher is a Task that wants to know of the records it made. Done is called for each, in the order
// asked, before the next step; an error of it ends the run.
type Finisher interface {
	Done(ctx context.Context, step *StepContext, result Record) error
}

// Waiter is a Task that waits.
type Waiter interface {
	// Woken tells whether it has waited enough. Nothing may be asked here.
	Woken(ctx context.Context, step *StepContext) (over bool, err error)
}

// resume brings a run that was parked to where its next step can be taken, or to its end. What was read
// of the record before it rested is read again.
func (e *Engine) resume(ctx context.Context, j job, s *stretch, env *Env) error {
	switch s.run.State {
	case RunPending:
		return e.decidePending(ctx, j.workflow, s, env)
	case RunWriting:
		return e.collect(ctx, j, s, env)
	case RunWaiting:
		return e.look(ctx, j, s, env)
	case RunRetrying:
		s.run.State, s.run.Progress.From = either(s.run.Progress.From, RunReady), ""
		s.run.Reason = ""
		if s.run.State != RunReady {
			return e.resume(ctx, j, s, env)
		}
		return e.reread(ctx, s, env)
	}
	return nil
}

// decidePending evaluates a condition that had to wait for the CRM.
func (e *Engine) decidePending(ctx context.Context, workflow *Workflow, s *stretch, env *Env) error {
	if workflow.If != nil {
		if err := e.follow(ctx, env, workflow.If.Routes()); err != nil {
			return err
		}
		if err := e.ask(ctx, env, QueriesOf(workflow.If)); err != nil {
			return err
		}
	}
	holds, err := True(workflow.If, env)
	if err == nil && workflow.If != nil {
		s.saw("", sightOf(holds, SightBegun, SightLeft))
	}
	switch {
	case err != nil:
		s.end(RunFailed, err.Error(), env.Now)
	case !holds:
		s.end(RunStopped, NotMet, env.Now)
	case workflow.remembers() && !s.run.Progress.Dry:
		if err := e.recollect(ctx, workflow, s, env); err != nil || s.run.State.Over() {
			return err
		}
		s.run.State = RunReady
	default:
		s.run.State = RunReady
	}
	return nil
}

// reread gives the steps that follow the record as it is now. One that is gone stays as it was last
// seen: a workflow may be about its deletion.
func (e *Engine) reread(ctx context.Context, s *stretch, env *Env) error {
	record, err := e.readOne(ctx, s.run.Record)
	if errors.Is(err, ErrNoRecord) {
		return nil
	}
	if err != nil {
		return err
	}
	s.run.Progress.Written = nil
	env.Record, env.Routes, env.answers, env.views = record.Fields, nil, nil, nil
	return nil
}

// collect takes up a run whose effects are over. One that met a change of somebody else takes its step
// again with what they wrote, unless a try of ours may have been in between: then nobody can tell who
// wrote what, and the step fails.
func (e *Engine) collect(ctx context.Context, j job, s *stretch, env *Env) error {
	step := j.workflow.Tasks[s.run.Progress.Next]
	effects, err := e.Store.Effects(ctx, s.run.ID)
	if err != nil {
		return err
	}
	effects = slices.DeleteFunc(effects, func(f *Effect) bool { return !s.run.asked(step, f) })
	switch under := slices.ContainsFunc(effects, func(f *Effect) bool { return !f.State.Over() }); {
	case under && j.run.State == RunWriting:
		s.asleep, s.rested = true, false // the end of the last one wakes it
		return nil
	case under:
		s.again = true // it parks once more, and one may end before that is stored
		return nil
	}
	if s.run.Progress.Loop != nil {
		return e.collectItems(ctx, j, s, env, effects)
	}
	results, again, failed := judged(effects, s.run.Progress.Round)
	switch {
	case failed != nil:
		s.renewKeys(effects)
		return e.failWriting(ctx, j, s, env, failed)
	case again != "":
		return e.again(ctx, step, s, env, again)
	}
	calls := slices.DeleteFunc(effects, func(f *Effect) bool { return f.Call == nil })
	if len(calls) > 0 {
		if err := e.see(ctx, step, s, env); err != nil {
			return err
		}
	}
	sc := e.stepContext(step, s, env)
	if err := e.takeAnswers(ctx, sc, calls); err != nil {
		if len(calls) == 1 {
			s.run.Progress.Keys++ // its answer was as good as a refusal
		}
		return e.failWriting(ctx, j, s, env, err)
	}
	s.run.State = RunReady
	for _, record := range results {
		if err := done(ctx, sc, record); err != nil {
			return e.failWriting(ctx, j, s, env, err)
		}
	}
	s.next(j.workflow)
	return nil
}

// asked tells whether the step asked for an effect as it stands now, for an item that is open if it has items.
func (r *Run) asked(step *Step, f *Effect) bool {
	if r.Progress.Loop == nil {
		return f.Step == step.Path && f.Round == r.Progress.Round
	}
	for index, round := range r.Progress.Loop.Open {
		if f.Step == step.ofItem(index).Path && f.Round == round {
			return true
		}
	}
	return false
}

// judged is what the effects of a step came to: the records made, why it is taken again, or why it failed.
func judged(effects []*Effect, round int) (results []Record, again string, failed error) {
	for _, f := range effects {
		switch {
		case f.State == EffectDone && f.Result == nil:
		case f.State == EffectDone:
			results = append(results, *f.Result)
		case f.State == EffectConflict && (!f.Doubtful || f.Create != nil) && round < contests:
			again = "somebody else wrote to the record first"
		case f.State == EffectRejected && WasCancelled(f.Reason):
			again = "what it asked for was cancelled"
		case failed == nil:
			failed = fmt.Errorf("%s: %s", f.State, f.Reason)
		}
	}
	return results, again, failed
}

// failWriting fails a step that asked for effects. If the run goes on, it sees the record as it is now, and not
// what was to be written.
func (e *Engine) failWriting(ctx context.Context, j job, s *stretch, env *Env, cause error) error {
	if j.standing().OnError != ErrorFails {
		if err := e.reread(ctx, s, env); err != nil {
			return err
		}
	}
	s.fail(j.workflow, cause, env.Now)
	return nil
}

// again takes a step once more, with the record as it is now.
func (e *Engine) again(ctx context.Context, step *Step, s *stretch, env *Env, why string) error {
	if err := e.reread(ctx, s, env); err != nil {
		return err
	}
	s.run.decide(env.Now, step.Path, "%s: the step is taken again", why)
	s.run.State = RunReady
	s.run.Progress.Round++
	return nil
}

// done tells a task that wants to know what became of its effect.
func done(ctx context.Context, step *StepContext, result Record) error {
	if finisher, ok := step.Step.Task.(Finisher); ok {
		return finisher.Done(ctx, step, result)
	}
	return nil
}

// look finds out whether a wait is over: its time has come, or its condition holds by now.
func (e *Engine) look(ctx context.Context, j job, s *stretch, env *Env) error {
	step, rest := j.workflow.Tasks[s.run.Progress.Next], s.run.Progress.Rest
	// First what became of the messages, then the record: who acted by a link changed both at once, and a
	// workflow that hears of the act finds the record as it left it.
	outputs, err := e.outputs(ctx, s)
	if err != nil {
		return err
	}
	if err := e.reread(ctx, s, env); err != nil {
		return err
	}
	env.Outputs = outputs
	met, err := e.met(ctx, step, s, env, rest)
	topics := rest.topics(s.run, env)
	timeUp := !rest.Until.IsZero() && !env.Now.Before(rest.Until)
	switch {
	case IsPermanent(err):
		s.fail(j.workflow, err, env.Now)
	case err != nil:
		return err
	case met || timeUp:
		s.saw(step.Path, sightOf(met, SightMet, SightTimeUp))
		s.wakeUp(j.workflow, step, env, met)
	case j.woken != nil && j.woken.Timer || !slices.Equal(topics, rest.Topics):
		// It was put off, or a route leads to another record now, and is not over: its topics are set up anew.
		onward := *rest
		onward.Topics = topics
		p := &s.run.Progress
		p.Rest, p.Tries, p.Since, s.run.Reason = &onward, 0, time.Time{}, ""
		s.await(rest.Until, topics)
	default:
		s.asleep, s.rested = true, false
		if j.woken != nil {
			s.seen = j.woken.Touched
		}
	}
	return nil
}

// met evaluates the condition of a wait. One without a condition waits for its time alone.
func (e *Engine) met(ctx context.Context, step *Step, s *stretch, env *Env, rest *Rest) (over bool, err error) {
	waiter, ok := step.Task.(Waiter)
	if !ok {
		return true, nil
	}
	if err := e.follow(ctx, env, step.Routes); err != nil {
		return false, err
	}
	env.Baseline, env.views = rest.Baseline, nil
	defer func() { env.Baseline, env.views = nil, nil }()
	defer e.onPanic("task broke down", func(broken error) { err = Permanent(broken) })
	ctx, cancel := context.WithTimeout(ctx, either(step.Timeout, stepTimeout))
	defer cancel()
	return waiter.Woken(ctx, e.stepContext(step, s, env))
}

// wakeUp ends a wait; the step's output tells why.
func (s *stretch) wakeUp(w *Workflow, step *Step, env *Env, met bool) {
	why := "its time is over"
	if met {
		why = "what it waited for has happened"
	}
	waited := env.Now.Sub(s.run.Progress.Rest.Began).Round(time.Second)
	s.run.decide(env.Now, step.Path, "went on after %s: %s", waited, why)
	s.run.State, s.run.Reason, s.run.Progress.Rest = RunReady, "", nil
	s.run.output(step, Fields{"timed_out": !met})
	s.next(w)
}

func (r *Run) output(step *Step, values Fields) {
	if step.ID == "" {
		return
	}
	if r.Progress.Outputs == nil {
		r.Progress.Outputs = map[string]Fields{}
	}
	r.Progress.Outputs[step.ID] = values
}

// outputs are what expressions see under steps: what each step gave and, of a message, what has become
// of it by now.
func (e *Engine) outputs(ctx context.Context, s *stretch) (map[string]Fields, error) {
	p := s.run.Progress
	if len(p.Sent) == 0 {
		return p.Outputs, nil
	}
	var ids []ID
	for _, sent := range p.Sent {
		ids = append(ids, sent...)
	}
	found, err := e.Store.Outcomes(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read what became of messages: %w", err)
	}
	byID := make(map[ID]Outcome, len(found))
	for _, o := range found {
		byID[o.Delivery] = o
	}
	outputs := maps.Clone(p.Outputs)
	for step, sent := range p.Sent {
		values := maps.Clone(outputs[step])
		if values == nil {
			values = Fields{}
		}
		values["acted"], values["state"] = false, string(DeliveryPlanned)
		for _, id := range sent {
			if o, ok := byID[id]; ok {
				values["state"], values["channel"] = string(o.State), o.Channel
				values["acted"] = values["acted"] == true || o.Acted
			}
		}
		outputs[step] = values
	}
	return outputs, nil
}
