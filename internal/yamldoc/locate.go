package yamldoc

import (
	"strings"
	"unicode/utf8"
)

// At maps a place in a scalar's text to a place in the file. It takes what expression compilers report: the line
// from 1, the column from 0 in characters. It returns line and column from 1.
//
// The answer is exact for every style of scalar, folded lines included, except after an escape in double quotes, where
// it is the scalar's first character. A place outside the text is brought to the nearest inside.
func (n *Node) At(line, column int) (fileLine, fileColumn int) {
	before, rest := "", n.text
	for ; line > 1; line-- {
		end := strings.IndexByte(rest, '\n')
		if end < 0 {
			return n.locate(utf8.RuneCountInString(n.text))
		}
		before, rest = n.text[:len(before)+end+1], rest[end+1:]
	}
	current, _, _ := strings.Cut(rest, "\n")
	column = min(max(column, 0), utf8.RuneCountInString(current))
	return n.locate(utf8.RuneCountInString(before) + column)
}

// AtByte is At for a byte offset into the scalar's text.
func (n *Node) AtByte(offset int) (fileLine, fileColumn int) {
	offset = min(max(offset, 0), len(n.text))
	return n.locate(utf8.RuneCountInString(n.text[:offset]))
}

// locate walks the scalar's text and its source side by side up to a character. They differ only in white space (a
// line break and indentation in the source may be one blank in the text) and in escapes, at which it gives up.
func (n *Node) locate(target int) (line, column int) {
	text := []rune(n.text)
	src, ok := n.content()
	if !ok || len(text) == 0 {
		return n.line, n.column
	}
	if n.style >= literal && !isSpace(text[0]) {
		src.skipSpace() // the indentation of the first line
	}
	for at := 0; at < len(text); {
		if isSpace(text[at]) {
			run, before := spaceRun(text[at:]), src
			src.skipSpace()
			if target < at+run || at+run == len(text) {
				return before.within(src, target-at)
			}
			at += run
			continue
		}
		if at == target {
			return src.line, src.column
		}
		if !src.consume(text[at], n.style) {
			return n.line, n.column
		}
		at++
	}
	return src.line, src.column
}

// content returns a cursor at the first character of the scalar's text: after the opening quote, or on the line after
// the | or > of a block.
func (n *Node) content() (cursor, bool) {
	if !n.IsScalar() {
		return cursor{}, false
	}
	before, _ := n.doc.split(n.line, n.column)
	src := cursor{rest: n.doc.text[n.doc.starts[n.line-1]+len(before):], line: n.line, column: n.column}
	switch {
	case n.style == plain:
		return src, true
	case n.style < literal:
		src.advance()
		return src, true
	case n.line == len(n.doc.starts):
		return cursor{}, false
	}
	return cursor{rest: n.doc.text[n.doc.starts[n.line]:], line: n.line + 1, column: 1}, true
}

// cursor is a place in the source with the text from there on.
type cursor struct {
	rest         string
	line, column int
}

func (c *cursor) advance() {
	r, size := utf8.DecodeRuneInString(c.rest)
	c.rest = c.rest[size:]
	c.column++
	if r == '\n' {
		c.line, c.column = c.line+1, 1
	}
}

// consume moves over one character of the text and reports whether the source has it literally.
func (c *cursor) consume(want rune, in style) bool {
	r, _ := utf8.DecodeRuneInString(c.rest)
	if r != want || c.rest == "" || in == doubleQuoted && r == '\\' {
		return false
	}
	if in == singleQuoted && r == '\'' {
		c.advance() // a quote in single quotes is written twice
	}
	c.advance()
	return true
}

func (c *cursor) skipSpace() {
	for c.rest != "" && isSpace(rune(c.rest[0])) {
		c.advance()
	}
}

// within returns a place some characters into the white space that ends at the cursor after; if a line ends in
// between, it is the white space's beginning.
func (c *cursor) within(after cursor, characters int) (line, column int) {
	if c.line == after.line {
		return c.line, min(c.column+characters, after.column)
	}
	return c.line, c.column
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

func spaceRun(text []rune) int {
	run := 0
	for run < len(text) && isSpace(text[run]) {
		run++
	}
	return run
}
