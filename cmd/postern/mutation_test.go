package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/internal/peer"
	"postern/internal/rehearsal"
	"postern/tasks"
	"postern/workflows"
)

// leastCoverage is how much of the shipped book its tests must see, in percent.
const leastCoverage = 100

// The shipped workflows have tests that notice whatever is changed about them: their condition or that of a step is
// turned round, a step does nothing.
func TestShippedTestsNoticeEveryChange(t *testing.T) {
	book, diags, sources := workflows.Load(workflows.Shipped, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: defaultConfig().carriers(), KeepAll: true,
	})
	if diags.Err() != nil {
		t.Fatal(diags)
	}
	files, err := program{files: workflows.Shipped}.tests(book, sources)
	if err != nil {
		t.Fatal(err)
	}
	stages, err := newStages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stages.close)
	coverage := rehearsal.NewCoverage()
	for _, w := range book.Workflows {
		i := slices.IndexFunc(files, func(f *rehearsal.File) bool { return f.Name == testOf(w) })
		if i < 0 {
			t.Errorf("%s has no test", rehearsal.FileOf(w))
			continue
		}
		unchanged(t, book, files[i].Cases, coverage)
		for n, m := range mutants(w) {
			if peer.Race && n > 0 {
				break // one of each: what their tests notice is seen without the race detector
			}
			t.Run(m.what, func(t *testing.T) {
				t.Parallel()
				if !noticed(t, stages, with(book, m.workflow), files[i].Cases) {
					t.Errorf("%s: all %d cases pass all the same", rehearsal.FileOf(w), len(files[i].Cases))
				}
			})
		}
	}
	tally := coverage.Tally(book.Workflows)
	if tally.Steps.Percent() < leastCoverage || tally.Branches.Percent() < leastCoverage {
		t.Errorf("coverage: steps %d%%, branches %d%%; not seen: %v",
			tally.Steps.Percent(), tally.Branches.Percent(), tally.Missed)
	}
}

func testOf(w *engine.Workflow) string {
	return strings.TrimSuffix(path.Base(rehearsal.FileOf(w)), ".yaml") + ".test.yaml"
}

func unchanged(t *testing.T, book *engine.Book, cases []*rehearsal.Case, coverage *rehearsal.Coverage) {
	results, err := playAll(t.Context(), book, cases, defaultConfig().carriers(), coverage)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if len(r.Failures) > 0 {
			t.Errorf("%s: %s: %v", r.Case.Place(), r.Case.Name, r.Failures)
		}
	}
}

// noticed tells whether a case fails.
func noticed(t *testing.T, stages *stages, book *engine.Book, cases []*rehearsal.Case) bool {
	for _, c := range cases {
		result, err := rehearsal.Play(t.Context(), book, defaultConfig().carriers(), c, stages.open, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Failures) > 0 {
			return true
		}
	}
	return false
}

// mutant is a workflow of which one thing is other.
type mutant struct {
	what     string
	workflow *engine.Workflow
}

func mutants(w *engine.Workflow) (all []mutant) {
	change := func(what string, do func(*engine.Workflow)) {
		other := *w
		other.Tasks = slices.Clone(w.Tasks)
		do(&other)
		all = append(all, mutant{w.Name + ": " + what, &other})
	}
	if w.If != nil {
		change("its condition is turned round", func(w *engine.Workflow) { w.If = negate(w.If) })
	}
	for i, step := range w.Tasks {
		alter := func(do func(*engine.Step)) func(*engine.Workflow) {
			return func(w *engine.Workflow) {
				other := *step
				do(&other)
				w.Tasks[i] = &other
			}
		}
		if step.If != nil {
			change(fmt.Sprintf("the condition of step %s is turned round", step.Path),
				alter(func(s *engine.Step) { s.If = negate(s.If) }))
		}
		change(fmt.Sprintf("step %s (%s) does nothing", step.Path, step.Kind),
			alter(func(s *engine.Step) { s.Task, s.Awaits = idle{}, nil }))
	}
	return all
}

// with is the book with one workflow in place of that of its name.
func with(book *engine.Book, workflow *engine.Workflow) *engine.Book {
	other := *book
	other.Workflows = slices.Clone(book.Workflows)
	for i, w := range other.Workflows {
		if w.Name == workflow.Name {
			other.Workflows[i] = workflow
		}
	}
	return &other
}

// negated is a condition turned round.
type negated struct {
	engine.Program
	uses engine.Uses
}

func negate(p engine.Program) engine.Program {
	n := negated{Program: p}
	if s, ok := p.(engine.Sensitive); ok {
		n.uses = s.Uses()
	}
	return n
}

func (n negated) Eval(env *engine.Env) (any, error) {
	value, err := n.Program.Eval(env)
	return value != true, err
}

func (n negated) Uses() engine.Uses { return n.uses }

// idle is a task that does nothing.
type idle struct{}

func (idle) Run(context.Context, *engine.StepContext) error { return nil }
