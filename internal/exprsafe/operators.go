package exprsafe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// unary lowers !, not and the signs.
func (c *compiler) unary(n *ast.UnaryNode) (lowered, *Error) {
	if n.Operator == "!" || n.Operator == "not" {
		x, fail := c.lowerCondition(n.Node)
		if fail != nil {
			return x, fail
		}
		return c.not(n, x), nil
	}
	x, fail := c.lower(n.Node)
	if fail != nil {
		return x, fail
	}
	switch x.typ.Kind {
	case Number, Duration, Any, null:
	default:
		return lowered{}, c.fail(n.Node, "expected a number, this gives %s", x.typ.Kind)
	}
	if n.Operator == "+" {
		return x, nil
	}
	return c.call(n.Location(), x.typ, negate, x.node), nil
}

// not turns a lowered condition round.
func (c *compiler) not(at ast.Node, x lowered) lowered {
	node := &ast.UnaryNode{Operator: "!", Node: x.node}
	node.SetLocation(at.Location())
	return typed(node, Type{Kind: Bool})
}

// binary lowers the operators with two sides. Those handled before the sides are lowered either need
// conditions or look at the source of a side.
func (c *compiler) binary(n *ast.BinaryNode) (lowered, *Error) {
	switch n.Operator {
	case "&&", "and", "||", "or":
		return c.logic(n)
	case "matches":
		return c.matches(n)
	}
	left, fail := c.lower(n.Left)
	if fail != nil {
		return left, fail
	}
	right, fail := c.lower(n.Right)
	if fail != nil {
		return right, fail
	}
	switch n.Operator {
	case "==":
		return c.equality(n, left, right)
	case "!=":
		x, fail := c.equality(n, left, right)
		return c.not(n, x), fail
	case "<", "<=", ">", ">=":
		return c.order(n, left, right)
	case "in":
		return c.within(n, left, right)
	case "contains", "startsWith", "endsWith":
		return c.textTest(n, left, right)
	case "..":
		return c.span(n, left, right)
	case "??":
		return c.otherwise(n, left, right), nil
	}
	return c.arithmetic(n, left, right)
}

// logic lowers && and ||, which evaluate the right side only if it matters.
func (c *compiler) logic(n *ast.BinaryNode) (lowered, *Error) {
	left, fail := c.lowerCondition(n.Left)
	if fail != nil {
		return left, fail
	}
	right, fail := c.lowerCondition(n.Right)
	if fail != nil {
		return right, fail
	}
	return native(n, n.Operator, left, right), nil
}

// native keeps an operator for the virtual machine. Both sides must be known to be texts or bools.
func native(at ast.Node, operator string, left, right lowered) lowered {
	node := &ast.BinaryNode{Operator: operator, Left: left.node, Right: right.node}
	node.SetLocation(at.Location())
	return typed(node, Type{Kind: Bool})
}

// equality lowers == and, but for the not, !=. Null equals null and the empty text. Where both sides
// are text and one is a constant the machine compares itself, as in nearly every condition.
func (c *compiler) equality(n *ast.BinaryNode, left, right lowered) (lowered, *Error) {
	if isEmptyLiteral(left) {
		left, right = right, left
	}
	if isEmptyLiteral(right) {
		if left.typ.Kind == Bool {
			return lowered{}, c.fail(n.Right, "true or false is never empty")
		}
		if left.typ.Kind == Text {
			return native(n, "==", left, typed(&ast.StringNode{}, Type{Kind: Text})), nil
		}
		return c.call(n.Location(), Type{Kind: Bool}, isEmpty, left.node), nil
	}
	if fail := c.comparable(n, left.typ.Kind, right.typ.Kind); fail != nil {
		return lowered{}, fail
	}
	c.doubtOption(n.Right, left, right)
	c.doubtOption(n.Left, right, left)
	constant := isText(left.node) || isText(right.node)
	if left.typ.Kind == Text && right.typ.Kind == Text && constant {
		return native(n, "==", left, right), nil
	}
	return c.call(n.Location(), Type{Kind: Bool}, equal, left.node, right.node), nil
}

// maxListed is the most options that a message lists.
const maxListed = 12

// doubtOption notes that a quoted text is not among the options of what it is compared with.
func (c *compiler) doubtOption(at ast.Node, chosen, with lowered) {
	text, ok := with.node.(*ast.StringNode)
	if !ok || len(chosen.typ.Options) == 0 || slices.Contains(chosen.typ.Options, text.Value) {
		return
	}
	options := fmt.Sprintf("the %d options of the field", len(chosen.typ.Options))
	if len(chosen.typ.Options) <= maxListed {
		options = strings.Join(chosen.typ.Options, ", ")
	}
	doubt := c.fail(at, "%q is not one of %s", text.Value, options)
	doubt.Hint = suggest(text.Value, slices.Clone(chosen.typ.Options))
	c.doubts = append(c.doubts, doubt)
}

// isText tells a quoted text from other expressions.
func isText(node ast.Node) bool {
	_, ok := node.(*ast.StringNode)
	return ok
}

// isEmptyLiteral tells whether a side is written null or "". Such a side compares with every kind.
func isEmptyLiteral(x lowered) bool {
	text, ok := x.node.(*ast.StringNode)
	return x.typ.Kind == null || ok && text.Value == ""
}

// comparable refuses to compare kinds that are never equal.
func (c *compiler) comparable(n *ast.BinaryNode, left, right Kind) *Error {
	switch {
	case left == List || right == List || left == Map || right == Map || left == Object || right == Object:
		return c.fail(n, "a list or a map cannot be compared; use in, any or all")
	case left == right || loose(left) || loose(right):
		return nil
	case left == Time && right == Text:
		return c.fail(n.Right, "a time cannot be compared with text; write date(…) around the text")
	case left == Text && right == Time:
		return c.fail(n.Left, "a time cannot be compared with text; write date(…) around the text")
	}
	return c.fail(n, "%s cannot be compared with %s", left, right)
}

