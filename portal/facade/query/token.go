package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is, as messages name it.
type kind string

const (
	kindEnd     kind = "END"
	kindWord    kind = "COLUMNNAME"
	kindText    kind = "VALUE"
	kindNumber  kind = "NUMBER"
	kindSign    kind = "SIGN"    // an operator, parenthesis, comma, star, full stop or semicolon
	kindUnknown kind = "Unknown" // no token of the language
)

// Token is a piece of a query and where it stands.
type Token struct {
	Text string // without the quotes of a text, and with its doubled quotes single
	Line int    // from 1
	At   int    // character of the whole query, from 1

	kind kind
}

// signs are the tokens that are no words, longest first.
var signs = []string{"<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ",", "*", ".", ";"}

// reader splits a query into tokens, one at a time.
type reader struct {
	rest string
	line int
	at   int
}

// next is the token that follows; of kindEnd at the end, of kindUnknown for what the language does not have.
func (r *reader) next() Token {
	r.skip(len(r.rest) - len(strings.TrimLeft(r.rest, " \t\r\n")))
	t := Token{Line: r.line, At: r.at, kind: kindUnknown}
	var size int
	switch {
	case r.rest == "":
		t.kind = kindEnd
		return t
	case r.rest[0] == '\'':
		value, end, bad := text(r.rest)
		if end > 0 {
			t.Text, t.kind, size = value, kindText, end
			break
		}
		r.skip(bad) // to what the text may not hold
		t.Line, t.At = r.line, r.at
	case isWord(r.rest[0]):
		size = wordEnd(r.rest)
		t.Text, t.kind = r.rest[:size], kindWord
	case numberEnd(r.rest) > 0:
		size = numberEnd(r.rest)
		t.Text, t.kind = r.rest[:size], kindNumber
	default:
		size = sign(r.rest)
		if size > 0 {
			t.Text, t.kind = r.rest[:size], kindSign
		}
	}
	if size == 0 {
		first, width := utf8.DecodeRuneInString(r.rest)
		if t.Text, size = string(first), width; !unicode.IsPrint(first) {
			t.Text = string(utf8.RuneError)
		}
	}
	r.skip(size)
	return t
}

// skip goes on by so many bytes.
func (r *reader) skip(size int) {
	r.line += strings.Count(r.rest[:size], "\n")
	r.at += utf8.RuneCountInString(r.rest[:size])
	r.rest = r.rest[size:]
}

// text is what stands between quotes, and where it ends; or else where it holds what no text may: a backslash, which
// databases read as an escape, or a control character. A text that does not end goes wrong where it begins.
func text(s string) (value string, end, bad int) {
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' && strings.HasPrefix(s[i+1:], "'"):
			out.WriteByte('\'')
			i++
		case c == '\'':
			if !utf8.ValidString(out.String()) {
				return "", 0, 0
			}
			return out.String(), i + 1, 0
		case c == '\\', c < ' ' && c != '\n' && c != '\r' && c != '\t', c == 0x7f:
			return "", 0, i
		default:
			out.WriteByte(c)
		}
	}
	return "", 0, 0
}

func isWord(c byte) bool {
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func wordEnd(s string) int {
	end := 0
	for end < len(s) && (isWord(s[end]) || isDigit(s[end])) {
		end++
	}
	return end
}

// numberEnd is how many bytes a number takes, such as 12, -3 or 0.5; 0 if there is none.
func numberEnd(s string) int {
	start := 0
	if s[0] == '-' {
		start = 1
	}
	end := digitsEnd(s, start)
	if end == start {
		return 0
	}
	if end < len(s) && s[end] == '.' {
		if fraction := digitsEnd(s, end+1); fraction > end+1 {
			end = fraction
		}
	}
	if end < len(s) && isWord(s[end]) { // 17x12 without quotes, 1e5, 0x41
		return 0
	}
	return end
}

func digitsEnd(s string, from int) int {
	for from < len(s) && isDigit(s[from]) {
		from++
	}
	return from
}

func sign(s string) int {
	for _, sign := range signs {
		if strings.HasPrefix(s, sign) {
			return len(sign)
		}
	}
	return 0
}
