package crm

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/engine"
)

// say is the conditions of the queries that together find all records that a predicate holds for. Where its routes lead
// back from so many records that there are too many queries, parts of it are left out until there are few enough.
func (s *searching) say(ctx context.Context, m *engine.Module, p engine.Predicate) ([]string, error) {
	for most := maxWays; most > 0; most /= 2 {
		all, err := ways(p, false, most)
		if err != nil || sayableWays(m, s.Modules, all) != nil {
			break
		}
		queries, err := s.sayWays(ctx, m, all)
		if err != nil || len(queries) <= maxLeads+maxWays {
			return queries, err
		}
	}
	return nil, engine.Permanent(engine.ErrTooWide)
}

// sayWays is the conditions for each way, those that are alike once.
func (s *searching) sayWays(ctx context.Context, m *engine.Module, all [][]comparison) (queries []string, err error) {
	for _, way := range all {
		conditions := []string{""}
		for _, one := range way {
			alternatives, err := s.sayOne(ctx, m, one)
			if err != nil {
				return nil, err
			}
			var more []string
			for _, condition := range conditions {
				for _, alternative := range alternatives {
					more = append(more, condition+alternative)
				}
			}
			conditions = more
		}
		queries = append(queries, conditions...)
	}
	slices.Sort(queries)
	return slices.Compact(queries), nil
}

// sayOne is the alternatives of one comparison, each with an "and" before it, or "" where nothing can be said of it;
// none where it holds for no record.
func (s *searching) sayOne(ctx context.Context, m *engine.Module, p comparison) ([]string, error) {
	first, rest, further := strings.Cut(p.Path, ".")
	field := fieldOf(m, first)
	switch {
	case !further:
		text, none := said(field, p)
		if none {
			return nil, nil
		}
		if text != "" {
			text = " and " + text
		}
		return []string{text}, nil
	case field == nil || p.negated || holdsNowhere(p) || !sayableOne(m, s.Modules, p):
		return []string{""}, nil
	}
	asked := fmt.Sprint(m.Name, p)
	ids, known := s.leads[asked]
	if !known {
		p.Path = rest
		var err error
		if ids, err = s.leading(ctx, field, p); err != nil {
			return nil, err
		}
		s.leads[asked] = ids
	}
	var all []string
	for _, id := range ids {
		all = append(all, " and "+first+"='"+id+"'")
	}
	return all, nil
}

// leading is the ids of the records that a comparison holds for in the modules that a reference may lead to.
func (s *searching) leading(ctx context.Context, field *engine.Field, p comparison) (ids []string, err error) {
	for _, to := range field.To {
		module := s.Modules[to]
		if module == nil {
			continue
		}
		m, err := s.module(ctx, to)
		if err != nil {
			return nil, err
		}
		conditions, err := s.sayOne(ctx, module, p)
		if err != nil {
			return nil, err
		}
		for _, condition := range conditions {
			rows, err := s.rows(ctx, m, condition)
			if err != nil {
				return nil, err
			}
			for _, record := range m.having(rows, to, "", nil) {
				ids = append(ids, record.ID)
			}
			if len(ids) > maxLeads {
				return nil, engine.Permanent(engine.ErrTooWide)
			}
		}
	}
	return ids, nil
}
