package yamldoc

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// plainKind tells what an unquoted scalar is. It is stricter than YAML on purpose: a phone number, an hour, a version
// or a hash must not turn into another number.
func plainKind(text string) Kind {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return Null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return Bool
	}
	if isNumber(text) && !strings.ContainsAny(text, "eE") {
		return Number
	}
	return Text
}

// isNumber tells whether the text is a number by the grammar of JSON (RFC 8259 section 6): decimal, no leading zero,
// no plus sign.
func isNumber(text string) bool {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false
	}
	return json.Valid([]byte(text))
}

// Plain returns the node as plain values: map[string]any, []any, string, bool, int64, float64 and nil. A whole number
// that does not fit int64 stays text, so that no digit is lost.
func (n *Node) Plain() any {
	switch n.kind {
	case Mapping:
		values := make(map[string]any, len(n.entries))
		for _, entry := range n.entries {
			values[entry.Key.text] = entry.Value.Plain()
		}
		return values
	case List:
		values := make([]any, len(n.items))
		for i, item := range n.items {
			values[i] = item.Plain()
		}
		return values
	case Bool:
		return isTrue(n.text)
	case Number:
		return plainNumber(n.text)
	case Text:
		return n.text
	}
	return nil
}

// plainNumber returns an int64, a float64 for a number with a point, or the text of a number that fits neither.
func plainNumber(text string) any {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil && strings.Contains(text, ".") {
		return number
	}
	return text
}

func isTrue(text string) bool { return strings.EqualFold(text, "true") }

// text sets a string. Numbers and booleans count as the text that is written: a version 1.10 stays 1.10.
func (d *decoder) text(n *Node, v reflect.Value) {
	if !n.IsScalar() || n.kind == Null {
		d.expected(n, "text")
		return
	}
	v.SetString(n.text)
}

// boolean sets a bool from true or false, and helps those who are used to the words of older YAML.
func (d *decoder) boolean(n *Node, v reflect.Value) {
	if n.kind == Bool {
		v.SetBool(isTrue(n.text))
		return
	}
	complaint := n.Errorf("expected true or false, found %s", n.found())
	switch strings.ToLower(n.text) {
	case "true", "false":
		complaint.Hint = "remove the quotes"
	case "yes", "on", "y":
		complaint.Hint = "write true"
	case "no", "off", "n":
		complaint.Hint = "write false"
	}
	d.add(complaint)
}

// whole sets an int or uint of any size.
func (d *decoder) whole(n *Node, v reflect.Value) {
	const want = "a whole number"
	if n.kind != Number || strings.Contains(n.text, ".") {
		d.number(n, want)
		return
	}
	bits := v.Type().Bits()
	if v.CanInt() {
		value, err := strconv.ParseInt(n.text, 10, bits)
		if err != nil {
			d.outOfRange(n, fmt.Sprint(int64(-1)<<(bits-1)), fmt.Sprint(uint64(1)<<(bits-1)-1))
			return
		}
		v.SetInt(value)
		return
	}
	value, err := strconv.ParseUint(n.text, 10, bits)
	if err != nil {
		d.outOfRange(n, "0", fmt.Sprint(^uint64(0)>>(64-bits)))
		return
	}
	v.SetUint(value)
}

// fraction sets a float. Here an exponent is welcome, because a number is wanted and 1e3 cannot be meant as text.
func (d *decoder) fraction(n *Node, v reflect.Value) {
	if n.style != plain || !isNumber(n.text) {
		d.number(n, "a number")
		return
	}
	value, err := strconv.ParseFloat(n.text, v.Type().Bits())
	if err != nil {
		d.add(n.Errorf("%s is too large a number", n.text))
		return
	}
	v.SetFloat(value)
}

// number complains about a value that is not the number wanted; one that only has quotes too many is told so.
func (d *decoder) number(n *Node, want string) {
	complaint := n.Errorf("expected %s, found %s", want, n.found())
	if n.IsQuoted() && isNumber(n.text) {
		complaint.Hint = "remove the quotes"
	}
	d.add(complaint)
}

func (d *decoder) outOfRange(n *Node, least, most string) {
	d.add(n.Errorf("%s is out of range", n.text).WithHint(fmt.Sprintf("from %s to %s", least, most)))
}

// duration sets a time.Duration; a bare number is refused even if it is 0, so that no one has to guess the unit.
func (d *decoder) duration(n *Node, v reflect.Value) {
	if !n.IsScalar() || n.kind == Null {
		d.expected(n, "a duration")
		return
	}
	value, err := parseDuration(n.text)
	if err != nil {
		d.add(n.Errorf("%s", err.message).WithHint(err.hint))
		return
	}
	v.SetInt(int64(value))
}

// found describes a value for the end of "expected …, found …"; a short one is shown.
func (n *Node) found() string {
	switch n.kind {
	case Text:
		return quote(n.text)
	case Number, Bool:
		return n.text
	}
	return n.kind.String()
}
