package engine

// Sight is what a run was seen to do at a place of its workflow.
type Sight string

// The sights. Those of a workflow's own condition have no step.
const (
	SightBegun   Sight = "begun"   // the workflow's condition holds
	SightLeft    Sight = "left"    // it does not
	SightTaken   Sight = "taken"   // the step is taken
	SightSkipped Sight = "skipped" // its condition does not hold
	SightMet     Sight = "met"     // its wait ended because what it waited for has happened
	SightTimeUp  Sight = "time up" // its wait ended because its time is over
	SightPassed  Sight = "passed"  // the run goes on after the step, which was taken or skipped
	SightFailed  Sight = "failed"  // it failed for good, and its on_error says what follows
)

// Watcher sees what runs do, each time they do it: also what is undone because a stretch is taken again. It is called
// from many goroutines and must be quick.
type Watcher func(workflow, step string, sight Sight)

// saw tells the watcher, if there is one.
func (s *stretch) saw(step string, sight Sight) {
	if s.watch != nil {
		s.watch(s.run.Workflow, step, sight)
	}
}

// sightOf is one of two sights.
func sightOf(holds bool, yes, no Sight) Sight {
	if holds {
		return yes
	}
	return no
}

// sawStart tells the watcher how an event was judged by the condition of a workflow.
func (m *matcher) sawStart(run *Run, w *Workflow, begins bool) {
	switch {
	case m.watch == nil || w.If == nil || w.sawNoChange(run.Event):
	case begins && run.State == RunReady:
		m.watch(w.Name, "", SightBegun)
	case !begins:
		m.watch(w.Name, "", SightLeft)
	}
}
