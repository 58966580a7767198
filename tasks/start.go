package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"postern/engine"
)

// Start starts another workflow, on this record or one that a route leads to. That one needs the trigger
// { manual: true }, and is not waited for.
type Start struct {
	// Workflow is the name of the other workflow.
	Workflow string `yaml:"workflow,required" schema:"workflow"`
	// Record is a route to the record that it is about, such as record.parent_id, if that is another one.
	Record string `yaml:"record"`
	// Inputs are handed over: what the other workflow declares under its inputs. Plain values, or text with
	// {{ expressions }}.
	Inputs map[string]any `yaml:"inputs"`

	route  *engine.Route
	values map[string]engine.Program
}

func startKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "start",
		Summary: "starts another workflow",
		Example: "start: { workflow: write-to-customer, record: record.parent_id, inputs: { reason: overdue } }",
		New:     func() engine.Task { return &Start{} },
	}
}

// Check finds the route, compiles the inputs and tells the book what is started, to be checked when all workflows are
// known.
func (s *Start) Check(scope engine.CheckScope) {
	modules := []*engine.Module{scope.Module()}
	if s.Record != "" {
		if s.route = scope.Route("record"); s.route == nil {
			return
		}
		if !s.route.Records() {
			scope.Complain("record", s.Record+" is a field, not a record")
			return
		}
		modules = described(scope.Modules(), s.route.Field.To)
	}
	s.values = map[string]engine.Program{}
	for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
		s.values[name] = scope.Text("inputs." + name)
	}
	scope.Starts("workflow", s.Workflow, modules, s.Inputs)
}

// Run asks for the start.
func (s *Start) Run(_ context.Context, step *engine.StepContext) error {
	ref := step.Ref
	if s.route != nil {
		if ref = s.route.Ref(step.Env); ref.IsZero() {
			step.Note("nothing started: %s leads to no record", s.Record)
			return nil
		}
	}
	inputs := engine.Fields{}
	for name, program := range s.values {
		value, err := program.Eval(step.Env)
		if err != nil {
			return engine.Permanent(fmt.Errorf("inputs: %s: %w", name, err))
		}
		inputs[name] = value
	}
	return step.Start(s.Workflow, ref, inputs)
}

var (
	_ engine.Task    = (*Start)(nil)
	_ engine.Checker = (*Start)(nil)
)
