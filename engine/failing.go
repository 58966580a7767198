package engine

import (
	"maps"
	"strconv"
	"time"
)

// fail deals with a step that failed for good: the run goes on as its on_error says, or ends. Nothing of
// what the step asked for may be among the asks any more.
func (s *stretch) fail(w *Workflow, cause error, now time.Time) {
	p := &s.run.Progress
	step := w.Tasks[p.Next]
	if p.Loop != nil {
		onward, of := s.failItem(step, cause, now)
		if onward {
			s.run.State, s.run.Reason, p.From = RunReady, "", ""
			return
		}
		cause = of
	}
	if step.OnError == ErrorFails {
		s.end(RunFailed, stepError(step, cause).Error(), now)
		return
	}
	s.saw(step.Path, SightFailed)
	reason := brief(cause)
	output := Fields{}
	if p.Loop != nil {
		output = p.Loop.summary()
	}
	output["failed"], output["error"] = true, reason
	s.run.output(step, output)
	s.run.State, s.run.Reason, p.Rest, p.From = RunReady, "", nil, ""
	if step.OnError == ErrorPasses {
		s.run.decide(now, step.Path, "failed: %s: the run goes on", reason)
		s.goTo(w, w.after(p.Next))
		return
	}
	s.goTo(w, step.OnError)
	s.run.decide(now, step.Path, "failed: %s: the run goes on with step %s", reason, w.Tasks[step.OnError].Path)
}

// next goes on to the entry after this one.
func (s *stretch) next(w *Workflow) {
	s.saw(w.Tasks[s.run.Progress.Next].Path, SightPassed)
	s.goTo(w, w.after(s.run.Progress.Next))
}

// goTo makes an entry the next one.
func (s *stretch) goTo(w *Workflow, index int) {
	p := &s.run.Progress
	p.Next, p.Place, p.Loop = index, "", nil
	if index < len(w.Tasks) && w.Tasks[index].Path != strconv.Itoa(index+1) {
		p.Place = w.Tasks[index].Path
	}
	p.Tries, p.Since, p.Round, p.Keys = 0, time.Time{}, 0, 0
}

// blame deals with a stretch that the store or the CRM refused for good. It tells whether the run goes on.
func (e *Engine) blame(j *job, s *stretch, cause error) (again bool, err error) {
	switch {
	case j.workflow == nil:
		return false, e.end(j, RunFailed, cause)
	case s != nil && !j.single && s.taken > 0 && j.workflow.recovers():
		j.single = true // one of several steps is to blame: taken one by one, it is found
		return true, nil
	case j.standing() == nil:
		return false, e.end(j, RunFailed, cause)
	case j.standing().OnError == ErrorFails && j.run.Progress.Loop == nil:
		return false, e.end(j, RunFailed, cause)
	}
	j.single = false
	return e.failStep(j, cause)
}

// failStep lets the step that the run stands before be the one that failed.
func (e *Engine) failStep(j *job, cause error) (again bool, err error) {
	run := *j.run
	s := &stretch{run: &run, rested: run.State.Parked(), watch: e.Watch}
	run.Progress.Outputs, run.Progress.Loop = maps.Clone(run.Progress.Outputs), run.Progress.Loop.clone()
	s.fail(j.workflow, cause, e.Clock.Now())
	return e.commitOnward(j, s)
}

// commitOnward commits, and tells whether the run goes on at once.
func (e *Engine) commitOnward(j *job, s *stretch) (again bool, err error) {
	if err := e.commitEnd(j, s); err != nil {
		return false, err
	}
	j.contested, j.woken = 0, nil
	return j.run == s.run && s.run.State == RunReady, nil
}

// undecided tells whether it is open yet if the run begins.
func (j *job) undecided() bool { return j.run.State == RunPending || j.run.Progress.From == RunPending }

// standing is the step that the run stands before; nil while its condition is not decided, and after the last.
func (j *job) standing() *Step {
	p := &j.run.Progress
	if j.workflow == nil || j.undecided() || p.Next >= len(j.workflow.Tasks) {
		return nil
	}
	return j.workflow.Tasks[p.Next]
}
