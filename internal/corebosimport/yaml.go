package corebosimport

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// node is a value of a YAML file that is being written. Exactly one of text, entries and items is used.
type node struct {
	text    string
	isText  bool
	raw     bool // text is written as it is: a number, true or false
	fold    bool // text is a condition, which may be broken at its operators
	entries []entry
	items   []*node
	isList  bool
	notes   []string // comments above it, a sentence each
	before  []string // lines of comment above it that are kept as they are
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	value *node
}

func scalar(text string) *node    { return &node{text: text, isText: true} }
func literal(text string) *node   { return &node{text: text, isText: true, raw: true} }
func list(items ...*node) *node   { return &node{items: items, isList: true} }
func mapping(e ...entry) *node    { return &node{entries: e} }
func pair(k, v string) entry      { return entry{k, scalar(v)} }
func (n *node) add(e entry) *node { n.entries = append(n.entries, e); return n }

// expression is the node of a condition.
func expression(x said) *node {
	if x.text == "true" || x.text == "false" {
		return literal(x.text)
	}
	return &node{text: x.text, isText: true, fold: true}
}

// note puts a comment above a node.
func (n *node) note(sentences ...string) *node {
	n.notes = append(n.notes, sentences...)
	return n
}

// width is how long a line may become: what fits is written in one.
const width = 100

// write gives the file.
func (n *node) write() string {
	w := &yamlWriter{}
	w.comments(n, "")
	w.block(n, "")
	return w.String()
}

type yamlWriter struct{ strings.Builder }

func (w *yamlWriter) comments(n *node, indent string) {
	for _, sentence := range n.notes {
		for _, line := range wrap(sentence, width-len(indent)-2) {
			w.WriteString(indent + "# " + line + "\n")
		}
	}
	for _, line := range n.before {
		w.WriteString(strings.TrimRight(indent+"# "+line, " ") + "\n")
	}
}

// block writes a mapping or list over several lines.
func (w *yamlWriter) block(n *node, indent string) {
	for _, e := range n.entries {
		w.comments(e.value, indent)
		w.WriteString(indent + quotedKey(e.key) + ":")
		w.value(e.value, indent, len(e.key)+1)
	}
	for _, item := range n.items {
		w.comments(item, indent)
		if item.isNothing() {
			continue // a comment alone
		}
		w.item(item, indent)
	}
}

// item writes an entry of a list.
func (w *yamlWriter) item(item *node, indent string) {
	if item.isText || item.flows(indent, 2) {
		w.WriteString(indent + "- " + item.flow() + "\n")
		return
	}
	inner := &yamlWriter{}
	inner.block(item, indent+"  ")
	text := inner.String()
	if !strings.HasPrefix(strings.TrimLeft(text, " "), "#") {
		w.WriteString(indent + "- " + strings.TrimPrefix(text, indent+"  "))
		return
	}
	// A comment on the first key stands above the dash.
	lines := strings.SplitAfter(text, "\n")
	for len(lines) > 0 && strings.HasPrefix(strings.TrimLeft(lines[0], " "), "#") {
		w.WriteString(indent + strings.TrimLeft(lines[0], " "))
		lines = lines[1:]
	}
	w.WriteString(indent + "- " + strings.TrimPrefix(strings.Join(lines, ""), indent+"  "))
}

// value writes what follows a key.
func (w *yamlWriter) value(n *node, indent string, used int) {
	switch {
	case n.fold && len(indent)+used+len(n.flow()) > width:
		w.folded(n.text, indent)
	case n.isText && !n.raw && longText(n.text):
		w.literal(n.text, indent)
	case n.isText || n.flows(indent, used+1):
		w.WriteString(" " + n.flow() + "\n")
	default:
		w.WriteString("\n")
		w.block(n, indent+"  ")
	}
}

// folded writes a condition over several lines, which are read as one, broken before its operators.
func (w *yamlWriter) folded(text, indent string) {
	w.WriteString(" >-\n")
	line := ""
	for _, part := range operands(text) {
		if line != "" && len(indent)+3+len(line)+len(part) > width {
			w.WriteString(indent + "  " + line + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+part, " ")
	}
	w.WriteString(indent + "  " + line + "\n")
}

// operands cuts a condition before each && and || that is in no quotes.
func operands(text string) []string {
	var parts []string
	begin, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case (c == '&' || c == '|') && i > begin && i+1 < len(text) && text[i+1] == c:
			parts, begin = append(parts, strings.TrimSpace(text[begin:i])), i
			i++
		}
	}
	return append(parts, strings.TrimSpace(text[begin:]))
}

