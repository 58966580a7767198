package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// passGate lets a run through the gate of its workflow. false: it queues, or it has ended.
func (e *Engine) passGate(j *job) (bool, error) {
	if prepared := e.prepare(e.work, j) == nil; !prepared {
		return true, nil // goOn meets the error again, and knows what to do
	}
	if j.run.Progress.Dry {
		return true, nil // it keeps nobody out and takes nobody's place
	}
	if ahead, err := e.choose(j); !ahead {
		return false, err
	}
	if err := e.nameGate(j); IsPermanent(err) {
		return false, e.end(j, RunFailed, err)
	} else if err != nil {
		return false, e.postponeGate(j, err)
	}
	name, w := gateOf(j.run), waiter{j.id, j.partition, j.run.Progress.Gate}
	holder, passed := e.gates.enter(name, w)
	if passed {
		return true, nil
	}
	mode := j.workflow.Concurrency.Mode
	if j.begun() {
		mode = ConcurrencyQueue // it neither gives up half-way nor ends what came after it
	}
	switch mode {
	case ConcurrencySkip:
		return false, e.end(j, RunStopped, fmt.Errorf("skipped: run %s of the same workflow is under way", holder))
	case ConcurrencyCancelPrevious:
		for _, id := range e.gates.seize(name, w) {
			if err := e.cancel(id, fmt.Sprintf("cancelled: run %s of the same workflow came", j.id)); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	passed = e.gates.queue(name, w)
	j.queued = !passed
	return passed, nil
}

// choose decides the condition of a pending run where passing the gate would end another run, or would keep
// others from ever beginning: one whose condition does not hold must do neither. false: it has ended, or rests.
func (e *Engine) choose(j *job) (bool, error) {
	pending := j.run.State == RunPending || j.run.State == RunRetrying && j.run.Progress.From == RunPending
	if !pending || j.workflow.Concurrency.Mode == ConcurrencyQueue {
		return true, nil
	}
	run, env := *j.run, *j.env
	env.views, env.Now, env.Work = nil, e.Clock.Now(), NewWork(StretchWork)
	s := &stretch{run: &run, rested: run.State.Parked(), watch: e.Watch}
	run.State = RunPending
	err := e.decidePending(e.work, j.workflow, s, &env)
	switch {
	case err != nil && e.abandoned():
		return false, nil
	case err != nil:
		return false, e.postponeGate(j, err)
	case run.State.Over():
		return false, e.commitEnd(j, s)
	}
	return true, nil
}

// begun tells whether the run has passed its gate once. It meets another inside after a wait, or if that one has ended
// it since it was read.
func (j *job) begun() bool {
	named := j.workflow.Concurrency.Key == nil || j.run.Progress.Gate != ""
	chosen := j.run.Progress.From != RunPending
	return named && chosen && (j.run.State.Parked() || j.run.Progress.Next > 0)
}

// nameGate evaluates the key of a run's gate, once.
func (e *Engine) nameGate(j *job) error {
	key := j.workflow.Concurrency.Key
	if key == nil || j.run.Progress.Gate != "" {
		return nil
	}
	env := *j.env
	env.Now, env.Work = e.Clock.Now(), NewWork(QuickWork) // what is left of the intake's is others'
	if err := e.follow(e.work, &env, key.Routes()); err != nil {
		return err
	}
	value, err := key.Eval(&env)
	if err != nil {
		return Permanent(fmt.Errorf("concurrency key %s: %w", key.Source(), err))
	}
	run := *j.run
	run.Progress.Gate = gateKey(fmt.Sprint(value))
	j.run = &run
	return nil
}

// maxGateKey is the longest value of a concurrency key, in bytes, that a gate is named by as it is.
const maxGateKey = 64

// gateKey is a value as part of a gate's name; it is stored with the run and kept in memory.
func gateKey(value string) string {
	if len(value) > maxGateKey {
		sum := sha256.Sum256([]byte(value))
		return "#" + hex.EncodeToString(sum[:])
	}
	return "=" + value
}

// gateOf is the name of a run's gate.
func gateOf(run *Run) string { return gateName(run.Workflow, run.Progress.Gate, run.Record) }

func gateName(workflow, key string, record Ref) string {
	if key == "" {
		key = record.String()
	}
	return workflow + " " + key
}

// leavesGate tells whether a run no longer keeps others out.
func (e *Engine) leavesGate(j *job) bool {
	switch j.run.State {
	case RunWaiting:
		return j.workflow != nil && !j.workflow.Concurrency.Hold
	case RunHeld:
		return true
	}
	return j.run.State.Over()
}

func (e *Engine) leaveGate(j *job) {
	if next, ok := e.gates.leave(gateOf(j.run), j.id); ok {
		e.laneOf(next.partition).let(next)
	}
}

// cancel ends a run that another takes the place of. What it asked for before stays asked for.
func (e *Engine) cancel(id ID, reason string) error {
	var run *Run
	err := e.insist("read run", func(ctx context.Context) (err error) {
		run, err = e.Store.Run(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, ErrNoRun):
		return nil
	case err != nil || run.State.Over():
		return err
	}
	defer e.resting.done(id)
	stopped := *run
	s := &stretch{run: &stopped, rested: true} // its lane may have let it rest since it was read
	s.end(RunStopped, reason, e.Clock.Now())
	return e.commitEnd(&job{id: id, partition: run.Partition, run: run}, s)
}

// standGates closes the gates that parked runs hold from before the start. One that an operator lets go on is retrying
// before its gate too: whoever waits or writes is inside for certain.
func (e *Engine) standGates(parked []Standing) {
	for _, retrying := range []bool{false, true} {
		for _, s := range parked {
			if (s.State == RunRetrying) == retrying {
				e.gates.enter(gateName(s.Workflow, s.Gate, s.Record), waiter{s.ID, s.Partition, s.Gate})
			}
		}
	}
}

// holders are the workflows whose waiting runs keep others out.
func (b *Book) holders() []string {
	names := []string{}
	for _, w := range b.Workflows {
		if w.Concurrency.Hold {
			names = append(names, w.Name)
		}
	}
	return names
}
