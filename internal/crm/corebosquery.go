package crm

import (
	"cmp"
	"fmt"
	"slices"

	"postern/engine"
)

// A query of coreBOS is made of comparisons of one field with one literal, joined by and: no brackets and no or, which
// its parsers understand in different ways, no in, and no sign in a literal by which it would choose another parser. A
// predicate becomes several such queries, one for each way in which it may hold. Each finds at least what the predicate
// holds for; what it finds besides, as the database knows no case, is taken out when Holds is asked. So a part of an
// and that would make too many queries of it is not asked for: the others find what it holds for, and more.

// maxWays is how many queries one search may become.
const maxWays = 16

// comparison is one comparison of a predicate, or its negation.
type comparison struct {
	engine.Predicate
	negated bool
}

// ways are at most so many conjunctions of which one must hold for a predicate to hold.
func ways(p engine.Predicate, negated bool, most int) ([][]comparison, error) {
	switch {
	case p.Op == engine.OpNot && len(p.Of) == 1:
		return ways(p.Of[0], !negated, most)
	case p.Op == engine.OpNot:
		return nil, nil
	case p.Op == engine.OpIn && !negated:
		return waysAmong(p), bounded(len(p.Values), most)
	case p.Op != engine.OpAnd && p.Op != engine.OpOr:
		return [][]comparison{{{p, negated}}}, nil
	case (p.Op == engine.OpAnd) != negated:
		return waysOfAll(p.Of, negated, most)
	}
	var all [][]comparison
	for _, part := range p.Of {
		more, err := ways(part, negated, most)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	if len(all) > most && !negated && areWords(p.Of) {
		return [][]comparison{{}}, nil
	}
	return all, bounded(len(all), most)
}

// waysOfAll are the ways in which all of some parts may hold, without the parts for which there is no room. Those that
// need the fewest ways come first.
func waysOfAll(parts []engine.Predicate, negated bool, most int) ([][]comparison, error) {
	var each [][][]comparison
	var tooMany error
	for _, part := range parts {
		these, err := ways(part, negated, most)
		if err != nil {
			tooMany = cmp.Or(tooMany, err)
			continue
		}
		each = append(each, these)
	}
	if len(each) == 0 && tooMany != nil {
		return nil, tooMany
	}
	slices.SortStableFunc(each, func(a, b [][]comparison) int { return cmp.Compare(len(a), len(b)) })
	all := [][]comparison{{}}
	for _, these := range each {
		if len(all)*len(these) <= most {
			all = crossed(all, these)
		}
	}
	return all, nil
}

// areWords tells whether something only looks for words in texts, for which records may be looked through: a page of
// them, or as many as are read to sort or count.
func areWords(parts []engine.Predicate) bool {
	return !slices.ContainsFunc(parts, func(p engine.Predicate) bool { return p.Op != engine.OpMentions })
}

func bounded(n, most int) error {
	if n > most {
		const form = "it may hold in more than %d ways, each of which is a query of its own"
		return engine.Permanent(fmt.Errorf(form, most))
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