// longText tells whether a text reads better as a block of lines; one with space at an end is not safe there.
func longText(text string) bool {
	return strings.Contains(text, "\n") && !strings.ContainsAny(text, "\r\t") &&
		!strings.HasPrefix(text, " ") && !strings.HasPrefix(text, "\n") && !strings.HasSuffix(text, "\n") &&
		!strings.Contains(text, " \n") && printable(text)
}

// printable tells whether a text may stand in a file as it is; in double quotes anything may, escaped.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && odd(r) })
}

// odd are the characters that a YAML file does not show: controls, separators of lines, marks of byte order.
func odd(r rune) bool {
	return r < ' ' && r != '\t' || r >= 0x7f && r <= 0x9f || r == '\u2028' || r == '\u2029' || r == '\ufeff' ||
		r >= 0xfffe && r <= 0xffff
}

func (w *yamlWriter) literal(text, indent string) {
	w.WriteString(" |-\n")
	for line := range strings.SplitSeq(text, "\n") {
		w.WriteString(strings.TrimRight(indent+"  "+line, " ") + "\n")
	}
}

// isNothing tells whether a node is only there for its comments.
func (n *node) isNothing() bool { return !n.isText && !n.isList && len(n.entries) == 0 }

// flows tells whether a node fits into what is left of a line.
func (n *node) flows(indent string, used int) bool {
	return !n.commented() && !n.deep(3) && len(indent)+used+len(n.flow()) <= width
}

// commented tells whether there is a comment somewhere within.
func (n *node) commented() bool {
	for _, e := range n.entries {
		if len(e.value.notes)+len(e.value.before) > 0 || e.value.commented() {
			return true
		}
	}
	for _, item := range n.items {
		if len(item.notes)+len(item.before) > 0 || item.commented() {
			return true
		}
	}
	return n.isText && strings.Contains(n.text, "\n")
}

func (n *node) deep(levels int) bool {
	if levels == 0 {
		return len(n.entries)+len(n.items) > 0
	}
	for _, e := range n.entries {
		if e.value.deep(levels - 1) {
			return true
		}
	}
	for _, item := range n.items {
		if item.deep(levels - 1) {
			return true
		}
	}
	return false
}

// flow writes a node in one line.
func (n *node) flow() string { return n.inline(false) }

func (n *node) inline(within bool) string {
	switch {
	case n.isText && n.raw:
		return n.text
	case n.isText:
		return quoted(n.text, within)
	case n.isList:
		var parts []string
		for _, item := range n.items {
			parts = append(parts, item.inline(true))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	var parts []string
	for _, e := range n.entries {
		parts = append(parts, quotedKey(e.key)+": "+e.value.inline(true))
	}
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

var (
	// notPlain is what an unquoted text may not begin with, or hold.
	notPlain = regexp.MustCompile(`^[-?:,\[\]{}#&*!|>'"%@` + "`" + `\s=]|[\s:]$|: | #|[\x00-\x1f\x7f]|^$`)
	// notInFlow is what it may not hold within [ ] and { }.
	notInFlow = regexp.MustCompile(`[,\[\]{}]|:$`)
	// otherWords are read as something else than text, here or by other readers of YAML.
	dateForm   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	otherWords = regexp.MustCompile(`(?i)^(true|false|null|~|yes|no|on|off|y|n|[-+.0-9][-+.0-9eExXoO_:a-fA-F]*)$`)
)

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// quotedKey writes a key. All that look like words are read as such, on too.
func quotedKey(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return jsonQuoted(key)
}

// quoted writes a text, without quotes where it is read as the same text.
func quoted(text string, flow bool) string {
	if dateForm.MatchString(text) {
		return text
	}
	plain := printable(text) && !notPlain.MatchString(text) && !otherWords.MatchString(text)
	if plain && !(flow && notInFlow.MatchString(text)) {
		return text
	}
	if strings.ContainsAny(text, `"\`) && printable(text) && !strings.Contains(text, "\n") {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return jsonQuoted(text)
}

// jsonQuoted is a text in double quotes; JSON's are YAML's. What may not stand in a file is escaped.
func jsonQuoted(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(text) != nil {
		return `""`
	}
	var escaped strings.Builder
	for _, r := range strings.TrimSuffix(out.String(), "\n") {
		if odd(r) {
			fmt.Fprintf(&escaped, `\u%04x`, r)
			continue
		}
		escaped.WriteRune(r)
	}
	return escaped.String()
}

// wrap breaks a sentence into lines at its spaces.
func wrap(sentence string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(strings.Map(visible, strings.ToValidUTF8(sentence, ""))) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
