package query

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of a query.
const (
	MaxLength  = 8 << 10 // bytes of its text
	MaxDepth   = 20      // parentheses within parentheses
	MaxTerms   = 60      // comparisons
	MaxList    = 200     // values of one in
	MaxColumns = 100
	MaxOrder   = 5
	MaxNumber  = 1_000_000_000 // of limit

	DefaultLimit = 100 // rows where the query sets no limit, as in coreBOS
)

// What messages say was expected.
const (
	operators = "EQ,LT,GT,LTE,GTE,NE,IN,LIKE,IS,NOT"
	aValue    = "VALUE,NUMBER"
	anEnd     = "SEMICOLON"
	aColumn   = "COLUMNNAME"
)

// Parse reads one query. Its error is a *SyntaxError.
func Parse(text string) (*Query, error) {
	p := &parser{reader: reader{rest: text, line: 1, at: 1}}
	if len(text) > MaxLength {
		end := Token{Text: fmt.Sprintf("%d bytes", len(text)), Line: 1, At: MaxLength, kind: kindEnd}
		return nil, &SyntaxError{Token: end, Because: fmt.Sprintf("a query has at most %d bytes", MaxLength)}
	}
	p.next = p.reader.next()
	return p.query()
}

// parser reads a query by recursive descent, one token ahead.
type parser struct {
	reader reader
	next   Token
	depth  int
	terms  int
}

func (p *parser) query() (*Query, error) {
	if !p.take("select") {
		return nil, p.expected("SELECT")
	}
	q := &Query{Distinct: p.take("distinct"), Limit: DefaultLimit}
	if err := p.selected(q); err != nil {
		return nil, err
	}
	if !p.take("from") {
		return nil, p.expected("FROM")
	}
	if p.next.kind != kindWord {
		return nil, p.expected("TABLENAME")
	}
	q.Module = p.advance()
	if p.take("where") {
		where, err := p.either()
		if err != nil {
			return nil, err
		}
		q.Where = where
	}
	if err := p.order(q); err != nil {
		return nil, err
	}
	if err := p.limit(q); err != nil {
		return nil, err
	}
	ended := p.sign(";")
	if p.next.kind != kindEnd {
		if ended {
			return nil, p.because("a query is one statement")
		}
		return nil, p.expected(anEnd)
	}
	return q, nil
}

// selected reads what stands between select and from.
func (p *parser) selected(q *Query) error {
	for {
		switch {
		case p.sign("*"):
			q.All = true
		case p.next.kind != kindWord:
			return p.expected(aColumn)
		default:
			column, err := p.column()
			if err != nil {
				return err
			}
			if column.Module == "" && strings.EqualFold(column.Field, "count") && p.is("(") {
				return p.count(q)
			}
			q.Columns = append(q.Columns, column)
		}
		if len(q.Columns) > MaxColumns {
			return p.because(fmt.Sprintf("a query selects at most %d columns", MaxColumns))
		}
		if !p.sign(",") {
			return nil
		}
	}
}

// count reads the rest of count(*), which stands alone.
func (p *parser) count(q *Query) error {
	if q.All || len(q.Columns) > 0 {
		return p.because("count(*) stands alone")
	}
	for _, sign := range []string{"(", "*", ")"} {
		if !p.sign(sign) {
			return p.expected(sign)
		}
	}
	q.Count = true
	return nil
}

// column reads a field or Module.field.
func (p *parser) column() (Column, error) {
	first := p.advance()
	if !p.sign(".") {
		return Column{Field: first.Text, Place: first}, nil
	}
	if p.next.kind != kindWord {
		return Column{}, p.expected(aColumn)
	}
	return Column{Module: first.Text, Field: p.advance().Text, Place: first}, nil
}

// order reads order by.
func (p *parser) order(q *Query) error {
	if !p.take("order") {
		return nil
	}
	if !p.take("by") {
		return p.expected("BY")
	}
	for {
		if p.next.kind != kindWord {
			return p.expected(aColumn)
		}
		column, err := p.column()
		if err != nil {
			return err
		}
		by := Order{Column: column, Desc: p.take("desc")}
		if !by.Desc {
			p.take("asc")
		}
		if q.Order = append(q.Order, by); len(q.Order) > MaxOrder {
			return p.because(fmt.Sprintf("a query orders by at most %d columns", MaxOrder))
		}
		if !p.sign(",") {
			return nil
		}
	}
}

// limit reads limit count, or limit offset, count.
func (p *parser) limit(q *Query) error {
	if !p.take("limit") {
		return nil
	}
	first, err := p.number()
	if err != nil {
		return err
	}
	if q.Limit = first; !p.sign(",") {
		return nil
	}
	q.Offset = first
	q.Limit, err = p.number()
	return err
}

func (p *parser) number() (int, error) {
	n, err := strconv.Atoi(p.next.Text)
	if p.next.kind != kindNumber || err != nil || n < 0 || n > MaxNumber {
		return 0, p.expected("NUMBER")
	}
	p.advance()
	return n, nil
}

// advance takes the next token, whatever it is.
func (p *parser) advance() Token {
	t := p.next
	p.next = p.reader.next()
	return t
}

// take takes the next token if it is the given word, in any case.
func (p *parser) take(word string) bool {
	if p.next.kind != kindWord || !strings.EqualFold(p.next.Text, word) {
		return false
	}
	p.advance()
	return true
}

// sign takes the next token if it is the given sign.
func (p *parser) sign(sign string) bool {
	if !p.is(sign) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) is(sign string) bool { return p.next.kind == kindSign && p.next.Text == sign }

func (p *parser) expected(what string) error { return &SyntaxError{Token: p.next, Expected: what} }

func (p *parser) because(why string) error { return &SyntaxError{Token: p.next, Because: why} }
