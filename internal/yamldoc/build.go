package yamldoc

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// builder turns the YAML library's tree into ours and refuses what this package does not accept.
type builder struct {
	doc   *Doc
	diags Diagnostics
}

// node converts one value; depth counts the mappings and lists around it.
func (b *builder) node(y *yaml.Node, at place, depth int) *Node {
	n := &Node{doc: b.doc, at: at, text: y.Value, style: styleOf(y.Style)}
	n.line, n.column = b.doc.clamp(y.Line, y.Column)
	if b.refuses(n, y) {
		return n
	}
	switch y.Kind {
	case yaml.MappingNode:
		b.mapping(n, y, depth+1)
	case yaml.SequenceNode:
		b.list(n, y, depth+1)
	case yaml.ScalarNode:
		n.kind = Text
		if n.style == plain {
			n.kind = plainKind(n.text)
		}
	}
	return n
}

// refuses complains about aliases, tags and anchors. The first two leave the node Invalid, since its value is not
// known; a node with an anchor is as good as without.
func (b *builder) refuses(n *Node, y *yaml.Node) bool {
	switch {
	case y.Kind == yaml.AliasNode:
		b.add(n.Errorf("aliases such as %s are not supported", quote("*"+y.Value)).WithHint(mustQuote("*")))
		return true
	case y.Style&yaml.TaggedStyle != 0, y.Tag == "!":
		b.add(n.Errorf("tags such as %s are not supported", quote(y.Tag)).WithHint(mustQuote("!")))
		return true
	case y.Anchor != "":
		b.add(n.Errorf("anchors such as %s are not supported", quote("&"+y.Anchor)).WithHint(mustQuote("&")))
	}
	return false
}

func (b *builder) list(n *Node, y *yaml.Node, depth int) {
	if b.tooDeep(n, depth) {
		return
	}
	n.kind = List
	n.items = make([]*Node, len(y.Content))
	for i, item := range y.Content {
		n.items[i] = b.node(item, place{parent: n, index: i}, depth)
	}
}

// mapping keeps the first of several equal keys. Keys are equal if their texts are: 1 and "1" would collide anyway once
// they are the keys of a Go map.
func (b *builder) mapping(n *Node, y *yaml.Node, depth int) {
	if b.tooDeep(n, depth) {
		return
	}
	if isTemplate(y) {
		b.add(n.Errorf(`text that starts with "{{" must be in quotes`))
		return
	}
	n.kind = Mapping
	lines := make(map[string]int, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, ok := b.key(y.Content[i], n, depth)
		if !ok {
			continue
		}
		if line, twice := lines[key.text]; twice {
			b.add(key.Errorf("duplicate key %s; it is already at line %d", quote(key.text), line))
			continue
		}
		lines[key.text] = key.line
		value := b.node(y.Content[i+1], place{parent: n, key: key.text}, depth)
		n.entries = append(n.entries, Entry{Key: key, Value: value})
	}
}

// isTemplate recognises an unquoted {{ x }}, which YAML takes for a mapping that has a mapping for its key.
func isTemplate(y *yaml.Node) bool {
	if len(y.Content) == 0 || y.Style&yaml.FlowStyle == 0 {
		return false
	}
	key := y.Content[0]
	return key.Kind == yaml.MappingNode && key.Line == y.Line && key.Column == y.Column+1
}

// key converts a key of a mapping. It may be any text, number or boolean; it counts as the text that is written.
func (b *builder) key(y *yaml.Node, parent *Node, depth int) (*Node, bool) {
	before := len(b.diags)
	key := b.node(y, place{parent: parent, key: y.Value}, depth)
	if len(b.diags) > before { // nothing more to say about it
		return key, key.IsScalar()
	}
	switch {
	case y.Tag == "!!merge":
		b.add(key.Errorf(`merge keys ("<<") are not supported`).WithHint("write the keys out"))
	case !key.IsScalar():
		b.add(key.Errorf("a key must be text, not %s", key.kind))
	case key.kind == Null && key.text == "":
		b.add(key.Errorf("a key is missing here"))
	default:
		return key, true
	}
	return key, false
}

// tooDeep refuses what the YAML library lets pass because it counts blocks and brackets apart.
func (b *builder) tooDeep(n *Node, depth int) bool {
	if depth <= maxDepth {
		return false
	}
	b.add(n.Errorf("%v", errTooDeep))
	return true
}

func (b *builder) add(d Diagnostic) { b.diags = append(b.diags, d) }

func styleOf(s yaml.Style) style {
	switch {
	case s&yaml.SingleQuotedStyle != 0:
		return singleQuoted
	case s&yaml.DoubleQuotedStyle != 0:
		return doubleQuoted
	case s&yaml.LiteralStyle != 0:
		return literal
	case s&yaml.FoldedStyle != 0:
		return folded
	}
	return plain
}

// quote quotes a word from a file for a message and cuts it if it is long.
func quote(word string) string {
	const most = 40
	if runes := []rune(word); len(runes) > most {
		word = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", word)
}
