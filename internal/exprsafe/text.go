package exprsafe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// TextProgram is a checked text with {{ expression }} parts. It may be evaluated by many goroutines
// at once.
type TextProgram struct {
	src         string
	parts       []part
	expressions int // among the parts
}

// part is a piece of plain text or an expression.
type part struct {
	plain   string
	program *Program // nil for plain text
	source  string   // of the program, without spaces around it
	offset  int      // of the expression in the source
}

// Piece is a part of a text for those who write it out themselves.
type Piece struct {
	Plain   string
	Program *Program // nil for plain text
	Source  string   // of the program
}

// Pieces are the parts of the text in their order.
func (t *TextProgram) Pieces() []Piece {
	pieces := make([]Piece, len(t.parts))
	for i, p := range t.parts {
		pieces[i] = Piece{p.plain, p.program, p.source}
	}
	return pieces
}

// Format writes a value as texts do: numbers in full without exponent, times by RFC 3339, null as nothing.
func Format(v any) (string, error) { return format(v) }

// The marks around an expression.
const (
	opening = "{{"
	closing = "}}"
)

// CompileText checks a text of at most MaxText bytes. Within {{ and }} stands one expression, in
// whose quoted texts and nested braces }} does not count; {{ "{{" }} gives a literal {{.
func CompileText(src string, scope *Scope) (*TextProgram, *Error) {
	if len(src) > MaxText {
		return nil, &Error{Message: fmt.Sprintf("the text is longer than %d bytes", MaxText), Offset: MaxText}
	}
	t := &TextProgram{src: src}
	for pos := 0; pos < len(src); {
		begin := strings.Index(src[pos:], opening)
		if begin < 0 {
			t.parts = append(t.parts, part{plain: src[pos:]})
			break
		}
		if begin > 0 {
			t.parts = append(t.parts, part{plain: src[pos : pos+begin]})
		}
		end, fail := t.addExpression(pos+begin, scope)
		if fail != nil {
			return nil, fail
		}
		pos = end
	}
	if fail := t.checkParts(); fail != nil {
		return nil, fail
	}
	return t, nil
}

// addExpression compiles the {{ … }} that begins at a place and returns where it ends.
func (t *TextProgram) addExpression(begin int, scope *Scope) (end int, fail *Error) {
	if t.expressions++; t.expressions > MaxParts {
		return 0, &Error{Message: fmt.Sprintf("the text has more than %d expressions", MaxParts), Offset: begin}
	}
	start := begin + len(opening)
	end, ok := expressionEnd(t.src, start)
	if !ok {
		return 0, &Error{Message: "{{ is not closed by }}", Offset: begin}
	}
	program, fail := Compile(t.src[start:end], scope, Any)
	if fail != nil {
		fail.Offset += start
		return 0, fail
	}
	t.parts = append(t.parts, part{program: program, source: strings.TrimSpace(t.src[start:end]), offset: start})
	return end + len(closing), nil
}

// expressionEnd finds the }} that closes the expression beginning at start.
func expressionEnd(src string, start int) (int, bool) {
	s, depth := scanner{src: src, pos: start}, 0
	for token, at := s.next(); token != ""; token, at = s.next() {
		switch {
		case token == "{":
			depth++
		case token == "}" && depth > 0:
			depth--
		case token == "}" && strings.HasPrefix(src[at:], closing):
			return at, true
		}
	}
	return 0, false
}

// checkParts refuses a list or a map within other text.
func (t *TextProgram) checkParts() *Error {
	if t.isOne() {
		return nil
	}
	for _, p := range t.parts {
		if p.program == nil {
			continue
		}
		if k := p.program.Kind(); k == List || k == Map {
			return &Error{
				Message: fmt.Sprintf("%s cannot be written as text; use join or name one item", k), Offset: p.offset,
			}
		}
	}
	return nil
}

// isOne tells whether the text is exactly one expression.
func (t *TextProgram) isOne() bool { return len(t.parts) == 1 && t.expressions == 1 }

// Const gives the text if there is no expression in it.
func (t *TextProgram) Const() (string, bool) {
	if t.expressions > 0 {
		return "", false
	}
	return t.src, true
}

// Kind is what Eval gives: that of the expression if the text is exactly one, else Text.
func (t *TextProgram) Kind() Kind {
	if t.isOne() {
		return t.parts[0].program.Kind()
	}
	return Text
}

// Type is the type of what Eval gives, as Kind.
func (t *TextProgram) Type() Type {
	if t.isOne() {
		return t.parts[0].program.typ
	}
	return Type{Kind: Text}
}

// Routes are the references that the expressions follow, as Program.Routes.
func (t *TextProgram) Routes() []string {
	all := map[string]bool{}
	for _, p := range t.parts {
		if p.program == nil {
			continue
		}
		for _, route := range p.program.routes {
			all[route] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Eval gives the value of the one expression as it is if the text is exactly that, else the text.
func (t *TextProgram) Eval(env map[string]any) (any, error) {
	v, _, err := t.EvalWithin(env, MaxWork)
	return v, err
}

// EvalWithin is Eval with at most so much work for all expressions together, as Program.EvalWithin.
func (t *TextProgram) EvalWithin(env map[string]any, limit int) (v any, work int, err error) {
	if !t.isOne() {
		return t.RenderWithin(env, limit)
	}
	v, work, fail := t.parts[0].program.eval(env, 0, min(limit, MaxWork))
	if fail != nil {
		return nil, work, t.failure(fail, t.parts[0])
	}
	return v, work, nil
}

// Render gives the text, at most MaxText bytes. Numbers are written in full without exponent, times
// by RFC 3339, null as nothing.
func (t *TextProgram) Render(env map[string]any) (string, error) {
	text, _, err := t.RenderWithin(env, MaxWork)
	return text, err
}

// RenderWithin is Render with at most so much work for all expressions together.
func (t *TextProgram) RenderWithin(env map[string]any, limit int) (text string, work int, err error) {
	var out strings.Builder
	for _, p := range t.parts {
		piece := p.plain
		if p.program != nil {
			var v any
			var fail *Error
			if v, work, fail = p.program.eval(env, work, min(limit, MaxWork)); fail != nil {
				return "", work, t.failure(fail, p)
			}
			if piece, err = format(v); err != nil {
				return "", work, &Error{Message: err.Error(), Offset: p.offset}
			}
		}
		if out.Len()+len(piece) > MaxText {
			message := fmt.Sprintf("the text is longer than %d bytes", MaxText)
			return "", work, &Error{Message: message, Offset: p.offset}
		}
		out.WriteString(piece)
	}
	return out.String(), work, nil
}

// failure moves the place of an error from the expression to the text.
func (t *TextProgram) failure(fail *Error, p part) error {
	fail.Offset += p.offset
	return fail
}
