package corebosimport

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/exprsafe"
)

// kind is what a value is to our expressions.
type kind int

const (
	kindAny kind = iota
	kindText
	kindNumber
	kindBool
	kindTime   // a date
	kindMoment // a date with a time of day
	kindList
)

// isTime tells whether it is a date, with or without a time of day.
func (k kind) isTime() bool { return k == kindTime || k == kindMoment }

// said is an expression of ours.
type said struct {
	text  string
	kind  kind
	level int // how strongly its parts hold together, one of the levels below
}

// How strongly the operators of our expressions hold their sides, from the weakest. Beside ?? and **, and
// where it is not plain to everybody, brackets are written though they would not be needed.
const (
	levelChoice = iota // ? :
	levelOr
	levelAnd
	levelCompare
	levelAdd
	levelMultiply
	levelSign
	levelAtom
)

// unsaid is the reason why something of the original has no counterpart.
type unsaid struct{ reason string }

func (u unsaid) Error() string { return u.reason }

func unsaidf(format string, args ...any) error { return unsaid{fmt.Sprintf(format, args...)} }

// speech turns terms of the original into expressions about records of one module.
type speech struct {
	modules  Modules
	module   string          // whose fields bare names are
	subject  string          // how we name that record: record, item or #
	zone     string          // where days begin and end
	language string          // of what is written
	vars     map[string]kind // values of the context that are set by now
	changes  []string        // what differs from the original, a sentence each
	remarks  []string        // what looks otherwise and means the same
}

// about is a speech of the records of another module.
func (s *speech) about(module, subject string) *speech {
	other := *s
	other.module, other.subject, other.changes, other.remarks = module, subject, nil, nil
	return &other
}

// heard takes over what another speech has told.
func (s *speech) heard(other *speech) {
	if other == s {
		return
	}
	s.changes, s.remarks = append(s.changes, other.changes...), append(s.remarks, other.remarks...)
	other.changes, other.remarks = nil, nil
}

// remark notes what looks otherwise and means the same, once.
func (s *speech) remark(format string, args ...any) {
	if sentence := fmt.Sprintf(format, args...); !slices.Contains(s.remarks, sentence) {
		s.remarks = append(s.remarks, sentence)
	}
}

// change notes a difference, once.
func (s *speech) change(format string, args ...any) {
	if sentence := fmt.Sprintf(format, args...); !slices.Contains(s.changes, sentence) {
		s.changes = append(s.changes, sentence)
	}
}

// expression says an expression of the original.
func (s *speech) expression(source string) (said, error) {
	p, err := parseExpression(source)
	if err != nil {
		return said{}, unsaidf("the expression %s cannot be read: %v", quotedShort(source), err)
	}
	if p.ignored != "" {
		s.change("coreBOS passes over %s in %s, and so this does.", quotedShort(p.ignored), quotedShort(source))
	}
	if regrouped(p.term) {
		s.remark(remarkGrouping, quotedShort(source))
	}
	x, err := s.say(p.term)
	if err == nil {
		err = x.fits()
	}
	return x, err
}

// fits tells what is larger than an expression of ours may be.
func (x said) fits() error {
	const deep = exprsafe.MaxNesting / 2 // signs and choices count there too
	depth, deepest := 0, 0
	for i := range len(x.text) {
		switch x.text[i] {
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth--
		}
	}
	if len(x.text) > exprsafe.MaxSource || deepest > deep {
		return unsaidf("it becomes larger than an expression may be (%d kB, brackets %d deep); take it apart with vars",
			exprsafe.MaxSource>>10, deep)
	}
	return nil
}

// remarkGrouping is told of an expression that the usual precedence would group otherwise.
const remarkGrouping = "coreBOS reads %s from the right, without precedence; the brackets keep its result."

// regrouped tells whether the usual precedence would group an expression otherwise.
func regrouped(t term) bool {
	switch t := t.(type) {
	case binaryTerm:
		right, isBinary := t.right.(binaryTerm)
		return isBinary && levelOf(right.op) <= levelOf(t.op) && !(t.op == right.op && (t.op == "+" || t.op == "*")) ||
			regrouped(t.left) || regrouped(t.right)
	case callTerm:
		return slices.ContainsFunc(t.args, regrouped)
	case bracketTerm:
		return regrouped(t.of)
	case negativeTerm:
		return regrouped(t.of)
	case ifTerm:
		return regrouped(t.cond) || regrouped(t.yes) || regrouped(t.no)
	}
	return false
}

func levelOf(operator string) int {
	switch operator {
	case "*", "/":
		return levelMultiply
	case "+", "-":
		return levelAdd
	}
	return levelCompare
}

func (s *speech) say(t term) (said, error) {
	switch t := t.(type) {
	case textTerm:
		return sayText(string(t)), nil
	case numberTerm:
		return sayNumber(string(t)), nil
	case nameTerm:
		return s.name(string(t))
	case routeTerm:
		return s.route(t)
	case bracketTerm:
		return s.say(t.of)
	case negativeTerm:
		x, err := s.number(t.of)
		return said{"-" + x.at(levelSign), kindNumber, levelSign}, err
	case ifTerm:
		return s.choice(t)
	case binaryTerm:
		return s.binary(t)
	case callTerm:
		return s.call(t)
	}
	return said{}, unsaidf("an expression of type %T is not known", t)
}

