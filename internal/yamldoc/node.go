package yamldoc

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Kind is what a node is.
type Kind uint8

// The kinds of a node. Null is an empty value, ~ or null. Invalid is a node that Parse has already complained about;
// readers of a tree pass over it in silence, as Decode does.
const (
	Invalid Kind = iota
	Mapping
	List
	Text
	Number
	Bool
	Null
)

// String names the kind as it reads in a sentence: "a mapping", "text".
func (k Kind) String() string {
	names := [...]string{"something invalid", "a mapping", "a list", "text", "a number", "true or false", "nothing"}
	if int(k) < len(names) {
		return names[k]
	}
	return "something unknown"
}

// style is how a scalar is written.
type style uint8

const (
	plain style = iota
	singleQuoted
	doubleQuoted
	literal // |
	folded  // >
)

// place is where a node hangs in the tree: under a key of a mapping or at an index of a list.
type place struct {
	parent *Node
	key    string
	index  int
}

// Node is one value of a file, or one key of a mapping. It does not change after Parse.
type Node struct {
	doc          *Doc
	at           place
	kind         Kind
	style        style
	line, column int
	text         string
	entries      []Entry
	items        []*Node
}

// Entry is one key of a mapping with its value.
type Entry struct {
	Key   *Node
	Value *Node
}

// Kind returns what the node is.
func (n *Node) Kind() Kind { return n.kind }

// IsScalar tells whether the node is a single value (text, number, boolean or null) rather than a mapping or a list.
func (n *Node) IsScalar() bool { return n.kind >= Text }

// IsQuoted tells whether the node is text in quotes or in a block, which is text whatever it looks like.
func (n *Node) IsQuoted() bool { return n.style != plain }

// File returns the name of the file that the node comes from.
func (n *Node) File() string { return n.doc.name }

// Line returns the line of the node's first character, from 1.
func (n *Node) Line() int { return n.line }

// Column returns the column of the node's first character, from 1, in characters.
func (n *Node) Column() int { return n.column }

// Text returns a scalar's text with quotes and escapes resolved, for numbers and booleans exactly as written. It is
// empty for mappings and lists.
func (n *Node) Text() string { return n.text }

// Items returns the entries of a list in order. The caller must not change the slice.
func (n *Node) Items() []*Node { return n.items }

// Len returns the number of entries of a mapping or a list.
func (n *Node) Len() int { return len(n.entries) + len(n.items) }

// Entries yields the key and the value nodes of a mapping in the order of the file.
func (n *Node) Entries() iter.Seq2[*Node, *Node] {
	return func(yield func(key, value *Node) bool) {
		for _, entry := range n.entries {
			if !yield(entry.Key, entry.Value) {
				return
			}
		}
	}
}

// Lookup returns the entry of a mapping by its key.
func (n *Node) Lookup(key string) (Entry, bool) {
	for _, entry := range n.entries {
		if entry.Key.text == key {
			return entry, true
		}
	}
	return Entry{}, false
}

// Get returns the value under a key of a mapping, or nil.
func (n *Node) Get(key string) *Node {
	entry, _ := n.Lookup(key)
	return entry.Value
}

// Without returns a mapping that lacks one key, for a reader that has dealt with it already.
func (n *Node) Without(key string) *Node {
	rest := *n
	rest.entries = slices.DeleteFunc(slices.Clone(n.entries), func(e Entry) bool { return e.Key.text == key })
	return &rest
}

// Under returns a mapping at the place of the node that holds the node under one key, for a reader to whom a single
// value means the same as that mapping.
func (n *Node) Under(key string) *Node {
	outer, name := *n, *n
	outer.kind, outer.text = Mapping, ""
	name.kind, name.text = Text, key
	outer.entries = []Entry{{Key: &name, Value: n}}
	return &outer
}

// Path returns the way from the top of the file to the node, such as `tasks[2].notify.to`; it is empty at the top.
// A key node has the path of its value.
func (n *Node) Path() string {
	var steps []string
	for ; n.at.parent != nil; n = n.at.parent {
		steps = append(steps, n.step())
	}
	var path strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		path.WriteString(steps[i])
	}
	return strings.TrimPrefix(path.String(), ".")
}

func (n *Node) step() string {
	if n.at.parent.kind == List {
		return "[" + strconv.Itoa(n.at.index) + "]"
	}
	if n.at.key == "" || strings.ContainsAny(n.at.key, " .[]\"\n\t") {
		return "[" + strconv.Quote(n.at.key) + "]"
	}
	return "." + n.at.key
}

// Errorf makes an error at the node.
func (n *Node) Errorf(format string, args ...any) Diagnostic {
	return n.diagnostic(Error, fmt.Sprintf(format, args...))
}

// Warningf makes a warning at the node, of the short name code.
func (n *Node) Warningf(code, format string, args ...any) Diagnostic {
	d := n.diagnostic(Warning, fmt.Sprintf(format, args...))
	d.Code = code
	return d
}

func (n *Node) diagnostic(severity Severity, message string) Diagnostic {
	return Diagnostic{File: n.doc.name, Line: n.line, Column: n.column, Severity: severity, Message: message}
}

// Unknown makes an error about the node's text not being one of the choices, in the words used for unknown keys:
// `unknown field "stauts"` with the hint `did you mean "status"?`, or the choices listed if none is near.
func (n *Node) Unknown(what string, choices []string) Diagnostic {
	d := n.Errorf("unknown %s %s", what, quote(n.text))
	if near, ok := Suggest(n.text, choices); ok {
		return d.WithHint(didYouMean(near))
	}
	return d.WithHint(listing(choices))
}
