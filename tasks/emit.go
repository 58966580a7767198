package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"postern/engine"
)

// Emit publishes an event of its own type about the record: on NATS as postern.<noun>.<verb>.<id>.
type Emit struct {
	// Type is a noun and a verb in the past tense: ticket.escalated.
	Type string `yaml:"type,required"`
	// Data are the values the event carries: plain ones, or text with {{ expressions }}.
	Data map[string]any `yaml:"data"`

	values map[string]engine.Program
}

func emitKind() engine.TaskKind {
	return engine.TaskKind{
		Name:    "emit",
		Summary: "publishes an event on NATS",
		Example: "emit: { type: ticket.escalated, data: { priority: \"{{ record.ticketpriorities }}\" } }",
		New:     func() engine.Task { return &Emit{} },
	}
}

var eventType = regexp.MustCompile(`^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*$`)

// Check sees to the type and compiles the values.
func (e *Emit) Check(scope engine.CheckScope) {
	noun, _, _ := strings.Cut(e.Type, ".")
	switch {
	case !eventType.MatchString(e.Type):
		scope.Complain("type", fmt.Sprintf(
			"%q is no event type: a noun and a past verb in small letters, such as ticket.escalated", e.Type))
	case noun == "record" || engine.OwnNoun(noun):
		scope.Complain("type", fmt.Sprintf("events of %s are told by Postern itself; choose another noun", noun))
	}
	e.values = map[string]engine.Program{}
	for _, name := range slices.Sorted(maps.Keys(e.Data)) {
		if program := scope.Text("data." + name); program != nil {
			e.values[name] = program
		}
	}
}

// Run computes the values and asks for the event.
func (e *Emit) Run(_ context.Context, step *engine.StepContext) error {
	data := map[string]any{}
	for name, program := range e.values {
		value, err := program.Eval(step.Env)
		if err != nil {
			return engine.Permanent(fmt.Errorf("%s: %w", name, err))
		}
		data[name] = value
	}
	body, err := json.Marshal(data)
	if err != nil {
		return engine.Permanent(fmt.Errorf("write event data: %w", err))
	}
	return step.Emit(e.Type, body)
}

// isTemplate tells whether a text holds expressions.
func isTemplate(text string) bool { return strings.Contains(text, "{{") }

var (
	_ engine.Task    = (*Emit)(nil)
	_ engine.Checker = (*Emit)(nil)
)
