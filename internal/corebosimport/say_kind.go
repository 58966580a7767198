package corebosimport

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

func (s *speech) choice(t ifTerm) (said, error) {
	cond, err := s.condition(t.cond)
	if err != nil {
		return said{}, err
	}
	yes, err := s.say(t.yes)
	if err != nil {
		return said{}, err
	}
	no, err := s.say(t.no)
	if err != nil {
		return said{}, err
	}
	x := said{text: cond.at(levelChoice) + " ? " + yes.at(levelChoice) + " : " + no.at(levelChoice), level: levelChoice}
	if yes.kind == no.kind {
		x.kind = yes.kind
	}
	return x, nil
}

func (s *speech) binary(t binaryTerm) (said, error) {
	level := levelOf(t.op)
	if level == levelCompare {
		return s.comparison(t)
	}
	left, err := s.number(t.left)
	if err != nil {
		return said{}, err
	}
	right, err := s.number(t.right)
	if err != nil {
		return said{}, err
	}
	l := left.at(level - 1) // an equal operator on the left groups as it is read
	r := right.at(level)
	if right.level == level && t.op == "+" && !strings.Contains(right.text, "-") ||
		right.level == level && t.op == "*" && !strings.Contains(right.text, "/") {
		r = right.text // the order of sums and products does not matter
	}
	return said{l + " " + t.op + " " + r, kindNumber, level}, nil
}

func (s *speech) comparison(t binaryTerm) (said, error) {
	left, err := s.say(t.left)
	if err != nil {
		return said{}, err
	}
	right, err := s.say(t.right)
	if err != nil {
		return said{}, err
	}
	return s.compare(t.op, left, right)
}

// compare brings both sides to one kind and compares them.
func (s *speech) compare(op string, left, right said) (said, error) {
	empty := func(x said) bool { text, is := x.quotes(); return is && text == "" }
	var err error
	switch {
	case (empty(left) || empty(right)) && op != "==" && op != "!=":
		err = unsaidf("%s %s %s has no meaning: nothing is neither more nor less", left.text, op, right.text)
	case left.kind != right.kind && left.kind != kindAny && right.kind != kindAny &&
		(left.kind == kindBool || right.kind == kindBool):
		return s.compareBool(op, left, right)
	case empty(left) || empty(right) || left.kind == right.kind || left.kind == kindAny || right.kind == kindAny:
	case left.kind.isTime() || right.kind.isTime():
		if left, err = s.toTime(left); err == nil {
			right, err = s.toTime(right)
		}
	case left.kind == kindNumber || right.kind == kindNumber:
		if left, err = s.toNumber(left); err == nil {
			right, err = s.toNumber(right)
		}
	case left.kind == kindList || right.kind == kindList:
		err = unsaidf("a list cannot be compared as a whole")
	}
	if left.kind == kindList && right.kind == kindList {
		err = unsaidf("a list cannot be compared as a whole")
	}
	if left.kind == kindBool && right.kind == kindBool {
		switch {
		case op != "==" && op != "!=":
			err = unsaidf("true and false have no order")
		case right.text == "true" || right.text == "false":
			if (right.text == "true") == (op == "==") {
				return left, err
			}
			return not(left), err
		}
	}
	return said{left.at(levelCompare) + " " + op + " " + right.at(levelCompare), kindBool, levelCompare}, err
}

// compareBool compares a boolean with what the original writes for one.
func (s *speech) compareBool(op string, left, right said) (said, error) {
	if right.kind == kindBool {
		left, right = right, left
	}
	value := strings.Trim(right.text, `"`)
	if op != "==" && op != "!=" || right.level != levelAtom || value != "0" && value != "1" && value != "" {
		return said{}, unsaidf("%s is true or false and cannot be compared with %s", left.text, right.text)
	}
	if (value == "1") == (op == "==") {
		return left, nil
	}
	return not(left), nil
}

func not(x said) said { return said{"!" + x.at(levelSign), kindBool, levelSign} }

