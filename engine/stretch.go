package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"
)

// stretch is what the steps up to the next commit lead to.
type stretch struct {
	run    *Run // a copy: the original stays as stored until the commit
	asks   asks
	rested bool    // the run had a wait, which ends with the commit
	wait   *Wait   // what it rests for after the commit
	single bool    // it holds one step, or one item of one
	taken  int     // steps that were taken, each item counted
	items  int     // items that were taken
	began  bool    // a list of items was made
	again  bool    // the wait depends on topics, and is looked at once more after the commit
	asleep bool    // nothing is to be committed: it goes on resting
	seen   []Touch // asleep: what woke it in vain

	memories []Memory // what the workflow remembers from the commit on
	watch    Watcher  // nil for nobody
	class    Class    // of the workflow
}

// stretch takes the steps. Its error means that they are to be taken again; a step that fails for good
// ends the run, which is no error, and so does one that fails for a passing reason and rests the run.
func (e *Engine) stretch(ctx context.Context, j job) (*stretch, error) {
	run := *j.run
	run.Progress.Written = maps.Clone(run.Progress.Written)
	run.Progress.Outputs = maps.Clone(run.Progress.Outputs)
	run.Progress.Sent = maps.Clone(run.Progress.Sent)
	run.Progress.Loop = run.Progress.Loop.clone()
	s := &stretch{
		run: &run, rested: run.State.Parked(), single: j.single, asks: asks{letters: map[ID]*letter{}}, watch: e.Watch,
		class: j.workflow.Class,
	}
	env := *j.env
	env.views, env.Now, env.Work, env.Vars = nil, e.Clock.Now(), NewWork(StretchWork), run.Progress.Vars
	env.asks = &s.asks
	env.Random, env.Secret = e.Random, e.Secrets
	if len(run.Progress.Written) > 0 {
		env.Write(run.Progress.Written)
	}
	if err := e.resume(ctx, j, s, &env); err != nil {
		return nil, err
	}
	for run.State == RunReady && !s.asleep {
		if run.Progress.Next >= len(j.workflow.Tasks) {
			run.State = RunDone
			return s, nil
		}
		if j.single && (s.taken > 0 || j.undecided()) {
			return s, nil
		}
		step := j.workflow.Tasks[run.Progress.Next]
		more, err := e.takeStep(ctx, step, s, &env)
		switch {
		case IsPermanent(err):
			s.fail(j.workflow, err, env.Now)
		case err != nil && e.abandoned():
			return nil, err
		case err != nil:
			if !s.retry(env.Now, step.Retry, stepError(step, err), e.Random) {
				s.fail(j.workflow, s.givenUp(err), env.Now)
			}
		case more:
			return s, nil
		case run.State == RunReady:
			s.next(j.workflow)
		}
	}
	return s, nil
}

// await lets the run rest until a time or until one of some topics is touched. What happened to them while the
// steps were taken is seen by looking once more after the commit, by this process or the next.
func (s *stretch) await(due time.Time, topics []string) {
	s.again = len(topics) > 0
	s.wait = &Wait{Due: due, Topics: topics, Unsure: s.again}
}

func stepError(step *Step, err error) error {
	return fmt.Errorf("step %s (%s): %w", step.Path, step.Kind, err)
}

// end ends the run. An operator may let it go on, from where Progress.From says.
func (s *stretch) end(state RunState, reason string, now time.Time) {
	reason = brief(errors.New(reason))
	s.run.leave(state == RunHeld)
	s.run.State, s.run.Reason = state, reason
	s.run.decide(now, "", "%s: %s", state, reason)
}

// retry lets the run rest before the step that failed is taken again, unless its tries are used up. A run in
// a wait step goes on waiting.
func (s *stretch) retry(now time.Time, policy Retry, cause error, random io.Reader) bool {
	p := &s.run.Progress
	if p.Tries++; p.Since.IsZero() {
		p.Since = now
	}
	pause := jitter(max(policy.Pause(p.Tries), RetryDelay(cause)), random)
	if p.Tries >= policy.Attempts || now.Add(pause).After(p.Since.Add(policy.For)) {
		return false
	}
	if p.Rest == nil {
		if s.run.State == RunPending || s.run.State == RunWriting {
			p.From = s.run.State
		}
		s.run.State = RunRetrying
	}
	s.run.Reason = cause.Error()
	s.wait = &Wait{Due: now.Add(pause)}
	s.run.decide(now, "", "try %d failed, next in %s: %v", p.Tries, pause.Round(time.Second), cause)
	return true
}

