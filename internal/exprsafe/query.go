package exprsafe

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Catalogue is what an expression may ask the CRM about.
type Catalogue interface {
	// Record is the type of the records of a module; false if there is none of that name.
	Record(module string) (Type, bool)
	// Modules are the names of all modules, sorted.
	Modules() []string
	// Leading are the fields of a module that refer to records such as the one the expression is about, sorted.
	Leading(module string) []string
}

// Query is a read of the CRM that must be done before an evaluation: the records of a module whose field has a value.
type Query struct {
	Key    string   // under which EnvFound has what was found
	Module string   //
	Field  string   // "" for the id
	Value  *Program // its value is a single one
	Where  *Program // a condition on each record, which it sees as record; nil for none
	One    bool     // one record is enough
}

// queryFunction is a function that reads the CRM.
type queryFunction struct {
	name    string
	args    string
	result  string
	summary string
	example string
	lower   func(c *compiler, n *ast.CallNode) (lowered, *Error)
}

// queryFunctions lists them. Their examples are of a CRM, so that nothing can be said of what they give.
func queryFunctions() []queryFunction {
	return []queryFunction{
		{
			name: "lookup", args: `"Module", id`, result: "record",
			summary: "the record with an id; its fields are null if it is not there",
			example: `lookup("Contacts", record.parent_id).email`, lower: (*compiler).lookup,
		},
		{
			name: "related", args: `"Module" or "Module.field", where?`, result: "list",
			summary: "the records of a module that refer to this one, at most 1,000",
			example: `len(related("HelpDesk", "record.ticketstatus == 'Open'")) > 2`, lower: (*compiler).related,
		},
		{
			name: "records", args: `"Module", "field", value, where?`, result: "list",
			summary: "the records of a module whose field has a value, at most 1,000",
			example: `records("Contacts", "email", record.email)[0].lastname`, lower: (*compiler).records,
		},
		{
			name: "exists", args: `"Module", "field", value`, result: "true/false",
			summary: "whether a record of a module has a value in a field",
			example: `exists("Contacts", "email", record.email)`, lower: (*compiler).exists,
		},
	}
}

// query lowers a call that reads the CRM; ok is false if the name is none of theirs.
func (c *compiler) query(n *ast.CallNode, name string) (x lowered, fail *Error, ok bool) {
	all := queryFunctions()
	i := slices.IndexFunc(all, func(f queryFunction) bool { return f.name == name })
	if i < 0 {
		return lowered{}, nil, false
	}
	f := all[i]
	most := 1 + strings.Count(f.args, ", ")
	least := most - strings.Count(f.args, "?")
	switch {
	case c.scope.Catalogue == nil:
		return lowered{}, c.fail(n, "%s reads the CRM, which cannot be done here", name), true
	case c.item != nil:
		return lowered{}, c.fail(n, "%s cannot stand within the condition of another list", name), true
	case len(n.Arguments) < least || len(n.Arguments) > most:
		fail := c.fail(n, "%s does not take %d arguments; an example is %s", name, len(n.Arguments), f.example)
		return lowered{}, fail, true
	}
	x, fail = f.lower(c, n)
	return x, fail, true
}

func (c *compiler) lookup(n *ast.CallNode) (lowered, *Error) {
	module, record, fail := c.module(n.Arguments[0])
	if fail != nil {
		return lowered{}, fail
	}
	key, fail := c.ask(Query{Module: module, One: true}, n.Arguments[1])
	if fail != nil {
		return lowered{}, fail
	}
	return c.call(n.Location(), record, firstFound(key)), nil
}

func (c *compiler) related(n *ast.CallNode) (lowered, *Error) {
	name, fail := c.constant(n.Arguments[0], "the name of a module in quotes")
	if fail != nil {
		return lowered{}, fail
	}
	module, field, named := strings.Cut(name, ".")
	record, ok := c.scope.Catalogue.Record(module)
	if !ok {
		return lowered{}, c.noModule(n.Arguments[0], module)
	}
	leading := c.scope.Catalogue.Leading(module)
	switch {
	case len(leading) == 0:
		return lowered{}, c.fail(n.Arguments[0], "no field of %s refers to this record", module)
	case !named && len(leading) > 1:
		return lowered{}, c.fail(n.Arguments[0],
			"several fields of %s refer to this record: name one, such as related(\"%s.%s\")",
			module, module, leading[0])
	case !named:
		field = leading[0]
	case !slices.Contains(leading, field):
		fail := c.fail(n.Arguments[0], "%s of %s does not refer to this record", field, module)
		fail.Hint = suggest(field, leading)
		return lowered{}, fail
	}
	id := &ast.MemberNode{Node: &ast.IdentifierNode{Value: RecordName}, Property: &ast.StringNode{Value: "id"}}
	where, fail := c.where(n.Arguments[1:], record)
	if fail != nil {
		return lowered{}, fail
	}
	key, fail := c.ask(Query{Module: module, Field: field, Where: where}, id)
	if fail != nil {
		return lowered{}, fail
	}
	return c.call(n.Location(), ListOf(record), allFound(key)), nil
}

