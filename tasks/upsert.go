package tasks

import (
	"context"
	"fmt"

	"postern/engine"
)

// Upsert updates the record of a module that has a value, or makes it if there is none. Of several the one
// with the first id is meant. Its outputs are the record's id, and created: whether it was made.
type Upsert struct {
	// Module is the kind of record.
	Module string `yaml:"module,required" schema:"module"`
	// Match names the field by which the record is found: the one that has the value which set gives it.
	// Letters count as they are written: Zoe@acme.example is not zoe@acme.example.
	Match string `yaml:"match,required"`
	// Set gives the values of the record, that of match among them: plain ones, or text with
	// {{ expressions }}. A value that is exactly one {{ expression }} keeps its type.
	Set map[string]any `yaml:"set,required"`
	// Key names a unique text field that set leaves alone. Where the records are in another CRM, Postern
	// writes a key of its own there into a record that it makes, by which it knows the record again when the
	// CRM's answer was lost. Without it the value of match is what it is known by.
	Key string `yaml:"key"`

	values map[string]engine.Program
	module *engine.Module
}

func upsertKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "upsert",
		Summary: "updates the record that has a value, or makes it",
		Example: "upsert: { module: Contacts, match: email, " +
			"set: { email: \"{{ record.parent_id.email }}\", firstname: Zoë } }",
		New: func() engine.Task { return &Upsert{} },
	}
}

// Check compiles the values and sees that the record can be found by one of them.
func (u *Upsert) Check(scope engine.CheckScope) {
	u.module, u.values = checkNew(scope, u.Module, u.Set, u.Key)
	if u.module == nil {
		return
	}
	field := scope.Field("match", u.module, u.Match)
	switch _, set := u.Set[u.Match]; {
	case field == nil:
	case field.Type == engine.TypeMultiPicklist:
		scope.Complain("match", fmt.Sprintf("%s holds several options; a record is found by a single value", u.Match))
	case !set:
		scope.Complain("match", fmt.Sprintf("set gives no value for %s, by which the record is found", u.Match))
	}
}

// Run looks for the record and asks for a change of it, or for a new one.
func (u *Upsert) Run(ctx context.Context, step *engine.StepContext) error {
	set, err := plainValues(step, u.module, u.values)
	if err != nil {
		return err
	}
	value := set[u.Match]
	if engine.Same(value, "") {
		return engine.Permanent(fmt.Errorf("%s, by which the record is found, has no value", u.Match))
	}
	found, err := step.Find(ctx, u.Module, u.Match, value)
	if err != nil {
		return err
	}
	if found == nil {
		step.Note("makes a record of %s: none has this %s", u.Module, u.Match)
		return step.CreateUnmatched(u.Module, set, u.Key, u.Match)
	}
	step.Output(engine.Fields{"id": found.ID, "created": false})
	seen := engine.Fields{}
	for name, value := range set {
		if engine.Same(found.Fields[name], value) {
			delete(set, name)
			continue
		}
		seen[name] = found.Fields[name]
	}
	if len(set) == 0 {
		step.Note("%s has this %s, and the other values too", found.Ref, u.Match)
		return nil
	}
	step.Note("%s has this %s", found.Ref, u.Match)
	return step.Update(found.Ref, set, seen)
}

// Done keeps the id of the record that was made.
func (u *Upsert) Done(_ context.Context, step *engine.StepContext, made engine.Record) error {
	step.Note("made %s", made.Ref)
	step.Output(engine.Fields{"id": made.ID, "created": true})
	return nil
}

var (
	_ engine.Task     = (*Upsert)(nil)
	_ engine.Checker  = (*Upsert)(nil)
	_ engine.Finisher = (*Upsert)(nil)
)
