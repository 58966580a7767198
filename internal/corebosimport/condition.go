package corebosimport

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// condition is one line of a set of conditions.
type condition struct {
	Field     string `json:"fieldname"`
	Operation string `json:"operation"`
	Value     any    `json:"value"`
	ValueType string `json:"valuetype"`
	Join      string `json:"joincondition"`
	Group     any    `json:"groupid"`
	GroupJoin string `json:"groupjoin"`
}

// outcome is what a set of conditions has become.
type outcome struct {
	said    said     // empty if everything passes
	missing []string // conditions that cannot be said, a sentence each
}

// errLeftOut is told of a condition that the original does not look at.
var errLeftOut = errors.New("left out")

// conditions says a set of conditions. The original goes strictly from left to right: within a group, and
// then over the groups, of which the first is joined to true; the brackets keep that. A condition that
// cannot be said is false, so that nothing happens that should not.
func (s *speech) conditions(test string, sayOne func(condition) (said, error)) outcome {
	var out outcome
	if strings.TrimSpace(test) == "" {
		return out
	}
	var all []condition
	if err := json.Unmarshal([]byte(test), &all); err != nil {
		out.missing = []string{"The conditions are no list in JSON: " + quotedShort(test) + "."}
		out.said = said{"false", kindBool, levelAtom}
		return out
	}
	var order []string
	groups, joins := map[string]said{}, map[string]string{}
	before := "" // the group of the condition before
	for i, c := range all {
		x, err := sayOne(c)
		if errors.Is(err, errLeftOut) {
			continue
		}
		if err != nil {
			out.missing = append(out.missing, "The condition "+c.show()+" is not converted: "+err.Error()+".")
			x = said{"false", kindBool, levelAtom}
		}
		group := textOf(c.Group)
		if group == "" {
			group = "0"
		}
		if joins[group] = orAnd(c.GroupJoin); before == group {
			x = joined(groups[group], orAnd(all[i-1].Join), x)
		} else if _, known := groups[group]; !known {
			order = append(order, group)
		}
		groups[group], before = x, group
	}
	out.said = s.overGroups(order, groups, joins)
	if err := out.said.fits(); err != nil {
		out.missing = append(out.missing, "The conditions are not converted: "+err.Error()+".")
		out.said = said{"false", kindBool, levelAtom}
	}
	return out
}

// overGroups joins the groups.
func (s *speech) overGroups(order []string, groups map[string]said, joins map[string]string) said {
	var all said
	for i, group := range order {
		switch x := groups[group]; {
		case i == 0 && joins[group] == "or":
			s.remark("The first group of conditions is joined by or, which makes coreBOS take it for true: " +
				"it is left out.")
		case all.text == "" && joins[group] == "or": // true or …
		case x.text == "":
		default:
			all = joined(all, joins[group], x)
		}
	}
	return all
}

func orAnd(join string) string {
	if strings.EqualFold(join, "or") {
		return "or"
	}
	return "and"
}

// joined joins two conditions; nothing is true. Mixed operators get brackets.
func joined(left said, join string, right said) said {
	level, operator := levelAnd, " && "
	if join == "or" {
		level, operator = levelOr, " || "
	}
	switch {
	case right.text == "" && join == "or", left.text == "" && join == "or":
		return said{} // or true
	case left.text == "":
		return right
	case right.text == "":
		return left
	}
	l := left.text
	if left.level < levelCompare && left.level != level {
		l = "(" + l + ")"
	}
	return said{l + operator + right.at(levelAnd), kindBool, level}
}

// show is the condition as its admin would know it.
func (c condition) show() string {
	return quotedShort(c.Field + " " + c.Operation + " " + textOf(c.Value))
}

var routeForm = regexp.MustCompile(`(\w+) : \((\w+)\) (\w+)`)