// givenUp is the failure of a step whose tries are used up.
func (s *stretch) givenUp(cause error) error {
	return fmt.Errorf("given up after %d tries: %w", s.run.Progress.Tries, cause)
}

// see brings what a step sees up to date.
func (e *Engine) see(ctx context.Context, step *Step, s *stretch, env *Env) (err error) {
	env.views, env.Now = nil, e.Clock.Now()
	if env.Outputs, err = e.outputs(ctx, s); err != nil {
		return err
	}
	if step.ForEach != nil { // what it asks may depend on the item
		return e.follow(ctx, env, step.Routes)
	}
	return e.readFor(ctx, env, step)
}

// takeStep runs one step, or as many items of it as one commit may hold. more: others follow after the commit.
func (e *Engine) takeStep(ctx context.Context, step *Step, s *stretch, env *Env) (more bool, err error) {
	if err := e.see(ctx, step, s, env); err != nil {
		return false, err
	}
	if step.ForEach != nil {
		return e.takeItems(ctx, step, s, env)
	}
	s.taken++
	effects := len(s.asks.effects)
	if _, err := e.runStep(ctx, e.stepContext(step, s, env), s); err != nil {
		return false, err
	}
	if len(s.asks.effects) > effects && s.run.State == RunReady && !s.run.Progress.Dry {
		s.run.State = RunWriting
	}
	return false, nil
}

// runStep runs a task once, unless its condition does not hold. What it asked is dropped again if it fails.
func (e *Engine) runStep(ctx context.Context, sc *StepContext, s *stretch) (taken bool, err error) {
	step, env := sc.Step, sc.Env
	holds, err := True(step.If, env)
	if err != nil {
		return false, Permanent(err)
	}
	if !holds {
		s.saw(stepOf(step.Path), SightSkipped)
		sc.Note("skipped: %s does not hold", step.If.Source())
		return false, nil
	}
	s.saw(stepOf(step.Path), SightTaken)
	before, written, vars := s.asks, maps.Clone(s.run.Progress.Written), env.Vars
	defer func() {
		if err != nil {
			s.asks, s.run.Progress.Written, s.run.Progress.Vars, env.Vars = before, written, vars, vars
		}
	}()
	defer e.onPanic("task broke down", func(broken error) { err = Permanent(broken) })
	timeout := either(step.Timeout, stepTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	running := &e.laneOf(s.run.Partition).task
	running.expect(env.Now.Add(timeout + hangTime))
	defer running.over()
	changes := len(s.asks.changes)
	if err := step.Task.Run(ctx, sc); err != nil {
		return false, err
	}
	for _, ask := range s.asks.changes[changes:] { // which commit with the run
		if ask.Create == nil {
			continue
		}
		record, _ := ask.Create.Make(ask.Create.EventID.String())
		if err := done(ctx, sc, record); err != nil {
			return false, err
		}
	}
	s.settle(step, env.Now)
	return true, nil
}

// settle does what a task asked of the run itself: to end, or to rest.
func (s *stretch) settle(step *Step, now time.Time) {
	switch halt := s.asks.stop; {
	case halt != nil && halt.failed:
		s.end(RunFailed, halt.reason, now)
	case halt != nil:
		s.end(RunStopped, halt.reason, now)
	case s.asks.wait != nil && s.run.Progress.Dry:
		s.run.decide(now, step.Path, "a replay without effects does not wait")
		s.asks.wait, s.run.Progress.Rest = nil, nil
	case s.asks.wait != nil:
		s.run.State = RunWaiting
		s.await(s.asks.wait.Due, s.asks.wait.Topics)
		s.asks.wait = nil
	}
}

func (e *Engine) stepContext(step *Step, s *stretch, env *Env) *StepContext {
	return &StepContext{
		Env: env, Ref: s.run.Record, Step: step, Modules: e.modulesFor(env),
		random: e.Random, minter: e.Minter, run: s.run, round: s.run.Progress.Round, asks: &s.asks,
		read: e.readOne, list: e.list, local: e.CRM.Traits().Local, class: s.class,
	}
}
