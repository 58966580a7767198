package exprsafe

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
)

// newConfig sets up the parser and the compiler of expr without any of its functions. The predicates
// (any, filter, …) belong to its grammar and cannot be switched off; predicate() sees to them.
func newConfig() *conf.Config {
	config := conf.CreateNew()
	config.MaxNodes = MaxNodes
	for _, f := range builtin.Builtins {
		config.Disabled[f.Name] = true
	}
	return config
}

// parse reads a source into a tree that is safe to walk: small, flat and without shared nodes.
func parse(src string, config *conf.Config) (tree *parser.Tree, fail *Error) {
	if fail := checkSource(src); fail != nil {
		return nil, fail
	}
	if s := (scanner{src: src}); s.isEmpty() {
		return nil, &Error{Message: "the expression is empty"}
	}
	defer func() {
		if recover() != nil {
			tree, fail = nil, &Error{Message: "this cannot be read as an expression"}
		}
	}()
	tree, err := parser.ParseWithConfig(src, config)
	if err != nil {
		return nil, syntaxError(src, err)
	}
	g := guard{src: src, seen: map[ast.Node]bool{}}
	g.walk(tree.Node)
	if g.fail != nil {
		return nil, g.fail
	}
	return tree, nil
}

// isEmpty tells whether nothing but space and comments is left.
func (s *scanner) isEmpty() bool {
	token, _ := s.next()
	return token == ""
}

// guard walks a freshly parsed tree once.
type guard struct {
	src  string
	seen map[ast.Node]bool
	fail *Error
}

// walk counts the nodes, as the parser leaves some out, and refuses a node that is met twice. The
// parser turns a < b < c into a < b && b < c with one node b. Nested, that doubles at each level:
// fifty levels of it would keep any other walk busy for ever.
func (g *guard) walk(node ast.Node) {
	if g.fail != nil || node == nil {
		return
	}
	if g.seen[node] {
		g.fail = &Error{
			Message: "comparisons cannot be chained; join them with &&",
			Offset:  byteOffset(g.src, leftmost(node).Location().From),
		}
		return
	}
	g.seen[node] = true
	if len(g.seen) > MaxNodes {
		g.fail = &Error{Message: fmt.Sprintf("the expression has more than %d parts", MaxNodes)}
		return
	}
	for _, child := range children(node) {
		g.walk(child)
	}
}

// children are the nodes directly below; some may be nil.
func children(node ast.Node) []ast.Node {
	switch n := node.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	}
	return nil
}

// leftmost is the node that a whole expression begins with; the parser locates an operator at its
// sign and a field at its last name.
func leftmost(node ast.Node) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.BinaryNode:
			node = n.Left
		case *ast.MemberNode:
			node = n.Node
		case *ast.ChainNode:
			node = n.Node
		case *ast.SliceNode:
			node = n.Node
		case *ast.ConditionalNode:
			node = n.Cond
		case *ast.PredicateNode:
			node = n.Node
		case *ast.CallNode:
			member, ok := n.Callee.(*ast.MemberNode)
			if !ok {
				return n
			}
			node = member
		default:
			return n
		}
	}
}
