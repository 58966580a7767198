package corebosimport

import (
	"regexp"
	"strings"
)

var digits = regexp.MustCompile(`^[0-9]+$`)

// sameRecord compares a reference with an id, which the original also writes without its module's number.
func (s *speech) sameRecord(op string, left, value said, f *field) (said, error) {
	id, isText := value.quotes()
	if !isText || !digits.MatchString(id) {
		return s.compare(op, left, value)
	}
	if whole := s.modules.wholeID(f, id); whole != "" {
		return s.compare(op, left, sayText(whole))
	}
	x := said{left.text + " endsWith " + jsonQuoted("x"+id), kindBool, levelCompare}
	if op == "!=" {
		return not(x), nil
	}
	return x, nil
}

// wholeID is an id with the number of its module, "" where that is not known for sure.
func (m Modules) wholeID(f *field, id string) string {
	if len(f.to) != 1 || m[f.to[0]] == nil || m[f.to[0]].prefix == "" {
		return ""
	}
	return m[f.to[0]].prefix + "x" + id
}

// value says the right side of a condition, in the kind of the field if that is known.
func (s *speech) value(c condition, f *field, about *speech) (said, error) {
	switch c.ValueType {
	case "fieldname":
		name := strings.TrimPrefix(c.raw(), "$")
		if route := routeForm.FindStringSubmatch(name); route != nil && about == s {
			return s.route(routeTerm{route[1], route[2], route[3]})
		} else if route != nil {
			return about.field(route[3])
		}
		return about.field(name)
	case "expression":
		if c.raw() == "" {
			return sayText(""), nil
		}
		x, err := about.expression(c.raw())
		s.heard(about)
		return x, err
	}
	raw := c.raw()
	if f == nil || raw == "" {
		return sayText(raw), nil
	}
	switch f.said() {
	case kindNumber:
		return s.toNumber(sayText(raw))
	case kindTime, kindMoment:
		return s.toTime(sayText(raw))
	case kindBool:
		return said{map[bool]string{true: "true", false: "false"}[truth(raw)], kindBool, levelAtom}, nil
	}
	return sayText(raw), nil
}
