package workflows

import (
	"regexp"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

var varName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// scope is what the expressions of the next step may see: the record, the outputs and the vars of the
// steps before it. One of those may have been skipped; what it did not give is null.
func (b *binder) scope() *exprsafe.Scope {
	scope := b.types.asking(b.types.scope(b.workflow, b.ids), b.workflow)
	scope.Names["vars"] = exprsafe.ObjectOf("vars", b.vars)
	scope.Names["steps"] = exprsafe.ObjectOf("steps", b.outputs)
	if b.item != nil {
		scope.Names[exprsafe.ItemName] = *b.item
	}
	return scope
}

// Declare makes a var known to later steps. One that is set in several places is of the type they agree on.
func (s *stepScope) Declare(key, name string, value engine.Program) {
	if !varName.MatchString(name) {
		at := s.at(key)
		if entry, ok := s.node.Lookup(name); ok {
			at = entry.Key
		}
		s.complain(at.Errorf("the name of a var may hold only small letters, digits and _, and begins with a letter"))
		return
	}
	typ := typeOf(value)
	if known, ok := s.vars[name]; ok {
		typ = exprsafe.Either(known, typ)
	}
	s.vars[name] = typ
}

// typeOf is the type of what a program gives, as far as that is known now.
func typeOf(value engine.Program) exprsafe.Type {
	switch p := value.(type) {
	case constant:
		return exprsafe.TypeOf(p.value)
	case *program:
		return p.Type()
	}
	return exprsafe.Type{}
}

// unfold gives a task its mapping where the file has only the text of its short key.
func unfold(kind *engine.TaskKind, config *yamldoc.Node) *yamldoc.Node {
	if kind.Short == "" || !config.IsScalar() || config.Kind() == yamldoc.Null {
		return config
	}
	return config.Under(kind.Short)
}
