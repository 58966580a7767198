package engine

import (
	"strings"
)

// Row is a record that a predicate is held against.
type Row struct {
	Record  Record
	Routes  map[string]Record  // what the predicate's Routes lead to; absent where a reference leads nowhere
	Modules map[string]*Module // of all these records
	Related func(Ref) bool     // whether the CRM relates the record to another; nil if it relates it to none
}

// Holds tells whether a bound predicate holds for a record, as the same expression would: what null equals stands in
// internal/exprsafe. It differs in one thing: a comparison with a stored value that is not of its field's type does not
// hold, and its negation does not either. A field that the module does not have reads as null on a record that a route
// leads to, which may be of several modules, and holds nothing on the record itself. An operand that is no constant
// holds nothing.
func (p Predicate) Holds(r Row) bool { return p.holds(r, false) }

// holds carries a negation down to the comparisons, so that what cannot be compared never counts.
func (p Predicate) holds(r Row, negated bool) bool {
	switch p.Op {
	case OpNot:
		return len(p.Of) == 1 && p.Of[0].holds(r, !negated)
	case OpAnd, OpOr:
		needsAll := (p.Op == OpAnd) != negated
		for _, part := range p.Of {
			if part.holds(r, negated) != needsAll {
				return !needsAll
			}
		}
		return needsAll
	}
	holds, ok := p.compare(r)
	return ok && holds != negated
}

// compare holds one comparison against a record; not ok if that cannot be done.
func (p Predicate) compare(r Row) (holds, ok bool) {
	if p.Op == OpRelated {
		ref, ok := p.relation()
		return ok && r.Related != nil && r.Related(ref), ok
	}
	at, ok := r.at(p.Path)
	if !ok {
		return false, false
	}
	return p.compareWith(at)
}

// compareWith holds one comparison against a value.
func (p Predicate) compareWith(at datum) (holds, ok bool) {
	stored, ok := at.stored()
	if !ok || (p.Op != OpIn && len(p.Values) != 1) {
		return false, false
	}
	for _, operand := range p.Values {
		if operand.From != FromConstant {
			return false, false
		}
		value, ok := at.given(operand.Value)
		if !ok {
			return false, false
		}
		one, known := p.Op.test(at.null(stored, value), value)
		if !known {
			return false, false
		}
		holds = holds || one
	}
	return holds, true
}

// test compares a stored value with another of the same kind; not known if the operation is none for it.
func (op PredicateOp) test(stored, value any) (holds, known bool) {
	switch op {
	case OpEqual:
		return sameValue(stored, value), true
	case OpNotEqual:
		return !sameValue(stored, value), true
	case OpIn:
		return stored != nil && sameValue(stored, value), true
	case OpLess, OpLessEqual, OpGreater, OpGreaterEqual:
		_, isBool := stored.(bool)
		order, ok := orderOf(stored, value)
		return ok && op.fits(order), !isBool
	}
	text, isText := stored.(string)
	part, both := value.(string)
	if !isText || !both {
		return false, false
	}
	return op.testText(text, part)
}

func (op PredicateOp) testText(text, part string) (holds, known bool) {
	switch op {
	case OpContains:
		return strings.Contains(text, part), true
	case OpStarts:
		return strings.HasPrefix(text, part), true
	case OpEnds:
		return strings.HasSuffix(text, part), true
	case OpFold:
		return Fold(text) == Fold(part), true
	case OpMentions:
		return strings.Contains(Fold(text), Fold(part)), true
	case OpLike:
		return like([]rune(Fold(text)), []rune(Fold(part))), true
	}
	return false, false
}

// fits tells whether an order is one that the operation asks for.
func (op PredicateOp) fits(order int) bool {
	switch op {
	case OpLess:
		return order < 0
	case OpLessEqual:
		return order <= 0
	case OpGreater:
		return order > 0
	}
	return order >= 0
}
