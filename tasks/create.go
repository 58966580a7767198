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
	Module string `yaml:"module,required" schema:"module"`
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
	c.module, c.values = checkNew(scope, c.Module, c.Set, c.Key)
}

// checkNew compiles the values of a record that may be made, and holds them and its key against the fields of its
// module; nil after a complaint that there is no such module.
func checkNew(scope engine.CheckScope, name string, set map[string]any, key string) (
	*engine.Module, map[string]engine.Program,
) {
	modules := scope.Modules()
	module := modules[name]
	if module == nil {
		scope.Choice("module", "module", name, slices.Sorted(maps.Keys(modules)))
		return nil, nil
	}
	values := map[string]engine.Program{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if program := checkValue(scope, []*engine.Module{module}, name, set[name]); program != nil {
			values[name] = program
		}
	}
	for _, field := range module.Names {
		if _, given := set[field]; module.Fields[field].Required && !given && field != key {
			scope.Complain("set", fmt.Sprintf("%s needs a value for %s", name, field))
		}
	}
	if key != "" {
		checkKey(scope, module, set, key)
	}
	return module, values
}

// checkKey sees that a field can hold a key of ours.
func checkKey(scope engine.CheckScope, module *engine.Module, set map[string]any, key string) {
	field := scope.Field("key", module, key)
	switch _, given := set[key]; {
	case field == nil:
	case field.Type != engine.TypeText || !field.Unique:
		scope.Complain("key", fmt.Sprintf("%s must be a text field with unique: true to hold a key", key))
	case given:
		scope.Complain("key", fmt.Sprintf("%s is set already; the key is Postern's own", key))
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
