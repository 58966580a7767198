package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"postern/engine"
)

// Create makes a record. However often it is tried, it is one record. Its output id is the new record's
// id as the CRM gave it.
type Create struct {
	// Module is the kind of record to make.
	Module string `yaml:"module,required"`
	// Set gives its values: plain ones, or text with {{ expressions }}. A value that is exactly one
	// {{ expression }} keeps its type.
	Set map[string]any `yaml:"set,required"`
	// Key names a unique text field of the new record that set leaves alone. Postern writes a key of its
	// own there, by which it knows the record again when the CRM's answer was lost. It is needed where
	// the records are in another CRM.
	Key string `yaml:"key"`

	values map[string]engine.Program
	module *engine.Module
}

func createKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "create",
		Summary: "makes a record",
		Example: "create: { module: ModComments, key: cf_externalid, " +
			"set: { commentcontent: \"Reminded.\", related_to: \"{{ record.id }}\" } }",
		New: func() engine.Task { return &Create{} },
	}
}

// Check compiles the values and holds them against the fields.
func (c *Create) Check(scope engine.CheckScope) {
	modules := scope.Modules()
	if c.module = modules[c.Module]; c.module == nil {
		scope.Choice("module", "module", c.Module, slices.Sorted(maps.Keys(modules)))
		return
	}
	c.values = map[string]engine.Program{}
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		if program := checkValue(scope, []*engine.Module{c.module}, name, c.Set[name]); program != nil {
			c.values[name] = program
		}
	}
	for _, name := range c.module.Names {
		if _, set := c.Set[name]; c.module.Fields[name].Required && !set && name != c.Key {
			scope.Complain("set", fmt.Sprintf("%s needs a value for %s", c.Module, name))
		}
	}
	if c.Key == "" {
		return
	}
	field := scope.Field("key", c.module, c.Key)
	switch _, set := c.Set[c.Key]; {
	case field == nil:
	case field.Type != engine.TypeText || !field.Unique:
		scope.Complain("key", fmt.Sprintf("%s must be a text field with unique: true to hold a key", c.Key))
	case set:
		scope.Complain("key", fmt.Sprintf("%s is set already; the key is Postern's own", c.Key))
	}
}

// Run computes the values and asks for the record.
func (c *Create) Run(_ context.Context, step *engine.StepContext) error {
	fields, err := plainValues(step, c.module, c.values)
	if err != nil {
		return err
	}
	step.Note("makes a record of %s", c.Module)
	return step.Create(c.Module, fields, c.Key)
}

// Done keeps the id of the new record.
func (c *Create) Done(_ context.Context, step *engine.StepContext, made engine.Record) error {
	step.Note("made %s", made.Ref)
	step.Output(engine.Fields{"id": made.ID})
	return nil
}

var (
	_ engine.Task     = (*Create)(nil)
	_ engine.Checker  = (*Create)(nil)
	_ engine.Finisher = (*Create)(nil)
)
