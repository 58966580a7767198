package exprsafe

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"postern/engine"
)

// MeName is the root name of the record of who is signed in, in an expression for rows.
const MeName = "me"

// RowHops is the longest route from the record in an expression for rows.
const RowHops = 2

// CompileRows compiles an expression for rows into a predicate that a store can answer. Scope has the record's type and
// that of me. Each comparison holds a field of the record, or one at the end of a route, against a constant, a value of
// me, today() or now(); they are joined by and, or and not. Anything else is refused with what to write in its place:
// what a store cannot answer would have to be looked through after the page was cut. No not is left but over a single
// comparison. Doubts are what is right by its kind and probably a slip.
//
// Where all values of me are given, the predicate holds for a record just as the expression would: doc.go says what
// null equals.
func CompileRows(src string, scope *Scope) (p engine.Predicate, doubts []*Error, fail *Error) {
	config := newConfig()
	tree, fail := parse(src, config)
	if fail != nil {
		return engine.Nothing(), nil, fail
	}
	r := rows{&compiler{src: src, scope: scope, config: config, routes: map[string]bool{}, uses: newUses()}}
	p, fail = r.condition(tree.Node, false)
	if fail != nil {
		return engine.Nothing(), nil, fail
	}
	return p, r.doubts, nil
}

// rows compiles the tree of an expression for rows.
type rows struct{ *compiler }

// condition compiles what stands where true or false is needed, and carries a negation down to the comparisons.
func (r rows) condition(node ast.Node, negated bool) (engine.Predicate, *Error) {
	switch n := node.(type) {
	case *ast.BoolNode:
		if n.Value != negated {
			return engine.Everything(), nil
		}
		return engine.Nothing(), nil
	case *ast.ChainNode:
		return r.condition(n.Node, negated)
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			return r.condition(n.Node, !negated)
		}
		return engine.Predicate{}, r.fail(n, "expected a comparison, this gives a number")
	case *ast.IdentifierNode, *ast.MemberNode:
		return r.bare(n, negated)
	case *ast.CallNode:
		return r.related(n, negated)
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and", "||", "or":
			return r.joint(n, negated)
		}
		return r.comparison(n, negated)
	case *ast.ConditionalNode:
		return engine.Predicate{}, r.fail(n, "rows has no choice a ? b : c; write (a and b) or (not a and c)")
	case *ast.BuiltinNode:
		return engine.Predicate{}, r.fail(n,
			"rows looks at one record and not through lists; follow a reference, such as record.project_id.account_id")
	}
	return engine.Predicate{}, r.fail(node, "expected a comparison, such as record.account_id == me.account_id")
}

// joint compiles and and or.
func (r rows) joint(n *ast.BinaryNode, negated bool) (engine.Predicate, *Error) {
	left, fail := r.condition(n.Left, negated)
	if fail != nil {
		return left, fail
	}
	right, fail := r.condition(n.Right, negated)
	if fail != nil {
		return right, fail
	}
	isOr := n.Operator == "||" || n.Operator == "or"
	if isOr != negated {
		return left.Or(right), nil
	}
	return left.Both(right), nil
}

// bare compiles a boolean field that stands alone.
func (r rows) bare(node ast.Node, negated bool) (engine.Predicate, *Error) {
	x, fail := r.side(node)
	switch {
	case fail != nil:
		return engine.Predicate{}, fail
	case !x.ofRecord:
		return engine.Predicate{}, r.fail(node, "%s says nothing of the record; who may sign in stands under active, "+
			"and a role is for those who see more", x.name)
	case x.typ.Kind != Bool:
		return engine.Predicate{}, r.fail(node, "expected a comparison, this gives %s: write %s == …",
			x.typ.Kind, x.name)
	}
	return leaf(engine.OpEqual, x, []engine.Operand{{Value: true}}, negated), nil
}