func sayText(text string) said { return said{jsonQuoted(text), kindText, levelAtom} }

func sayNumber(digits string) said {
	if strings.HasPrefix(digits, ".") {
		digits = "0" + digits
	}
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" && trimmed[0] != '.' {
		digits = trimmed
	} else if trimmed == "" {
		digits = "0"
	}
	return said{digits, kindNumber, levelAtom}
}

// at is the expression as the side of an operator of a level.
func (x said) at(level int) string {
	if x.level <= level && x.level != levelAtom {
		return "(" + x.text + ")"
	}
	return x.text
}

// quotes tells whether the expression is a text in quotes, and which.
func (x said) quotes() (string, bool) {
	if x.level != levelAtom || !strings.HasPrefix(x.text, `"`) {
		return "", false
	}
	text, err := unquote(x.text)
	return text, err == nil
}

// name says a bare name: a field, an older value of one, or a value of the context.
func (s *speech) name(name string) (said, error) {
	if of, set := s.vars[name]; set {
		return said{"vars." + name, of, levelAtom}, nil
	}
	switch strings.ToLower(name) {
	case "true", "false":
		return said{strings.ToLower(name), kindBool, levelAtom}, nil
	}
	for _, prefix := range []string{"previousvalue_", "previous_"} {
		if older, is := strings.CutPrefix(name, prefix); is && s.subject == "record" {
			x, err := s.field(older)
			x.text = "old." + older
			return x, err
		}
	}
	if f := s.described(name); f != nil && f.kind == engine.TypeReference {
		return s.titleOf(f)
	}
	return s.field(name)
}

// described is a field of the module, nil where it is not known.
func (s *speech) described(name string) *field {
	if m := s.modules[s.module]; m != nil {
		return m.fields[name]
	}
	return nil
}

// field says a field of the record.
func (s *speech) field(name string) (said, error) {
	m := s.modules[s.module]
	if name == "id" {
		return said{s.subject + ".id", kindText, levelAtom}, nil
	}
	if !fieldName.MatchString(name) {
		return said{}, unsaidf("%q is no name of a field", name)
	}
	if m == nil {
		return said{s.subject + "." + name, kindAny, levelAtom}, nil
	}
	f := m.fields[name]
	if f == nil {
		return said{}, unsaidf("%s has no field %s", s.module, name)
	}
	return said{s.subject + "." + name, f.said(), levelAtom}, nil
}

// said is what the field is to our expressions.
func (f *field) said() kind {
	switch {
	case f.numeric():
		return kindNumber
	case f.kind == engine.TypeBoolean:
		return kindBool
	case f.kind == engine.TypeDate:
		return kindTime
	case f.kind == engine.TypeDateTime:
		return kindMoment
	case f.kind == engine.TypeMultiPicklist:
		return kindList
	}
	return kindText
}

// titleOf says a reference as an expression of the original sees it: by the name of the record behind it.
func (s *speech) titleOf(f *field) (said, error) {
	to := s.modules.known(f.to)
	if len(to.items) == 1 && s.subject == "record" {
		if m := s.modules[to.items[0].text]; len(m.title) > 0 {
			var parts []string
			for _, name := range m.title {
				parts = append(parts, s.subject+"."+f.name+"."+name)
			}
			if len(parts) == 1 {
				return said{parts[0], kindText, levelAtom}, nil
			}
			return said{"join([" + strings.Join(parts, ", ") + `], " ")`, kindText, levelAtom}, nil
		}
	}
	s.change("In an expression of coreBOS %s is the name of the record it leads to; here it is its id.", f.name)
	return s.field(f.name)
}

// route says a field of the record that a reference leads to.
func (s *speech) route(r routeTerm) (said, error) {
	if s.subject == "#" {
		return said{}, unsaidf("a record within a list of related ones is not followed to %s", r.module)
	}
	text := s.subject + "." + r.field + "." + r.name
	m := s.modules[s.module]
	if m == nil {
		return said{text, kindAny, levelAtom}, nil
	}
	f := m.fields[r.field]
	if f == nil {
		return said{}, unsaidf("%s has no field %s", s.module, r.field)
	}
	target := s.modules[r.module]
	switch {
	case !slices.Contains(f.to, r.module):
		return said{}, unsaidf("%s of %s does not lead to %s", r.field, s.module, r.module)
	case target == nil:
		return said{}, unsaidf("the module %s is not described; add its description (--modules)", r.module)
	case r.name == "id":
		return said{s.subject + "." + r.field, kindText, levelAtom}, nil
	case target.fields[r.name] == nil:
		return said{}, unsaidf("%s has no field %s", r.module, r.name)
	}
	of := target.fields[r.name].said()
	for _, other := range f.to {
		if o := s.modules[other]; other != r.module && o != nil && o.fields[r.name] != nil {
			s.change("coreBOS reads %s of %s only; here %s may also be that of %s.", r.name, r.module, text, other)
			if o.fields[r.name].said() != of {
				of = kindAny
			}
		}
	}
	return said{text, of, levelAtom}, nil
}

// quotedShort shows the beginning of a text of the original in a comment.
func quotedShort(text string) string {
	const longest = 80
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return `"` + text + `"`
}

func isUnsaid(err error) bool { return errors.As(err, &unsaid{}) }
