// Package tasks holds what a workflow can do: one kind, one file, named by its verb. A kind is a
// struct whose yaml-tagged fields are its configuration; its Run only asks, and the engine commits
// what was asked together with the run.
package tasks

import "postern/engine"

// Kinds lists the kinds of tasks in the order the reference shows them.
func Kinds() []engine.TaskKind {
	return []engine.TaskKind{
		fillKind(),
		updateKind(),
		createKind(),
		upsertKind(),
		deleteKind(),
		relateKind(),
		unrelateKind(),
		notifyKind(),
		callKind(),
		emitKind(),
		waitKind(),
		varsKind(),
		stopKind(),
		startKind(),
	}
}
