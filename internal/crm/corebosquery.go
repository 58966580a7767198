package crm

import (
	"fmt"
	"slices"

	"postern/engine"
)

// A query of coreBOS is made of comparisons of one field with one literal, joined by and: no brackets and no or, which
// its parsers understand in different ways, no in, and no sign in a literal by which it would choose another parser. A
// predicate becomes several such queries, one for each way in which it may hold. Each finds at least what the predicate
// holds for; what it finds besides, as the database knows no case, is taken out when Holds is asked.

// maxWays is how many queries one search may become.
const maxWays = 16

// comparison is one comparison of a predicate, or its negation.
type comparison struct {
	engine.Predicate
	negated bool
}

// ways are the conjunctions of which one must hold for a predicate to hold.
func ways(p engine.Predicate, negated bool) ([][]comparison, error) {
	switch {
	case p.Op == engine.OpNot && len(p.Of) == 1:
		return ways(p.Of[0], !negated)
	case p.Op == engine.OpNot:
		return nil, nil
	case p.Op == engine.OpIn && !negated:
		return waysAmong(p), bounded(len(p.Values))
	case p.Op != engine.OpAnd && p.Op != engine.OpOr:
		return [][]comparison{{{p, negated}}}, nil
	}
	both := (p.Op == engine.OpAnd) != negated
	var all [][]comparison
	if both {
		all = [][]comparison{{}}
	}
	for _, part := range p.Of {
		more, err := ways(part, negated)
		if err != nil {
			return nil, err
		}
		if both {
			more = crossed(all, more)
		} else {
			more = append(all, more...)
		}
		if all = more; len(all) > maxWays {
			return nil, bounded(len(all))
		}
	}
	return all, nil
}

func bounded(n int) error {
	if n > maxWays {
		const form = "it may hold in more than %d ways, each of which is a query of its own"
		return engine.Permanent(fmt.Errorf(form, maxWays))
	}
	return nil
}

// waysAmong are the values of an in, each by itself.
func waysAmong(p engine.Predicate) (all [][]comparison) {
	for _, value := range p.Values {
		one := engine.Predicate{Op: engine.OpEqual, Path: p.Path, Values: []engine.Operand{value}}
		all = append(all, []comparison{{one, false}})
	}
	return all
}

func crossed(a, b [][]comparison) (all [][]comparison) {
	for _, x := range a {
		for _, y := range b {
			all = append(all, slices.Concat(x, y))
		}
	}
	return all
}