// number says a term as a number.
func (s *speech) number(t term) (said, error) {
	x, err := s.say(t)
	if err != nil {
		return x, err
	}
	return s.toNumber(x)
}

var numberForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

func (s *speech) toNumber(x said) (said, error) {
	text, isQuoted := x.quotes()
	switch {
	case x.kind == kindNumber:
		return x, nil
	case isQuoted && numberForm.MatchString(strings.TrimSpace(text)):
		return sayNumber(strings.TrimSpace(text)), nil
	case x.kind == kindText && !isQuoted || x.kind == kindAny:
		return said{"number(" + x.text + ")", kindNumber, levelAtom}, nil
	case x.kind == kindBool:
		return said{x.at(levelChoice) + " ? 1 : 0", kindNumber, levelChoice}, nil
	}
	return said{}, unsaidf("%s is no number", x.text)
}

// time says a term as a time.
func (s *speech) time(t term) (said, error) {
	x, err := s.say(t)
	if err != nil {
		return x, err
	}
	return s.toTime(x)
}

// toKind brings a value to what a field holds.
func (s *speech) toKind(f *field, x said) (said, error) {
	if text, is := x.quotes(); f == nil || x.kind == kindAny || is && text == "" && f.said() != kindBool {
		return x, nil
	}
	switch f.said() {
	case kindNumber:
		return s.toNumber(x)
	case kindTime, kindMoment:
		return s.toTime(x)
	case kindText:
		if x.kind != kindList {
			return stringOf(x), nil
		}
	case x.kind:
		return x, nil
	}
	return x, unsaidf("%s cannot be compared with %s", f.name, x.text)
}

func (s *speech) toTime(x said) (said, error) {
	text, isQuoted := x.quotes()
	switch {
	case x.kind.isTime() || x.kind == kindAny:
		return x, nil
	case isQuoted && isDate(text):
		return said{"date(" + x.text + ")", kindTime, levelAtom}, nil
	case x.kind == kindText && !isQuoted:
		return said{"date(" + x.text + ")", kindTime, levelAtom}, nil
	}
	return said{}, unsaidf("%s is no date", x.text)
}

func isDate(text string) bool {
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02 15:04"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// condition says a term as true or false, by the rules of PHP: nothing, "0" and 0 are false.
func (s *speech) condition(t term) (said, error) {
	if choice, is := t.(ifTerm); is && choice.yes == numberTerm("1") && choice.no == numberTerm("0") {
		return s.condition(choice.cond)
	}
	x, err := s.say(t)
	if err != nil {
		return x, err
	}
	switch x.kind {
	case kindBool:
		return x, nil
	case kindNumber:
		return said{"(" + x.at(levelMultiply) + " ?? 0) != 0", kindBool, levelCompare}, nil
	case kindText, kindAny:
		return said{"has(" + x.text + ") && string(" + x.text + `) != "0"`, kindBool, levelAnd}, nil
	}
	return said{"has(" + x.text + ")", kindBool, levelAtom}, nil
}

// textual says a term as text.
func (s *speech) textual(t term) (said, error) {
	x, err := s.say(t)
	return stringOf(x), err
}

// stringOf is an expression as text. Times are written as the original writes them.
func stringOf(x said) said {
	switch {
	case x.kind == kindText:
		return x
	case x.kind == kindNumber && x.level == levelAtom && numberForm.MatchString(x.text):
		return sayText(x.text)
	case x.kind == kindTime:
		return said{"formatDate(" + x.text + `, "yyyy-MM-dd")`, kindText, levelAtom}
	case x.kind == kindMoment:
		return said{"formatDate(" + x.text + `, "yyyy-MM-dd HH:mm:ss")`, kindText, levelAtom}
	}
	return said{"string(" + x.text + ")", kindText, levelAtom}
}

// written is an expression as it stands within a text, where all but times are written as they are meant.
func (x said) written() string {
	if x.kind.isTime() {
		return stringOf(x).text
	}
	return x.text
}

// unquote reads a text in double quotes.
func unquote(quoted string) (string, error) {
	var text string
	err := json.Unmarshal([]byte(quoted), &text)
	return text, err
}
