package engine

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// datum is a plain value of a record with the field that says how to read it; no field where a route leads nowhere, or
// to a record of a module without that field.
type datum struct {
	field *Field
	plain any
}

// idField is how the id of a record reads.
func idField() *Field { return &Field{Name: "id", Type: TypeText} }

// at finds what a path leads to; not ok if the record's own module has no such field.
func (r Row) at(path string) (datum, bool) {
	record, name, own := r.Record, path, true
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		found, ok := r.Routes[path[:i]]
		if !ok {
			return datum{}, true
		}
		record, name, own = found, path[i+1:], false
	}
	if name == "id" {
		return datum{idField(), record.ID}, true
	}
	module := r.Modules[record.Module]
	if module == nil || module.Fields[name] == nil {
		return datum{}, !own
	}
	return datum{module.Fields[name], record.Fields[name]}, true
}

// stored is the value as it compares: text, int, float64, bool, time.Time, or nil for null. Not ok if it is not of its
// field's type, or a list, which compares with nothing.
func (p datum) stored() (any, bool) {
	switch {
	case p.field == nil:
		return nil, true
	case p.field.Type == TypeMultiPicklist:
		return nil, false
	case p.field.Type == TypeBoolean && (p.plain == nil || p.plain == ""):
		return false, true
	}
	view, err := p.field.view(p.plain)
	return view, err == nil
}

// given is what somebody compares the value with, in the same form.
func (p datum) given(v any) (any, bool) {
	switch {
	case p.field == nil:
		return v, true
	case v == nil || v == "" || p.field.IsText() || p.field.Type == TypeMultiPicklist:
		return datum{p.field, v}.stored()
	}
	switch p.field.Type {
	case TypeInteger, TypeNumber, TypeDecimal, TypeCurrency:
		return givenNumber(v)
	}
	return datum{p.field, v}.stored()
}

// null gives a null of no known field the kind of what it is compared with: text is never null, nor is a boolean.
func (p datum) null(stored, value any) any {
	if p.field != nil {
		return stored
	}
	switch value.(type) {
	case string:
		return ""
	case bool:
		return false
	}
	return stored
}

// givenNumber reads a number. That of an integer field may be compared with one that is not whole.
func givenNumber(v any) (any, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case string:
		return numberIn(v)
	case json.Number:
		return numberIn(v.String())
	}
	return nil, false
}

func numberIn(text string) (any, bool) {
	text = strings.TrimSpace(text)
	if whole, err := strconv.Atoi(text); err == nil {
		return whole, true
	}
	n, err := parseNumber(text)
	return n, err == nil
}

// sameValue tells whether two values are equal: null and the empty text are.
func sameValue(a, b any) bool {
	if isBlank(a) || isBlank(b) {
		return isBlank(a) && isBlank(b)
	}
	if truth, isBool := a.(bool); isBool {
		other, both := b.(bool)
		return both && truth == other
	}
	order, ok := orderOf(a, b)
	return ok && order == 0
}

func isBlank(v any) bool { return v == nil || v == "" }

// orderOf orders two values of one kind; not ok if there is no order, such as with null.
func orderOf(a, b any) (order int, ok bool) {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	case time.Time:
		y, ok := b.(time.Time)
		return x.Compare(y), ok
	case int:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y), true
		}
	}
	x, isNumber := floatOf(a)
	y, both := floatOf(b)
	return cmp.Compare(x, y), isNumber && both
}

func floatOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Fold is a text without its case: two texts that differ in case alone have the same, by the simple case folding of
// Unicode.
func Fold(text string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf { // the least of a letter is its capital, and no other sign has another case
			if 'a' <= r && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, text)
}

// like tells whether a text matches a pattern, in which % stands for any characters and _ for one. It takes steps in
// the order of the product of both lengths at most.
func like(text, pattern []rune) bool {
	at, next, star, from := 0, 0, -1, 0
	for at < len(text) {
		switch {
		case next < len(pattern) && pattern[next] == '%':
			star, from = next, at
			next++
		case next < len(pattern) && (pattern[next] == '_' || pattern[next] == text[at]):
			at, next = at+1, next+1
		case star >= 0: // let the last % stand for one character more
			from++
			at, next = from, star+1
		default:
			return false
		}
	}
	for next < len(pattern) && pattern[next] == '%' {
		next++
	}
	return next == len(pattern)
}
