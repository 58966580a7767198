package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// job is a run on its way through a lane.
type job struct {
	id        ID
	partition int
	run       *Run      // nil: it is read when its turn comes
	gate      string    // Progress.Gate as it queued, where that is not stored yet
	workflow  *Workflow // nil, like env, until it is prepared
	env       *Env
	woken     *Woken // what woke it, if it rested
	queued    bool   // it waits for its gate
	window    string // that the event joins in place of being run; "" for none
	seated    bool   // it has one of Engine.seats
	contested int    // how often somebody else wrote to the record meanwhile
	single    bool   // it takes one step at a time: one of several was refused
}

// Limits of one stretch of a run, the steps between two commits.
const (
	contests    = 6                // how often it is taken again because somebody else wrote to its record
	stepTimeout = 30 * time.Second // of one call of a task that sets no timeout of its own
)

// lane advances the runs of its partitions one after the other.
type lane struct {
	task watch    // the one that is running
	jobs chan job // from intake and the waker, who wait while it is full

	mu     sync.Mutex
	next   []waiter // runs that a gate let through, or that somebody else ended: they come first
	opened chan struct{}
}

func newLane() *lane {
	return &lane{jobs: make(chan job, 64), opened: make(chan struct{}, 1)}
}

// let makes a run that a gate let through the lane's next. It never blocks: lanes call each other.
func (l *lane) let(w waiter) {
	l.mu.Lock()
	l.next = append(l.next, w)
	l.mu.Unlock()
	select {
	case l.opened <- struct{}{}:
	default:
	}
}

func (l *lane) take() (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.next) == 0 {
		return job{}, false
	}
	w := l.next[0]
	l.next = l.next[1:]
	return job{id: w.id, partition: w.partition, gate: w.key}, true
}

func (e *Engine) laneOf(partition int) *lane { return e.lanes[partition%len(e.lanes)] }

// enqueue hands a run to the lane of its partition; runs of one record keep their order.
func (e *Engine) enqueue(ctx context.Context, j job) {
	select {
	case e.laneOf(j.partition).jobs <- j:
	case <-ctx.Done(): // it is stored, and found again at the next start
	}
}

// runLane advances one run at a time until the context ends. It fails only when nothing can be
// stored any more.
func (e *Engine) runLane(ctx context.Context, l *lane) error {
	for ctx.Err() == nil {
		j, ok := l.take()
		if !ok {
			select {
			case <-ctx.Done():
				return nil
			case <-l.opened:
				continue
			case j = <-l.jobs:
			}
		}
		err := e.advance(j)
		if j.seated {
			<-e.seats
		}
		if err != nil {
			return fmt.Errorf("advance run %s: %w", j.id, err)
		}
	}
	return nil
}

// advance takes a run from its stored state as far as it comes: to its end, or to where it rests. A run
// that must wait for its gate is forgotten here and read again when the gate opens.
func (e *Engine) advance(j job) error {
	err := e.insist("read run", func(ctx context.Context) error { return e.load(ctx, &j) })
	if err == nil && !j.run.State.Over() {
		err = e.through(&j)
	}
	switch {
	case e.abandoned():
		return nil
	case err != nil && !errors.Is(err, ErrNoRun):
		return err
	case j.queued:
		return nil
	case err == nil && e.leavesGate(&j):
		e.leaveGate(&j)
	}
	e.resting.done(j.id)
	return nil
}

// through passes the gate and goes on behind it.
func (e *Engine) through(j *job) error {
	ahead, err := e.passGate(j)
	if err != nil || !ahead {
		return err
	}
	return e.goOn(j)
}

// load reads the run where only its name is known. The gate that it queued for is its own, whatever the key
// would be by now.
func (e *Engine) load(ctx context.Context, j *job) error {
	if j.run != nil {
		return nil
	}
	run, err := e.Store.Run(ctx, j.id)
	if err != nil {
		return err
	}
	j.run = run
	j.run.Progress.Gate = either(run.Progress.Gate, j.gate)
	return nil
}

// goOn takes stretches until the run rests or is over. A conflict, or a read that fails, takes the same
// stretch again from the stored state: nothing of it has happened yet.
func (e *Engine) goOn(j *job) error {
	for {
		s, err := e.tryStretch(j)
		switch {
		case err == nil && s.again:
			// It rests, and something may have happened before that was stored.
			j.run, j.woken = s.run, &Woken{Run: s.run, Touched: s.wait.untouched()}
			continue
		case err == nil && s.run.State == RunReady && !s.asleep:
			j.run, j.woken, j.contested = s.run, nil, 0
			continue
		case err == nil:
			j.run = s.run
			return nil
		case errors.Is(err, ErrFenced):
			return err
		case e.abandoned():
			return nil // given up at shutdown: the run is stored as it was
		case (errors.Is(err, ErrConflict) || errors.Is(err, ErrTaken)) && j.contested < contests:
			j.contested++
			continue
		case errors.Is(err, ErrStale):
			return e.letBe(j)
		case errors.Is(err, errNoVersion):
			return e.end(j, RunHeld, err)
		case errors.Is(err, ErrRunOver):
			return e.letBe(j)
		}
		again := false
		if IsPermanent(err) || errors.Is(err, ErrNoRecord) || errors.Is(err, ErrTaken) {
			again, err = e.blame(j, s, err)
		} else {
			again, err = e.postpone(j, err)
		}
		if err != nil || !again {
			return err
		}
	}
}

