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
	taken  int     // steps that were taken
	again  bool    // the wait depends on topics, and is looked at once more after the commit
	asleep bool    // nothing is to be committed: it goes on resting
	seen   []Touch // asleep: what woke it in vain

	memories []Memory // what the workflow remembers from the commit on
	watch    Watcher  // nil for nobody
}

// stretch takes the steps. Its error means that they are to be taken again; a step that fails for good
// ends the run, which is no error, and so does one that fails for a passing reason and rests the run.
func (e *Engine) stretch(ctx context.Context, j job) (*stretch, error) {
	run := *j.run
	run.Progress.Written = maps.Clone(run.Progress.Written)
	run.Progress.Outputs = maps.Clone(run.Progress.Outputs)
	run.Progress.Sent = maps.Clone(run.Progress.Sent)
	s := &stretch{run: &run, rested: run.State.Parked(), asks: asks{letters: map[ID]*letter{}}, watch: e.Watch}
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
		err := e.takeStep(ctx, step, s, &env)
		s.taken++
		switch {
		case IsPermanent(err):
			s.fail(j.workflow, err, env.Now)
		case err != nil && e.abandoned():
			return nil, err
		case err != nil:
			if !s.retry(env.Now, step.Retry, stepError(step, err), e.Random) {
				s.fail(j.workflow, s.givenUp(err), env.Now)
			}
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

// takeStep runs one step. What it asked is dropped again if it fails.
func (e *Engine) takeStep(ctx context.Context, step *Step, s *stretch, env *Env) (err error) {
	env.views, env.Now = nil, e.Clock.Now()
	if env.Outputs, err = e.outputs(ctx, s); err != nil {
		return err
	}
	if err := e.readFor(ctx, env, step); err != nil {
		return err
	}
	holds, err := True(step.If, env)
	if err != nil {
		return Permanent(err)
	}
	if !holds {
		s.saw(step.Path, SightSkipped)
		s.run.decide(env.Now, step.Path, "skipped: %s does not hold", step.If.Source())
		return nil
	}
	s.saw(step.Path, SightTaken)
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
	effects, changes := len(s.asks.effects), len(s.asks.changes)
	sc := e.stepContext(step, s, env)
	if err := step.Task.Run(ctx, sc); err != nil {
		return err
	}
	for _, ask := range s.asks.changes[changes:] { // which commit with the run
		if ask.Create == nil {
			continue
		}
		record, _ := ask.Create.Make(ask.Create.EventID.String())
		if err := done(ctx, sc, record); err != nil {
			return err
		}
	}
	switch halt := s.asks.stop; {
	case halt != nil && halt.failed:
		s.end(RunFailed, halt.reason, env.Now)
	case halt != nil:
		s.end(RunStopped, halt.reason, env.Now)
	case s.asks.wait != nil && s.run.Progress.Dry:
		s.run.decide(env.Now, step.Path, "a replay without effects does not wait")
		s.asks.wait, s.run.Progress.Rest = nil, nil
	case s.asks.wait != nil:
		s.run.State = RunWaiting
		s.await(s.asks.wait.Due, s.asks.wait.Topics)
		s.asks.wait = nil
	case len(s.asks.effects) > effects && !s.run.Progress.Dry:
		s.run.State = RunWriting
	}
	return nil
}

func (e *Engine) stepContext(step *Step, s *stretch, env *Env) *StepContext {
	return &StepContext{
		Env: env, Ref: s.run.Record, Step: step, Modules: e.modulesFor(env),
		random: e.Random, minter: e.Minter, run: s.run, asks: &s.asks, read: e.readOne, list: e.list, local: e.CRM.Traits().Local,
	}
}
