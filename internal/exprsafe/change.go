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
	summary string
	example string
	holds   func(f field, value any) (bool, error)
}

// signature is how the word is written.
func (w changeWord) signature() string {
	if w.values == 0 {
		return w.name + "(field) true/false"
	}
	return w.name + "(field, value) true/false"
}

// changeWords lists the words. Each compares by same, so null and the empty text are one value and a
// change from the one to the other is none.
func changeWords() []changeWord {
	ordered, lists := []Kind{Number, Time, Duration}, []Kind{List}
	return []changeWord{
		{name: "changed", summary: "the field differs", example: `changed("status")`, holds: field.changed},
		{
			name: "changed_from", values: 1, summary: "the field differs and had the value",
			example: `changed_from("status", "Open")`, holds: field.changedFrom,
		},
		{
			name: "changed_to", values: 1, summary: "the field differs and has the value",
			example: `changed_to("status", "Closed")`, holds: field.changedTo,
		},
		{
			name: "was", values: 1, summary: "the field had the value, whether it differs or not",
			example: `was("status", "Open")`, holds: field.was,
		},
		{
			name: "increased", kinds: ordered, summary: "the number or time is larger than it was",
			example: `increased("amount")`, holds: field.increased,
		},
		{
			name: "decreased", kinds: ordered, summary: "the number or time is smaller than it was",
			example: `decreased("paid")`, holds: field.decreased,
		},
		{
			name: "added", values: 1, kinds: lists, summary: "the list has the item and had not",
			example: `added("tags", "urgent")`, holds: field.added,
		},
		{
			name: "removed", values: 1, kinds: lists, summary: "the list had the item and has it no more",
			example: `removed("tags", "new")`, holds: field.removed,
		},
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

func (f field) increased(any) (bool, error) {
	order, err := f.moved("increased")
	return order > 0, err
}

func (f field) decreased(any) (bool, error) {
	order, err := f.moved("decreased")
	return order < 0, err
}

// moved compares the present value with the old one: above zero if it is larger. It is zero where one
// of them is null, as < and > are false.
func (f field) moved(word string) (int, error) {
	old, now, err := f.both()
	if err != nil || !f.ch.Changed[f.name] {
		return 0, err
	}
	for _, v := range []any{old, now} {
		switch kind := kindOf(v); {
		case blank(v):
			return 0, nil
		case !slices.Contains([]Kind{Number, Time, Duration}, kind):
			return 0, faultf("%s expects a number or a time, %s is %s", word, f.name, kind)
		}
	}
	order, _, err := f.run.compare(now, old)
	return order, err
}

// both are the old and the present value of a field that has changed, else nil.
func (f field) both() (old, now any, err error) {
	if !f.ch.Changed[f.name] {
		return nil, nil, nil
	}
	if old, err = f.old(); err != nil {
		return nil, nil, err
	}
	now, err = f.now()
	return old, now, err
}

// added asks whether the value is among the items and was not before.
func (f field) added(value any) (bool, error) {
	old, now, err := f.both()
	if err != nil {
		return false, err
	}
	return f.gained("added", now, old, value)
}

// removed asks whether the value was among the items and is so no more.
func (f field) removed(value any) (bool, error) {
	old, now, err := f.both()
	if err != nil {
		return false, err
	}
	return f.gained("removed", old, now, value)
}

// gained asks whether the value is in the one list and not in the other.
func (f field) gained(word string, in, notIn, value any) (bool, error) {
	found, err := f.among(word, in, value)
	if !found || err != nil {
		return false, err
	}
	found, err = f.among(word, notIn, value)
	return !found, err
}

func (f field) among(word string, list, value any) (bool, error) {
	switch list.(type) {
	case nil, []any:
		in, err := contained(f.run, []any{value, list})
		return in == true, err
	}
	return false, faultf("%s expects a list, %s is %s", word, f.name, kindOf(list))
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