// loose tells kinds that only the evaluation decides about.
func loose(k Kind) bool { return k == Any || k == null }

// order lowers < <= > >=.
func (c *compiler) order(n *ast.BinaryNode, left, right lowered) (lowered, *Error) {
	if left.typ.Kind == Bool || right.typ.Kind == Bool {
		return lowered{}, c.fail(n, "true and false have no order")
	}
	if fail := c.comparable(n, left.typ.Kind, right.typ.Kind); fail != nil {
		return lowered{}, fail
	}
	return c.call(n.Location(), Type{Kind: Bool}, ordered(n.Operator), left.node, right.node), nil
}

// within lowers in. Text on the right is refused although it could mean "contains": half of its users
// would expect whole words.
func (c *compiler) within(n *ast.BinaryNode, left, right lowered) (lowered, *Error) {
	switch right.typ.Kind {
	case List:
		item := right.typ.item().Kind
		if !loose(item) && !loose(left.typ.Kind) && item != left.typ.Kind {
			return lowered{}, c.fail(n, "this looks for %s in a list of other values (%s)", left.typ.Kind, item)
		}
	case Map:
		if left.typ.Kind != Text && !loose(left.typ.Kind) {
			return lowered{}, c.fail(n.Left, "the key of a map is text, this gives %s", left.typ.Kind)
		}
	case Any:
	case Text:
		return lowered{}, c.fail(n, "in looks into a list; for text use contains")
	default:
		return lowered{}, c.fail(n.Right, "expected a list, this gives %s", right.typ.Kind)
	}
	return c.call(n.Location(), Type{Kind: Bool}, contained, left.node, right.node), nil
}

// textTest lowers contains, startsWith and endsWith.
func (c *compiler) textTest(n *ast.BinaryNode, left, right lowered) (lowered, *Error) {
	for _, side := range []struct {
		at ast.Node
		x  lowered
	}{{n.Left, left}, {n.Right, right}} {
		switch side.x.typ.Kind {
		case Text, Any, null:
		case List:
			return lowered{}, c.fail(side.at, "expected text, this gives a list; use in")
		default:
			return lowered{}, c.fail(side.at, "expected text, this gives %s", side.x.typ.Kind)
		}
	}
	return c.call(n.Location(), Type{Kind: Bool}, textTest(n.Operator), left.node, right.node), nil
}

// span lowers a..b.
func (c *compiler) span(n *ast.BinaryNode, left, right lowered) (lowered, *Error) {
	for _, kind := range []Kind{left.typ.Kind, right.typ.Kind} {
		if kind != Number && kind != Any {
			return lowered{}, c.fail(n, "a range goes from number to number, this gives %s", kind)
		}
	}
	return c.call(n.Location(), ListOf(Type{Kind: Number}), span, left.node, right.node), nil
}

// otherwise lowers ??. The empty text counts as null here too, or text would never be replaced.
func (c *compiler) otherwise(n *ast.BinaryNode, left, right lowered) lowered {
	x := c.call(n.Location(), Type{}, nullIfEmpty, left.node)
	node := &ast.BinaryNode{Operator: "??", Left: x.node, Right: right.node}
	node.SetLocation(n.Location())
	t := join(left.typ, right.typ)
	if left.typ.Kind == null {
		t = right.typ
	}
	return typed(node, t)
}

// arithmetic lowers + - * / % ** and ^.
func (c *compiler) arithmetic(n *ast.BinaryNode, left, right lowered) (lowered, *Error) {
	kind, ok := result(n.Operator, left.typ.Kind, right.typ.Kind)
	if ok {
		return c.call(n.Location(), Type{Kind: kind}, calculate(n.Operator), left.node, right.node), nil
	}
	if n.Operator == "+" && (left.typ.Kind == Text || right.typ.Kind == Text) {
		return lowered{}, c.fail(n, "%s and %s cannot be added; write string(…) around what is not text",
			left.typ.Kind, right.typ.Kind)
	}
	return lowered{}, c.fail(n, "%s cannot be used between %s and %s", n.Operator, left.typ.Kind, right.typ.Kind)
}

// signature is an operator between two kinds.
type signature struct {
	operator    string
	left, right Kind
}

// result is the kind that an arithmetic operator gives. A side that may turn out null makes it null
// unless the other is text.
func result(operator string, left, right Kind) (Kind, bool) {
	switch {
	case left == Number && right == Number:
		return Number, true
	case operator == "+" && left == Text && (right == Text || loose(right)):
		return Text, true
	case operator == "+" && right == Text && loose(left):
		return Text, true
	case !numeric(left) || !numeric(right):
		return Any, false
	case loose(left) || loose(right):
		return Any, true
	}
	switch (signature{operator, left, right}) {
	case signature{"+", Time, Duration}, signature{"+", Duration, Time}, signature{"-", Time, Duration}:
		return Time, true
	case signature{"-", Time, Time}, signature{"+", Duration, Duration}, signature{"-", Duration, Duration},
		signature{"*", Duration, Number}, signature{"*", Number, Duration}, signature{"/", Duration, Number}:
		return Duration, true
	case signature{"/", Duration, Duration}:
		return Number, true
	}
	return Any, false
}

// numeric tells the kinds that one can calculate with.
func numeric(k Kind) bool { return k == Number || k == Time || k == Duration || loose(k) }
