package exprsafe

import "strings"

// Operands takes a condition apart at its &&, || and !, as far down as they go, and returns what stands between them in
// the order of the source: record.a > 1 && !(record.b || record.c) has three. A condition without them is its own only
// operand. The source must be one that Compile accepts.
func Operands(src string) []string {
	src = unwrapped(src)
	for _, operators := range [][]string{{"||", "or"}, {"&&", "and"}} {
		if parts := cutAt(src, operators); len(parts) > 1 {
			var all []string
			for _, part := range parts {
				all = append(all, Operands(part)...)
			}
			return all
		}
	}
	if inner, ok := negated(src); ok {
		return Operands(inner)
	}
	return []string{src}
}

// lexeme is a token with its place and how many brackets are open around it.
type lexeme struct {
	token      string
	start, end int
	depth      int
}

// lexemes are the tokens of a source, && and || each as one.
func lexemes(src string) (all []lexeme) {
	s, depth := scanner{src: src}, 0
	for token, at := s.next(); token != ""; token, at = s.next() {
		switch token {
		case ")", "]", "}":
			depth--
		}
		last := len(all) - 1
		if (token == "&" || token == "|") && last >= 0 && all[last].token == token && all[last].end == at {
			all[last].token, all[last].end = token+token, s.pos
		} else {
			all = append(all, lexeme{token: token, start: at, end: s.pos, depth: depth})
		}
		switch token {
		case "(", "[", "{":
			depth++
		}
	}
	return all
}

// cutAt cuts a source at operators outside of all brackets. One with a choice or a declaration there is not cut: they
// bind less than all operators.
func cutAt(src string, operators []string) (parts []string) {
	from := 0
	for i, p := range lexemes(src) {
		if p.depth > 0 {
			continue
		}
		switch p.token {
		case "?", ":", ";", "let", "if", "else", "??":
			return nil
		}
		for _, operator := range operators {
			if p.token == operator && i > 0 {
				parts = append(parts, strings.TrimSpace(src[from:p.start]))
				from = p.end
			}
		}
	}
	return append(parts, strings.TrimSpace(src[from:]))
}

// unwrapped is a source without brackets around the whole of it.
func unwrapped(src string) string {
	src = strings.TrimSpace(src)
	all := lexemes(src)
	if len(all) < 2 || all[0].token != "(" {
		return src
	}
	for _, p := range all[1 : len(all)-1] {
		if p.depth == 0 {
			return src
		}
	}
	if last := all[len(all)-1]; last.token == ")" && last.end == len(src) {
		return unwrapped(src[1:last.start])
	}
	return src
}

// negated is what stands in the brackets behind a ! or not.
func negated(src string) (string, bool) {
	all := lexemes(src)
	if len(all) < 3 || all[0].token != "!" && all[0].token != "not" {
		return "", false
	}
	inner := strings.TrimSpace(src[all[0].end:])
	without := unwrapped(inner)
	return without, without != inner
}
