package store

import (
	"fmt"
	"strings"

	"postern/engine"
)

// where is the condition that the predicate of a search holds for a record r0. Conditions are true, false or, where a
// value cannot be compared, NULL: as in engine.Predicate.Holds neither such a comparison nor its negation holds, and
// that is what NOT, AND and OR make of NULL.
func (q *question) where() string {
	return inModule("r0", q.Module.Name) + " AND " + q.condition(q.Where, false)
}

// inModule picks the records of a module that are there. Module and deleted stand as in the indexes that Index makes.
func inModule(row, module string) string {
	return fmt.Sprintf("%s.module = %s AND %s.deleted = 0", row, quoted(module), row)
}

// condition writes a predicate. Under a negation, NULL and false must be told apart; else a condition may be NULL where
// it is false, which lets more of them use an index.
func (q *question) condition(p engine.Predicate, negated bool) string {
	switch p.Op {
	case engine.OpNot:
		if len(p.Of) != 1 {
			return "0"
		}
		return "NOT " + q.condition(p.Of[0], !negated)
	case engine.OpAnd, engine.OpOr:
		return q.joint(p, negated)
	case engine.OpRelated:
		return q.related("r0", p)
	}
	return q.compare(p, negated)
}

func (q *question) joint(p engine.Predicate, negated bool) string {
	conditions := make([]string, len(p.Of))
	for i, part := range p.Of {
		conditions[i] = q.condition(part, negated)
	}
	switch {
	case p.Op == engine.OpAnd && len(conditions) == 0:
		return "1"
	case p.Op == engine.OpAnd:
		return "(" + strings.Join(conditions, " AND ") + ")"
	case len(conditions) == 0:
		return "0"
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// related is the condition that the CRM relates the record to another. A relation is stored once, from whichever end
// comes first.
func (q *question) related(row string, p engine.Predicate) string {
	if len(p.Values) != 1 || p.Values[0].From != engine.FromConstant {
		return "NULL"
	}
	id, ok := p.Values[0].Value.(string)
	if !ok || id == "" {
		return "NULL"
	}
	return fmt.Sprintf(`%[1]s.id IN (
		SELECT other_id FROM relations WHERE module = %[2]s AND id = %[3]s AND other_module = %[4]s AND stands = 1
		UNION ALL
		SELECT id FROM relations INDEXED BY relations_other
		WHERE other_module = %[2]s AND other_id = %[3]s AND module = %[4]s AND stands = 1)`,
		row, q.param(p.Module), q.param(id), quoted(q.Module.Name))
}

// compare writes one comparison.
func (q *question) compare(p engine.Predicate, negated bool) string {
	values, ok := operands(p)
	if !ok {
		return "NULL"
	}
	c, steps := comparison{question: q, p: p, values: values}, strings.Split(p.Path, ".")
	if holds, known := p.Compare(nil, nil); negated || (known && holds && len(steps) > 1) {
		return "nullif(" + c.outcome("r0", q.Module, steps) + ", 2)"
	}
	return c.positive("r0", q.Module, steps)
}