// tryStretch takes the stretch once, with the record as it is now if somebody else wrote to it.
func (e *Engine) tryStretch(j *job) (*stretch, error) {
	if err := e.prepare(e.work, j); err != nil {
		return nil, err
	}
	if j.contested > 0 {
		if err := e.refresh(e.work, j); err != nil {
			return nil, err
		}
	}
	s, err := e.stretch(e.work, *j)
	if err != nil {
		return nil, err
	}
	if s.asleep {
		return s, e.rearm(s)
	}
	return s, e.commit(s)
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
		env, err := e.environment(ctx, j.run, j.workflow)
		if err != nil {
			return err
		}
		j.env = env
	}
	return nil
}

// refresh reads the run's record again, after someone else wrote to it. Other runs of the event keep
// the environment they share.
func (e *Engine) refresh(ctx context.Context, j *job) error {
	record, err := e.readOne(ctx, j.run.Record)
	if errors.Is(err, ErrNoRecord) {
		return nil // as it was last seen: a workflow may be about its deletion
	}
	if err != nil {
		return err
	}
	env := *j.env
	env.Record, env.answers, env.views = record.Fields, nil, nil
	j.env = &env
	return nil
}

// postpone lets a run rest because of a passing trouble. When that has lasted too long it is a failure of the
// step that the run stands before; again tells whether the run goes on after it.
func (e *Engine) postpone(j *job, cause error) (again bool, err error) {
	run := *j.run
	s := &stretch{run: &run, rested: run.State.Parked()}
	switch {
	case s.retry(e.Clock.Now(), j.retryOf(), cause, e.Random):
		return false, e.commitEnd(j, s)
	case j.standing() == nil:
		return false, e.end(j, RunFailed, s.givenUp(cause))
	}
	return e.failStep(j, s.givenUp(cause))
}

// postponeGate lets a run rest that did not come through its gate. When that has lasted too long it ends.
func (e *Engine) postponeGate(j *job, cause error) error {
	run := *j.run
	s := &stretch{run: &run, rested: run.State.Parked()}
	if s.retry(e.Clock.Now(), j.retryOf(), cause, e.Random) {
		return e.commitEnd(j, s)
	}
	return e.end(j, RunFailed, s.givenUp(cause))
}

// retryOf is the policy of the step that the run stands before.
func (j *job) retryOf() Retry {
	if step := j.standing(); step != nil {
		return step.Retry
	}
	return DefaultRetry()
}

// end ends a run that cannot go on. A run that is over already needs no end.
func (e *Engine) end(j *job, state RunState, cause error) error {
	run := *j.run
	s := &stretch{run: &run, rested: run.State.Parked()}
	s.end(state, cause.Error(), e.Clock.Now())
	return e.commitEnd(j, s)
}

func (e *Engine) commitEnd(j *job, s *stretch) error {
	err := e.commit(s)
	if errors.Is(err, ErrStale) || errors.Is(err, ErrRunOver) {
		return e.letBe(j)
	}
	j.run = s.run
	return err
}

// letBe leaves a run to who changed it meanwhile, an operator: whatever they ordered is stored with it, and
// what is to be done now is found by the waker.
func (e *Engine) letBe(j *job) error {
	return e.insist("read run", func(ctx context.Context) (err error) {
		j.run, err = e.Store.Run(ctx, j.id)
		return err
	})
}

// abandoned tells whether the shutdown has given up what is in flight.
func (e *Engine) abandoned() bool { return e.work.Err() != nil }

func (e *Engine) readOne(ctx context.Context, ref Ref) (Record, error) {
	if ref.Module == ScheduleModule {
		return Record{}, Permanent(fmt.Errorf("the run is about no record: %w", ErrNoRecord))
	}
	records, err := e.CRM.Get(ctx, ref)
	if err != nil {
		return Record{}, fmt.Errorf("read %s: %w", ref, err)
	}
	if len(records) == 0 {
		return Record{}, Permanent(fmt.Errorf("read %s: %w", ref, ErrNoRecord))
	}
	return records[0], nil
}
