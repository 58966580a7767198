package exprsafe

import "github.com/expr-lang/expr/ast"

// need is a field of the record and the text without which a condition cannot be true.
type need struct{ field, value string }

// needOf finds the first comparison record.field == "text" that a condition is joined to by &&. It is a hint for
// whoever holds thousands of conditions against one record, not a part of the meaning.
func (c *compiler) needOf(node ast.Node) need {
	n, ok := node.(*ast.BinaryNode)
	if !ok {
		return need{}
	}
	switch n.Operator {
	case "&&", "and":
		if left := c.needOf(n.Left); left.field != "" {
			return left
		}
		return c.needOf(n.Right)
	case "==":
		if found := c.needed(n.Left, n.Right); found.field != "" {
			return found
		}
		return c.needed(n.Right, n.Left)
	}
	return need{}
}

// needed is the need of a comparison, if it is of a text field of the record itself with a constant.
func (c *compiler) needed(field, value ast.Node) need {
	text, ok := value.(*ast.StringNode)
	if !ok || text.Value == "" { // null equals the empty text
		return need{}
	}
	root, steps := chain(field)
	if root == nil || root.Value != RecordName || len(steps) != 1 {
		return need{}
	}
	name := steps[0].Value
	if t := c.scope.Names[RecordName].Fields[name]; t.Kind != Text || name == "id" {
		return need{}
	}
	return need{name, text.Value}
}

// Needs returns a field of the record and the text that it must have for the condition to be true; ok is false where
// nothing as plain is needed.
func (p *Program) Needs() (field, value string, ok bool) {
	return p.need.field, p.need.value, p.need.field != ""
}
