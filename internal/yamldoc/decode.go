package yamldoc

import (
	"reflect"
	"time"
)

// Unmarshaler is a type that reads itself from a node, and says what is wrong with it. It is also called for null
// and for nodes of an unexpected kind, but never for an Invalid one. A method that calls Decode on its own receiver
// must do so through a type without the method.
type Unmarshaler interface {
	UnmarshalYAMLDoc(n *Node) Diagnostics
}

// Decode fills the value that target points to from a node and returns all complaints, sorted. Where there is one,
// the part of the value concerned keeps what it had before.
//
// A struct's fields are named by tags, `yaml:"name"`, with the options required (the key must be there) and one (a
// slice also takes a single value in place of a list); fields without a tag are left alone. An embedded struct lends
// its fields to the outer one. A field of type []Entry tagged `yaml:",rest"` takes the keys that no other field names;
// without it such keys are errors.
//
// Beyond structs it knows string, bool, the sizes of int, uint and float, [time.Duration] as in [ParseDuration],
// slices, maps with string keys, pointers (null gives nil), any (see [Node.Plain]), *Node, []Entry (a mapping in
// order) and [Unmarshaler].
func Decode(n *Node, target any) Diagnostics {
	pointer := reflect.ValueOf(target)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		return Diagnostics{n.Errorf("a value of type %T cannot be filled", target)}
	}
	d := decoder{shapes: map[reflect.Type]*shape{}}
	d.value(n, pointer.Elem())
	return d.diags.ready()
}

// decoder carries the complaints of one Decode and the struct shapes that it has met.
type decoder struct {
	diags  Diagnostics
	shapes map[reflect.Type]*shape
}

var (
	nodeType     = reflect.TypeFor[*Node]()
	entriesType  = reflect.TypeFor[[]Entry]()
	durationType = reflect.TypeFor[time.Duration]()
)

// value fills one value: the special types first, since what they are made of says nothing about how they are written.
func (d *decoder) value(n *Node, v reflect.Value) {
	if n.kind == Invalid {
		return
	}
	switch v.Type() {
	case nodeType:
		v.Set(reflect.ValueOf(n))
		return
	case entriesType:
		d.ordered(n, v)
		return
	case durationType:
		d.duration(n, v)
		return
	}
	if custom, ok := reflect.TypeAssert[Unmarshaler](v.Addr()); ok {
		d.add(custom.UnmarshalYAMLDoc(n)...)
		return
	}
	d.byKind(n, v)
}

func (d *decoder) byKind(n *Node, v reflect.Value) {
	switch kind := v.Kind(); {
	case kind == reflect.Struct:
		d.structure(n, v)
	case kind == reflect.Slice:
		d.list(n, v)
	case kind == reflect.Map && v.Type().Key().Kind() == reflect.String:
		d.mapping(n, v)
	case kind == reflect.Pointer:
		d.pointer(n, v)
	case kind == reflect.Interface && v.NumMethod() == 0:
		v.Set(plainValue(n, v.Type()))
	case kind == reflect.String:
		d.text(n, v)
	case kind == reflect.Bool:
		d.boolean(n, v)
	case v.CanInt(), v.CanUint():
		d.whole(n, v)
	case v.CanFloat():
		d.fraction(n, v)
	default:
		d.add(n.Errorf("a value of type %s cannot be filled", v.Type()))
	}
}

func (d *decoder) list(n *Node, v reflect.Value) {
	if n.kind != List {
		d.expected(n, List.String())
		return
	}
	d.items(n.items, v)
}

func (d *decoder) items(items []*Node, v reflect.Value) {
	values := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.value(item, values.Index(i))
	}
	v.Set(values)
}

func (d *decoder) mapping(n *Node, v reflect.Value) {
	if n.kind != Mapping {
		d.expected(n, Mapping.String())
		return
	}
	values := reflect.MakeMapWithSize(v.Type(), len(n.entries))
	for _, entry := range n.entries {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(entry.Value, value)
		values.SetMapIndex(reflect.ValueOf(entry.Key.text).Convert(v.Type().Key()), value)
	}
	v.Set(values)
}

// ordered keeps a mapping as it is in the file, for callers that give the keys a meaning themselves.
func (d *decoder) ordered(n *Node, v reflect.Value) {
	if n.kind != Mapping {
		d.expected(n, Mapping.String())
		return
	}
	v.Set(reflect.ValueOf(append([]Entry{}, n.entries...)))
}

// pointer makes a new value rather than fill what the pointer has, which others may hold too.
func (d *decoder) pointer(n *Node, v reflect.Value) {
	if n.kind == Null {
		v.SetZero()
		return
	}
	target := reflect.New(v.Type().Elem())
	d.value(n, target.Elem())
	v.Set(target)
}

// plainValue is Node.Plain as a reflect.Value; nil needs its type said.
func plainValue(n *Node, as reflect.Type) reflect.Value {
	if value := n.Plain(); value != nil {
		return reflect.ValueOf(value)
	}
	return reflect.Zero(as)
}

// expected complains about the kind of a value.
func (d *decoder) expected(n *Node, want string) { d.add(d.unlike(n, want)) }

func (d *decoder) unlike(n *Node, want string) Diagnostic {
	found := n.kind.String()
	if n.kind == Bool {
		found = n.text
	}
	return n.Errorf("expected %s, found %s", want, found)
}

func (d *decoder) add(diags ...Diagnostic) { d.diags = append(d.diags, diags...) }
