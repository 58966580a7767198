package exprsafe

import (
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"postern/engine"
)

// side is one side of a comparison in an expression for rows: a field of the record, or something that it is compared
// with.
type side struct {
	node     ast.Node
	typ      Type
	name     string // as the admin wrote it
	ofRecord bool
	path     string         // of the record
	operand  engine.Operand // of all else
	leads    []string       // the modules whose records it names, if it is an id
}

// isEmpty tells whether a side is written null or "".
func (s side) isEmpty() bool {
	return !s.ofRecord && s.operand.From == engine.FromConstant && (s.operand.Value == nil || s.operand.Value == "")
}

// side reads what may stand beside an operator.
func (r rows) side(node ast.Node) (side, *Error) {
	constant := func(kind Kind, value any) (side, *Error) {
		return side{node: node, typ: Type{Kind: kind}, name: "this", operand: engine.Operand{Value: value}}, nil
	}
	switch n := node.(type) {
	case *ast.NilNode:
		return constant(null, nil)
	case *ast.StringNode:
		return constant(Text, n.Value)
	case *ast.BoolNode:
		return constant(Bool, n.Value)
	case *ast.IntegerNode:
		return constant(Number, n.Value)
	case *ast.FloatNode:
		return constant(Number, n.Value)
	case *ast.UnaryNode:
		if value, ok := signed(n); ok {
			return constant(Number, value)
		}
	case *ast.CallNode:
		return r.moment(n)
	case *ast.ChainNode:
		return r.side(n.Node)
	case *ast.ArrayNode:
		return side{}, r.fail(n, "a list stands only behind in")
	case *ast.IdentifierNode, *ast.MemberNode:
		x, fail := r.place(n)
		if fail == nil && x.typ.Kind == List {
			return side{}, r.fail(n, "%s is a list, which rows cannot compare: %s", x.name,
				choose(x.ofRecord, "a store looks for single values", "write it behind in"))
		}
		return x, fail
	}
	return side{}, r.fail(node, "nothing is computed here: what stands beside a field of the record is a constant, "+
		"a value of me, today() or now() as it is")
}

// Given is a value that is no field of a record: a constant, a value of me, today() or now().
type Given struct {
	Operand engine.Operand
	Type    Type
	Leads   []string // the modules whose records it names, if it is an id
}

// CompileGiven compiles an expression for one such value, by the rules of CompileRows.
func CompileGiven(src string, scope *Scope) (Given, *Error) {
	config := newConfig()
	tree, fail := parse(src, config)
	if fail != nil {
		return Given{}, fail
	}
	r := rows{&compiler{src: src, scope: scope, config: config, routes: map[string]bool{}, uses: newUses()}}
	x, fail := r.side(tree.Node)
	if fail != nil {
		return Given{}, fail
	}
	return Given{Operand: x.operand, Type: x.typ, Leads: x.leads}, nil
}

func choose[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}

// signed is a number with a sign.
func signed(n *ast.UnaryNode) (any, bool) {
	if n.Operator != "-" && n.Operator != "+" {
		return nil, false
	}
	switch x := n.Node.(type) {
	case *ast.IntegerNode:
		return choose(n.Operator == "-", -x.Value, x.Value), true
	case *ast.FloatNode:
		return choose(n.Operator == "-", -x.Value, x.Value), true
	}
	return nil, false
}

// moment reads today(), now() and date("2026-03-01").
func (r rows) moment(n *ast.CallNode) (side, *Error) {
	x := side{node: n, typ: Type{Kind: Time}, name: "this"}
	callee, ok := n.Callee.(*ast.IdentifierNode)
	switch {
	case !ok:
	case callee.Value == "today" && len(n.Arguments) > 0:
		return side{}, r.fail(n.Arguments[0], "today() is the day in the zone of the portal: leave the brackets empty")
	case callee.Value == "today":
		x.operand.From = engine.FromToday
		return x, nil
	case callee.Value == "now" && len(n.Arguments) == 0:
		x.operand.From = engine.FromNow
		return x, nil
	case callee.Value == "date":
		at, fail := r.date(n)
		x.operand.Value = at
		return x, fail
	}
	return side{}, r.fail(n, "rows compares fields as they are stored; of functions it has only today(), now(), "+
		"date(\"…\") and related(\"Accounts\", me.account_id)")
}

// date evaluates date with constant arguments.
func (r rows) date(n *ast.CallNode) (time.Time, *Error) {
	for _, argument := range n.Arguments {
		if !isText(argument) {
			return time.Time{}, r.fail(argument, "the date stands in quotes: date(\"2026-03-01\")")
		}
	}
	x, fail := r.invoke(n, "date", n.Arguments)
	if fail != nil {
		return time.Time{}, fail
	}
	code, fail := generate(r.src, x.node, r.config)
	if fail != nil {
		return time.Time{}, fail
	}
	value, err := newProgram(code, x.typ, r.compiler).Eval(nil)
	at, ok := value.(time.Time)
	if err != nil || !ok {
		return time.Time{}, r.fail(n, "this is no date; write it as date(\"2026-03-01\")")
	}
	return at, nil
}

// place reads a field of the record or of me, or one at the end of a route.
func (r rows) place(node ast.Node) (side, *Error) {
	root, steps := chain(node)
	if root == nil {
		return side{}, r.fail(node, "only names with dots stand here, such as record.account_id")
	}
	typ, known := r.scope.Names[root.Value]
	switch {
	case root.Value == "null" && !known:
		return side{node: node, typ: Type{Kind: null}, name: "null"}, r.noFields(steps)
	case !known:
		return side{}, r.unknownName(root)
	case len(steps) == 0:
		return side{}, r.fail(node, "%s is a whole record; name one of its fields, or %[1]s.id", root.Value)
	}
	x := side{node: node, name: root.Value, ofRecord: root.Value == RecordName}
	owner, hops := typ, 0
	var path []string
	for _, step := range steps {
		if typ.Refers != nil {
			typ = typ.Refers()
			owner, hops = typ, hops+1
		}
		next, fail := r.field(typ, x.name, step)
		if fail != nil {
			return side{}, fail
		}
		typ, path, x.name = next, append(path, step.Value), x.name+"."+step.Value
	}
	most := choose(x.ofRecord, RowHops, engine.MaxHops)
	switch {
	case hops > most:
		return side{}, r.fail(node, "%s follows %d references; from %s at most %d are followed",
			x.name, hops, root.Value, most)
	case typ.Kind == Any:
		return side{}, r.fail(node,
			"%s is not of the same type in all modules that may be meant, so it cannot be compared", x.name)
	}
	x.typ = typ
	x.leads = leads(typ, owner, path[len(path)-1])
	if x.ofRecord {
		x.path = strings.Join(path, ".")
	} else {
		x.operand = engine.Operand{From: engine.FromMe, Path: strings.Join(path, ".")}
	}
	return x, nil
}

// leads are the modules of the records that an id may name; none for what is no id.
func leads(typ, owner Type, name string) []string {
	switch {
	case typ.Refers != nil:
		owner = typ.Refers()
	case name != "id":
		return nil
	}
	if owner.Name == "" {
		return nil
	}
	return strings.Split(owner.Name, " or ")
}
