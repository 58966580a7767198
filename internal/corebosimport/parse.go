package corebosimport

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// Limits of an expression of the original.
const (
	maxExpression = 16 << 10 // bytes
	maxNested     = 60
)

// term is a piece of an expression of the original.
type term any

type (
	textTerm   string // 'text'
	numberTerm string // 12 or .5, as written
	nameTerm   string // a field, or a value of the context
	routeTerm  struct{ field, module, name string }
	callTerm   struct {
		name string
		args []term
	}
	// binaryTerm has all that follows its operator on its right side, whatever the operators are.
	binaryTerm struct {
		op          string
		left, right term
	}
	negativeTerm struct{ of term }
	ifTerm       struct{ cond, yes, no term }
	// bracketTerm is what its author put into brackets.
	bracketTerm struct{ of term }
)

// token is a word of an expression.
type token struct {
	kind, text   string
	route        routeTerm
	begin, after int // its place, in bytes
}

// tokenForms are tried in this order at each place; what none of them matches, the original passes over.
var tokenForms = []struct {
	kind string
	form *regexp.Regexp
}{
	{"space", regexp.MustCompile(`^\s+`)},
	{"name", regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*`)},
	{"escaped", regexp.MustCompile("^`([^`]+)`")},
	{"text", regexp.MustCompile(`^'(?:\\'|[^'])*'`)},
	{"number", regexp.MustCompile(`^[0-9]*\.[0-9]+|^[0-9]+`)},
	{"operator", regexp.MustCompile(`^(?:[-+*/]|>=|<=|<|>|==|!=)`)},
	{"(", regexp.MustCompile(`^\(`)},
	{")", regexp.MustCompile(`^\)`)},
	{",", regexp.MustCompile(`^,`)},
	{"route", regexp.MustCompile(`^\$\((\w+) : \((\w+)\) (\w+)\)`)},
}

// parsed is an expression and what its author would be surprised by.
type parsed struct {
	term    term
	ignored string // what the original passes over or does not reach
}

// parseExpression reads an expression as the original does. Its grammar knows no precedence: each operator
// takes one value on its left and all the rest on its right. Where it stops, the rest means nothing.
func parseExpression(source string) (parsed, error) {
	source = html.UnescapeString(source)
	if len(source) > maxExpression {
		return parsed{}, fmt.Errorf("the expression is longer than %d kB", maxExpression>>10)
	}
	p := &parser{source: source}
	p.scan()
	t, err := p.expression(0)
	if err != nil {
		return parsed{}, err
	}
	if p.at < len(p.tokens) {
		p.ignored = append(p.ignored, source[p.tokens[p.at].begin:])
	}
	return parsed{term: t, ignored: strings.Join(p.ignored, " ")}, nil
}

type parser struct {
	source  string
	tokens  []token
	at      int
	ignored []string
}

// scan cuts the source into tokens.
func (p *parser) scan() {
	for pos := 0; pos < len(p.source); {
		kind, match := "", []string(nil)
		for _, f := range tokenForms {
			if match = f.form.FindStringSubmatch(p.source[pos:]); match != nil {
				kind = f.kind
				break
			}
		}
		if match == nil {
			p.pass(p.source[pos : pos+1])
			pos++
			continue
		}
		t := token{kind: kind, text: match[0], begin: pos, after: pos + len(match[0])}
		switch kind {
		case "escaped":
			t.kind, t.text = "name", match[1]
		case "text":
			t.text = unslash(match[0][1 : len(match[0])-1])
		case "route":
			t.route = routeTerm{match[1], match[2], match[3]}
		}
		if pos = t.after; kind != "space" {
			p.tokens = append(p.tokens, t)
		}
	}
}

// pass notes a character that is passed over; neighbours are noted together.
func (p *parser) pass(character string) {
	if n := len(p.ignored); n > 0 && len(p.tokens) > 0 && p.tokens[len(p.tokens)-1].after < len(p.source) &&
		strings.HasSuffix(p.ignored[n-1], character) {
		p.ignored[n-1] += character
		return
	}
	p.ignored = append(p.ignored, character)
}

// unslash takes the backslashes of an escaped text away.
func unslash(text string) string {
	var out strings.Builder
	escaped := false
	for _, r := range text {
		if escaped {
			switch r {
			case 'n':
				r = '\n'
			case 't':
				r = '\t'
			case 'r':
				r = '\r'
			}
		} else if r == '\\' {
			escaped = true
			continue
		}
		escaped = false
		out.WriteRune(r)
	}
	return out.String()
}

func (p *parser) peek(ahead int) token {
	if p.at+ahead >= len(p.tokens) {
		return token{kind: "end", begin: len(p.source)}
	}
	return p.tokens[p.at+ahead]
}

func (p *parser) next() token {
	t := p.peek(0)
	p.at++
	return t
}

// expression is a condition, a call, or one value; then perhaps an operator with another expression.
func (p *parser) expression(depth int) (term, error) {
	if depth > maxNested {
		return nil, fmt.Errorf("the expression is nested more than %d deep", maxNested)
	}
	if p.isIf() { // even before a bracket: there is no function of that name
		return p.condition(depth)
	}
	first := p.peek(0)
	var left term
	var err error
	if first.kind == "name" && p.peek(1).kind == "(" {
		left, err = p.call(depth)
	} else {
		left, err = p.value(depth)
	}
	if err != nil || p.peek(0).kind != "operator" {
		return left, err
	}
	operator := p.next().text
	right, err := p.expression(depth + 1)
	return binaryTerm{operator, left, right}, err
}

func (p *parser) isIf() bool { return p.peek(0).kind == "name" && p.peek(0).text == "if" }

func (p *parser) condition(depth int) (term, error) {
	p.next()
	cond, err := p.expression(depth + 1)
	if err != nil {
		return nil, err
	}
	if err := p.word("then"); err != nil {
		return nil, err
	}
	yes, err := p.expression(depth + 1)
	if err != nil {
		return nil, err
	}
	if err := p.word("else"); err != nil {
		return nil, err
	}
	if p.isIf() {
		no, err := p.condition(depth + 1)
		return ifTerm{cond, yes, no}, err
	}
	no, err := p.expression(depth + 1)
	if err != nil {
		return nil, err
	}
	return ifTerm{cond, yes, no}, p.word("end")
}

func (p *parser) word(word string) error {
	if t := p.next(); t.kind != "name" || t.text != word {
		return fmt.Errorf("byte %d: expected %s", t.begin, word)
	}
	return nil
}

func (p *parser) call(depth int) (term, error) {
	c := callTerm{name: p.next().text}
	p.next()
	if p.peek(0).kind == ")" {
		p.next()
		return c, nil
	}
	for {
		arg, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, arg)
		switch t := p.next(); t.kind {
		case ",":
		case ")":
			return c, nil
		default:
			return nil, fmt.Errorf("byte %d: expected a closing bracket", t.begin)
		}
	}
}

// value is a signed value, a bracket, a text, a number, a name or a route.
func (p *parser) value(depth int) (term, error) {
	if depth > maxNested {
		return nil, fmt.Errorf("the expression is nested more than %d deep", maxNested)
	}
	switch t := p.next(); t.kind {
	case "operator":
		if t.text != "+" && t.text != "-" {
			return nil, fmt.Errorf("byte %d: expected a value, found %s", t.begin, t.text)
		}
		of, err := p.value(depth + 1)
		if err != nil || t.text == "+" {
			return of, err
		}
		return negativeTerm{of}, nil
	case "text":
		return textTerm(t.text), nil
	case "number":
		return numberTerm(t.text), nil
	case "name":
		return nameTerm(t.text), nil
	case "route":
		return t.route, nil
	case "(":
		of, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		if t := p.next(); t.kind != ")" {
			return nil, fmt.Errorf("byte %d: expected a closing bracket", t.begin)
		}
		return bracketTerm{of}, nil
	default:
		return nil, fmt.Errorf("byte %d: expected a value", t.begin)
	}
}
