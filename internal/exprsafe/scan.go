package exprsafe

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// scanner splits a source into tokens exactly as far as the guard and the {{ … }} of texts need it.
// It works in one pass without recursion, so that it can look at a source nobody has checked yet.
type scanner struct {
	src string
	pos int
}

// next returns the next token and where it starts; "" at the end. A quoted text is one token,
// comments and space are skipped.
func (s *scanner) next() (token string, start int) {
	s.skipSpace()
	start = s.pos
	if start >= len(s.src) {
		return "", start
	}
	switch c := s.src[start]; {
	case c == '"' || c == '\'':
		s.pos = quotedEnd(s.src, start)
	case c == '`':
		s.pos = rawEnd(s.src, start)
	case isWord(c):
		for s.pos < len(s.src) && isWord(s.src[s.pos]) {
			s.pos++
		}
	default:
		s.pos = start + operatorLength(s.src[start:])
	}
	return s.src[start:s.pos], start
}

// skipSpace skips space and comments. What the lexer of expr takes for space beyond ASCII counts as a
// word here, which does not touch the nesting.
func (s *scanner) skipSpace() {
	for s.pos < len(s.src) {
		rest := s.src[s.pos:]
		switch {
		case strings.ContainsRune(" \t\r\n\f\v", rune(rest[0])):
			s.pos++
		case strings.HasPrefix(rest, "//"):
			s.pos += lengthUntil(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			s.pos += 2 + lengthUntil(rest[2:], "*/")
		default:
			return
		}
	}
}

// lengthUntil is the number of bytes up to and with the mark, or all.
func lengthUntil(text, mark string) int {
	if i := strings.Index(text, mark); i >= 0 {
		return i + len(mark)
	}
	return len(text)
}

// isWord tells what names and numbers are made of.
func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= utf8.RuneSelf ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// operatorLength tells apart the pairs that mean something else than their first character.
func operatorLength(text string) int {
	for _, pair := range []string{"**", "!=", "?.", "??"} {
		if strings.HasPrefix(text, pair) {
			return len(pair)
		}
	}
	return 1
}

// quotedEnd finds the end of a text in quotes, where a backslash takes the next character with it.
func quotedEnd(src string, start int) int {
	for i := start + 1; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
		case src[start]:
			return i + 1
		}
	}
	return len(src)
}

// rawEnd finds the end of a text in backticks, where a doubled backtick stands for one.
func rawEnd(src string, start int) int {
	for i := start + 1; i < len(src); i++ {
		if src[i] != '`' {
			continue
		}
		if i+1 == len(src) || src[i+1] != '`' {
			return i + 1
		}
		i++
	}
	return len(src)
}

// checkSource refuses a source that must not reach the parser.
func checkSource(src string) *Error {
	if len(src) > MaxSource {
		return &Error{Message: fmt.Sprintf("the expression is longer than %d bytes", MaxSource), Offset: MaxSource}
	}
	if !utf8.ValidString(src) {
		return &Error{Message: "the expression is not UTF-8"}
	}
	return checkNesting(src)
}

// nesting counts what the parser recurses on. Within one pair of brackets these are runs of prefix
// operators, and the conditions and powers that stand to the right of one another.
type nesting struct {
	outer []int // depth around each open bracket
	depth int   // depth of the innermost bracket
	chain int   // conditions, powers and declarations since the bracket or the last separator
	run   int   // prefix operators in a row
}

// checkNesting fails at the token that goes too deep.
func checkNesting(src string) *Error {
	s, n := scanner{src: src}, nesting{}
	for token, at := s.next(); token != ""; token, at = s.next() {
		n.add(token)
		if n.depth+n.chain+n.run > MaxNesting {
			return &Error{Message: fmt.Sprintf("the expression is nested deeper than %d", MaxNesting), Offset: at}
		}
	}
	return nil
}

// add counts a token. It counts rather too much than too little: an operator that is no prefix here
// only costs one until the next word.
func (n *nesting) add(token string) {
	switch token {
	case "!", "not", "+", "-":
		n.run++
		return
	case "(", "[", "{":
		n.outer = append(n.outer, n.depth, n.chain)
		n.depth, n.chain = n.depth+n.chain+n.run+1, 0
	case ")", "]", "}":
		if last := len(n.outer) - 2; last >= 0 {
			n.depth, n.chain, n.outer = n.outer[last], n.outer[last+1], n.outer[:last]
		}
	case "?", "**", "^", "let", "if", "else":
		n.chain++
	case ",", ";":
		n.chain = 0
	}
	n.run = 0
}
