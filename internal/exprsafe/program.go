package exprsafe

import (
	"maps"
	"slices"
	"sync"

	"github.com/expr-lang/expr/ast"
	exprcompiler "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Program is a checked expression. It may be evaluated by many goroutines at once.
type Program struct {
	src      string
	code     *vm.Program
	typ      Type
	routes   []string
	queries  []Query
	need     need
	uses     Uses
	doubts   []*Error
	zones    sync.Map // the time zones met so far, *time.Location by name; see run.zone
	machines sync.Pool
}

// machine is what one evaluation needs; it is used again by the next.
type machine struct {
	vm  vm.VM
	run run
}

// run is the state of one evaluation. The virtual machine hands it to every function.
type run struct {
	env         map[string]any
	zones       *sync.Map
	work, limit int
}

// spend counts work done and fails once it is more than the limit.
func (r *run) spend(n int) error {
	r.work += n
	switch {
	case r.work <= r.limit:
		return nil
	case r.limit < MaxWork:
		return tooMuchTogether
	}
	return tooMuch
}

// Compile checks an expression and makes it ready to be evaluated. Want says what it has to give,
// Any if it does not matter. The error is a *Error and not an error so that its Offset is at hand;
// test it for nil before handing it on as an error.
func Compile(src string, scope *Scope, want Kind) (*Program, *Error) {
	config := newConfig()
	tree, fail := parse(src, config)
	if fail != nil {
		return nil, fail
	}
	if scope == nil {
		scope = &Scope{}
	}
	c := &compiler{src: src, scope: scope, config: config, routes: map[string]bool{}, uses: newUses()}
	need := c.needOf(tree.Node)
	root, fail := c.lower(tree.Node)
	if fail != nil {
		return nil, fail
	}
	root, fail = c.expect(tree.Node, root, want)
	if fail != nil {
		return nil, fail
	}
	code, fail := generate(src, root.node, config)
	if fail != nil {
		return nil, fail
	}
	p := newProgram(code, root.typ, c)
	p.need = need
	return p, nil
}

// Doubts are what is right by its kind and probably a slip: a comparison with an option that there is not.
func (p *Program) Doubts() []*Error { return p.doubts }

// newProgram is what the compiler has made so far, as something that can be evaluated.
func newProgram(code *vm.Program, t Type, c *compiler) *Program {
	p := &Program{
		src: c.src, code: code, typ: t, routes: slices.Sorted(maps.Keys(c.routes)), queries: c.queries,
		uses: c.uses.sorted(), doubts: c.doubts,
	}
	p.machines.New = func() any { return &machine{vm: vm.VM{MemoryBudget: MaxMemory}} }
	return p
}

// generate has expr turn the rewritten tree into code for its virtual machine. Its type checker and
// its optimizer are left out: compiler has checked the types and both may walk a tree many times.
func generate(src string, root ast.Node, config *conf.Config) (*vm.Program, *Error) {
	code, err := exprcompiler.Compile(&parser.Tree{Node: root, Source: file.NewSource(src)}, config)
	if err != nil {
		return nil, &Error{Message: "this expression cannot be compiled"}
	}
	return code, nil
}

// Routes are the references that an evaluation follows from the record: "parent_id",
// "parent_id.account_id". They are sorted, so each stands after those it begins with, which are
// always among them.
func (p *Program) Routes() []string { return slices.Clone(p.routes) }

// Kind is what the expression gives, Any if that shows only when it is evaluated.
func (p *Program) Kind() Kind { return p.typ.Kind }

// Type is what the expression gives, as far as that is known before it is evaluated.
func (p *Program) Type() Type { return p.typ }

// Eval evaluates the expression in an environment of plain data: nil, string, bool, numbers,
// json.Number, time.Time, time.Duration, []any, []string and map[string]any, under the scope's names
// and the Env keys. It returns such a value too, with numbers as int or float64. Any error is a
// *Error with the place in the source.
func (p *Program) Eval(env map[string]any) (any, error) {
	v, _, err := p.EvalWithin(env, MaxWork)
	return v, err
}

// EvalWithin is Eval with at most so much work, and never more than MaxWork. It returns what of it was
// done.
func (p *Program) EvalWithin(env map[string]any, limit int) (v any, work int, err error) {
	v, work, fail := p.eval(env, 0, min(limit, MaxWork))
	if fail != nil {
		return nil, work, fail
	}
	return v, work, nil
}

// eval evaluates with some of the limit spent already, and returns what is spent in the end.
func (p *Program) eval(env map[string]any, spent, limit int) (v any, work int, fail *Error) {
	m, ok := p.machines.Get().(*machine)
	if !ok {
		return nil, spent, &Error{Message: "the expression could not be evaluated"}
	}
	m.run = run{env: env, zones: &p.zones, work: spent, limit: limit}
	defer func() {
		if recover() != nil { // the machine is in an unknown state and is not used again
			v, work, fail = nil, limit, &Error{Message: "the expression could not be evaluated"}
		}
	}()
	v, err := m.vm.Run(p.code, &m.run)
	if err == nil {
		v, err = m.run.result(v)
	}
	work = min(m.run.work, limit) // what goes beyond was refused, not done
	m.run.env = nil
	p.machines.Put(m)
	if err != nil {
		return nil, work, evaluationError(p.src, err)
	}
	return v, work, nil
}

// Bool evaluates a condition. Null counts as false.
func (p *Program) Bool(env map[string]any) (bool, error) {
	v, _, fail := p.eval(env, 0, MaxWork)
	if fail != nil {
		return false, fail
	}
	b, err := truth(v)
	if err != nil {
		return false, &Error{Message: err.Error()}
	}
	return b, nil
}
