package engine

import "strings"

// Target is what has to hold of a record of one module for a bound predicate to hold of a record of another that refers
// to it by a field. Known has what is known by now of the fields of the record that refers, nil for what is empty; what
// is not known, and what the CRM relates, is taken to fit. So a record of which Target does not hold is none to refer
// to, and of the others some may still not do.
func (p Predicate) Target(from *Module, field string, to *Module, known Fields) Predicate {
	return target{from, to, field, known}.of(p, false)
}

// target is a record that is to be referred to.
type target struct {
	from, to *Module
	field    string
	known    Fields
}

// of carries a negation down to the comparisons.
func (t target) of(p Predicate, negated bool) Predicate {
	switch p.Op {
	case OpNot:
		if len(p.Of) != 1 {
			return Nothing()
		}
		return t.of(p.Of[0], !negated)
	case OpAnd, OpOr:
		of := make([]Predicate, len(p.Of))
		for i, part := range p.Of {
			of[i] = t.of(part, negated)
		}
		if (p.Op == OpAnd) != negated {
			return all(of)
		}
		return some(of)
	}
	return t.leaf(p, negated)
}

// leaf is one comparison as the record that is referred to sees it.
func (t target) leaf(p Predicate, negated bool) Predicate {
	first, rest, further := strings.Cut(p.Path, ".")
	if p.Op == OpRelated || first != t.field {
		return t.elsewhere(p, negated)
	}
	if p.Path = "id"; further {
		p.Path = rest
	}
	next, _, _ := strings.Cut(p.Path, ".")
	if next != "id" && t.to.Fields[next] == nil { // a record of another module may be meant
		return t.settled(p, datum{}, negated)
	}
	if negated {
		return Predicate{Op: OpNot, Of: []Predicate{p}}
	}
	return p
}

// elsewhere is a comparison with something else of the record that refers.
func (t target) elsewhere(p Predicate, negated bool) Predicate {
	if p.Op == OpRelated || p.Path == "id" || strings.Contains(p.Path, ".") {
		return Everything()
	}
	value, ok := t.known[p.Path]
	if field := t.from.Fields[p.Path]; ok && field != nil {
		return t.settled(p, datum{field, value}, negated)
	}
	return Everything()
}

// settled is a comparison with a value that is known.
func (target) settled(p Predicate, at datum, negated bool) Predicate {
	if holds, ok := p.compareWith(at); ok && holds != negated {
		return Everything()
	}
	return Nothing()
}
