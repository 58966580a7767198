package exprsafe

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Excludes tells whether a condition can never hold where a name, such as event.data.portal, has a given text. It goes
// by comparisons of that name with ==, != and in alone; all else counts as what may hold, and a source that Compile
// would refuse excludes nothing.
func Excludes(src, name, text string) bool {
	tree, fail := parse(src, newConfig())
	if fail != nil {
		return false
	}
	can := supposed{name, text}.outcomes(tree.Node)
	return !can.hold
}

// outcomes are what a condition may come to.
type outcomes struct{ hold, fail bool }

func certain(yes bool) outcomes { return outcomes{yes, !yes} }

// supposed is a name with the text that it is supposed to have.
type supposed struct{ name, text string }

// outcomes are those of a condition where the name has its text.
func (s supposed) outcomes(node ast.Node) outcomes {
	switch n := node.(type) {
	case *ast.BoolNode:
		return certain(n.Value)
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			of := s.outcomes(n.Node)
			return outcomes{of.fail, of.hold}
		}
	case *ast.BinaryNode:
		return s.binary(n)
	}
	return outcomes{true, true}
}

func (s supposed) binary(n *ast.BinaryNode) outcomes {
	switch n.Operator {
	case "&&", "and":
		left, right := s.outcomes(n.Left), s.outcomes(n.Right)
		return outcomes{left.hold && right.hold, left.fail || right.fail}
	case "||", "or":
		left, right := s.outcomes(n.Left), s.outcomes(n.Right)
		return outcomes{left.hold || right.hold, left.fail && right.fail}
	case "==", "!=":
		text, ok := n.Right.(*ast.StringNode)
		named := n.Left
		if !ok {
			text, ok = n.Left.(*ast.StringNode)
			named = n.Right
		}
		if ok && s.is(named) {
			return certain((text.Value == s.text) == (n.Operator == "=="))
		}
	case "in":
		if list, ok := n.Right.(*ast.ArrayNode); ok && s.is(n.Left) && !slices.ContainsFunc(list.Nodes, notText) {
			return certain(slices.ContainsFunc(list.Nodes, s.equals))
		}
	}
	return outcomes{true, true}
}

// is tells whether a node is the name.
func (s supposed) is(node ast.Node) bool {
	root, steps := chain(node)
	if root == nil {
		return false
	}
	names := []string{root.Value}
	for _, step := range steps {
		names = append(names, step.Value)
	}
	return strings.Join(names, ".") == s.name
}

func (s supposed) equals(node ast.Node) bool {
	text, ok := node.(*ast.StringNode)
	return ok && text.Value == s.text
}

func notText(node ast.Node) bool {
	_, ok := node.(*ast.StringNode)
	return !ok
}