// leaf is a comparison or its negation.
func leaf(op engine.PredicateOp, x side, values []engine.Operand, negated bool) engine.Predicate {
	switch {
	case negated && op == engine.OpEqual:
		op, negated = engine.OpNotEqual, false
	case negated && op == engine.OpNotEqual:
		op, negated = engine.OpEqual, false
	}
	p := engine.Predicate{Op: op, Path: x.path, Values: values}
	if negated {
		return engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}
	}
	return p
}

// turned are the operators of order with their sides exchanged.
func turned(operator string) string {
	return map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[operator]
}

// comparison compiles an operator between a field of the record and something else.
func (r rows) comparison(n *ast.BinaryNode, negated bool) (engine.Predicate, *Error) {
	switch n.Operator {
	case "==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith":
	case "matches":
		return engine.Predicate{}, r.fail(n, "rows has no patterns; write contains, startsWith or endsWith")
	default:
		return engine.Predicate{}, r.fail(n,
			"expected a comparison, this is a value; rows compares a field as it is stored")
	}
	left, fail := r.side(n.Left)
	if fail != nil {
		return engine.Predicate{}, fail
	}
	if n.Operator == "in" {
		return r.within(n, left, negated)
	}
	right, fail := r.side(n.Right)
	if fail != nil {
		return engine.Predicate{}, fail
	}
	operator := n.Operator
	if !left.ofRecord && right.ofRecord {
		if isTextTest(operator) {
			return engine.Predicate{}, r.fail(n, "the field of the record stands on the left of %s", operator)
		}
		left, right = right, left
		if other := turned(operator); other != "" {
			operator = other
		}
	}
	if fail := r.fits(n, operator, left, right); fail != nil {
		return engine.Predicate{}, fail
	}
	op := engine.PredicateOp(operator)
	if operator == "==" {
		op = engine.OpEqual
	}
	return leaf(op, left, []engine.Operand{right.operand}, negated), nil
}

func isTextTest(operator string) bool {
	return operator == "contains" || operator == "startsWith" || operator == "endsWith"
}

// fits checks the two sides of a comparison against one another and the operator.
func (r rows) fits(n *ast.BinaryNode, operator string, field, with side) *Error {
	if fail := r.oneField(n, field, with); fail != nil {
		return fail
	}
	switch operator {
	case "==", "!=":
	case "<", "<=", ">", ">=":
		switch {
		case field.typ.Kind == Bool:
			return r.fail(n, "true and false have no order")
		case with.isEmpty():
			return r.fail(with.node, "nothing is less or more than empty; write == \"\" or != \"\"")
		}
	default:
		switch {
		case field.typ.Kind != Text:
			return r.fail(field.node, "expected text, this gives %s", field.typ.Kind)
		case with.isEmpty():
			return r.fail(with.node, "the empty text is in every text; write == \"\" or != \"\"")
		}
	}
	return r.alike(n, field, with)
}

// oneField sees that one side is of the record and the other is not.
func (r rows) oneField(n *ast.BinaryNode, field, with side) *Error {
	switch {
	case field.ofRecord && with.ofRecord:
		return r.fail(n, "rows compares a field of the record with a constant, a value of me, today() or now(), "+
			"not with another field of the record")
	case !field.ofRecord:
		return r.fail(n, "this comparison says nothing of the record; who may sign in stands under active, "+
			"and a role is for those who see more")
	}
	return nil
}

