package exprsafe

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// place is where a value lies in the environment.
type place struct {
	root  string   // a root name
	route string   // the references followed from it: "parent_id.account_id"
	keys  []string // the names from there on
	typ   Type
	name  string // as the admin wrote it
}

// access lowers a name and what is taken from it.
func (c *compiler) access(node ast.Node) (lowered, *Error) {
	root, steps := chain(node)
	if root == nil {
		return c.member(node)
	}
	if _, known := c.scope.Names[root.Value]; root.Value == "null" && !known {
		return lowered{&ast.NilNode{}, Type{Kind: null}}, c.noFields(steps)
	}
	at, fail := c.locate(root, steps)
	if fail != nil {
		return lowered{}, fail
	}
	if at.typ.Kind == Object {
		return lowered{}, c.fail(node, "%s is a whole record; name one of its fields", at.name)
	}
	return c.call(node.Location(), at.typ, at.load), nil
}

// noFields refuses names after the literal null, which can only be a slip of the pen.
func (c *compiler) noFields(steps []*ast.StringNode) *Error {
	if len(steps) == 0 {
		return nil
	}
	return c.fail(steps[0], "null has no field %q", steps[0].Value)
}

// chain takes a.b["c"].d apart into the root and the names; the root is nil if it begins otherwise.
func chain(node ast.Node) (*ast.IdentifierNode, []*ast.StringNode) {
	var steps []*ast.StringNode
	for {
		switch n := node.(type) {
		case *ast.IdentifierNode:
			slices.Reverse(steps)
			return n, steps
		case *ast.ChainNode:
			node = n.Node
		case *ast.MemberNode:
			name, ok := n.Property.(*ast.StringNode)
			if !ok {
				return nil, nil
			}
			steps, node = append(steps, name), n.Node
		default:
			return nil, nil
		}
	}
}

// locate follows the names from the root through the declared types.
func (c *compiler) locate(root *ast.IdentifierNode, steps []*ast.StringNode) (place, *Error) {
	typ, ok := c.scope.Names[root.Value]
	if !ok {
		return place{}, c.unknownName(root)
	}
	at := place{root: root.Value, typ: typ, name: root.Value}
	if root.Value == ItemName && typ.Kind == Object {
		at.route = ItemRoute
		c.routes[ItemRoute] = true
	}
	for _, step := range steps {
		if at.typ.Refers != nil {
			if fail := c.hop(&at, step); fail != nil {
				return place{}, fail
			}
		}
		next, fail := c.field(at.typ, at.name, step)
		if fail != nil {
			return place{}, fail
		}
		at.keys, at.typ, at.name = append(at.keys, step.Value), next, at.name+"."+step.Value
	}
	c.uses.name(root.Value, steps)
	return at, nil
}

// hop follows the reference that the place holds.
func (c *compiler) hop(at *place, step *ast.StringNode) *Error {
	if followed := c.scope.follows(); at.root != followed && at.route == "" {
		last := at.keys[max(0, len(at.keys)-1):]
		path := strings.Join(append(append([]string{followed}, last...), step.Value), ".")
		return c.fail(step, "%s is only an id, references are followed from %s: %s", at.name, followed, path)
	}
	route := strings.Join(at.keys, ".")
	if at.route != "" {
		route = at.route + "." + route
	}
	at.route, at.keys, at.typ = route, nil, at.typ.Refers()
	c.routes[route] = true
	return nil
}

// field is the type of a field of a value.
func (c *compiler) field(of Type, name string, step *ast.StringNode) (Type, *Error) {
	switch t, known := of.Fields[step.Value]; {
	case known, of.Kind == Any, of.Kind == Map && !of.Only:
		return t, nil
	case of.Kind == Object, of.Kind == Map:
		owner := of.Name
		if owner == "" {
			owner = name
		}
		fail := c.fail(step, "unknown field %q of %s", step.Value, owner)
		fail.Hint = suggest(step.Value, slices.Collect(maps.Keys(of.Fields)))
		return Type{}, fail
	case of.Kind == List:
		return Type{}, c.fail(step,
			"%s is a list and has no field %q; take one item with [0] or use any, filter or map",
			name, step.Value)
	}
	return Type{}, c.fail(step, "%s is %s and has no field %q", name, of.Kind, step.Value)
}

// unknownName is the error for a root name that the scope does not have. Functions without their
// brackets are the commonest case and deserve a better answer than "unknown".
func (c *compiler) unknownName(root *ast.IdentifierNode) *Error {
	if isFunction(root.Value) {
		return c.fail(root, "%s is a function: write %s(…)", root.Value, root.Value)
	}
	if root.Value == ItemName {
		return c.fail(root, "item is known only in a step with for_each")
	}
	fail := c.fail(root, "unknown name %q", root.Value)
	fail.Hint = suggest(root.Value, slices.Collect(maps.Keys(c.scope.Names)))
	for _, owner := range [...]string{"vars", "inputs", "response", "record"} {
		if _, ok := c.scope.Names[owner].Fields[root.Value]; ok {
			fail.Hint = owner + "." + root.Value
			break
		}
	}
	if first, _ := utf8.DecodeRuneInString(root.Value); fail.Hint == "" && unicode.IsUpper(first) {
		fail.Message += "; text is written in quotes"
	}
	return fail
}

