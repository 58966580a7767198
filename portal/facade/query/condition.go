package query

import "fmt"

// either reads conditions that are joined by or.
func (p *parser) either() (*Condition, error) { return p.joined(JointOr, p.both) }

// both reads conditions that are joined by and, which binds before or.
func (p *parser) both() (*Condition, error) { return p.joined(JointAnd, p.one) }

func (p *parser) joined(joint Joint, part func() (*Condition, error)) (*Condition, error) {
	var all []*Condition
	for {
		one, err := part()
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if !p.take(string(joint)) {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return &Condition{Joint: joint, Of: all}, nil
}

// one reads a comparison, or conditions in parentheses.
func (p *parser) one() (*Condition, error) {
	if p.is("(") {
		return p.nested()
	}
	if p.next.kind != kindWord {
		return nil, p.expected(aColumn)
	}
	if p.terms++; p.terms > MaxTerms {
		return nil, p.because(fmt.Sprintf("a query compares at most %d times", MaxTerms))
	}
	column, err := p.column()
	if err != nil {
		return nil, err
	}
	c := &Condition{Column: column, Place: p.next}
	if err := p.operator(c); err != nil {
		return nil, err
	}
	switch c.Operator {
	case IsNull, IsNotNull:
		return c, nil
	case In, NotIn:
		c.Values, err = p.list()
	default:
		var value Token
		value, err = p.value()
		c.Values = []Token{value}
	}
	return c, err
}

func (p *parser) nested() (*Condition, error) {
	if p.depth++; p.depth > MaxDepth {
		return nil, p.because(fmt.Sprintf("parentheses stand at most %d deep", MaxDepth))
	}
	defer func() { p.depth-- }()
	p.advance()
	inner, err := p.either()
	if err != nil {
		return nil, err
	}
	if !p.sign(")") {
		return nil, p.expected("PARENCLOSE")
	}
	return inner, nil
}

// operator reads how a comparison compares.
func (p *parser) operator(c *Condition) error {
	if p.next.kind == kindSign {
		switch sign := Operator(p.next.Text); sign {
		case Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual:
			c.Operator = sign
		case "<>":
			c.Operator = NotEqual
		default:
			return p.expected(operators)
		}
		p.advance()
		return nil
	}
	switch {
	case p.take("like"):
		c.Operator = Like
	case p.take("in"):
		c.Operator = In
	case p.take("not"):
		if !p.take("in") {
			return p.expected("IN")
		}
		c.Operator = NotIn
	case p.take("is"):
		c.Operator = IsNull
		if p.take("not") {
			c.Operator = IsNotNull
		}
		if !p.take("null") {
			return p.expected("NULL")
		}
	default:
		return p.expected(operators)
	}
	return nil
}

// list reads the values of an in.
func (p *parser) list() ([]Token, error) {
	if !p.sign("(") {
		return nil, p.expected("PARENOPEN")
	}
	var values []Token
	for {
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		if values = append(values, value); len(values) > MaxList {
			return nil, p.because(fmt.Sprintf("a list has at most %d values", MaxList))
		}
		if p.sign(",") {
			continue
		}
		if !p.sign(")") {
			return nil, p.expected("COMMA,PARENCLOSE")
		}
		return values, nil
	}
}

func (p *parser) value() (Token, error) {
	if p.next.kind != kindText && p.next.kind != kindNumber {
		return Token{}, p.expected(aValue)
	}
	return p.advance(), nil
}
