package engine

import (
	"context"
)

// Task is what a step does. Its struct is the step's configuration: documented, yaml-tagged fields.
// It is shared by all runs and must not change once loaded.
type Task interface {
	// Run is called once for a step. It must have no effect of its own: whatever it wants done it asks
	// of the StepContext, and the asks commit together with the run. A Permanent error ends the run as
	// failed; after any other the run rests, and the step is taken again by its retry policy.
	Run(ctx context.Context, step *StepContext) error
}

// Checker is a Task that checks itself against the book when it is loaded, and keeps what it compiled
// there.
type Checker interface {
	Check(scope CheckScope)
}

// CheckScope is what a task may look up while its workflow is loaded. Keys name places of the task's
// own configuration: "field", "set.ticketstatus", "" for the task itself. What is wrong is reported at
// that place; the method then returns nil, and the task goes on to find further mistakes.
type CheckScope interface {
	// Module describes the triggering record; Modules all there are.
	Module() *Module
	Modules() map[string]*Module
	// Channels are those of the channels named at a key that there are, in their order. It complains of any
	// other; but one that the shipped book may do without is passed over.
	Channels(key string, names []string) []string
	// Carrier is what is known of a channel.
	Carrier(channel string) Carrier
	// Text compiles the value at a key: text in which {{ … }} holds expressions, or a plain value.
	Text(key string) Program
	// Route reads a route over references at a key: record.parent_id, record.parent_id.email.
	Route(key string) *Route
	// Field finds a field that the value or key at a place names.
	Field(key string, module *Module, name string) *Field
	// Landing finds a landing for a link about the record at the end of a route; nil for the triggering one.
	Landing(key, name string, about *Route) *Landing
	// Template finds a message template and checks that it has a text for each channel, and what it
	// says of the record and the named links.
	Template(key, name string, channels, links []string) Template
	// Condition compiles the bare expression at a key, which must be true or false; nil where there is
	// nothing at the key.
	Condition(key string) Program
	// Moment compiles the bare expression at a key, which must be a time; nil where there is nothing.
	Moment(key string) Program
	// Wording compiles the bare expression at a key, which must be text; nil where there is nothing.
	Wording(key string) Program
	// Await says that the step waits for a program's value to change.
	Await(p Program)
	// Parts compiles the text at a key piece by piece, for those who write each value in a way of its own;
	// nil after a complaint.
	Parts(key string) []TextPart
	// Tree compiles the value at a key in which {{ … }} may stand at any depth: the program gives the same
	// lists and mappings with the values filled in.
	Tree(key string) Program
	// Answering is the scope of what is evaluated once a call was answered: expressions see response too.
	Answering() CheckScope
	// Secret tells whether there may be a secret of a name, and complains if not.
	Secret(key, name string) bool
	// Calls are what the configuration lets calls do.
	Calls() CallRules
	// Choice tells whether word is among the choices, and complains if not.
	Choice(key, what, word string, choices []string) bool
	// Declare makes the name of a var known to the expressions and templates of later steps, with the type
	// of the program that it is set to; nil for a value that may be anything. The key is its place.
	Declare(key, name string, value Program)
	// Starts says that the step starts a workflow on a record of one of some modules, handing over inputs that stand
	// under the key inputs. It is checked when all workflows are known.
	Starts(key, workflow string, modules []*Module, inputs map[string]any)
	// Complain reports a mistake.
	Complain(key, message string)
}

// TextPart is a piece of a text: as it stands, or what a program gives, as text.
type TextPart struct {
	Plain string
	Value Program // nil for plain text
}
