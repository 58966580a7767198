package workflows

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
	"postern/internal/yamldoc"
)

// names are what the expressions of the step may see.
func (s *stepScope) names() *exprsafe.Scope {
	scope := s.scope()
	if s.hears != nil {
		scope.Names["response"] = exprsafe.ObjectOf("response", map[string]exprsafe.Type{
			"status": {Kind: exprsafe.Number}, "headers": {Kind: exprsafe.Map}, "body": {},
		})
	}
	return scope
}

// Answering is the scope of what is evaluated once a call was answered.
func (s *stepScope) Answering() engine.CheckScope {
	later := *s
	later.hears = s
	return &later
}

// readsLater notes what must be read before a program is evaluated that sees the answer of a call. That is read before
// the call, so that it cannot depend on the answer.
func (s *stepScope) readsLater(p engine.Program) {
	for _, q := range engine.QueriesOf(p) {
		value, ok := q.Value.(*program)
		if ok && slices.ContainsFunc(value.evaluator.Uses().Names, fromAnswer) {
			s.complain(s.node.Errorf("the CRM cannot be asked here by what is answered: " +
				"save the value, and ask by vars in the next step"))
			return
		}
	}
	s.reads(p)
}

func fromAnswer(name string) bool {
	root, _, _ := strings.Cut(name, ".")
	return root == "response"
}

// Calls are what the configuration lets calls do.
func (s *stepScope) Calls() engine.CallRules { return s.options.Calls }

// Secret tells whether there may be a secret of a name.
func (s *stepScope) Secret(key, name string) bool {
	return s.options.Secrets == nil || s.Choice(key, "secret", name, s.options.Secrets)
}

// Parts compiles the text at a key piece by piece.
func (s *stepScope) Parts(key string) []engine.TextPart {
	n := s.at(key)
	text, fail := exprsafe.CompileText(n.Text(), s.names())
	if fail != nil {
		s.complain(located(n, fail))
		return nil
	}
	whole := s.routed(n, text)
	if whole == nil {
		return nil
	}
	s.reads(whole)
	var parts []engine.TextPart
	for _, piece := range text.Pieces() {
		part := engine.TextPart{Plain: piece.Plain}
		if piece.Program != nil {
			part.Value = inText{newProgram(piece.Program, piece.Source, s.book.Modules)}
		}
		parts = append(parts, part)
	}
	return parts
}

// inText is an expression within a text.
type inText struct{ *program }

// Eval gives the value as text.
func (w inText) Eval(env *engine.Env) (any, error) {
	v, err := w.program.Eval(env)
	if err != nil {
		return nil, err
	}
	return exprsafe.Format(v)
}

// Tree compiles a value with {{ … }} at any depth.
func (s *stepScope) Tree(key string) engine.Program {
	p := s.tree(s.at(key))
	if p == nil {
		return nil
	}
	s.reads(p)
	return p
}

func (s *stepScope) tree(n *yamldoc.Node) engine.Program {
	if templateWithin(n) == nil {
		return constant{n.Plain()}
	}
	switch n.Kind() {
	case yamldoc.List:
		list := make(listProgram, 0, len(n.Items()))
		for _, item := range n.Items() {
			list = append(list, s.tree(item))
		}
		return whole(list, slices.Contains(list, nil))
	case yamldoc.Mapping:
		mapping := mapProgram{}
		for key, value := range n.Entries() {
			mapping[key.Text()] = s.tree(value)
		}
		return whole(mapping, slices.Contains(slices.Collect(maps.Values(mapping)), nil))
	}
	return s.text(n, s.names())
}

// whole is a program none of whose parts was complained about.
func whole(p engine.Program, broken bool) engine.Program {
	if broken {
		return nil
	}
	return p
}

// listProgram gives a list.
type listProgram []engine.Program

// Eval fills the list in.
func (l listProgram) Eval(env *engine.Env) (any, error) {
	list := make([]any, len(l))
	for i, p := range l {
		v, err := p.Eval(env)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

// Routes are those of the items.
func (l listProgram) Routes() []string { return routesOf(slices.Values(l)) }

// Queries are those of the items.
func (l listProgram) Queries() []engine.Query { return queriesOf(slices.Values(l)) }

// Source is nothing that an admin wrote in one piece.
func (listProgram) Source() string { return "the list" }

// mapProgram gives a mapping.
type mapProgram map[string]engine.Program

// Eval fills the mapping in.
func (m mapProgram) Eval(env *engine.Env) (any, error) {
	values := make(map[string]any, len(m))
	for name, p := range m {
		v, err := p.Eval(env)
		if err != nil {
			return nil, err
		}
		values[name] = v
	}
	return values, nil
}

// Routes are those of the values.
func (m mapProgram) Routes() []string { return routesOf(maps.Values(m)) }

// Queries are those of the values.
func (m mapProgram) Queries() []engine.Query { return queriesOf(maps.Values(m)) }

// Source is nothing that an admin wrote in one piece.
func (mapProgram) Source() string { return "the mapping" }

// queriesOf are the queries of some programs together.
func queriesOf(programs iter.Seq[engine.Program]) (all []engine.Query) {
	for p := range programs {
		all = append(all, engine.QueriesOf(p)...)
	}
	return all
}

// routesOf are the routes of some programs together, sorted.
func routesOf(programs iter.Seq[engine.Program]) []string {
	all := map[string]bool{}
	for p := range programs {
		for _, route := range p.Routes() {
			all[route] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

var (
	_ engine.Program = listProgram{}
	_ engine.Program = mapProgram{}
	_ engine.Program = inText{}
)