// raw is the value as the original compares it.
func (c condition) raw() string {
	text := strings.TrimSpace(html.UnescapeString(textOf(c.Value)))
	switch text {
	case "true:boolean":
		return "1"
	case "false:boolean":
		return "0"
	}
	return text
}

// condition says one condition.
func (s *speech) one(c condition) (said, error) {
	route := routeForm.FindStringSubmatch(c.Field)
	if route == nil {
		left, err := s.field(c.Field)
		if err != nil {
			return said{}, err
		}
		return s.operation(c, left, s.described(c.Field), s)
	}
	left, err := s.route(routeTerm{route[1], route[2], route[3]})
	if err != nil {
		return said{}, err
	}
	var f *field
	if m := s.modules[route[2]]; m != nil {
		f = m.fields[route[3]]
	}
	there := s.about(route[2], s.subject+"."+route[1])
	x, err := s.operation(c, left, f, there)
	s.heard(there)
	if err != nil || !needsRecord(c.Operation) {
		return x, err
	}
	return joined(said{s.subject + "." + route[1] + ` != ""`, kindBool, levelCompare}, "and", x), nil
}

// needsRecord tells the operations that would hold here where a reference leads nowhere, and there would not.
func needsRecord(operation string) bool {
	switch operation {
	case "is not", "does not equal", "does not contain", "does not start with", "does not end with", "less than",
		"less than or equal to", "monthday":
		return true
	}
	return false
}

// operation says what a condition asks of a field. The field is nil where modules are not described; about
// speaks of the record that has it.
func (s *speech) operation(c condition, left said, f *field, about *speech) (said, error) {
	name := c.Field[strings.LastIndex(c.Field, " ")+1:]
	switch c.Operation {
	case "has changed", "has changed to", "was":
		if about != s {
			return said{}, unsaidf("coreBOS does not know what has changed in a related record")
		}
		return s.changed(c, name, f)
	case "is empty":
		return empty(left, f, about != s), nil
	case "is not empty":
		return filled(left, f, about != s), nil
	case "exists":
		value, err := s.value(c, f, about)
		return about.another(name, value), err
	case "has this as nth child":
		return s.nthChild(c, name, about)
	case "matches":
		pattern, err := toRE2(c.raw())
		return said{stringOf(left).at(levelCompare) + " matches " + jsonQuoted(pattern), kindBool, levelCompare}, err
	}
	if say := textOperations()[c.Operation]; say != "" {
		return s.lookInto(c, left, f, about, say)
	}
	if x, known, err := s.dates(c, left, f, about); known {
		return x, err
	}
	return s.comparisonOf(c, left, f, about)
}

// nthChild says how many records with the same value were created before.
func (s *speech) nthChild(c condition, name string, about *speech) (said, error) {
	n, err := strconv.Atoi(c.raw())
	if err != nil || n < 1 || about != s {
		return said{}, unsaidf("which child it asks for has to be a number, of the record itself")
	}
	created, err := s.field("createdtime")
	if err != nil {
		return said{}, unsaidf("which child of its parent a record is, is not known without its createdtime")
	}
	s.change("The records that were created before it are counted by their createdtime.")
	return said{fmt.Sprintf("count(records(%q, %q, %s.%s), #.createdtime < %s) == %d",
		s.module, name, s.subject, name, created.text, n-1), kindBool, levelCompare}, nil
}

// changed says the operations about a change of the record's own field.
func (s *speech) changed(c condition, name string, f *field) (said, error) {
	if c.Operation == "has changed" {
		return atom(kindBool, "changed(%q)", name), nil
	}
	value, err := s.value(c, f, s)
	if err != nil {
		return said{}, err
	}
	if f != nil && f.said() == kindList {
		s.change("coreBOS compares all options of %s as one text; here it is enough that the option is among them.",
			name)
		if c.Operation == "was" {
			return said{value.at(levelCompare) + " in old." + name, kindBool, levelCompare}, nil
		}
		text := "changed(" + jsonQuoted(name) + ") && " + value.at(levelCompare) + " in record." + name
		return said{text, kindBool, levelAnd}, nil
	}
	if value, err = s.toKind(f, value); err != nil {
		return said{}, err
	}
	word := map[string]string{"has changed to": "changed_to", "was": "was"}[c.Operation]
	return atom(kindBool, "%s(%q, %s)", word, name, value.text), nil
}

