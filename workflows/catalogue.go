package workflows

import (
	"maps"
	"slices"

	"postern/engine"
	"postern/internal/exprsafe"
)

// asking lets the expressions of a scope ask the CRM.
func (t *types) asking(scope *exprsafe.Scope, w *engine.Workflow) *exprsafe.Scope {
	scope.Catalogue = catalogue{types: t, module: w.Module}
	return scope
}

// asks lets the workflow's version cover the modules that a program asks about.
func (b *binder) asks(p engine.Program) {
	for _, q := range engine.QueriesOf(p) {
		b.moduleFiles(b.book.Modules[q.Module], b.files)
	}
}

// catalogue is what an expression of a workflow may ask the CRM about.
type catalogue struct {
	types  *types
	module *engine.Module // of the workflow's record
}

// Record is the type of the records of a module.
func (c catalogue) Record(module string) (exprsafe.Type, bool) {
	m := c.types.modules[module]
	if m == nil {
		return exprsafe.Type{}, false
	}
	return c.types.object(m), true
}

// Modules are the names of all modules.
func (c catalogue) Modules() []string { return slices.Sorted(maps.Keys(c.types.modules)) }

// Leading are the fields of a module that refer to records of the workflow's module.
func (c catalogue) Leading(module string) (fields []string) {
	m := c.types.modules[module]
	for _, name := range m.Names {
		if slices.Contains(m.Fields[name].To, c.module.Name) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return fields
}
