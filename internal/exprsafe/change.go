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
	// Changed names the fields that differ.
	Changed map[string]bool
	// Old holds the previous values of the changed fields, Now the present ones of all fields.
	Old, Now map[string]any
}

// changeWord is a function whose first argument is the name of a field, in quotes.
type changeWord struct {
	name    string
	values  int    // arguments after the field: 0 or 1
	kinds   []Kind // of the fields it can ask about, nil for all; a list's value is one of its items
	example string
	holds   func(f field, value any) (bool, error)
}

// changeWords lists the words. Each compares by same, so null and the empty text are one value and a
// change from the one to the other is none.
func changeWords() []changeWord {
	return []changeWord{
		{name: "changed", example: `changed("status")`, holds: field.changed},
		{name: "changed_from", values: 1, example: `changed_from("status", "Open")`, holds: field.changedFrom},
		{name: "changed_to", values: 1, example: `changed_to("status", "Closed")`, holds: field.changedTo},
		{name: "was", values: 1, example: `was("status", "Open")`, holds: field.was},
		{
			name: "increased", kinds: []Kind{Number, Time, Duration}, example: `increased("amount")`,
			holds: field.increased,
		},
		{name: "added", values: 1, kinds: []Kind{List}, example: `added("tags", "urgent")`, holds: field.added},
	}
}

// field is a field of the record that a change word asks about.
type field struct {
	run  *run
	ch   Change
	name string
	typ  Type
}

func (f field) old() (any, error) { return f.run.as(f.typ, f.ch.Old[f.name], f.name) }

func (f field) now() (any, error) { return f.run.as(f.typ, f.ch.Now[f.name], f.name) }

// changed takes a value it does not look at, as all words do.
func (f field) changed(any) (bool, error) { return f.ch.Changed[f.name], nil }

func (f field) changedFrom(value any) (bool, error) {
	if !f.ch.Changed[f.name] {
		return false, nil
	}
	return f.was(value)
}

func (f field) changedTo(value any) (bool, error) {
	if !f.ch.Changed[f.name] {
		return false, nil
	}
	now, err := f.now()
	if err != nil {
		return false, err
	}
	return f.run.same(now, value)
}

// was asks for the value before the change, which for all other fields is the present one.
func (f field) was(value any) (bool, error) {
	before := f.now
	if f.ch.Changed[f.name] {
		before = f.old
	}
	v, err := before()
	if err != nil {
		return false, err
	}
	return f.run.same(v, value)
}

// increased is false where one of the values is null, as > is.
func (f field) increased(any) (bool, error) {
	if !f.ch.Changed[f.name] {
		return false, nil
	}
	old, err := f.old()
	if err != nil {
		return false, err
	}
	now, err := f.now()
	if err != nil {
		return false, err
	}
	for _, v := range []any{old, now} {
		switch kind := kindOf(v); {
		case blank(v):
			return false, nil
		case !slices.Contains([]Kind{Number, Time, Duration}, kind):
			return false, faultf("increased expects a number or a time, %s is %s", f.name, kind)
		}
	}
	order, ok, err := f.run.compare(now, old)
	return ok && order > 0, err
}

// added asks whether the value is among the items and was not before.
func (f field) added(value any) (bool, error) {
	if !f.ch.Changed[f.name] {
		return false, nil
	}
	now, err := f.now()
	if err != nil {
		return false, err
	}
	if in, err := f.among(now, value); !in || err != nil {
		return false, err
	}
	old, err := f.old()
	if err != nil {
		return false, err
	}
	in, err := f.among(old, value)
	return !in, err
}

func (f field) among(list, value any) (bool, error) {
	switch list.(type) {
	case nil, []any:
		in, err := contained(f.run, []any{value, list})
		return in == true, err
	}
	return false, faultf("added expects a list, %s is %s", f.name, kindOf(list))
}

// change lowers a change word.
func (c *compiler) change(n *ast.CallNode, word changeWord) (lowered, *Error) {
	if len(n.Arguments) != 1+word.values {
		return lowered{}, c.fail(n, "%s is written %s", word.name, word.example)
	}
	name, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return lowered{}, c.fail(n.Arguments[0], "%s takes the name of a field in quotes: %s", word.name, word.example)
	}
	t, fail := c.recordField(name)
	if fail != nil {
		return lowered{}, fail
	}
	if word.kinds != nil && t.Kind != Any && !slices.Contains(word.kinds, t.Kind) {
		return lowered{}, c.fail(name, "%s asks about %s, %s is %s", word.name, word.kinds[0], name.Value, t.Kind)
	}
	var values []ast.Node
	for _, arg := range n.Arguments[1:] {
		x, fail := c.lower(arg)
		if fail != nil {
			return x, fail
		}
		if fail := c.fieldValue(arg, name.Value, word.value(t), x); fail != nil {
			return lowered{}, fail
		}
		values = append(values, x.node)
	}
	c.uses.changes[name.Value] = true
	return c.call(n.Location(), Type{Kind: Bool}, word.operation(name.Value, t), values...), nil
}

// value is the type of the value that the word takes beside a field of a type.
func (w changeWord) value(of Type) Type {
	if slices.Contains(w.kinds, List) {
		return of.item()
	}
	return of
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

// fieldValue refuses a value that the field, or an item of it, can never have.
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
func (w changeWord) operation(name string, t Type) operation {
	return func(r *run, args []any) (any, error) {
		ch, ok := r.env[EnvChange].(Change)
		if !ok || ch.New {
			return false, nil
		}
		var value any
		if len(args) > 0 {
			value = args[0]
		}
		return w.holds(field{r, ch, name, t}, value)
	}
}
