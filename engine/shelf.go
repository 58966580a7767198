package engine

import "slices"

// Needing is a condition that says what must hold of the record for it to be true. The programs of a book are.
type Needing interface {
	// Needs returns a field of the record and the text that it must have; ok is false where nothing as plain is needed.
	Needs() (field, value string, ok bool)
}

// shelf holds the candidates for the events of one module and verb so that those whose condition needs a value which
// the record does not have, and those that ask for the change of a field which has not changed, are not even looked
// at: thousands of workflows on one module cost what those cost that may start.
type shelf struct {
	count   int
	needing map[string]map[string][]placed // by field and value that the condition needs
	changed map[string][]placed            // by field one of which must have changed
	rest    []placed
}

// placed is a candidate with its place among all: runs begin in the order of their workflows.
type placed struct {
	candidate
	place int
}

func newShelf() *shelf {
	return &shelf{needing: map[string]map[string][]placed{}, changed: map[string][]placed{}}
}

func (s *shelf) add(c candidate) {
	p := placed{candidate: c, place: s.count}
	s.count++
	// The condition of one that gathers events is decided when its window is over, by the last of them.
	if needing, ok := c.workflow.If.(Needing); ok && c.workflow.Debounce == nil {
		if field, value, ok := needing.Needs(); ok {
			if s.needing[field] == nil {
				s.needing[field] = map[string][]placed{}
			}
			s.needing[field][value] = append(s.needing[field][value], p)
			return
		}
	}
	if slices.ContainsFunc(c.triggers, func(t Trigger) bool { return len(t.Changed) == 0 }) {
		s.rest = append(s.rest, p)
		return
	}
	seen := map[string]bool{}
	for _, t := range c.triggers {
		for _, field := range t.Changed {
			if !seen[field] {
				s.changed[field] = append(s.changed[field], p)
			}
			seen[field] = true
		}
	}
}

// candidates are those that may start, or all where somebody watches how each is judged.
func (s *shelf) candidates(env *Env, watched bool) []candidate {
	if watched {
		return s.all()
	}
	return s.find(env)
}

// find returns the candidates that may start, in their order. A record that does not fit its module is told by their
// conditions, so that all of them are given then.
func (s *shelf) find(env *Env) []candidate {
	if s == nil {
		return nil
	}
	found := slices.Clone(s.rest)
	for _, field := range env.Event.Change.Changed {
		found = append(found, s.changed[field]...)
	}
	if len(s.needing) > 0 {
		view, err := env.View()
		for field, byValue := range s.needing {
			if err != nil {
				for _, some := range byValue {
					found = append(found, some...)
				}
				continue
			}
			if text, ok := view[field].(string); ok {
				found = append(found, byValue[text]...)
			}
		}
	}
	return inOrder(found)
}

// all returns every candidate, in their order.
func (s *shelf) all() []candidate {
	if s == nil {
		return nil
	}
	found := slices.Clone(s.rest)
	for _, some := range s.changed {
		found = append(found, some...)
	}
	for _, byValue := range s.needing {
		for _, some := range byValue {
			found = append(found, some...)
		}
	}
	return inOrder(found)
}

// inOrder sorts candidates by their place, each once.
func inOrder(found []placed) []candidate {
	slices.SortFunc(found, func(a, b placed) int { return a.place - b.place })
	var candidates []candidate
	for i, p := range found {
		if i == 0 || p.place != found[i-1].place {
			candidates = append(candidates, p.candidate)
		}
	}
	return candidates
}
