package tasks

import (
	"context"

	"postern/engine"
)

// Delete removes the record, or one that a route leads to. One that is gone already is left at that. Steps
// that follow see the record as it was last.
type Delete struct {
	// Record is a route to the record to be deleted, such as record.parent_id, if that is another one.
	Record string `yaml:"record"`

	route *engine.Route
}

func deleteKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "delete",
		Summary: "removes the record or a related one",
		Example: "delete: { record: record.parent_id }",
		New:     func() engine.Task { return &Delete{} },
	}
}

// Check finds the route.
func (d *Delete) Check(scope engine.CheckScope) {
	if d.Record != "" {
		d.route = checkRecord(scope, "record", d.Record)
	}
}

// Run asks for the deletion.
func (d *Delete) Run(_ context.Context, step *engine.StepContext) error {
	ref := step.Ref
	if d.route != nil {
		if ref = d.route.Ref(step.Env); ref.IsZero() {
			step.Note("nothing deleted: %s leads to no record", d.Record)
			return nil
		}
	}
	return step.Delete(ref)
}

// Done tells that the record was there.
func (d *Delete) Done(_ context.Context, step *engine.StepContext, gone engine.Record) error {
	step.Note("deleted %s", gone.Ref)
	return nil
}

var (
	_ engine.Task     = (*Delete)(nil)
	_ engine.Checker  = (*Delete)(nil)
	_ engine.Finisher = (*Delete)(nil)
)