// alike refuses kinds that are never equal, and doubts what never can be.
func (r rows) alike(n *ast.BinaryNode, field, with side) *Error {
	switch {
	case with.isEmpty() && field.typ.Kind == Bool:
		return r.fail(with.node, "true or false is never empty")
	case with.isEmpty():
		return nil
	}
	if fail := r.comparable(n, field.typ.Kind, with.typ.Kind); fail != nil {
		return fail
	}
	r.doubtOption(with.node, lowered{field.node, field.typ}, lowered{with.node, with.typ})
	if len(field.leads) > 0 && len(with.leads) > 0 && !meet(field.leads, with.leads) {
		r.doubts = append(r.doubts, r.fail(n, "%s leads to %s and %s to %s, so they are never the same",
			field.name, strings.Join(field.leads, " or "), with.name, strings.Join(with.leads, " or ")))
	}
	return nil
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// within compiles in: a field and a list of values, or a list of me.
func (r rows) within(n *ast.BinaryNode, field side, negated bool) (engine.Predicate, *Error) {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return r.withinMe(n, field, negated)
	}
	if !field.ofRecord {
		return engine.Predicate{}, r.fail(n, "in looks for a field of the record among values; for one value "+
			"and several fields write record.a == %s or record.b == %[1]s", field.name)
	}
	if len(list.Nodes) == 0 {
		return engine.Predicate{}, r.fail(list, "an empty list holds nothing")
	}
	values := make([]engine.Operand, 0, len(list.Nodes))
	for _, item := range list.Nodes {
		x, fail := r.side(item)
		if fail == nil {
			fail = r.oneField(n, field, x)
		}
		if fail == nil {
			fail = r.alike(n, field, x)
		}
		if fail != nil {
			return engine.Predicate{}, fail
		}
		values = append(values, x.operand)
	}
	return leaf(engine.OpIn, field, values, negated), nil
}

// withinMe compiles in with a list that me holds.
func (r rows) withinMe(n *ast.BinaryNode, field side, negated bool) (engine.Predicate, *Error) {
	list, fail := r.place(n.Right)
	switch {
	case fail != nil:
		return engine.Predicate{}, fail
	case list.ofRecord || list.operand.From != engine.FromMe:
		return engine.Predicate{}, r.fail(n.Right, "in looks into a list such as [me.id, me.account_id]")
	case list.typ.Kind == Text:
		return engine.Predicate{}, r.fail(n.Right, "in looks into a list; write [%s] or ==", list.name)
	case list.typ.Kind != List:
		return engine.Predicate{}, r.fail(n.Right, "expected a list, this gives %s", list.typ.Kind)
	}
	if fail := r.oneField(n, field, list); fail != nil {
		return engine.Predicate{}, fail
	}
	if fail := r.comparable(n, field.typ.Kind, list.typ.item().Kind); fail != nil {
		return engine.Predicate{}, fail
	}
	return leaf(engine.OpIn, field, []engine.Operand{list.operand}, negated), nil
}

// related compiles related("Accounts", me.account_id): the CRM relates the record to that one.
func (r rows) related(n *ast.CallNode, negated bool) (engine.Predicate, *Error) {
	const example = `related("Accounts", me.account_id)`
	name, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || name.Value != "related" {
		return engine.Predicate{}, r.fail(n, "rows compares fields as they are stored; of functions it has "+
			"only today(), now(), date(\"…\") and %s", example)
	}
	if len(n.Arguments) != 2 {
		return engine.Predicate{}, r.fail(n, "related takes a module and the id of a record there: %s", example)
	}
	module, record, fail := r.module(n.Arguments[0])
	if fail != nil {
		return engine.Predicate{}, fail
	}
	to, fail := r.side(n.Arguments[1])
	switch {
	case fail != nil:
		return engine.Predicate{}, fail
	case to.ofRecord:
		return engine.Predicate{}, r.fail(to.node,
			"the record is held against a record of me: %s; follow its own references with a dot", example)
	case to.typ.Kind != Text || to.isEmpty():
		return engine.Predicate{}, r.fail(to.node, "expected the id of a record of %s, this gives %s",
			module, to.typ.Kind)
	case len(to.leads) > 0 && !slices.Contains(to.leads, record.Name):
		return engine.Predicate{}, r.fail(to.node, "%s leads to %s, not to %s", to.name,
			strings.Join(to.leads, " or "), module)
	}
	p := leaf(engine.OpRelated, side{}, []engine.Operand{to.operand}, false)
	p.Module = module
	if negated {
		return engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}, nil
	}
	return p, nil
}
