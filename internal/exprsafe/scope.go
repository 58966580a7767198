package exprsafe

import "cmp"

// Kind is what sort of value an expression gives.
type Kind uint8

// The kinds of values. Text, Bool and List are never null: a missing one reads as "", false or the
// empty list. All others may be null.
const (
	Any      Kind = iota // known only when evaluated
	Text                 // string
	Number               // int or float64
	Bool                 // bool
	Time                 // time.Time
	Duration             // time.Duration
	List                 // []any
	Object               // map[string]any with declared fields
	Map                  // map[string]any with any keys
	null                 // the literal null
)

// String says the kind in the words of a message.
func (k Kind) String() string {
	switch k {
	case Text:
		return "text"
	case Number:
		return "a number"
	case Bool:
		return "true or false"
	case Time:
		return "a time"
	case Duration:
		return "a duration"
	case List:
		return "a list"
	case Object:
		return "a record"
	case Map:
		return "a map"
	case null:
		return "null"
	}
	return "any value"
}

// Type describes a value that an expression may see.
type Type struct {
	Kind Kind
	// Elem is the type of a List's items; nil means any.
	Elem *Type
	// Name is what messages call an Object, such as the module "HelpDesk".
	Name string
	// Fields are the fields of an Object, and of a Map those keys whose type is known.
	Fields map[string]Type
	// Only says that a Map has no other keys than those.
	Only bool
	// Options are what a Text of the CRM is chosen from; nil for any text. It may have another value all the same.
	Options []string
	// Refers makes a Text a reference: it gives the Object whose id the text is. It is called only
	// when an expression follows the reference, so modules may refer to one another in circles.
	Refers func() Type
}

// ListOf is a list of items of one type.
func ListOf(item Type) Type { return Type{Kind: List, Elem: &item} }

// ObjectOf is a record with exactly these fields; messages call it by the name.
func ObjectOf(name string, fields map[string]Type) Type {
	return Type{Kind: Object, Name: name, Fields: fields}
}

// MapOf is a map with any keys, of some of which the type is known.
func MapOf(known map[string]Type) Type { return Type{Kind: Map, Fields: known} }

// ReferenceTo is the id of another record.
func ReferenceTo(object func() Type) Type { return Type{Kind: Text, Refers: object} }

// Scope is what an expression may see beside the functions.
type Scope struct {
	// Names are the root names: record, old, event, vars …
	Names map[string]Type
	// Steady refuses random() and uuid(): it is set for conditions, keys and the like, which are looked
	// at more than once and have to give the same each time.
	Steady bool
	// Catalogue is what may be asked of the CRM; nil for nothing.
	Catalogue Catalogue
	// Follows is the root name whose references can be followed; RecordName if it is "".
	Follows string
}

// follows is the root name whose references can be followed.
func (s *Scope) follows() string { return cmp.Or(s.Follows, RecordName) }

// Secrets finds a secret by its name. The value never leaves the package: it is only the key of a hash.
type Secrets func(name string) (value []byte, ok bool)

// RecordName is the root name whose references can be followed, where a scope names no other, and whose fields the
// change words (changed, was, …) speak of.
const RecordName = "record"

// ItemName is the root name of what a step is taken for. If it is an Object its references can be followed too: it is
// itself the route ItemRoute, and theirs begin with it.
const ItemName = "item"

// ItemRoute is the route to the record that ItemName is.
const ItemRoute = "$item"

// Keys of the environment of an evaluation beside the scope's own names. No expression can name them.
const (
	// EnvRoutes holds a map[string]map[string]any: for each of a program's Routes the fields of the
	// record found there. A route that leads nowhere is left out; its fields read as null.
	EnvRoutes = "$routes"
	// EnvChange holds the Change that the change words speak of; without it they are false.
	EnvChange = "$change"
	// EnvFound holds a map[string][]any: for each of a program's Queries the records found, as maps.
	EnvFound = "$found"
	// EnvNow holds the time.Time that now() gives.
	EnvNow = "$now"
	// EnvRandom holds the io.Reader that random() and uuid() draw from. It must be safe for concurrent
	// use if evaluations share it.
	EnvRandom = "$random"
	// EnvSecret holds the Secrets that hmac() asks for its key.
	EnvSecret = "$secret"
)

// Item is the type of the items of a list; anything where that is not known.
func (t Type) Item() Type { return t.item() }

// item is the type of the items of a list.
func (t Type) item() Type {
	if t.Elem == nil {
		return Type{}
	}
	return *t.Elem
}

// Either is the type of a value that has one of the two.
func Either(a, b Type) Type {
	t := join(a, b)
	if t.Kind == null {
		return Type{}
	}
	return t
}

// TypeOf is the type of a plain value.
func TypeOf(v any) Type {
	list, ok := v.([]any)
	switch kind := kindOf(v); {
	case !ok && kind == null:
		return Type{}
	case !ok:
		return Type{Kind: kind}
	case len(list) == 0:
		return Type{Kind: List}
	}
	item := TypeOf(list[0])
	for _, other := range list[1:] {
		item = Either(item, TypeOf(other))
	}
	return ListOf(item)
}

// join is the type of a value that is either of the two.
func join(a, b Type) Type {
	switch {
	case a.Kind == b.Kind && a.Kind == List:
		return ListOf(join(a.item(), b.item()))
	case a.Kind == b.Kind && a.Kind != Object:
		return Type{Kind: a.Kind}
	case a.Kind == null && b.mayBeNull():
		return b
	case b.Kind == null && a.mayBeNull():
		return a
	}
	return Type{}
}

// mayBeNull tells whether null is among the values of the type.
func (t Type) mayBeNull() bool {
	return t.Kind != Text && t.Kind != Bool && t.Kind != List
}
