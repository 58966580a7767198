package engine

// Decides is Holds with the comparisons that settle it: the ones that do not hold and are enough for that, or the ones
// that hold and together are enough. A negation stands over its comparison.
func (p Predicate) Decides(r Row) (holds bool, by []Predicate) {
	switch p.Op {
	case OpAnd, OpOr:
		needsAll := p.Op == OpAnd
		for _, part := range p.Of {
			one, settles := part.Decides(r)
			if one != needsAll {
				return one, settles
			}
			by = append(by, settles...)
		}
		return needsAll, by
	}
	return p.Holds(r), []Predicate{p}
}
