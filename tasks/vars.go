package tasks

import (
	"context"
	"fmt"

	"postern/engine"
	"postern/internal/yamldoc"
)

// Vars keeps values for the steps that follow, and for the texts of their messages: vars.name. A name
// that is set again has the new value from then on. All vars of a run together have at most 64 kB.
type Vars struct {
	// Values gives each name its value: a plain one, or text with {{ expressions }}. A value that
	// is exactly one {{ expression }} keeps its type.
	Values []yamldoc.Entry `yaml:",rest"`

	programs []namedProgram
}

// namedProgram is a value with its name, in the order of the file.
type namedProgram struct {
	name  string
	value engine.Program
}

func varsKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "vars",
		Summary: "keeps values for the steps that follow",
		Example: "vars: { total: \"{{ record.hours * 50 }}\", greeting: \"Dear {{ record.parent_id.firstname }}\" }",
		New:     func() engine.Task { return &Vars{} },
	}
}

// Check compiles the values and makes the names known.
func (v *Vars) Check(scope engine.CheckScope) {
	if len(v.Values) == 0 {
		scope.Complain("", "vars names at least one value, such as vars: { total: \"{{ record.hours * 50 }}\" }")
	}
	for _, entry := range v.Values {
		name := entry.Key.Text()
		if value := scope.Text(name); value != nil {
			v.programs = append(v.programs, namedProgram{name, value})
		}
	}
	for _, p := range v.programs { // known from here on, not to one another
		scope.Declare(p.name, p.name, p.value)
	}
}

// Run computes the values.
func (v *Vars) Run(_ context.Context, step *engine.StepContext) error {
	values := make(engine.Values, len(v.programs))
	for _, p := range v.programs {
		value, err := p.value.Eval(step.Env)
		if err != nil {
			return engine.Permanent(fmt.Errorf("%s: %w", p.name, err))
		}
		values[p.name] = value
	}
	return step.SetVars(values)
}

var (
	_ engine.Task    = (*Vars)(nil)
	_ engine.Checker = (*Vars)(nil)
)
