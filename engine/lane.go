package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// job is a run on its way through a lane. Workflow and env are nil for a run found in the store.
type job struct {
	run       *Run
	workflow  *Workflow
	env       *Env
	contested int // how often somebody else wrote to the record meanwhile
}

// Limits of one stretch of a run, the steps between two commits.
const (
	contests     = 6                     // how often it is taken again because somebody else wrote to its record
	stretchFirst = 20 * time.Millisecond // pause between two tries; it doubles
	stretchMost  = 2 * time.Second       // longest pause
	stretchFor   = 30 * time.Second      // how long reads and tasks may fail before the run does: its lane waits
	stepTimeout  = 30 * time.Second      // of one call of a task that sets no timeout of its own
)

// enqueue hands a run to the lane of its partition; runs of one record keep their order.
func (e *Engine) enqueue(ctx context.Context, j job) {
	select {
	case e.lanes[j.run.Partition%len(e.lanes)] <- j:
	case <-ctx.Done(): // it is stored, and found again at the next start
	}
}

// runLane advances one run at a time until the context ends. It fails only when nothing can be
// stored any more.
func (e *Engine) runLane(ctx context.Context, lane <-chan job) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-lane:
			if err := e.advance(ctx, j); err != nil {
				return fmt.Errorf("advance run %s of %s: %w", j.run.ID, j.run.Workflow, err)
			}
		}
	}
}

// advance takes a run from its stored state to the next commit. A conflict, or a read that fails,
// takes the same stretch again from there: nothing of it has happened yet.
func (e *Engine) advance(ctx context.Context, j job) error {
	began := e.Clock.Now()
	for pause := stretchFirst; ; pause = min(2*pause, stretchMost) {
		err := e.tryStretch(&j)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrFenced):
			return err
		case errors.Is(err, ErrConflict) || errors.Is(err, ErrTaken):
			j.contested++
		case e.abandoned():
			return nil // given up at shutdown: the run is stored as it was
		}
		final := IsPermanent(err) || errors.Is(err, ErrNoRecord)
		if final || j.contested == contests || e.Clock.Now().Sub(began) > stretchFor {
			return e.fail(j, err)
		}
		e.Logger.Info("a run is taken again", "run", j.run.ID.String(), "workflow", j.run.Workflow, "error", err)
		if !e.wait(ctx, pause) {
			return nil // shutdown: the run is stored as it was, and taken up at the next start
		}
	}
}

// tryStretch takes the stretch once, with the record as it is now if somebody else wrote to it.
func (e *Engine) tryStretch(j *job) error {
	if j.contested > 0 {
		if err := e.refresh(e.work, j); err != nil {
			return err
		}
	}
	if err := e.prepare(e.work, j); err != nil {
		return err
	}
	s, err := e.stretch(e.work, *j)
	if err != nil {
		return err
	}
	return e.commit(s)
}

// prepare finds the workflow of a run found in the store and makes its environment.
func (e *Engine) prepare(ctx context.Context, j *job) error {
	if j.run.Event == nil {
		return Permanent(errors.New(j.run.Reason))
	}
	if j.workflow == nil {
		workflow, err := e.workflow(ctx, j.run.Workflow, j.run.Version)
		if err != nil {
			return err
		}
		j.workflow = workflow
	}
	if j.env == nil {
		j.env = &Env{
			Event: j.run.Event, Ref: j.run.Record, Module: j.workflow.Module, Record: j.run.Event.Change.Record,
		}
	}
	return nil
}

// refresh reads the run's record again, after someone else wrote to it. Other runs of the event keep
// the environment they share.
func (e *Engine) refresh(ctx context.Context, j *job) error {
	record, err := e.readOne(ctx, j.run.Record)
	if err != nil {
		return err
	}
	env := *j.env
	env.Record, env.views = record.Fields, nil
	j.env = &env
	return nil
}

// stretch is what the steps up to the next commit lead to.
type stretch struct {
	run  *Run // a copy: the original stays as stored until the commit
	asks asks
}

