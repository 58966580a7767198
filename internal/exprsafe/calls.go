package exprsafe

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// predicates are the functions whose last argument is a condition on each item of a list.
func predicates() map[string]string {
	return map[string]string{
		"all":    `all([1, 2], # > 0)`,
		"any":    `any([1, 2], # > 1)`,
		"none":   `none([1, 2], # > 2)`,
		"one":    `one([1, 2], # > 1)`,
		"filter": `len(filter([1, 2, 3], # > 1)) == 2`,
		"map":    `sum(map([1, 2], # * 2)) == 6`,
		"count":  `count([1, 2, 3], # > 1) == 2`,
	}
}

// callNode lowers the call of a function. Values have none: that of a time, say, could be any of Go's.
func (c *compiler) callNode(n *ast.CallNode) (lowered, *Error) {
	name, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		at := n.Callee
		if member, ok := n.Callee.(*ast.MemberNode); ok {
			at = member.Property
		}
		return lowered{}, c.fail(at, "values have no functions of their own; write f(x) instead of x.f()")
	}
	for _, word := range changeWords() {
		if word.name == name.Value {
			return c.change(n, word)
		}
	}
	return c.invoke(n, name.Value, n.Arguments)
}

// invoke lowers the call of a listed function.
func (c *compiler) invoke(at ast.Node, name string, arguments []ast.Node) (lowered, *Error) {
	f, ok := findFunction(name)
	if !ok {
		fail := c.fail(at, "unknown function %q", name)
		fail.Hint = suggest(name, functionNames())
		return lowered{}, fail
	}
	if len(arguments) < len(f.params)-f.optional || len(arguments) > len(f.params) && !f.repeats {
		return lowered{}, c.fail(at, "%s does not take %d arguments; an example is %s", name, len(arguments), f.example)
	}
	c.uses.now = c.uses.now || name == "now"
	var args []ast.Node
	given := Type{}
	for i, arg := range arguments {
		x, fail := c.lower(arg)
		if fail != nil {
			return x, fail
		}
		if i == 0 {
			given = x.typ
		}
		want := f.param(i)
		if want != Any && !loose(x.typ.Kind) && x.typ.Kind != want {
			return lowered{}, c.fail(arg, "%s expects %s, this gives %s", name, want, x.typ.Kind)
		}
		args = append(args, x.node)
	}
	return c.call(at.Location(), f.gives(given), f.operation(), args...), nil
}

// predicate lowers the functions that expr's grammar knows by itself.
func (c *compiler) predicate(n *ast.BuiltinNode) (lowered, *Error) {
	if _, ok := predicates()[n.Name]; !ok {
		return c.invoke(n, n.Name, n.Arguments) // sum, or unknown
	}
	if c.item != nil {
		return lowered{}, c.fail(n, "%s cannot stand within the condition of another list", n.Name)
	}
	if len(n.Arguments) != 2 {
		return lowered{}, c.fail(n, "%s takes a list and a condition: %s", n.Name, predicates()[n.Name])
	}
	list, fail := c.lower(n.Arguments[0])
	if fail != nil {
		return list, fail
	}
	if k := list.typ.Kind; k != List && !loose(k) {
		return lowered{}, c.fail(n.Arguments[0], "%s expects a list, this gives %s", n.Name, k)
	}
	items := c.call(n.Location(), ListOf(list.typ.item()), itemsOf(n.Name, 1+nodes(n.Arguments[1])), list.node)
	item := list.typ.item()
	c.item = &item
	body, fail := c.body(n)
	c.item = nil
	if fail != nil {
		return body, fail
	}
	node := &ast.BuiltinNode{Name: n.Name, Arguments: []ast.Node{items.node, &ast.PredicateNode{Node: body.node}}}
	node.SetLocation(n.Location())
	return typed(node, predicateType(n.Name, item, body.typ)), nil
}

// body lowers the condition of a predicate, or what map makes of an item, with # in scope.
func (c *compiler) body(n *ast.BuiltinNode) (lowered, *Error) {
	p, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return lowered{}, c.fail(n, "%s takes a list and a condition: %s", n.Name, predicates()[n.Name])
	}
	if n.Name == "map" {
		return c.lower(p.Node)
	}
	return c.lowerCondition(p.Node)
}

// predicateType is what a predicate gives over items of one type.
func predicateType(name string, item, body Type) Type {
	switch name {
	case "filter":
		return ListOf(item)
	case "map":
		return ListOf(body)
	case "count":
		return Type{Kind: Number}
	}
	return Type{Kind: Bool}
}

// nodes counts a tree.
func nodes(node ast.Node) int {
	if node == nil {
		return 0
	}
	n := 1
	for _, child := range children(node) {
		n += nodes(child)
	}
	return n
}

// itemsOf is the list that a predicate walks; null is the empty list. It pays for the whole walk, as
// the machine counts none of it.
func itemsOf(name string, nodes int) operation {
	return func(r *run, args []any) (any, error) {
		switch list := args[0].(type) {
		case nil:
			return []any{}, nil
		case []any:
			if len(list) > MaxList {
				return nil, faultf("%s walks a list of at most %d items", name, MaxList)
			}
			return list, r.spend(len(list) * nodes * nodeWork)
		}
		return nil, faultf("%s expects a list, this gives %s", name, kindOf(args[0]))
	}
}

// pointer lowers # and #index within a predicate.
func (c *compiler) pointer(n *ast.PointerNode) (lowered, *Error) {
	switch {
	case c.item == nil:
		return lowered{}, c.fail(n, "# is an item of a list, it stands only in a condition on one")
	case n.Name == "index":
		return lowered{n, Type{Kind: Number}}, nil
	case n.Name != "":
		return lowered{}, c.fail(n, "unknown name \"#%s\"", n.Name)
	}
	return typed(n, *c.item), nil
}

// isFunction tells whether a name is listed by Functions.
func isFunction(name string) bool { return slices.Contains(functionNames(), name) }

// functionNames are all names that may stand before a bracket, for suggestions.
func functionNames() []string {
	var names []string
	for _, f := range Functions() {
		names = append(names, f.Name)
	}
	return names
}
