package engine

// PredicateOp is what a predicate does.
type PredicateOp string

// The operations of predicates. The zero predicate, an and of nothing, is true.
const (
	OpAnd PredicateOp = ""
	OpOr  PredicateOp = "or" // of nothing: false
	OpNot PredicateOp = "not"

	OpEqual        PredicateOp = "="
	OpNotEqual     PredicateOp = "!="
	OpLess         PredicateOp = "<"
	OpLessEqual    PredicateOp = "<="
	OpGreater      PredicateOp = ">"
	OpGreaterEqual PredicateOp = ">="
	OpIn           PredicateOp = "in"         // is one of Values
	OpContains     PredicateOp = "contains"   // text has text in it
	OpStarts       PredicateOp = "startsWith" // as in expressions
	OpEnds         PredicateOp = "endsWith"
	OpFold         PredicateOp = "fold"     // text equals text once both went through Fold
	OpMentions     PredicateOp = "mentions" // text has text in it once both went through Fold
	OpLike         PredicateOp = "like"     // text matches a pattern of % and _, both through Fold
	OpRelated      PredicateOp = "related"  // the CRM relates the record to Module/Values[0]
)

// Predicate is a condition on a record that a store can answer by itself: what a rows expression or the query of a
// client is compiled into. It is a tree of values and holds no text of a query language.
type Predicate struct {
	Op     PredicateOp
	Of     []Predicate // of and, or and not (one)
	Path   string      // of all others: a field, "id", or a route over references: project_id.account_id
	Module string      // of related
	Values []Operand   // one, but for in
}

// OperandFrom says where the value of an operand comes from.
type OperandFrom string

// Where values come from.
const (
	FromConstant OperandFrom = ""
	FromMe       OperandFrom = "me"    // a route of the subject's record, "id" among them
	FromToday    OperandFrom = "today" // the day in the portal's zone
	FromNow      OperandFrom = "now"
)

// Operand is what a field is compared with.
type Operand struct {
	From  OperandFrom
	Path  string // of FromMe
	Value any    // of FromConstant: a plain value, or one as expressions see it, a time.Time for a date
}

// Everything is the predicate that holds for all records.
func Everything() Predicate { return Predicate{} }

// Nothing is the predicate that holds for none.
func Nothing() Predicate { return Predicate{Op: OpOr} }

// IsEverything tells whether a predicate is an and of nothing.
func (p Predicate) IsEverything() bool { return p.Op == OpAnd && len(p.Of) == 0 }

// IsNothing tells whether a predicate is an or of nothing.
func (p Predicate) IsNothing() bool { return p.Op == OpOr && len(p.Of) == 0 }

// Both is the predicate that holds where two do.
func (p Predicate) Both(other Predicate) Predicate { return all([]Predicate{p, other}) }

// Or is the predicate that holds where one of two does.
func (p Predicate) Or(other Predicate) Predicate { return some([]Predicate{p, other}) }

// isJoint tells and, or and not from what looks at a record.
func (p Predicate) isJoint() bool { return p.Op == OpAnd || p.Op == OpOr || p.Op == OpNot }

// all is an and without what changes nothing.
func all(of []Predicate) Predicate {
	var left []Predicate
	for _, p := range of {
		switch {
		case p.IsNothing():
			return Nothing()
		case p.Op == OpAnd:
			left = append(left, p.Of...)
		default:
			left = append(left, p)
		}
	}
	if len(left) == 1 {
		return left[0]
	}
	return Predicate{Of: left}
}

// some is an or without what changes nothing.
func some(of []Predicate) Predicate {
	var left []Predicate
	for _, p := range of {
		switch {
		case p.IsEverything():
			return Everything()
		case p.Op == OpOr:
			left = append(left, p.Of...)
		default:
			left = append(left, p)
		}
	}
	if len(left) == 1 {
		return left[0]
	}
	return Predicate{Op: OpOr, Of: left}
}
