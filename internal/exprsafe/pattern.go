package exprsafe

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/expr-lang/expr/ast"
)

// matches lowers text matches "pattern". The pattern is a constant in RE2 syntax, whose machine never
// goes back, so its time is bounded by the length of the text times the size of the pattern.
func (c *compiler) matches(n *ast.BinaryNode) (lowered, *Error) {
	written, ok := n.Right.(*ast.StringNode)
	if !ok {
		return lowered{}, c.fail(n.Right, "a pattern is written as a quoted text")
	}
	text, fail := c.lower(n.Left)
	if fail != nil {
		return text, fail
	}
	if k := text.typ.Kind; k != Text && !loose(k) {
		return lowered{}, c.fail(n.Left, "expected text, this gives %s", k)
	}
	re, fail := c.pattern(written)
	if fail != nil {
		return lowered{}, fail
	}
	return c.call(n.Location(), Type{Kind: Bool}, re.match, text.node), nil
}

// pattern is a compiled pattern and the size of its machine.
type pattern struct {
	*regexp.Regexp
	steps int
}

// pattern compiles the constant pattern at a node.
func (c *compiler) pattern(at *ast.StringNode) (pattern, *Error) {
	parsed, err := syntax.Parse(at.Value, syntax.Perl)
	if err != nil {
		return pattern{}, c.fail(at, "this pattern cannot be read: %s", patternFault(err))
	}
	steps := patternSize(parsed)
	if steps > MaxPattern {
		return pattern{}, c.fail(at, "this pattern has more than %d steps", MaxPattern)
	}
	re, err := regexp.Compile(at.Value)
	if err != nil {
		return pattern{}, c.fail(at, "this pattern cannot be read: %s", patternFault(err))
	}
	return pattern{re, steps}, nil
}

// patternFault says what is wrong with a pattern without the prefix that Go puts before it.
func patternFault(err error) string {
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Sprintf("%s: %q", e.Code, e.Expr)
	}
	return "unknown mistake"
}

// patternSize estimates from above how many steps the machine of a pattern has, before it is built: a
// pattern of a few bytes can stand for a million.
func patternSize(re *syntax.Regexp) int {
	below := 0
	for _, sub := range re.Sub {
		below = min(below+patternSize(sub), MaxPattern+1)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return min(len(re.Rune), MaxPattern+1)
	case syntax.OpRepeat:
		return min((below+1)*(max(re.Min, re.Max)+1), MaxPattern+1)
	case syntax.OpCapture:
		return below + 2
	case syntax.OpAlternate:
		return below + len(re.Sub)
	case syntax.OpConcat:
		return below
	}
	return below + 1
}

// match is the operation.
func (p pattern) match(r *run, args []any) (any, error) {
	if args[0] == nil {
		return false, nil
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, faultf("matches expects text, this gives %s", kindOf(args[0]))
	}
	if err := p.pay(r, text); err != nil {
		return nil, err
	}
	return p.MatchString(text), nil
}

// pay pays for one look through a text before it is taken, as the machine cannot be stopped.
func (p pattern) pay(r *run, text string) error { return r.spend(len(text) * p.steps * patternWork) }
