package tasks

import (
	"context"

	"postern/engine"
)

// Unrelate parts two records that relate, or somebody in the CRM, joined. What is parted already is left as
// it is.
type Unrelate struct {
	// To is a route to the record at the far end, such as record.parent_id.
	To string `yaml:"to,required"`
	// Record is a route to the record at the near end, if that is not the one the run is about.
	Record string `yaml:"record"`

	ends ends
}

func unrelateKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "unrelate",
		Summary: "parts the record from another one",
		Example: "unrelate: { to: record.parent_id }",
		New:     func() engine.Task { return &Unrelate{} },
	}
}

// Check finds both ends.
func (u *Unrelate) Check(scope engine.CheckScope) { u.ends = checkEnds(scope, u.Record, u.To) }

// Run asks for the parting.
func (u *Unrelate) Run(_ context.Context, step *engine.StepContext) error {
	near, far, ok := u.ends.refs(step, "unrelated")
	if !ok {
		return nil
	}
	return step.Relate(near, far, true)
}

var (
	_ engine.Task    = (*Unrelate)(nil)
	_ engine.Checker = (*Unrelate)(nil)
)
