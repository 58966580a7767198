package exprsafe

import (
	"maps"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Change is what the change words speak of, given under EnvChange.
type Change struct {
	// New tells that the event made the record. All change words are false then.
	New bool
	// Changed names the fields that the event changed.
	Changed map[string]bool
	// Old holds the previous values of the changed fields, Now the present ones of all fields.
	Old, Now map[string]any
}

// changeWord is a function whose first argument is the name of a field, in quotes.
type changeWord struct {
	name    string
	values  int // arguments after the field: 0 or 1
	example string
	// holds decides for one field; as gives a value of it in the field's type.
	holds func(ch Change, field string, is func(value any) (bool, error)) (bool, error)
}

// changeWords lists the words. Each compares by same, so null and the empty text are one value and a
// change from the one to the other is none.
func changeWords() []changeWord {
	return []changeWord{
		{
			"changed", 0, `changed("status")`,
			func(ch Change, field string, _ func(any) (bool, error)) (bool, error) {
				return ch.Changed[field], nil
			},
		},
		{
			"changed_from", 1, `changed_from("status", "Open")`,
			func(ch Change, field string, is func(any) (bool, error)) (bool, error) {
				if !ch.Changed[field] {
					return false, nil
				}
				return is(ch.Old[field])
			},
		},
		{
			"changed_to", 1, `changed_to("status", "Closed")`,
			func(ch Change, field string, is func(any) (bool, error)) (bool, error) {
				if !ch.Changed[field] {
					return false, nil
				}
				return is(ch.Now[field])
			},
		},
		{
			"was", 1, `was("status", "Open")`,
			func(ch Change, field string, is func(any) (bool, error)) (bool, error) {
				if ch.Changed[field] {
					return is(ch.Old[field])
				}
				return is(ch.Now[field])
			},
		},
	}
}

// change lowers a change word.
func (c *compiler) change(n *ast.CallNode, word changeWord) (lowered, *Error) {
	if len(n.Arguments) != 1+word.values {
		return lowered{}, c.fail(n, "%s is written %s", word.name, word.example)
	}
	field, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return lowered{}, c.fail(n.Arguments[0], "%s takes the name of a field in quotes: %s", word.name, word.example)
	}
	t, fail := c.recordField(field)
	if fail != nil {
		return lowered{}, fail
	}
	var values []ast.Node
	for _, arg := range n.Arguments[1:] {
		x, fail := c.lower(arg)
		if fail != nil {
			return x, fail
		}
		if fail := c.fieldValue(arg, field.Value, t, x); fail != nil {
			return lowered{}, fail
		}
		values = append(values, x.node)
	}
	return c.call(n.Location(), Type{Kind: Bool}, word.operation(field.Value, t), values...), nil
}

// recordField is the type of a field of the record. In a scope whose record has no declared fields
// any name will do.
func (c *compiler) recordField(field *ast.StringNode) (Type, *Error) {
	record := c.scope.Names[RecordName]
	if record.Kind != Object {
		return Type{}, nil
	}
	t, ok := record.Fields[field.Value]
	if !ok {
		fail := c.fail(field, "unknown field %q of %s", field.Value, record.Name)
		fail.Hint = suggest(field.Value, slices.Collect(maps.Keys(record.Fields)))
		return Type{}, fail
	}
	return t, nil
}

// fieldValue refuses a value that the field can never have.
func (c *compiler) fieldValue(at ast.Node, field string, t Type, x lowered) *Error {
	switch {
	case t.Kind == List || x.typ.Kind == List || x.typ.Kind == Map:
		return c.fail(at, "a list or a map cannot be compared")
	case t.Kind != x.typ.Kind && t.Kind != Any && !loose(x.typ.Kind) && !isEmptyLiteral(x):
		return c.fail(at, "%s is %s, this gives %s", field, t.Kind, x.typ.Kind)
	}
	return nil
}

// operation reads the change from the environment. No change at all, as on a schedule, is like a new
// record: nothing was anything before.
func (w changeWord) operation(field string, t Type) operation {
	return func(r *run, args []any) (any, error) {
		ch, ok := r.env[EnvChange].(Change)
		if !ok || ch.New {
			return false, nil
		}
		return w.holds(ch, field, func(value any) (bool, error) {
			v, err := r.as(t, value, field)
			if err != nil {
				return false, err
			}
			return r.same(v, args[0])
		})
	}
}