// where compiles the condition that stands in quotes as the last argument, if there is one. It is evaluated while the
// records are read, so that those it leaves out count for nothing.
func (c *compiler) where(arguments []ast.Node, record Type) (*Program, *Error) {
	if len(arguments) == 0 {
		return nil, nil
	}
	text, fail := c.constant(arguments[0], "a condition in quotes, such as \"record.status == 'Open'\"")
	if fail != nil {
		return nil, fail
	}
	p, fail := Compile(text, &Scope{Names: map[string]Type{RecordName: record}, Steady: true}, Bool)
	switch {
	case fail != nil:
		within := c.fail(arguments[0], "in the condition: %s", fail.Message)
		within.Hint = fail.Hint
		return nil, within
	case len(p.routes) > 0:
		return nil, c.fail(arguments[0],
			"in the condition: it looks at the record's own fields and follows no reference")
	}
	return p, nil
}

func (c *compiler) records(n *ast.CallNode) (lowered, *Error) {
	key, record, fail := c.byField(n, false, n.Arguments[3:])
	if fail != nil {
		return lowered{}, fail
	}
	return c.call(n.Location(), ListOf(record), allFound(key)), nil
}

func (c *compiler) exists(n *ast.CallNode) (lowered, *Error) {
	key, _, fail := c.byField(n, true, nil)
	if fail != nil {
		return lowered{}, fail
	}
	return c.call(n.Location(), Type{Kind: Bool}, func(r *run, _ []any) (any, error) {
		found, err := r.found(key)
		return len(found) > 0, err
	}), nil
}

// byField asks for the records whose field has a value.
func (c *compiler) byField(n *ast.CallNode, one bool, where []ast.Node) (key string, record Type, fail *Error) {
	module, record, fail := c.module(n.Arguments[0])
	if fail != nil {
		return "", Type{}, fail
	}
	field, fail := c.constant(n.Arguments[1], "the name of a field in quotes")
	if fail != nil {
		return "", Type{}, fail
	}
	if _, ok := record.Fields[field]; !ok {
		fail := c.fail(n.Arguments[1], "unknown field %q of %s", field, module)
		fail.Hint = suggest(field, slices.Sorted(maps.Keys(record.Fields)))
		return "", Type{}, fail
	}
	condition, fail := c.where(where, record)
	if fail != nil {
		return "", Type{}, fail
	}
	key, fail = c.ask(Query{Module: module, Field: field, One: one, Where: condition}, n.Arguments[2])
	return key, record, fail
}

// module reads the name of a module.
func (c *compiler) module(at ast.Node) (name string, record Type, fail *Error) {
	if name, fail = c.constant(at, "the name of a module in quotes"); fail != nil {
		return "", Type{}, fail
	}
	record, ok := c.scope.Catalogue.Record(name)
	if !ok {
		return "", Type{}, c.noModule(at, name)
	}
	return name, record, nil
}

func (c *compiler) noModule(at ast.Node, name string) *Error {
	fail := c.fail(at, "unknown module %q", name)
	fail.Hint = suggest(name, c.scope.Catalogue.Modules())
	return fail
}

func (c *compiler) constant(at ast.Node, what string) (string, *Error) {
	text, ok := at.(*ast.StringNode)
	if !ok {
		return "", c.fail(at, "expected %s", what)
	}
	return text.Value, nil
}

// ask notes a query. Its value is a program of its own, evaluated before the query is done.
func (c *compiler) ask(q Query, value ast.Node) (key string, fail *Error) {
	key = strings.Join([]string{q.Module, q.Field, value.String()}, "|")
	if q.Where != nil {
		key += "|" + q.Where.src
	}
	x, fail := c.lower(value)
	if fail != nil {
		return "", fail
	}
	if k := x.typ.Kind; k == List || k == Map || k == Object {
		return "", c.fail(value, "only a single value can be looked for, this gives %s", k)
	}
	code, fail := generate(c.src, x.node, c.config)
	if fail != nil {
		return "", fail
	}
	q.Key, q.Value = key, newProgram(code, x.typ, c)
	if !slices.ContainsFunc(c.queries, func(other Query) bool { return other.Key == key && other.One == q.One }) {
		c.queries = append(c.queries, q)
	}
	c.uses.name(RecordName, nil) // records come and go: the value depends on more than can be told
	return key, nil
}

// found is what a query gave.
func (r *run) found(key string) ([]any, error) {
	all, ok := r.env[EnvFound].(map[string][]any)
	if !ok {
		return nil, fault("the CRM has not been asked")
	}
	found, ok := all[key]
	if !ok {
		return nil, fault("the CRM has not been asked")
	}
	return found, r.spend(len(found) * itemBytes)
}

func allFound(key string) operation {
	return func(r *run, _ []any) (any, error) { return r.found(key) }
}

func firstFound(key string) operation {
	return func(r *run, _ []any) (any, error) {
		found, err := r.found(key)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		return found[0], nil
	}
}

// Source is what the admin wrote.
func (p *Program) Source() string { return p.src }

// Queries are the reads of the CRM that an evaluation needs, in the order in which they are to be done: the value of
// one may depend on what one before it found.
func (p *Program) Queries() []Query { return slices.Clone(p.queries) }

// Queries are those of all expressions of the text.
func (t *TextProgram) Queries() []Query {
	var all []Query
	for _, p := range t.parts {
		if p.program != nil {
			all = append(all, p.program.queries...)
		}
	}
	return all
}
