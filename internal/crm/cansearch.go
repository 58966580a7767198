package crm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/engine"
)

// CanSearch refuses, Permanent, a search that the CRM will never answer. It looks at what is asked and not at values,
// so that operands may still be the subject's. A mirror answers whatever is well formed.
func (c Config) CanSearch(search engine.Search) error {
	if err := search.Check(); err != nil || c.Kind != KindCorebos {
		return err
	}
	if err := sayable(search.Module, search.Modules, search.Where); err != nil {
		return engine.Permanent(fmt.Errorf("search records of %s: %w", search.Module.Name, err))
	}
	return nil
}

var (
	errUnsaid = errors.New("coreBOS cannot be asked for it: each way in which it may hold needs a field that is " +
		"compared by ==, in, <, >, contains, startsWith or endsWith")
	errRelated = errors.New("coreBOS does not say which records are related: compare a reference")
)

// sayable refuses a predicate of which nothing can be said to coreBOS in one of the ways in which it may hold, and what
// the CRM relates.
func sayable(m *engine.Module, modules map[string]*engine.Module, p engine.Predicate) error {
	if relates(p) {
		return errRelated
	}
	all, err := ways(p, false, maxWays)
	if err != nil {
		return err
	}
	return sayableWays(m, modules, all)
}

// relates tells whether a predicate asks what the CRM relates.
func relates(p engine.Predicate) bool {
	return p.Op == engine.OpRelated || slices.ContainsFunc(p.Of, relates)
}

func sayableWays(m *engine.Module, modules map[string]*engine.Module, all [][]comparison) error {
	for _, way := range all {
		said := len(way) == 0 // everything is what it holds for
		for _, one := range way {
			words := one.Op == engine.OpMentions && !one.negated
			said = said || words || sayableOne(m, modules, one)
		}
		if !said {
			return errUnsaid
		}
	}
	return nil
}

// sayableOne tells whether a comparison can be said. A value that is not known yet counts as one that can be.
func sayableOne(m *engine.Module, modules map[string]*engine.Module, p comparison) bool {
	first, rest, further := strings.Cut(p.Path, ".")
	field := fieldOf(m, first)
	if !further {
		if len(p.Values) == 1 && p.Values[0].From != engine.FromConstant {
			p.Values = []engine.Operand{{Value: sample(field)}}
		}
		text, none := said(field, p)
		return text != "" || none
	}
	if p.negated || field == nil {
		return field == nil
	}
	p.Path = rest
	for _, to := range field.To {
		if next := modules[to]; next != nil && !sayableOne(next, modules, p) {
			return false
		}
	}
	return !holdsNowhere(p)
}

// sample is a value that a field may be compared with.
func sample(field *engine.Field) any {
	if field == nil {
		return nil
	}
	switch field.Type {
	case engine.TypeBoolean:
		return true
	case engine.TypeDate, engine.TypeDateTime:
		return "2026-01-01"
	case engine.TypeReference:
		return "1x1"
	}
	return "1"
}

// fieldOf is a field of a module; the id is one too.
func fieldOf(m *engine.Module, name string) *engine.Field {
	if name == "id" {
		return &engine.Field{Name: "id", Type: engine.TypeText}
	}
	return m.Fields[name]
}

// holdsNowhere tells whether a comparison holds where its path leads nowhere, so that references cannot be followed
// back from what it holds for.
func holdsNowhere(p comparison) bool {
	holds, known := p.Compare(nil, nil)
	return known && holds != p.negated
}
