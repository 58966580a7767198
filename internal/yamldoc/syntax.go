package yamldoc

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// syntaxError says a complaint of the YAML library in plain words, at the place where a person would look.
func (doc *Doc) syntaxError(err error) Diagnostics {
	var raw *yaml.LoadError
	if !errors.As(err, &raw) {
		return doc.complain(1, 1, "this is not valid YAML: %v", err)
	}
	s := symptom{doc: doc, raw: raw, mark: raw.Mark}
	s.describe()
	line, column := doc.lastWritten(s.mark.Line, s.mark.Column)
	if value, _ := doc.valueText(line); strings.HasPrefix(value, "{{") {
		s.hint = mustQuote("{{")
	}
	return doc.complain(line, column, "%s", s.message).hint(s.hint)
}

// symptom is one error of the YAML library on its way into plain words.
type symptom struct {
	doc           *Doc
	raw           *yaml.LoadError
	mark          yaml.Mark // where to point
	message, hint string
}

// describe chooses message, hint and place. The cases match the messages of the YAML library; one that is not listed
// is passed on as it is.
func (s *symptom) describe() {
	const indentation = "check the indentation"
	context := s.raw.ContextMsg
	switch text := s.raw.Message; {
	case text == errTooDeep.Error():
		s.message = text
	case strings.HasPrefix(text, "unknown anchor"):
		s.mustNotStart("*")
	case strings.HasSuffix(context, "an alias"):
		s.mustNotStartAtContext("*")
	case strings.HasSuffix(context, "an anchor"):
		s.mustNotStartAtContext("&")
	case strings.HasSuffix(context, "a tag"), text == "found undefined tag handle":
		s.mustNotStartAtContext("!")
	case text == "found character that cannot start any token":
		s.badFirstCharacter()
	case text == "mapping values are not allowed in this context":
		s.strayColon()
	case text == "did not find expected key":
		s.message, s.hint = "expected a key here", indentation
		s.textAfterClosing()
		s.operatorFirst()
	case text == "did not find expected '-' indicator":
		s.message, s.hint = `expected a list entry ("- ") here`, indentation
		s.textAfterClosing()
	case text == "block sequence entries are not allowed in this context":
		s.message, s.hint = `a list entry ("- ") is not allowed here`, "start the list on a line of its own"
	case strings.HasPrefix(text, "did not find expected ','"):
		s.unclosed(text[len(text)-2 : len(text)-1])
	case text == "did not find expected node content":
		s.message = "expected a value here"
	case text == "could not find expected ':'":
		s.mark, s.message = s.raw.ContextMark, `expected ":" after this key`
	case text == "found unexpected end of stream", text == "found unexpected document indicator":
		s.mark, s.message = s.raw.ContextMark, "this quote is never closed"
	case text == "found unknown escape character":
		s.message, s.hint = "unknown escape in double quotes", `use single quotes, or write \\ for a backslash`
	case strings.HasPrefix(s.lineText(), "%"):
		s.message, s.hint = "YAML directives are not supported", "remove the line"
	default:
		s.message = "this is not valid YAML: " + text
	}
}

// lineText is the whole line that the error is at.
func (s *symptom) lineText() string {
	line, _ := s.doc.clamp(s.mark.Line, 1)
	return s.doc.line(line)
}

// mustNotStart is for the characters that mean something to YAML at the start of a value.
func (s *symptom) mustNotStart(first string) {
	s.message, s.hint = fmt.Sprintf("unquoted text cannot start with %q", first), "put it in quotes"
}

// mustNotStartAtContext points at that character; the library points at where it got stuck after it.
func (s *symptom) mustNotStartAtContext(first string) {
	s.mark = s.raw.ContextMark
	s.mustNotStart(first)
}

// badFirstCharacter is for the characters that YAML reserves, and for the tab.
func (s *symptom) badFirstCharacter() {
	_, rest := s.doc.split(s.mark.Line, s.mark.Column)
	if strings.HasPrefix(rest, "\t") {
		s.message, s.hint = "a tab cannot be used for indentation", "use spaces"
		return
	}
	for _, first := range rest {
		s.mustNotStart(string(first))
		return
	}
	s.message = "unexpected end of the line"
}

// strayColon tells `subject: Re: hello`, where the text needs quotes, from a line that stands wrong as a whole.
func (s *symptom) strayColon() {
	s.message, s.hint = `unexpected ":" here`, `put text that contains ": " in quotes`
	if before, _ := s.doc.split(s.mark.Line, s.mark.Column); !strings.Contains(before, ": ") {
		s.hint = "check the indentation and the line above"
	}
}

// textAfterClosing rewords an error that follows a closing quote or bracket on the same line.
func (s *symptom) textAfterClosing() {
	before, _ := s.doc.split(s.mark.Line, s.mark.Column)
	before = strings.TrimRight(before, " \t")
	if before == "" || !strings.ContainsAny(before[len(before)-1:], `'"]}`) {
		return
	}
	s.message = fmt.Sprintf("unexpected text after the closing %s", before[len(before)-1:])
	s.hint = "quote the whole text"
}

// operatorFirst finds the cause of an error further on in the line: in `if: !done && !sent` the first ! makes a tag.
func (s *symptom) operatorFirst() {
	value, column := s.doc.valueText(s.mark.Line)
	if value != "" && column < s.mark.Column && strings.IndexAny(value[:1], "!&*") == 0 {
		s.mark.Column = column
		s.mustNotStart(value[:1])
	}
}

// unclosed says where the bracket was opened, as the mistake may be anywhere from there on.
func (s *symptom) unclosed(closing string) {
	what := "list"
	if closing == "}" {
		what = "mapping"
	}
	s.message = fmt.Sprintf(`expected "," or %q here`, closing)
	s.hint = fmt.Sprintf("the %s starts at line %d", what, s.raw.ContextMark.Line)
}

func mustQuote(first string) string {
	return fmt.Sprintf("put text that starts with %q in quotes", first)
}

// split returns the text of a line before a column and from it on.
func (doc *Doc) split(line, column int) (before, rest string) {
	line, column = doc.clamp(line, column)
	runes := []rune(doc.line(line))
	return string(runes[:column-1]), string(runes[column-1:])
}

// valueText returns what follows the first "key: " or the dashes of a line, and the column where it starts.
func (doc *Doc) valueText(number int) (value string, column int) {
	number, _ = doc.clamp(number, 1)
	line := doc.line(number)
	value = strings.TrimLeft(line, " -")
	if _, after, found := strings.Cut(value, ": "); found {
		value = strings.TrimLeft(after, " ")
	}
	return value, utf8.RuneCountInString(line) - utf8.RuneCountInString(value) + 1
}

// lastWritten moves a place on a blank line back to the end of the last line that has text, where there is something
// to point at.
func (doc *Doc) lastWritten(line, column int) (int, int) {
	line, column = doc.clamp(line, column)
	for line > 1 && strings.TrimSpace(doc.line(line)) == "" {
		line, column = line-1, maxBytes
	}
	return doc.clamp(line, column)
}
