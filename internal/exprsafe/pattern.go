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
	pattern, ok := n.Right.(*ast.StringNode)
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
	parsed, err := syntax.Parse(pattern.Value, syntax.Perl)
	if err != nil {
		return lowered{}, c.fail(pattern, "this pattern cannot be read: %s", patternFault(err))
	}
	steps := patternSize(parsed)
	if steps > MaxPattern {
		return lowered{}, c.fail(pattern, "this pattern has more than %d steps", MaxPattern)
	}
	re, err := regexp.Compile(pattern.Value)
	if err != nil {
		return lowered{}, c.fail(pattern, "this pattern cannot be read: %s", patternFault(err))
	}
	return c.call(n.Location(), Type{Kind: Bool}, match(re, steps), text.node), nil
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

// match is the operation. It pays before it looks, as the machine cannot be stopped.
func match(re *regexp.Regexp, steps int) operation {
	return func(r *run, args []any) (any, error) {
		if args[0] == nil {
			return false, nil
		}
		text, ok := args[0].(string)
		if !ok {
			return nil, faultf("matches expects text, this gives %s", kindOf(args[0]))
		}
		if err := r.spend(len(text) * steps * patternWork); err != nil {
			return nil, err
		}
		return re.MatchString(text), nil
	}
}
