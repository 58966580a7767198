package render

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/internal/exprsafe"
)

// The messages of an execution begin with the place, the column from 0.
var executionPlace = regexp.MustCompile(`^template: (.*?):(\d+):(\d+): `)

// explained is the error of an execution, with its place in the files; where the reason is ours it is said without the
// words around it.
func explained(src *source, err error) error {
	found := executionPlace.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	line, _ := strconv.Atoi(found[2])
	column, _ := strconv.Atoi(found[3])
	f, pos := src.origin(src.offset(line, column))
	if own := fault(""); errors.As(err, &own) {
		line, column = place(f.text, pos)
		return fmt.Errorf("%s:%d:%d: %w", f.path, line, column-1, own)
	}
	return err
}

// placed is a mistake whose place is known.
type placed struct{ Problem }

// Error is what is wrong.
func (p placed) Error() string { return p.Message }

// The parser's messages look like `template: path:3:14: unexpected …`, the column from 0, or lack it.
var parserMessage = regexp.MustCompile(`^(?:(?:html/)?template: ?)?.*?:?(\d+):(?:(\d+):)? (.*)$`)

// problem takes a parser's message apart.
func problem(src *source, err error) Problem {
	if own, ok := errors.AsType[placed](err); ok {
		return own.Problem
	}
	path := src.from[0].file.path
	message := strings.TrimPrefix(err.Error(), "template: "+path+":")
	m := parserMessage.FindStringSubmatch(message)
	if m == nil {
		return Problem{File: path, Line: 1, Message: message}
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	p := Problem{File: path, Line: max(line, 1), Column: column, Message: m[3]}
	p.explain(src.text)
	if len(src.from) > 1 {
		f, pos := src.origin(src.offset(p.Line, column))
		p.File = f.path
		p.Line, p.Column = place(f.text, pos)
	}
	return p
}

var (
	unknownFunction = regexp.MustCompile(`^function "(.*)" not defined$`)
	unclosedAction  = regexp.MustCompile(`^unclosed action(?: started at .*:(\d+))?$`)
)

// explain puts the parser's commonest messages into our words and finds their place.
func (p *Problem) explain(source string) {
	if m := unknownFunction.FindStringSubmatch(p.Message); m != nil {
		p.Message = fmt.Sprintf("unknown name %q; a template may speak of %s", m[1], strings.Join(names, ", "))
		if ofExpressions(m[1]) {
			p.Message = fmt.Sprintf("%s is for expressions: a vars step before computes what the text then shows as "+
				"{{ vars.… }}", m[1])
		}
		p.Word, p.Choices = m[1], names
		p.Column = columnOf(source, p.Line, m[1])
		return
	}
	if m := unclosedAction.FindStringSubmatch(p.Message); m != nil {
		if started, err := strconv.Atoi(m[1]); err == nil {
			p.Line = started
		}
		p.Message, p.Column = "{{ is not closed by }}", columnOf(source, p.Line, "{{")
		return
	}
	if line, column := unclosed(source); line > 0 {
		p.Message, p.Line, p.Column = "{{ is not closed by }}", line, column
		return
	}
	if p.Message == "unexpected EOF" {
		p.Message = "an if, range or with is not closed by {{ end }}"
		p.Line = strings.Count(strings.TrimRight(source, "\n"), "\n") + 1
	}
}

// ofExpressions tells whether expressions have a name or a function that templates lack.
func ofExpressions(word string) bool {
	if slices.Contains([]string{"inputs", "old", "event", "events", "actor"}, word) {
		return true
	}
	return slices.ContainsFunc(exprsafe.Functions(), func(f exprsafe.Function) bool { return f.Name == word })
}

// unclosed finds a {{ after which another one begins before it is closed, as line and column from 1; 0 for none.
func unclosed(source string) (line, column int) {
	for at := 0; ; {
		open := strings.Index(source[at:], "{{")
		if open < 0 {
			return 0, 0
		}
		at += open
		end, next := strings.Index(source[at:], "}}"), strings.Index(source[at+2:], "{{")
		if next >= 0 && (end < 0 || next+2 < end) {
			before := source[:at]
			return strings.Count(before, "\n") + 1,
				utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1
		}
		if end < 0 {
			return 0, 0
		}
		at += end + 2
	}
}

// columnOf finds a word in the templates of a line, from 1; 0 if it is not there.
func columnOf(source string, line int, word string) int {
	lines := strings.Split(source, "\n")
	if line > len(lines) {
		return 0
	}
	text := lines[line-1]
	from := max(strings.Index(text, "{{"), 0)
	at := strings.Index(text[from:], word)
	if word == "{{" {
		at = strings.LastIndex(text[from:], word)
	}
	if at < 0 {
		return 0
	}
	return utf8.RuneCountInString(text[:from+at]) + 1
}
