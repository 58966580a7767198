package exprsafe

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
)

// Error says what is wrong with an expression and where.
type Error struct {
	Message string
	// Offset is where in the source, in bytes.
	Offset int
	// Hint is the one word that was probably meant; "" if there is none.
	Hint string
	// TooMuch tells that the evaluation was stopped by the limit on work that it was given.
	TooMuch bool
}

// Error is the message with the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return fmt.Sprintf("%s (did you mean %q?)", e.Message, e.Hint)
}

// fault is a reason for which an evaluation fails. It never quotes a value, which may be a secret.
type fault string

// Error is the reason.
func (f fault) Error() string { return string(f) }

// The evaluation was stopped by MaxWork, or by a lower limit that it shares with others.
const (
	tooMuch         = fault("the expression looks at too much data")
	tooMuchTogether = fault("the expressions look at too much data together")
)

// faultf is a fault with names and kinds filled in.
func faultf(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

// evaluationError puts what the virtual machine or the check of the result returned into our own
// words. The result has no place but the beginning.
func evaluationError(src string, err error) *Error {
	out := &Error{Message: "the expression could not be evaluated"}
	var at *file.Error
	if errors.As(err, &at) {
		out.Offset = byteOffset(src, at.From)
	}
	var own fault
	switch {
	case errors.As(err, &own):
		out.Message, out.TooMuch = own.Error(), own == tooMuch || own == tooMuchTogether
	case at != nil && strings.Contains(at.Message, "memory budget"):
		out.Message = fmt.Sprintf("the expression makes more than %d list items", MaxMemory)
	}
	return out
}

// bareDuration is a duration as it is written elsewhere in a book.
var bareDuration = regexp.MustCompile(`\b[0-9]+[smhd]\b`)

// syntaxError puts what the parser returned into our own words.
func syntaxError(src string, err error) *Error {
	var at *file.Error
	if !errors.As(err, &at) {
		return &Error{Message: "this cannot be read as an expression"}
	}
	out := &Error{Offset: byteOffset(src, at.From)}
	if strings.HasPrefix(strings.TrimSpace(src), "{{") {
		return &Error{Message: "an expression stands here alone, without {{ }}", Offset: strings.Index(src, "{{")}
	}
	if found, ok := strings.CutPrefix(at.Message, "unexpected token "); ok {
		unexpected(out, src, found)
		return out
	}
	out.Message = syntaxMessage(at.Message)
	if span := bareDuration.FindString(src); span != "" && strings.Contains(at.Message, "bad number syntax") {
		out.Message = fmt.Sprintf("this is not a number; a duration is written duration(%q)", span)
	}
	return out
}

// unexpected fills in the error for a token as the parser shows it, EOF or Kind("value").
func unexpected(out *Error, src, token string) {
	_, quoted, found := strings.Cut(token, "(\"")
	if !found {
		out.Message, out.Offset = "the expression ends too early", len(src)
		return
	}
	word := strings.TrimSuffix(quoted, "\")")
	out.Message = fmt.Sprintf("unexpected %q", word)
	switch word {
	case "=":
		out.Hint = "=="
	case "&":
		out.Hint = "&&"
	case "is", "equals":
		out.Hint = "=="
	case "like":
		out.Hint = "contains"
	case ",":
		out.Message += "; a list is written [1, 2], a number without commas"
	case "AND", "OR", "NOT", "IN":
		out.Hint = strings.ToLower(word)
	}
}

// syntaxMessage translates the parser's other messages.
func syntaxMessage(message string) string {
	translations := []struct{ part, ours string }{
		{"maximum allowed nodes", fmt.Sprintf("the expression has more than %d parts", MaxNodes)},
		{"literal not terminated", "a quoted text is not closed"},
		{"unclosed comment", "a comment is not closed"},
		{"bad number syntax", "this is not a number"},
		{"literal is too large", "this number is too large"},
		{"literal: ", "this number is too large"},
		{"char escape", "unknown escape after \\ in a quoted text"},
		{"unescape", "unknown escape after \\ in a quoted text"},
		{"unrecognized character", "this character has no meaning here"},
		{"expected name", "a name is expected after the dot"},
		{"expected at least", "a list and a condition are expected"},
		{"map key", "a key is expected"},
		{"coalesce", "?? needs brackets beside another operator"},
		{"end of expression", "the expression ends too early"},
	}
	for _, t := range translations {
		if strings.Contains(message, t.part) {
			return t.ours
		}
	}
	return "this cannot be read as an expression"
}

// byteOffset is the position in bytes of the n-th character.
func byteOffset(src string, n int) int {
	offset := 0
	for ; n > 0 && offset < len(src); n-- {
		_, size := utf8.DecodeRuneInString(src[offset:])
		offset += size
	}
	return offset
}

// longestWord is the length in bytes from which on a misspelt name is compared with no other.
const longestWord = 100

// suggest returns the name nearest to a misspelt one, or "" if none is near enough: one slip for each
// three letters, and letter case counts as nothing.
func suggest(word string, names []string) string {
	if len(word) > longestWord {
		return ""
	}
	best, least := "", max(1, utf8.RuneCountInString(word)/3)+1
	slices.Sort(names)
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to insert, drop, replace or swap (optimal string alignment).
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	before, last, row := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := range from {
		row[0] = i + 1
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(to)]
}
