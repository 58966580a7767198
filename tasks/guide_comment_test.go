package tasks

import (
	"context"
	"fmt"

	"postern/engine"
)

// Comment adds a line at the end of a text field of the record.
type Comment struct {
	// Field is the text field that holds the comments.
	Field string `yaml:"field,required"`
	// Text is the line to add: text with {{ expressions }}.
	Text string `yaml:"text,required"`

	field *engine.Field
	text  engine.Program
}

func commentKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "comment",
		Summary: "adds a line to a text field",
		Example: "comment: { field: solution, text: \"Priority is {{ record.ticketpriorities }} now.\" }",
		New:     func() engine.Task { return &Comment{} },
	}
}

// Check finds the field and compiles the text.
func (c *Comment) Check(scope engine.CheckScope) {
	c.text = scope.Text("text")
	if c.field = scope.Field("field", scope.Module(), c.Field); c.field == nil {
		return
	}
	if c.field.Type != engine.TypeText {
		scope.Complain("field", fmt.Sprintf("%s is of type %s; a comment is text", c.Field, c.field.Type))
	}
}

// Run reads the field as it is now and asks for it with one more line. Should somebody else write to
// the field before that is stored, the step is taken again.
func (c *Comment) Run(ctx context.Context, step *engine.StepContext) error {
	value, err := c.text.Eval(step.Env)
	if err != nil {
		return engine.Permanent(fmt.Errorf("text: %w", err))
	}
	record, err := step.Get(ctx, step.Ref)
	if err != nil {
		return err
	}
	before := record.Fields.Text(c.Field)
	after := fmt.Sprint(value)
	if before != "" {
		after = before + "\n" + after
	}
	plain, err := c.field.Plain(after)
	if err != nil {
		return engine.Permanent(err)
	}
	step.Note("added a line to %s", c.Field)
	return step.Update(step.Ref, engine.Fields{c.Field: plain}, engine.Fields{c.Field: before})
}

var (
	_ engine.Task    = (*Comment)(nil)
	_ engine.Checker = (*Comment)(nil)
)