// load reads the place at evaluation. Names below a missing value read as null.
func (p place) load(r *run, _ []any) (any, error) {
	var v any
	if p.route == "" {
		v = r.env[p.root]
	} else {
		routes, ok := r.env[EnvRoutes].(map[string]map[string]any)
		if !ok {
			return nil, faultf("%s cannot be followed here", p.name)
		}
		if fields := routes[p.route]; fields != nil {
			v = fields
		}
	}
	for _, key := range p.keys {
		if v == nil {
			break
		}
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, faultf("%s cannot be read: a value on the way has no fields", p.name)
		}
		v = fields[key]
	}
	return r.as(p.typ, v, p.name)
}

// member lowers what is taken from a computed value: an item of a list or a field by name.
func (c *compiler) member(node ast.Node) (lowered, *Error) {
	n, ok := node.(*ast.MemberNode)
	if !ok {
		return lowered{}, c.fail(node, "this is not available in an expression")
	}
	base, fail := c.lower(n.Node)
	if fail != nil {
		return base, fail
	}
	if name, ok := n.Property.(*ast.StringNode); ok {
		t, fail := c.field(base.typ, "this", name)
		if fail != nil {
			return lowered{}, fail
		}
		return c.call(name.Location(), t, fieldOf(name.Value, t), base.node), nil
	}
	key, fail := c.lower(n.Property)
	if fail != nil {
		return key, fail
	}
	t, fail := c.indexed(n, base.typ, key.typ.Kind)
	if fail != nil {
		return lowered{}, fail
	}
	return c.call(n.Location(), t, itemOf(t), base.node, key.node), nil
}

// indexed is the type of base[key].
func (c *compiler) indexed(n *ast.MemberNode, base Type, key Kind) (Type, *Error) {
	switch {
	case base.Kind == List && (key == Number || key == Any):
		return base.item(), nil
	case base.Kind == List:
		return Type{}, c.fail(n.Property, "items of a list are counted from 0, this gives %s", key)
	case base.Kind == Map && key != Text && key != Any:
		return Type{}, c.fail(n.Property, "the key of a map is text, this gives %s", key)
	case base.Kind == Any || base.Kind == Map:
		return Type{}, nil
	}
	return Type{}, c.fail(n.Node, "expected a list or a map, this gives %s", base.Kind)
}

// fieldOf reads a field of a computed value, such as an item of a list of records.
func fieldOf(name string, t Type) operation {
	return func(r *run, args []any) (any, error) {
		if args[0] == nil {
			return r.as(t, nil, name)
		}
		fields, ok := args[0].(map[string]any)
		if !ok {
			return nil, faultf("%s cannot be read: the value has no fields", name)
		}
		return r.as(t, fields[name], name)
	}
}

// itemOf reads a list by number, from its end if negative, or a map by key; what is not there is null.
func itemOf(t Type) operation {
	return func(r *run, args []any) (any, error) {
		var v any
		switch base := args[0].(type) {
		case nil:
		case map[string]any:
			key, ok := args[1].(string)
			if !ok {
				return nil, fault("the key of a map is text")
			}
			v = base[key]
		case []any:
			i, ok := whole(args[1])
			if !ok {
				return nil, fault("items of a list are counted with whole numbers")
			}
			if i < 0 {
				i += len(base)
			}
			if i >= 0 && i < len(base) {
				v = base[i]
			}
		default:
			return nil, fault("expected a list or a map")
		}
		return r.as(t, v, "the item")
	}
}

// slice lowers x[from:to]. The library would cut a text between the bytes of a character.
func (c *compiler) slice(n *ast.SliceNode) (lowered, *Error) {
	base, fail := c.lower(n.Node)
	if fail != nil {
		return base, fail
	}
	if k := base.typ.Kind; k != Text && k != List && k != Any {
		return lowered{}, c.fail(n.Node, "expected text or a list, this gives %s", k)
	}
	args := []ast.Node{base.node}
	for _, bound := range []ast.Node{n.From, n.To} {
		if bound == nil {
			args = append(args, &ast.NilNode{})
			continue
		}
		x, fail := c.lower(bound)
		if fail != nil {
			return x, fail
		}
		if k := x.typ.Kind; k != Number && k != Any {
			return lowered{}, c.fail(bound, "expected a number, this gives %s", k)
		}
		args = append(args, x.node)
	}
	return c.call(n.Location(), Type{Kind: base.typ.Kind, Elem: base.typ.Elem}, cut, args...), nil
}
