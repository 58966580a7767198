package query

import (
	"encoding/json"
	"slices"
	"strings"

	"postern/engine"
)

// Scope is what a viewer may ask of a module.
type Scope struct {
	Access *engine.Access

	// Elsewhere answers a comparison of a column of another module with a predicate on this one: the query's own
	// condition, asked of that module within the viewer's access to it. nil refuses all of them.
	Elsewhere func(*Condition) (engine.Predicate, error)
}

// Where is a condition as a predicate of constants on fields that the viewer may filter by; the one that is always
// true for nil. Its error is a *SyntaxError, a *DeniedError, or what Elsewhere answered.
func (s Scope) Where(c *Condition) (engine.Predicate, error) {
	if c == nil {
		return engine.Predicate{}, nil
	}
	if c.Joint == JointNone {
		return s.comparison(c)
	}
	joined := engine.Predicate{Op: engine.OpAnd}
	if c.Joint == JointOr {
		joined.Op = engine.OpOr
	}
	for _, part := range c.Of {
		p, err := s.Where(part)
		if err != nil {
			return engine.Predicate{}, err
		}
		joined.Of = append(joined.Of, p)
	}
	return joined, nil
}

// Order is what rows are sorted by.
func (s Scope) Order(orders []Order) ([]engine.Sorting, error) {
	var sorting []engine.Sorting
	for _, by := range orders {
		field := by.Column.Field
		if by.Column.Module != "" || (field != fieldID && !slices.Contains(s.Access.Sort, field)) {
			return nil, &DeniedError{Attribute: by.Column.String()}
		}
		sorting = append(sorting, engine.Sorting{Field: field, Desc: by.Desc})
	}
	return sorting, nil
}

// Columns are the fields that a row shows, without the id, which every row has: all that the viewer may read for *.
// Columns of other modules are checked by whoever fetches them.
func (s Scope) Columns(q *Query) ([]Column, error) {
	var columns []Column
	if q.All {
		for _, name := range s.Access.Read {
			columns = append(columns, Column{Field: name})
		}
	}
	for _, c := range q.Columns {
		if c.Module == "" && c.Field != fieldID && !slices.Contains(s.Access.Read, c.Field) {
			return nil, &DeniedError{Attribute: "'." + c.Field + ".'"}
		}
		if c.Field != fieldID || c.Module != "" {
			columns = append(columns, c)
		}
	}
	return columns, nil
}

const fieldID = "id"

func (s Scope) comparison(c *Condition) (engine.Predicate, error) {
	name := c.Column.Field
	if c.Column.Module != "" {
		if s.Elsewhere == nil {
			return engine.Predicate{}, &DeniedError{Attribute: c.Column.String()}
		}
		return s.Elsewhere(c)
	}
	if name == fieldID {
		return compare(c, &engine.Field{Name: fieldID, Type: engine.TypeReference}, s.Access.Module)
	}
	field := s.Access.Module.Fields[name]
	if field == nil || !slices.Contains(s.Access.Filter, name) {
		return engine.Predicate{}, &DeniedError{Attribute: name}
	}
	return compare(c, field, s.Access.Module)
}

// compare is a comparison with a field as a predicate. Text knows no case, as in the databases under coreBOS.
func compare(c *Condition, field *engine.Field, module *engine.Module) (engine.Predicate, error) {
	if field.Type == engine.TypeMultiPicklist && c.Operator != IsNull && c.Operator != IsNotNull {
		return engine.Predicate{}, &SyntaxError{
			Token: c.Column.Place, Expected: "IS",
			Because: "the field holds several options",
		}
	}
	if c.Operator == Like && !field.IsText() {
		return engine.Predicate{}, &SyntaxError{
			Token: c.Place, Expected: "EQ,LT,GT,LTE,GTE,NE,IN,IS,NOT",
			Because: "the field is no text",
		}
	}
	var values []engine.Operand
	for _, given := range c.Values {
		value, err := typed(given, field, module)
		if err != nil {
			return engine.Predicate{}, err
		}
		values = append(values, engine.Operand{Value: value})
	}
	leaf := func(op engine.PredicateOp, values ...engine.Operand) engine.Predicate {
		return engine.Predicate{Op: op, Path: field.Name, Values: values}
	}
	empty := leaf(engine.OpEqual, engine.Operand{})
	switch c.Operator {
	case IsNull:
		return empty, nil
	case IsNotNull:
		return not(empty), nil
	case Equal:
		return equal(field, values[0]), nil
	case NotEqual:
		return not(equal(field, values[0])), nil
	case In:
		return among(field, values), nil
	case NotIn:
		return not(among(field, values)), nil
	case Like:
		return leaf(engine.OpLike, values[0]), nil
	}
	return leaf(engine.PredicateOp(c.Operator), values...), nil // < <= > >= are the same in both
}

// equal compares free text without case and all else exactly.
func equal(field *engine.Field, value engine.Operand) engine.Predicate {
	op := engine.OpEqual
	if folds(field) && value.Value != nil {
		op = engine.OpFold
	}
	return engine.Predicate{Op: op, Path: field.Name, Values: []engine.Operand{value}}
}

func among(field *engine.Field, values []engine.Operand) engine.Predicate {
	blank := slices.ContainsFunc(values, func(v engine.Operand) bool { return v.Value == nil })
	if !folds(field) && !blank {
		return engine.Predicate{Op: engine.OpIn, Path: field.Name, Values: values}
	}
	any := engine.Predicate{Op: engine.OpOr}
	for _, value := range values {
		any.Of = append(any.Of, equal(field, value))
	}
	return any
}

func folds(field *engine.Field) bool {
	return field.Type == engine.TypeText || field.Type == engine.TypeEmail || field.Type == engine.TypeURL
}

func not(p engine.Predicate) engine.Predicate {
	return engine.Predicate{Op: engine.OpNot, Of: []engine.Predicate{p}}
}

// typed is a value as a plain value of a field's type; nil for the empty text.
func typed(given Token, field *engine.Field, module *engine.Module) (any, error) {
	text := given.Text
	if text == "" {
		return nil, nil
	}
	var value any = text
	switch field.Type {
	case engine.TypeNumber, engine.TypeInteger, engine.TypeDecimal, engine.TypeCurrency:
		if numberEnd(text) != len(text) {
			return nil, &SyntaxError{Token: given, Expected: string(kindNumber)}
		}
		value = json.Number(text)
	case engine.TypeBoolean:
		value = text == "1" || strings.EqualFold(text, "true")
		if value == false && text != "0" && !strings.EqualFold(text, "false") {
			return nil, &SyntaxError{Token: given, Expected: "'0','1'"}
		}
	}
	if field.Name == fieldID {
		return value, nil
	}
	if _, err := module.ViewOf(engine.Fields{field.Name: value}); err != nil {
		return nil, &SyntaxError{Token: given, Expected: strings.ToUpper(string(field.Type))}
	}
	return value, nil
}
