package render

import (
	"strings"
)

// action is one {{ … }} of a template.
type action struct {
	begin, end int    // of the whole, with the braces
	trimLeft   bool   // it begins {{-
	trimRight  bool   // it ends -}}
	inner      string // what stands between, without spaces around
	at         int    // where that begins
}

// actions finds all actions of a template that parses.
func actions(text string) (all []action) {
	for at := 0; ; {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			return all
		}
		a := action{begin: at + open}
		a.end = a.begin + closing(text[a.begin:])
		if a.end <= a.begin {
			return all
		}
		inner := text[a.begin+2 : a.end-2]
		a.at = a.begin + 2
		if len(inner) > 1 && inner[0] == '-' && isSpace(inner[1]) {
			a.trimLeft, inner, a.at = true, inner[1:], a.at+1
		}
		if n := len(inner); n > 1 && inner[n-1] == '-' && isSpace(inner[n-2]) {
			a.trimRight, inner = true, inner[:n-1]
		}
		left := strings.TrimLeft(inner, " \t\r\n")
		a.at += len(inner) - len(left)
		a.inner = strings.TrimRight(left, " \t\r\n")
		all = append(all, a)
		at = a.end
	}
}

// closing is how long the action is that a text begins with; 0 if it does not end.
func closing(text string) int {
	if rest := strings.TrimLeft(strings.TrimPrefix(text[2:], "-"), " \t\r\n"); strings.HasPrefix(rest, "/*") {
		end := strings.Index(text, "*/")
		if end < 0 {
			return 0
		}
		after := strings.Index(text[end:], "}}")
		return end + after + 2
	}
	for i := 2; i < len(text); i++ {
		switch text[i] {
		case '"', '`', '\'':
			end := quoted(text[i:])
			if end == 0 {
				return 0
			}
			i += end - 1
		case '}':
			if strings.HasPrefix(text[i:], "}}") {
				return i + 2
			}
		}
	}
	return 0
}

// quoted is how long the quoted text is that a text begins with; 0 if it does not end.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return i + 1
		case text[i] == '\\' && text[0] != '`':
			i++
		}
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// word is an operand of an action.
type word struct {
	text string
	at   int // where it begins in the action's inner text
}

// words takes an action apart where spaces stand, but within quotes and parentheses.
func (a action) words() (all []word) {
	depth, begin := 0, -1
	for i := 0; i <= len(a.inner); i++ {
		if i == len(a.inner) || depth == 0 && isSpace(a.inner[i]) {
			if begin >= 0 {
				all = append(all, word{a.inner[begin:i], begin})
			}
			begin = -1
			continue
		}
		if begin < 0 {
			begin = i
		}
		switch c := a.inner[i]; c {
		case '(':
			depth++
		case ')':
			depth--
		case '"', '`', '\'':
			i += max(quoted(a.inner[i:])-1, 0)
		}
	}
	return all
}

// opens tells whether the action begins something that an end closes.
func (a action) opens() bool {
	switch first(a.inner) {
	case "if", "range", "with":
		return true
	}
	return false
}

// steers tells whether the action writes nothing itself, but decides about what stands around it.
func (a action) steers() bool {
	switch first(a.inner) {
	case "else", "end", "break", "continue":
		return true
	}
	return a.opens()
}

// silent tells whether the action writes nothing.
func (a action) silent() bool {
	if a.steers() || strings.HasPrefix(a.inner, "/*") || a.inner == "" {
		return true
	}
	name, _, assigns := strings.Cut(a.inner, "=")
	name = strings.TrimSuffix(strings.TrimSpace(name), ":")
	return assigns && strings.HasPrefix(name, "$") && !strings.ContainsAny(strings.TrimSpace(name), " \"`(|")
}

// first is the first name of an action.
func first(inner string) string {
	end := strings.IndexFunc(inner, func(r rune) bool { return !isLetter(byte(min(r, 127))) || r > 127 })
	if end < 0 {
		return inner
	}
	return inner[:end]
}
