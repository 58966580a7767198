package exprsafe

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// predicate is a function whose last argument is a condition on each item of a list, or what it makes of
// the item.
type predicate struct{ name, body, result, summary, example string }

// predicates lists them.
func predicates() []predicate {
	const condition, truth = "condition", "true/false"
	return []predicate{
		{"all", condition, truth, "whether the condition holds for every item", `all([1, 2], # > 0)`},
		{"any", condition, truth, "whether the condition holds for some item", `any([1, 2], # > 1)`},
		{"none", condition, truth, "whether the condition holds for no item", `none([1, 2], # > 2)`},
		{"one", condition, truth, "whether the condition holds for exactly one item", `one([1, 2], # > 1)`},
		{"filter", condition, "list", "the items for which the condition holds", `len(filter([1, 2, 3], # > 1)) == 2`},
		{"map", "value", "list", "what is made of each item", `sum(map([1, 2], # * 2)) == 6`},
		{"count", condition, "number", "for how many items the condition holds", `count([1, 2, 3], # > 1) == 2`},
		{
			"sortBy", "value", "list", "the items in rising order of what is made of each",
			`first(sortBy(["ccc", "a", "bb"], len(#))) == "a"`,
		},
	}
}

// findPredicate looks a predicate up by its exact name.
func findPredicate(name string) (predicate, bool) {
	all := predicates()
	i := slices.IndexFunc(all, func(p predicate) bool { return p.name == name })
	if i < 0 {
		return predicate{}, false
	}
	return all[i], true
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
	if x, fail, ok := c.query(n, name.Value); ok {
		return x, fail
	}
	return c.invoke(n, name.Value, n.Arguments)
}

// invoke lowers the call of a listed function.
func (c *compiler) invoke(at ast.Node, name string, arguments []ast.Node) (lowered, *Error) {
	f, ok := functionsByName()[name]
	if !ok {
		if here, ok := Elsewhere()[name]; ok {
			return lowered{}, c.fail(at, "unknown function %q; here it is written %s", name, here)
		}
		fail := c.fail(at, "unknown function %q", name)
		fail.Hint = suggest(name, functionNames())
		return lowered{}, fail
	}
	if len(arguments) < len(f.params)-f.optional || len(arguments) > len(f.params) && !f.repeats {
		return lowered{}, c.fail(at, "%s does not take %d arguments; an example is %s", name, len(arguments), f.example)
	}
	if f.chance && c.scope.Steady {
		const message = "%s() is a new value each time: it stands in values only, not in conditions, keys or titles"
		return lowered{}, c.fail(at, message, name)
	}
	c.uses.now, c.uses.random = c.uses.now || len(arguments) < f.clock, c.uses.random || f.chance
	var args []ast.Node
	var types []Type
	for i, arg := range arguments {
		x, fail := c.argument(&f, i, arg)
		if fail != nil {
			return x, fail
		}
		args, types = append(args, x.node), append(types, x.typ)
	}
	call := f.call
	if f.prepare != nil {
		var fail *Error
		if call, fail = f.prepare(c, arguments); fail != nil {
			return lowered{}, fail
		}
	}
	gives := f.typeOf(types)
	return c.call(at.Location(), gives, f.operation(call, gives.Kind), args...), nil
}

// argument lowers the i-th argument of a function and holds it against what the function takes.
func (c *compiler) argument(f *function, i int, arg ast.Node) (lowered, *Error) {
	x, fail := c.lower(arg)
	if fail != nil {
		return x, fail
	}
	kind, want := x.typ.Kind, f.param(i)
	switch {
	case loose(kind), kind == want, want == Any && (f.among == nil || slices.Contains(f.among, kind)):
	case want == Any:
		return x, c.fail(arg, "%s expects %s, this gives %s", f.name, either(f.among), kind)
	default:
		return x, c.fail(arg, "%s expects %s, this gives %s%s", f.name, want, kind, conversion(kind, want))
	}
	if text, ok := arg.(*ast.StringNode); ok && f.check != nil {
		if fail := f.check(i, text.Value); fail != nil {
			return x, &Error{Message: fail.Message, Hint: fail.Hint, Offset: c.fail(arg, "").Offset}
		}
	}
	return x, nil
}

// conversion says how to make one kind of another, where there is a function for it.
func conversion(from, to Kind) string {
	name := ""
	switch {
	case from == Text && to == Time:
		name = "date"
	case from == Text && to == Duration:
		name = "duration"
	case from == Text && to == Number:
		name = "number"
	case to == Text && (from == Number || from == Time || from == Duration || from == Bool):
		name = "string"
	}
	if name == "" {
		return ""
	}
	return "; write " + name + "(…) around it"
}

// either lists kinds in the words of a message.
func either(kinds []Kind) string {
	var words []string
	for _, k := range kinds {
		words = append(words, k.String())
	}
	return strings.Join(words, " or ")
}

// predicate lowers the functions that expr's grammar knows by itself.
func (c *compiler) predicate(n *ast.BuiltinNode) (lowered, *Error) {
	p, ok := findPredicate(n.Name)
	if !ok {
		return c.invoke(n, n.Name, n.Arguments) // sum, or unknown
	}
	if c.item != nil {
		return lowered{}, c.fail(n, "%s cannot stand within the condition of another list", n.Name)
	}
	if len(n.Arguments) != 2 {
		return lowered{}, c.fail(n, "%s takes a list and a %s: %s", n.Name, p.body, p.example)
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
	body, fail := c.body(n, p)
	c.item = nil
	if fail != nil {
		return body, fail
	}
	if n.Name == "sortBy" {
		return c.sortBy(n, item, items, body), nil
	}
	node := &ast.BuiltinNode{Name: n.Name, Arguments: []ast.Node{items.node, &ast.PredicateNode{Node: body.node}}}
	node.SetLocation(n.Location())
	return typed(node, predicateType(n.Name, item, body.typ)), nil
}

// body lowers the condition of a predicate, or what it makes of an item, with # in scope.
func (c *compiler) body(n *ast.BuiltinNode, p predicate) (lowered, *Error) {
	node, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return lowered{}, c.fail(n, "%s takes a list and a %s: %s", n.Name, p.body, p.example)
	}
	if p.body == "value" {
		return c.lower(node.Node)
	}
	return c.lowerCondition(node.Node)
}

// sortBy has the machine make a list of pairs, an item and what it is sorted by, and sorts that.
func (c *compiler) sortBy(n *ast.BuiltinNode, item Type, items, by lowered) lowered {
	pair := &ast.ArrayNode{Nodes: []ast.Node{&ast.PointerNode{}, by.node}}
	node := &ast.BuiltinNode{Name: "map", Arguments: []ast.Node{items.node, &ast.PredicateNode{Node: pair}}}
	node.SetLocation(n.Location())
	return c.call(n.Location(), ListOf(item), sortedPairs, typed(node, Type{Kind: List}).node)
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
