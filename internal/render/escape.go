package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// address is the address of a link. It is ours and stands in a text as it is.
type address string

// manner is how a value is written into a text so that it stays a value there. Its number is part of the name of the
// function that does it.
type manner int

// The manners. In all of them characters go that show nothing but change what stands around them: controls, and those
// that turn the direction of writing.
const (
	inText   manner = iota // line breaks stay
	inLine                 // line breaks become spaces
	inMD                   // as in a line, and Markdown and mentions are dead
	inString               // as the inside of a JSON string
	inJSON                 // as a JSON value
	inHTML                 // line breaks stay; html/template escapes afterwards
)

// mannerOf is how values stand in a part of a message; in JSON it also depends on the place.
func mannerOf(kind, part string) manner {
	switch {
	case part == partHTML:
		return inHTML
	case part == partMD:
		return inMD
	case part == partJSON:
		return inJSON
	case part == partSubject, kind == "sms", kind == "whatsapp":
		return inLine
	}
	return inText
}

// shown is the name of the function that writes a value in a manner.
func (m manner) shown() string { return fmt.Sprint("count_show_", int(m)) }

// write is a value as it is written in the manner.
func (m manner) write(v any) (any, error) {
	switch m {
	case inJSON:
		return asJSON(v)
	case inText, inHTML:
		if s, ok := v.(string); ok && !plainEnough(s, false) {
			return harmless(s, false), nil
		}
		return v, nil
	case inLine:
		if s, ok := v.(string); ok && plainEnough(s, true) {
			return v, nil
		}
	}
	if a, ok := v.(address); ok && m == inMD {
		return a, nil
	}
	if v == nil {
		return v, nil
	}
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case address:
		text = string(v)
	case bool, int, int64, float64, json.Number:
		return v, nil
	default:
		text = fmt.Sprint(v)
	}
	switch m {
	case inMD:
		return inMarkdown(harmless(text, true)), nil
	case inString:
		return insideString(text), nil
	}
	return harmless(text, true), nil
}

// harmless is a text without controls and turns of direction. Line breaks become \n, or spaces where the text has to be
// one line.
func harmless(s string, line bool) string {
	if plainEnough(s, line) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\r' && strings.HasPrefix(s[i:], "\r\n"):
		case r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
			out.WriteString(map[bool]string{true: " ", false: "\n"}[line])
		case r == '\t' && line:
			out.WriteByte(' ')
		case r == '\t':
			out.WriteByte('\t')
		case turning(r):
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// plainEnough tells, soon, whether a text can stay as it is.
func plainEnough(s string, line bool) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			break
		}
		if c < ' ' && (line || c != '\n' && c != '\t') || c == 0x7f {
			return false
		}
	}
	for _, r := range s {
		if r < ' ' && (line || r != '\n' && r != '\t') || r >= 0x7f && turning(r) || r == 0x2028 || r == 0x2029 {
			return false
		}
	}
	return utf8.ValidString(s)
}

// turning tells whether a character is a control, or turns the direction of what follows (UAX #9).
func turning(r rune) bool {
	switch {
	case r < ' ', 0x7f <= r && r < 0xa0:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
		return true
	}
	return false
}

// inMarkdown is a line in which nothing means anything in Markdown, and which calls nobody. A zero width space behind
// an @ or ~ ends the mention before it begins; one within an address of mail stays as it is.
func inMarkdown(s string) string {
	if !strings.ContainsAny(s, "\\`*_[]<>&|~@#+-=.)") {
		return s
	}
	var out strings.Builder
	before := ' '
	for i, r := range s {
		switch r {
		case '\\', '`', '*', '_', '[', ']', '<', '>', '&', '|', '~':
			out.WriteByte('\\')
		case '#', '+', '-', '=':
			if strings.TrimSpace(s[:i]) == "" { // where a list or a heading would begin
				out.WriteByte('\\')
			}
		case '.', ')':
			if i > 0 && strings.Trim(s[:i], " 0123456789") == "" {
				out.WriteByte('\\')
			}
		}
		out.WriteRune(r)
		if r == '~' || r == '@' && !letterOrDigit(before) {
			out.WriteRune(0x200b)
		}
		before = r
	}
	return out.String()
}

func letterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// insideString is a text as it stands between the quotes of a JSON string.
func insideString(s string) string {
	written, err := json.Marshal(harmless(s, false))
	if err != nil {
		return ""
	}
	return string(written[1 : len(written)-1])
}

// asJSON is a value as JSON.
func asJSON(v any) (any, error) {
	if s, ok := v.(string); ok {
		v = harmless(s, false)
	}
	written, err := json.Marshal(v)
	if err != nil {
		return nil, faultf("a value cannot be written as JSON")
	}
	return string(written), nil
}
