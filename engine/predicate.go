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
	OpFold         PredicateOp = "fold"    // equals, ignoring case
	OpLike         PredicateOp = "like"    // matches a pattern of % and _, ignoring case
	OpRelated      PredicateOp = "related" // the CRM relates the record to Module/Values[0]
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
	Value any    // of FromConstant: a plain value
}