// stretch takes the steps. Its error means that they are to be taken again; a step that fails for good
// ends the run, which is no error.
func (e *Engine) stretch(ctx context.Context, j job) (*stretch, error) {
	run := *j.run
	run.Progress.Written = maps.Clone(run.Progress.Written)
	run.Progress.Outputs = maps.Clone(run.Progress.Outputs)
	s := &stretch{run: &run, asks: asks{envs: map[ID]*Env{}}}
	env := *j.env
	env.views, env.Now = nil, e.Clock.Now()
	if len(run.Progress.Written) > 0 {
		env.Write(run.Progress.Written)
	}
	if run.State == RunPending {
		if err := e.decidePending(ctx, j.workflow, s, &env); err != nil || run.State != RunReady {
			return s, err
		}
	}
	for run.Progress.Next < len(j.workflow.Tasks) {
		step := j.workflow.Tasks[run.Progress.Next]
		err := e.takeStep(ctx, step, s, &env)
		if err != nil && !IsPermanent(err) {
			return nil, fmt.Errorf("step %s (%s): %w", step.Path, step.Kind, err)
		}
		if err != nil {
			s.end(RunFailed, fmt.Sprintf("step %s (%s): %v", step.Path, step.Kind, err), env.Now)
			return s, nil
		}
		run.Progress.Next++
	}
	run.State = RunDone
	return s, nil
}

func (s *stretch) end(state RunState, reason string, now time.Time) {
	s.run.State, s.run.Reason = state, reason
	s.run.decide(now, "", "%s: %s", state, reason)
}

// decidePending evaluates a condition that had to wait for the CRM.
func (e *Engine) decidePending(ctx context.Context, workflow *Workflow, s *stretch, env *Env) error {
	if err := e.follow(ctx, env, workflow.If.Routes()); err != nil {
		return err
	}
	holds, err := True(workflow.If, env)
	switch {
	case err != nil:
		s.end(RunFailed, err.Error(), env.Now)
	case !holds:
		s.end(RunStopped, "its condition does not hold", env.Now)
	default:
		s.run.State = RunReady
	}
	return nil
}

// takeStep runs one step. What it asked is dropped again if it fails.
func (e *Engine) takeStep(ctx context.Context, step *Step, s *stretch, env *Env) (err error) {
	env.views, env.Now = nil, e.Clock.Now()
	env.Outputs = s.run.Progress.Outputs
	if err := e.follow(ctx, env, step.Routes); err != nil {
		return err
	}
	holds, err := True(step.If, env)
	if err != nil {
		return Permanent(err)
	}
	if !holds {
		s.run.decide(env.Now, step.Path, "skipped: %s does not hold", step.If.Source())
		return nil
	}
	before, written := s.asks, maps.Clone(s.run.Progress.Written)
	defer func() {
		if err != nil {
			s.asks, s.run.Progress.Written = before, written
		}
	}()
	defer e.onPanic("task broke down", func(broken error) { err = Permanent(broken) })
	ctx, cancel := context.WithTimeout(ctx, either(step.Timeout, stepTimeout))
	defer cancel()
	return step.Task.Run(ctx, &StepContext{
		Env: env, Ref: s.run.Record, Step: step, Modules: e.Book().Modules,
		random: e.Random, minter: e.Minter, run: s.run, asks: &s.asks, read: e.readOne,
	})
}

// fail ends a run that cannot go on. A run that is over already needs no end.
func (e *Engine) fail(j job, cause error) error {
	run := *j.run
	s := &stretch{run: &run}
	s.end(RunFailed, cause.Error(), e.Clock.Now())
	if err := e.commit(s); !IsPermanent(err) {
		return err
	}
	return nil
}

// abandoned tells whether the shutdown has given up what is in flight.
func (e *Engine) abandoned() bool { return e.work.Err() != nil }

// wait tells whether d passed before the context ended.
func (e *Engine) wait(ctx context.Context, d time.Duration) bool { return e.Clock.Wait(ctx, d) == nil }

func (e *Engine) readOne(ctx context.Context, ref Ref) (Record, error) {
	records, err := e.CRM.Get(ctx, ref)
	if err != nil {
		return Record{}, fmt.Errorf("read %s: %w", ref, err)
	}
	if len(records) == 0 {
		return Record{}, Permanent(fmt.Errorf("read %s: %w", ref, ErrNoRecord))
	}
	return records[0], nil
}
