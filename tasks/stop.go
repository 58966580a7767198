package tasks

import (
	"context"
	"fmt"

	"postern/engine"
)

// Stop ends the run: no step after it is taken. What the steps before it asked for is done all the same.
type Stop struct {
	// Reason is what the history says: text with {{ expressions }}. It may stand alone, without its key:
	// stop: nothing to do.
	Reason string `yaml:"reason,required"`
	// Failed makes the run a failed one, which run.failed tells. By default it is stopped, on purpose.
	Failed bool `yaml:"failed"`

	reason engine.Program
}

func stopKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "stop",
		Summary: "ends the run with a reason",
		Example: "stop: { reason: \"nothing to do for {{ record.ticket_no }}\" }",
		Short:   "reason",
		New:     func() engine.Task { return &Stop{} },
	}
}

// Check compiles the reason.
func (s *Stop) Check(scope engine.CheckScope) {
	if s.Reason == "" {
		scope.Complain("reason", "the reason says why the run ends, such as stop: nothing to do")
	}
	s.reason = scope.Text("reason")
}

// Run ends the run.
func (s *Stop) Run(_ context.Context, step *engine.StepContext) error {
	reason, err := s.reason.Eval(step.Env)
	if err != nil {
		return engine.Permanent(fmt.Errorf("reason: %w", err))
	}
	step.Stop(fmt.Sprint(reason), s.Failed)
	return nil
}

var (
	_ engine.Task    = (*Stop)(nil)
	_ engine.Checker = (*Stop)(nil)
)
