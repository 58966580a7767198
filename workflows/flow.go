package workflows

import (
	"fmt"
	"strconv"

	"postern/engine"
	"postern/internal/yamldoc"
)

// MaxHandlers is how deep handlers under on_error may lie in one another.
const MaxHandlers = 3

// plannedStep is a step with the steps that handle its failure.
type plannedStep struct {
	*engine.Step
	node    *yamldoc.Node
	passes  bool // on_error: continue
	handler []*plannedStep
}

// handlerFile is what on_error may be beside the words fail and continue.
type handlerFile struct {
	// Tasks are the steps that are taken when the step has failed for good.
	Tasks []*yamldoc.Node `yaml:"tasks,required" schema:"step"`
}

// steps compiles the tasks of a workflow and lays them out.
func (b *binder) steps(nodes []*yamldoc.Node, root *yamldoc.Node) {
	if len(nodes) == 0 && root.Get("tasks") != nil {
		b.complain(root.Errorf("a workflow needs at least one entry under tasks"))
	}
	b.workflow.Tasks = flat(b.list("", nodes, 0))
}

// list compiles a list of steps whose paths begin so, in a handler that lies so deep.
func (b *binder) list(prefix string, nodes []*yamldoc.Node, depth int) (steps []*plannedStep) {
	for i, n := range nodes {
		if n.Kind() == yamldoc.Invalid {
			continue
		}
		if b.count++; b.count > MaxSteps {
			if b.count == MaxSteps+1 {
				b.complain(n.Errorf("a workflow has at most %d steps, those under on_error counted", MaxSteps))
			}
			return steps
		}
		if len(steps) > 0 && ends(steps[len(steps)-1]) && i == len(steps) {
			b.complain(n.Warningf("unreachable", "this step is never taken: step %s ends the run", steps[i-1].Path))
		}
		if step := b.step(prefix+strconv.Itoa(i+1), n, depth); step != nil {
			steps = append(steps, step)
		}
	}
	return steps
}

// ends tells whether no step after it is ever taken.
func ends(step *plannedStep) bool {
	return step.Kind == "stop" && step.If == nil && step.ForEach == nil
}

// onError reads what follows when a step failed.
func (b *binder) onError(step *plannedStep, n *yamldoc.Node, depth int) {
	switch {
	case n == nil || n.Kind() == yamldoc.Invalid:
	case n.Kind() == yamldoc.Mapping && depth == MaxHandlers:
		b.complain(n.Errorf("handlers lie in one another %d deep at most", MaxHandlers))
	case n.Kind() == yamldoc.Mapping:
		var f handlerFile
		diags := yamldoc.Decode(n, &f)
		b.complain(diags...)
		if len(f.Tasks) == 0 && diags.Err() == nil {
			b.complain(n.Errorf("a handler needs at least one entry under tasks; to pass over the failure " +
				"write on_error: continue"))
		}
		step.handler = b.list(step.Path+".error.", f.Tasks, depth+1)
	case n.Text() == "continue" && n.IsScalar():
		step.passes = true
	case n.Text() == "fail" && n.IsScalar():
	case n.IsScalar():
		d := n.Errorf("unknown on_error %q", n.Text())
		d.Hint = "fail, continue, or { tasks: [ … ] }"
		if near, ok := yamldoc.Suggest(n.Text(), []string{"fail", "continue"}); ok {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		b.complain(d)
	default:
		b.complain(n.Errorf("expected fail, continue or { tasks: [ … ] }, found %s", n.Kind()))
	}
}

// flat lays steps out in one list: the main steps in their order, then the handlers, each with where the run
// goes on after it. What runs keep of where they stand are places in this list.
func flat(main []*plannedStep) []*engine.Step {
	l := &layout{}
	l.add(main, theEnd)
	for i, step := range l.all {
		if step.Then == theEnd {
			step.Then = len(l.all)
		}
		if step.Then == i+1 {
			step.Then = 0
		}
	}
	return l.all
}

// theEnd stands for the place behind the last step while that is not known.
const theEnd = -1

type layout struct{ all []*engine.Step }

// add puts a list behind what is there, and the handlers of its steps behind it. After its last step the run
// goes on at a place.
func (l *layout) add(list []*plannedStep, onward int) {
	first := len(l.all)
	for i, step := range list {
		step.Then = first + i + 1
		l.all = append(l.all, step.Step)
	}
	if len(list) > 0 {
		list[len(list)-1].Then = onward
	}
	for _, step := range list {
		switch {
		case step.passes:
			step.OnError = engine.ErrorPasses
		case len(step.handler) > 0:
			step.OnError = len(l.all)
			l.add(step.handler, step.Then)
		}
	}
}
