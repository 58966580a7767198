package store

import (
	"fmt"
	"slices"
	"strings"

	"postern/engine"
)

// where is the condition that the predicate of a search holds for a record r0. Conditions are true, false or, where a
// value cannot be compared, NULL: as in engine.Predicate.Holds neither such a comparison nor its negation holds, and
// that is what NOT, AND and OR make of NULL.
func (q *question) where() (string, error) {
	condition, err := q.condition(q.Where, false)
	if err != nil {
		return "", err
	}
	return inModule("r0", q.Module.Name) + " AND " + condition, nil
}

// inModule picks the records of a module that are there. Module and deleted stand as in the indexes that Index makes.
func inModule(row, module string) string {
	return fmt.Sprintf("%s.module = %s AND %s.deleted = 0", row, quoted(module), row)
}

// condition writes a predicate. Under a negation, NULL and false must be told apart; else a condition may be NULL where
// it is false, which lets more of them use an index.
func (q *question) condition(p engine.Predicate, negated bool) (string, error) {
	switch p.Op {
	case engine.OpNot:
		if len(p.Of) != 1 {
			return "0", nil
		}
		inner, err := q.condition(p.Of[0], !negated)
		return "NOT " + inner, err
	case engine.OpAnd, engine.OpOr:
		return q.joint(p, negated)
	case engine.OpRelated:
		return q.related(p), nil
	}
	return q.compare(p, negated)
}

func (q *question) joint(p engine.Predicate, negated bool) (string, error) {
	conditions := make([]string, len(p.Of))
	for i, part := range p.Of {
		var err error
		if conditions[i], err = q.condition(part, negated); err != nil {
			return "", err
		}
	}
	switch {
	case p.Op == engine.OpAnd && len(conditions) == 0:
		return "1", nil
	case p.Op == engine.OpAnd:
		return "(" + strings.Join(conditions, " AND ") + ")", nil
	case len(conditions) == 0:
		return "0", nil
	}
	return "(" + strings.Join(conditions, " OR ") + ")", nil
}

// related is the condition that the CRM relates the record to another. A relation is stored once, from whichever end
// comes first.
func (q *question) related(p engine.Predicate) string {
	if len(p.Values) != 1 || p.Values[0].From != engine.FromConstant {
		return "NULL"
	}
	id, ok := p.Values[0].Value.(string)
	if !ok || id == "" {
		return "NULL"
	}
	module, other := q.param(p.Module), q.param(id)
	return fmt.Sprintf(`(r0.id IN (SELECT other_id FROM relations WHERE module = %[1]s AND id = %[2]s
		AND other_module = %[3]s AND stands = 1) OR r0.id IN (SELECT id FROM relations
		WHERE other_module = %[1]s AND other_id = %[2]s AND module = %[3]s AND stands = 1))`,
		module, other, quoted(q.Module.Name))
}

// compare writes one comparison.
func (q *question) compare(p engine.Predicate, negated bool) (string, error) {
	values, ok := operands(p)
	if !ok {
		return "NULL", nil
	}
	steps := strings.Split(p.Path, ".")
	if slices.ContainsFunc(steps, func(name string) bool { return (place{field: name}).checked() != nil }) {
		return "NULL", nil // no field has such a name
	}
	if len(steps)-1 > engine.MaxHops {
		return "", engine.Permanent(fmt.Errorf("%s follows more than %d references", p.Path, engine.MaxHops))
	}
	c := comparison{question: q, p: p, values: values}
	if holds, known := p.Compare(nil, nil); negated || (known && holds && len(steps) > 1) {
		return "nullif(" + c.outcome("r0", q.Module, steps) + ", 2)", nil
	}
	return c.positive("r0", q.Module, steps), nil
}
