package exprsafe

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
)

// compiler checks the types of a parsed expression and rewrites it at the same time: each field
// access, operator and function that could meet null, a wrong type or too much data becomes a call of
// a function of this package. What remains for expr's own machine are literals, the loops of
// predicates, and, or, not, conditions, and comparisons of texts with constants.
type compiler struct {
	src     string
	scope   *Scope
	config  *conf.Config
	routes  map[string]bool
	queries []Query
	uses    uses
	doubts  []*Error
	item    *Type // type of # within a predicate, nil outside
}

// lowered is a rewritten expression and what it gives.
type lowered struct {
	node ast.Node
	typ  Type
}

// operation does the work of a call at evaluation. It must not keep args.
type operation func(r *run, args []any) (any, error)

// lower is the heart of the compiler. It lists what an expression may consist of; a kind of node that
// is not listed, such as one that a later version of the library brings, is refused.
func (c *compiler) lower(node ast.Node) (lowered, *Error) {
	switch n := node.(type) {
	case *ast.NilNode:
		return lowered{n, Type{Kind: null}}, nil
	case *ast.IntegerNode, *ast.FloatNode:
		return lowered{n, Type{Kind: Number}}, nil
	case *ast.StringNode:
		return typed(n, Type{Kind: Text}), nil
	case *ast.BoolNode:
		return typed(n, Type{Kind: Bool}), nil
	case *ast.IdentifierNode, *ast.MemberNode:
		return c.access(n)
	case *ast.ChainNode: // null passes through every access, so ?. is the same as .
		return c.lower(n.Node)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MapNode:
		return c.mapping(n)
	case *ast.CallNode:
		return c.callNode(n)
	case *ast.BuiltinNode:
		return c.predicate(n)
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		return lowered{}, c.fail(n, "let and ; are not available in an expression")
	}
	return lowered{}, c.fail(node, "this is not available in an expression")
}

// fail is an error at the start of the node.
func (c *compiler) fail(node ast.Node, format string, args ...any) *Error {
	at := byteOffset(c.src, leftmost(node).Location().From)
	return &Error{Message: fmt.Sprintf(format, args...), Offset: at}
}

// typed notes for the code generator that the node always gives a string, bool or []any, which spares
// a look through pointers. Other kinds may be null and are noted nowhere.
func typed(node ast.Node, t Type) lowered {
	switch t.Kind {
	case Text:
		node.SetType(reflect.TypeFor[string]())
	case Bool:
		node.SetType(reflect.TypeFor[bool]())
	case List:
		node.SetType(reflect.TypeFor[[]any]())
	}
	return lowered{node, t}
}

// call makes a call of an operation with the state of the evaluation ahead of the arguments.
func (c *compiler) call(at file.Location, t Type, op operation, args ...ast.Node) lowered {
	name := "f" + strconv.Itoa(len(c.config.Functions))
	c.config.Functions[name] = &builtin.Function{Name: name, Func: func(params ...any) (any, error) {
		r, ok := params[0].(*run)
		if !ok {
			return nil, fault("the expression could not be evaluated")
		}
		if err := r.spend(callWork); err != nil {
			return nil, err
		}
		return op(r, params[1:])
	}}
	node := &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: name},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: "$env"}}, args...),
	}
	node.SetLocation(at)
	return typed(node, t)
}

// expect makes sure that the expression gives the kind, when it is evaluated if not before.
func (c *compiler) expect(at ast.Node, x lowered, want Kind) (lowered, *Error) {
	switch {
	case want == Any || x.typ.Kind == want:
		return x, nil
	case want == Bool:
		return c.condition(at, x)
	case x.typ.Kind == Any || x.typ.Kind == null:
		t := Type{Kind: want}
		return c.call(leftmost(at).Location(), t, func(r *run, args []any) (any, error) {
			return r.as(t, args[0], "the result")
		}, x.node), nil
	}
	return lowered{}, c.fail(at, "expected %s, this gives %s", want, x.typ.Kind)
}

// condition makes sure that the expression gives true or false; null is false.
func (c *compiler) condition(at ast.Node, x lowered) (lowered, *Error) {
	switch x.typ.Kind {
	case Bool:
		return x, nil
	case Any, null:
		return c.call(leftmost(at).Location(), Type{Kind: Bool}, func(_ *run, args []any) (any, error) {
			return truth(args[0])
		}, x.node), nil
	}
	return lowered{}, c.fail(at, "expected true or false, this gives %s", x.typ.Kind)
}

// lowerCondition lowers an expression that stands where true or false is needed.
func (c *compiler) lowerCondition(node ast.Node) (lowered, *Error) {
	x, fail := c.lower(node)
	if fail != nil {
		return x, fail
	}
	return c.condition(node, x)
}

// conditional lowers a ? b : c and if a { b } else { c }; only the chosen side is evaluated.
func (c *compiler) conditional(n *ast.ConditionalNode) (lowered, *Error) {
	test, fail := c.lowerCondition(n.Cond)
	if fail != nil {
		return test, fail
	}
	yes, fail := c.lower(n.Exp1)
	if fail != nil {
		return yes, fail
	}
	no, fail := c.lower(n.Exp2)
	if fail != nil {
		return no, fail
	}
	node := &ast.ConditionalNode{Cond: test.node, Exp1: yes.node, Exp2: no.node}
	node.SetLocation(n.Location())
	return typed(node, join(yes.typ, no.typ)), nil
}

// array lowers [a, b].
func (c *compiler) array(n *ast.ArrayNode) (lowered, *Error) {
	node := &ast.ArrayNode{}
	node.SetLocation(n.Location())
	var item Type
	for i, item0 := range n.Nodes {
		x, fail := c.lower(item0)
		if fail != nil {
			return x, fail
		}
		if i == 0 {
			item = x.typ
		}
		item = join(item, x.typ)
		node.Nodes = append(node.Nodes, x.node)
	}
	return typed(node, ListOf(item)), nil
}

// mapping lowers {a: 1}. Keys are constants: computed ones could not be checked here, and a key that
// is not text ends the evaluation in the machine.
func (c *compiler) mapping(n *ast.MapNode) (lowered, *Error) {
	node := &ast.MapNode{}
	node.SetLocation(n.Location())
	for _, pair := range n.Pairs {
		p, ok := pair.(*ast.PairNode)
		if !ok {
			return lowered{}, c.fail(n, "this is not available in an expression")
		}
		if _, ok := p.Key.(*ast.StringNode); !ok {
			return lowered{}, c.fail(p.Key, "a key is written as it is, without brackets")
		}
		value, fail := c.lower(p.Value)
		if fail != nil {
			return value, fail
		}
		node.Pairs = append(node.Pairs, &ast.PairNode{Key: p.Key, Value: value.node})
	}
	return lowered{node, Type{Kind: Map}}, nil
}
