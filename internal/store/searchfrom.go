package store

import (
	"fmt"
	"slices"
	"strings"

	"postern/engine"
)

// from is the records that the condition is held against: those that indexes find, where there are some for it, or all.
// Left to itself SQLite, which keeps no statistics here, would rather go through a module in the order of its ids.
func (q *question) from() string {
	all := parts(q.Where)
	if slices.ContainsFunc(all, byID) {
		return "records AS r0"
	}
	for _, part := range all {
		if index, ok := q.indexOf(part); ok {
			return "records AS r0" + using(index)
		}
		if numbers, ok := q.numbers(part); ok {
			return "(" + numbers + ") AS found CROSS JOIN records AS r0 ON r0.rowid = found.number"
		}
	}
	return "records AS r0"
}

// byID tells whether a comparison names records by their ids, which their own key finds.
func byID(p engine.Predicate) bool {
	return p.Path == "id" && (p.Op == engine.OpEqual || p.Op == engine.OpIn)
}

// parts are what must all hold for a predicate to hold.
func parts(p engine.Predicate) (all []engine.Predicate) {
	if p.Op != engine.OpAnd {
		return []engine.Predicate{p}
	}
	for _, part := range p.Of {
		all = append(all, parts(part)...)
	}
	return all
}

// numbers is a statement that gives the numbers of all records that a predicate may hold for, by indexes; false if no
// index finds them.
func (q *question) numbers(p engine.Predicate) (string, bool) {
	switch p.Op {
	case engine.OpAnd:
		for _, part := range parts(p) {
			if numbers, ok := q.numbers(part); ok {
				return numbers, true
			}
		}
		return "", false
	case engine.OpOr:
		return q.numbersOfAny(p.Of)
	case engine.OpRelated:
		row := q.row()
		return q.numbersBy("", row, q.related(row, p)), true
	}
	index, ok := q.indexOf(p)
	if !ok {
		return "", false
	}
	values, _ := operands(p)
	c, row := comparison{question: q, p: p, values: values}, q.row()
	return q.numbersBy(index, row, c.positive(row, q.Module, strings.Split(p.Path, "."))), true
}

func (q *question) numbersOfAny(of []engine.Predicate) (string, bool) {
	all := make([]string, len(of))
	for i, part := range of {
		var ok bool
		if all[i], ok = q.numbers(part); !ok {
			return "", false
		}
	}
	return strings.Join(all, " UNION "), len(all) > 0
}

func (q *question) numbersBy(index, row, condition string) string {
	return fmt.Sprintf("SELECT %s.rowid AS number FROM records AS %s%s WHERE %s AND %s", row, row, using(index),
		inModule(row, q.Module.Name), condition)
}

// indexOf is the index by which SQLite finds the records that a comparison holds for.
func (q *question) indexOf(p engine.Predicate) (string, bool) {
	if p.Op == engine.OpAnd || p.Op == engine.OpOr || p.Op == engine.OpNot || p.Op == engine.OpRelated {
		return "", false
	}
	if _, ok := operands(p); !ok {
		return "", false
	}
	steps := strings.Split(p.Path, ".")
	if holds, known := p.Compare(nil, nil); len(steps) > 1 && known && holds {
		return "", false
	}
	return comparison{question: q, p: p}.index(q.Module, steps[0], len(steps) > 1)
}

// index is the one by which records are found whose field is as compared, or leads to what is.
func (c comparison) index(m *engine.Module, field string, leads bool) (string, bool) {
	at := place{m.Name, field}
	name := at.index()
	if leads {
		return name, len(c.targets(m, field)) > 0 && c.indexed(name)
	}
	if c.p.Op == engine.OpFold {
		name = at.foldedIndex()
	}
	apart := comparison{question: &question{Search: c.Search}, p: c.p} // whose parameters nobody needs
	_, exact := apart.exact("r0", m, field)
	return name, exact && c.indexed(name)
}

// using makes SQLite use an index; "" leaves it the choice.
func using(index string) string {
	if index == "" {
		return ""
	}
	return ` INDEXED BY "` + strings.ReplaceAll(index, `"`, `""`) + `"`
}