// empty is what PHP takes for empty: a 0 is, in a number and in a text.
func empty(left said, f *field, far bool) said {
	switch {
	case left.kind == kindNumber:
		return said{"(" + left.text + " ?? 0) == 0", kindBool, levelCompare}
	case left.kind == kindBool:
		return not(left)
	case f != nil && f.kind == "text":
		text := left.text
		if far { // null, where there is no record
			text = "(" + text + ` ?? "")`
		}
		return said{text + ` in ["", "0"]`, kindBool, levelCompare}
	}
	return not(atom(kindBool, "has(%s)", left.text))
}

func filled(left said, f *field, far bool) said {
	x := empty(left, f, far)
	if inner, negated := strings.CutPrefix(x.text, "!"); negated {
		return said{inner, kindBool, levelAtom}
	}
	if left.kind == kindNumber {
		return said{"(" + left.text + " ?? 0) != 0", kindBool, levelCompare}
	}
	return not(x)
}

// textOperations are those that look into a text; the mark ! turns one round.
func textOperations() map[string]string {
	return map[string]string{
		"contains": "contains", "does not contain": "!contains",
		"starts with": "startsWith", "does not start with": "!startsWith",
		"ends with": "endsWith", "does not end with": "!endsWith",
	}
}

// lookInto says an operation that looks into a text.
func (s *speech) lookInto(c condition, left said, f *field, about *speech, operator string) (said, error) {
	value, err := s.value(c, nil, about)
	if err != nil {
		return said{}, err
	}
	value = stringOf(value)
	operator, negated := strings.CutPrefix(operator, "!")
	switch c.Operation {
	case "does not start with", "does not end with":
		s.change("coreBOS compares one character for %q and fails on the rest; this compares the whole text.",
			c.Operation)
	}
	x := said{stringOf(left).at(levelCompare) + " " + operator + " " + value.at(levelCompare), kindBool, levelCompare}
	if left.kind == kindList {
		if operator != "contains" {
			return said{}, unsaidf("%s takes several options; it has no beginning and no end", c.Field)
		}
		x = atom(kindBool, "any(%s, # contains %s)", left.text, value.at(levelCompare))
	}
	if negated {
		return not(x), nil
	}
	return x, nil
}

// comparisonOf says is, is not and the comparisons of numbers and times.
func (s *speech) comparisonOf(c condition, left said, f *field, about *speech) (said, error) {
	op := map[string]string{
		"is": "==", "equal to": "==", "is not": "!=", "does not equal": "!=", "less than": "<", "greater than": ">",
		"less than or equal to": "<=", "greater than or equal to": ">=", "before": "<", "after": ">",
	}[c.Operation]
	if op == "" {
		return said{}, unsaidf("the operation %q is not known", c.Operation)
	}
	value, err := s.value(c, f, about)
	if err != nil {
		return said{}, err
	}
	if f != nil && f.said() == kindList {
		if op != "==" && op != "!=" {
			return said{}, unsaidf("%s takes several options, which have no order", c.Field)
		}
		x := said{value.at(levelCompare) + " in " + left.at(levelCompare), kindBool, levelCompare}
		if op == "!=" {
			x = not(x)
		}
		return x, nil
	}
	if f != nil && f.kind == "reference" && (op == "==" || op == "!=") {
		return s.sameRecord(op, left, value, f)
	}
	if left.kind == kindNumber && op[0] == '<' {
		left = said{"(" + left.text + " ?? 0)", kindNumber, levelAtom} // an empty number is small there
	}
	return about.compare(op, left, value)
}
