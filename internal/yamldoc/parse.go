package yamldoc

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits of one file. They are far above what people write and keep the cost of a hostile file to milliseconds.
const (
	maxBytes = 256 << 10
	maxDepth = 64
)

const byteOrderMark = "\ufeff"

// errTooDeep is worded for the reader of the file: its text becomes the diagnostic's message.
var errTooDeep = fmt.Errorf("nesting is deeper than %d levels", maxDepth)

// Doc is one YAML file that has been read.
type Doc struct {
	name   string
	text   string
	starts []int // byte offset of each line's first character
	widths []int // characters of each line without its line break, since counting them for every node would cost
	root   *Node
}

// Name returns the name that the file was parsed under, as it stands in diagnostics.
func (doc *Doc) Name() string { return doc.name }

// Root returns the top of the tree; it is never nil.
func (doc *Doc) Root() *Node { return doc.root }

// Parse reads the text of one file; name is used in diagnostics only.
//
// The Doc is nil if the text cannot be read at all: over 256 kB, not UTF-8, a syntax error, empty, more than one
// document. After any other complaint (a key twice, an anchor, a tag) it is there, so that the caller can go on and
// collect more complaints; [Diagnostics.Err] tells whether the file may be used.
func Parse(name string, text []byte) (*Doc, Diagnostics) {
	doc := &Doc{name: name}
	if len(text) > maxBytes {
		const kB = 1 << 10
		return nil, doc.complain(1, 1, "the file is %d kB; the limit is %d kB", (len(text)+kB-1)/kB, maxBytes/kB)
	}
	doc.text = strings.TrimPrefix(string(text), byteOrderMark)
	if diags := doc.scanText(); diags != nil {
		return nil, diags
	}
	top, diags := doc.load()
	if diags != nil {
		return nil, diags
	}
	b := builder{doc: doc}
	doc.root = b.node(top, place{}, 0)
	if doc.root.kind == Null && doc.root.text == "" {
		return nil, doc.complain(1, 1, "the file is empty")
	}
	return doc, b.diags.ready()
}

// scanText finds the line starts and refuses what cannot be shown or counted reliably: bytes that are not UTF-8,
// control characters, and the line breaks that only some programs take for one.
func (doc *Doc) scanText() Diagnostics {
	doc.starts, doc.widths = []int{0}, []int{0}
	for offset, r := range doc.text {
		rest := doc.text[offset:]
		switch {
		case r == '\n':
			doc.starts, doc.widths = append(doc.starts, offset+1), append(doc.widths, 0)
		case strings.HasPrefix(rest, "\r\n"):
		case r == utf8.RuneError && !strings.HasPrefix(rest, string(utf8.RuneError)):
			return doc.badCharacter("this is not valid UTF-8 text", "save the file as UTF-8")
		case !readable(r):
			return doc.badCharacter(fmt.Sprintf("the character %U is not allowed", r), "remove it")
		default:
			doc.widths[len(doc.widths)-1]++
		}
	}
	return nil
}

// badCharacter complains about the character that scanText has come to.
func (doc *Doc) badCharacter(message, hint string) Diagnostics {
	line := len(doc.widths)
	return Diagnostics{{
		File: doc.name, Line: line, Column: doc.widths[line-1] + 1, Severity: Error, Message: message, Hint: hint,
	}}
}

// readable follows the printable set of YAML 1.2.2 section 5.1, less the byte order mark and less the three rare line
// breaks (U+0085, U+2028, U+2029) and the lone carriage return, on which editors and YAML disagree.
func readable(r rune) bool {
	switch {
	case r == '\t', r >= ' ' && r <= '~':
		return true
	case r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

// load runs the YAML library over the text and returns the content of its only document.
func (doc *Doc) load() (top *yaml.Node, diags Diagnostics) {
	defer func() {
		// The library panics in states it believes impossible; a file must not be able to stop the process.
		if recover() != nil {
			top, diags = nil, doc.complain(1, 1, "the file could not be read as YAML")
		}
	}()
	loader, err := yaml.NewLoader(strings.NewReader(doc.text), yaml.WithPlugin(limits{}))
	if err != nil {
		return nil, doc.complain(1, 1, "the file could not be read as YAML: %v", err)
	}
	var first, second yaml.Node
	if err := loader.Load(&first); errors.Is(err, io.EOF) {
		return nil, doc.complain(1, 1, "the file is empty")
	} else if err != nil {
		return nil, doc.syntaxError(err)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, doc.complain(second.Line, second.Column,
			"this file has a second document at line %d; one file holds one document", second.Line)
	case !errors.Is(err, io.EOF):
		return nil, doc.syntaxError(err)
	}
	return first.Content[0], nil
}

// limits stops the YAML library early; aliases are refused later, by name, and never expanded.
type limits struct{}

// CheckDepth refuses a nesting deeper than maxDepth while it is being read.
func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxDepth {
		return errTooDeep
	}
	return nil
}

// CheckAlias has nothing to check, because nothing is ever built from an alias.
func (limits) CheckAlias(_, _ int) error { return nil }

// complain makes a list of one error at a place that is brought back into the file if it lies outside.
func (doc *Doc) complain(line, column int, format string, args ...any) Diagnostics {
	line, column = doc.clamp(line, column)
	return Diagnostics{{
		File: doc.name, Line: line, Column: column, Severity: Error, Message: fmt.Sprintf(format, args...),
	}}
}

// hint adds a hint to each complaint of the list.
func (ds Diagnostics) hint(hint string) Diagnostics {
	for i := range ds {
		ds[i].Hint = hint
	}
	return ds
}

// line returns the text of a line, counted from 1, without its line break.
func (doc *Doc) line(number int) string {
	start, end := doc.starts[number-1], len(doc.text)
	if number < len(doc.starts) {
		end = doc.starts[number] - 1
	}
	return strings.TrimSuffix(doc.text[start:end], "\r")
}

// clamp brings a place into the file: the column at most one past the line's end, the line at most the last one.
func (doc *Doc) clamp(line, column int) (int, int) {
	if len(doc.widths) == 0 {
		return 1, 1
	}
	if line > len(doc.widths) {
		line, column = len(doc.widths), maxBytes
	}
	line = max(line, 1)
	return line, min(max(column, 1), doc.widths[line-1]+1)
}
