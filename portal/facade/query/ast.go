package query

import "strings"

// Query is a query that was read.
type Query struct {
	Distinct bool // which changes nothing: each row carries its id
	Count    bool // count(*) in place of columns
	Columns  []Column
	All      bool // * stood among the columns
	Module   Token
	Where    *Condition // nil for none
	Order    []Order
	Offset   int
	Limit    int // DefaultLimit where the query says nothing
}

// Column is what a query names: a field of its module, or one of the module that a reference leads to.
type Column struct {
	Module string // "" for the query's own
	Field  string
	Place  Token // of the first word
}

// Name is the column as rows have it: a field, or module and field in one word of small letters, as coreBOS answers it.
func (c Column) Name() string {
	if c.Module == "" {
		return c.Field
	}
	return strings.ToLower(c.Module + c.Field)
}

// Order is one column that rows are ordered by.
type Order struct {
	Column Column
	Desc   bool
}

// Joint is what joins the parts of a condition.
type Joint string

// The joints. A condition with none is a comparison.
const (
	JointNone Joint = ""
	JointAnd  Joint = "and"
	JointOr   Joint = "or"
)

// Operator is how a comparison compares.
type Operator string

// The operators.
const (
	Equal        Operator = "="
	NotEqual     Operator = "!="
	Less         Operator = "<"
	LessEqual    Operator = "<="
	Greater      Operator = ">"
	GreaterEqual Operator = ">="
	Like         Operator = "like"
	In           Operator = "in"
	NotIn        Operator = "not in"
	IsNull       Operator = "is null"
	IsNotNull    Operator = "is not null"
)

// Condition is a comparison, or conditions that are joined.
type Condition struct {
	Joint Joint
	Of    []*Condition // two or more, of and and or

	Column   Column // of a comparison
	Operator Operator
	Values   []Token // one; for in and not in one or more; for the nulls none
	Place    Token   // of the operator
}

// String is the column as a query writes it.
func (c Column) String() string {
	if c.Module == "" {
		return c.Field
	}
	return c.Module + "." + c.Field
}
