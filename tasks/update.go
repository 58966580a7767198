package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"postern/engine"
)

// Update sets fields of the record, or of a record a route leads to. Values are checked against the
// module; fields that have the value already are not written.
type Update struct {
	// Set gives the new values: plain ones, or text with {{ expressions }}. A value that is exactly
	// one {{ expression }} keeps its type.
	Set map[string]any `yaml:"set,required"`
	// Record is a route to another record to be written, such as record.parent_id.
	Record string `yaml:"record"`

	values map[string]engine.Program
	route  *engine.Route
}

func updateKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "update",
		Summary: "sets fields of the record or of a related one",
		Example: "update: { set: { ticketstatus: Open, description: \"{{ record.description }} (seen)\" } }",
		New:     func() engine.Task { return &Update{} },
	}
}

// Check compiles the values and holds them against the fields.
func (u *Update) Check(scope engine.CheckScope) {
	if len(u.Set) == 0 {
		scope.Complain("set", "set names at least one field")
	}
	u.values = map[string]engine.Program{}
	modules := []*engine.Module{scope.Module()}
	if u.Record != "" {
		if u.route = scope.Route("record"); u.route == nil {
			return
		}
		if !u.route.Records() {
			scope.Complain("record", u.Record+" is a field, not a record to write to")
			return
		}
		modules = described(scope.Modules(), u.route.Field.To)
		if len(modules) == 0 {
			return // the module file has been complained about
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Set)) {
		if program := checkValue(scope, modules, name, u.Set[name]); program != nil {
			u.values[name] = program
		}
	}
}

// checkValue compiles the value of a field under set and holds it against the field, as far as it is
// known already; nil after a complaint.
func checkValue(scope engine.CheckScope, modules []*engine.Module, name string, value any) engine.Program {
	key := "set." + name
	field := scope.Field(key, having(modules, name), name)
	program := scope.Text(key)
	if field == nil || program == nil {
		return nil
	}
	if text, ok := value.(string); !ok || !isTemplate(text) {
		if _, err := field.Plain(value); err != nil {
			scope.Complain(key, err.Error())
		}
	}
	return program
}

// plainValues computes the values that set names, in the form a record keeps.
func plainValues(
	step *engine.StepContext, module *engine.Module, values map[string]engine.Program,
) (engine.Fields, error) {
	set := engine.Fields{}
	for name, program := range values {
		value, err := program.Eval(step.Env)
		if err != nil {
			return nil, engine.Permanent(fmt.Errorf("%s: %w", name, err))
		}
		field := module.Fields[name]
		if field == nil {
			return nil, engine.Permanent(fmt.Errorf("%s has no field %s", module.Name, name))
		}
		if set[name], err = field.Plain(value); err != nil {
			return nil, engine.Permanent(err)
		}
	}
	return set, nil
}

func described(all map[string]*engine.Module, names []string) []*engine.Module {
	var modules []*engine.Module
	for _, name := range names {
		if m := all[name]; m != nil {
			modules = append(modules, m)
		}
	}
	return modules
}

// having is the first of the modules that has the field, or the first of them.
func having(modules []*engine.Module, field string) *engine.Module {
	for _, m := range modules {
		if m.Fields[field] != nil {
			return m
		}
	}
	return modules[0]
}

// Run computes the values and asks for the change.
func (u *Update) Run(_ context.Context, step *engine.StepContext) error {
	ref := step.Ref
	if u.route != nil {
		if ref = u.route.Ref(step.Env); ref.IsZero() {
			step.Note("nothing written: %s leads to no record", u.route)
			return nil
		}
	}
	set, err := plainValues(step, step.Modules[ref.Module], u.values)
	if err != nil {
		return err
	}
	return step.Update(ref, set, u.seen(step, set))
}

// seen are the values that the new ones were computed beside. If somebody else changes one of them
// first, the step is taken again with what they wrote.
func (u *Update) seen(step *engine.StepContext, set engine.Fields) engine.Fields {
	fields := step.Env.Record
	if u.route != nil {
		fields = u.route.Record(step.Env).Fields
	}
	seen := engine.Fields{}
	for name := range set {
		seen[name] = fields[name]
	}
	return seen
}

var (
	_ engine.Task    = (*Update)(nil)
	_ engine.Checker = (*Update)(nil)
)
