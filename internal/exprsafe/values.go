package exprsafe

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// as checks a value that an expression reads against its declared type and gives it in the one form
// that all operators know. The name is for the error.
func (r *run) as(t Type, v any, name string) (any, error) {
	switch t.Kind {
	case Text:
		return asText(v, name)
	case Number:
		return asNumber(v, name)
	case Bool:
		return asBool(v, name)
	case Time:
		return asKind[time.Time](v, Time, name)
	case Duration:
		return asKind[time.Duration](v, Duration, name)
	case List:
		return r.asList(t.item(), v, name)
	case Object, Map:
		if _, ok := v.(map[string]any); !ok && v != nil {
			return nil, mismatch(name, v, t.Kind)
		}
	}
	return r.plain(v, name)
}

// asText also takes numbers, as JSON from a CRM may write an id or a postcode as one.
func asText(v any, name string) (any, error) {
	switch x := v.(type) {
	case string:
		if len(x) > MaxText {
			return nil, tooLong(name)
		}
		return v, nil
	case nil:
		return "", nil
	case json.Number:
		return asText(x.String(), name) // an id or the like, which JSON may write as a number
	case int, int64, float64:
		return format(x)
	}
	return nil, mismatch(name, v, Text)
}

// asNumber takes any Go number; the empty text, which some CRMs send for "no number", is null.
func asNumber(v any, name string) (any, error) {
	switch v {
	case nil, "":
		return noValue()
	}
	n, ok := number(v)
	if !ok {
		return nil, mismatch(name, v, Number)
	}
	return n, nil
}

// asBool reads null as false: a box that nobody ticked.
func asBool(v any, name string) (any, error) {
	switch v {
	case nil, "":
		return false, nil
	case true, false:
		return v, nil
	}
	return nil, mismatch(name, v, Bool)
}

// asKind takes a value of one Go type, or null.
func asKind[T any](v any, kind Kind, name string) (any, error) {
	if v == nil || v == "" {
		return noValue()
	}
	if _, ok := v.(T); !ok {
		return nil, mismatch(name, v, kind)
	}
	return v, nil
}

// asList reads null as the empty list.
func (r *run) asList(item Type, v any, name string) (any, error) {
	if v == nil || v == "" {
		return []any{}, nil
	}
	plain, err := r.plain(v, name)
	if err != nil {
		return nil, err
	}
	list, ok := plain.([]any)
	if !ok {
		return nil, mismatch(name, v, List)
	}
	return r.asItems(item, list, name)
}

// asItems checks the items of a plain list and copies it only where one has to change.
func (r *run) asItems(item Type, list []any, name string) (any, error) {
	if item.Kind == Any {
		return list, nil
	}
	own := false
	for i, x := range list {
		is := kindOf(x)
		if is == item.Kind && is != List || is == Map && item.Kind == Object {
			continue
		}
		v, err := r.as(item, x, name)
		if err != nil {
			return nil, err
		}
		if !own {
			list, own = slices.Clone(list), true
		}
		list[i] = v
	}
	return list, nil
}

// noValue is null as the result of an operation.
func noValue() (any, error) { return nil, nil }

// mismatch names the field and both kinds but not the value.
func mismatch(name string, v any, want Kind) error {
	return faultf("%s holds %s where %s is expected", name, kindOf(v), want)
}

// tooLong is the error for a text over the limit; cutting it could turn a condition round.
func tooLong(name string) error {
	return faultf("%s is longer than %d bytes", name, MaxText)
}

// kindOf says what a value is, Any if it is not plain data.
func kindOf(v any) Kind {
	switch v.(type) {
	case nil:
		return null
	case string:
		return Text
	case bool:
		return Bool
	case time.Time:
		return Time
	case time.Duration:
		return Duration
	case []any, []string:
		return List
	case map[string]any:
		return Map
	}
	if _, ok := number(v); ok {
		return Number
	}
	return Any
}

// number gives any Go number as int or float64. It refuses infinity and what is not a number.
func number(v any) (any, bool) {
	switch x := v.(type) {
	case int:
		return v, true
	case float64:
		return v, !math.IsNaN(x) && !math.IsInf(x, 0)
	case int64:
		return int(x), true
	case int32:
		return int(x), true
	case uint64:
		if x > math.MaxInt {
			return float64(x), true
		}
		return int(x), true
	case uint32:
		return int(x), true
	case float32:
		return number(float64(x))
	case json.Number:
		if i, err := strconv.Atoi(x.String()); err == nil {
			return i, true
		}
		f, err := x.Float64()
		return f, err == nil
	}
	return nil, false
}

// plain checks that a value is plain data within the limits and gives its numbers and lists the forms
// that the operators know, copying only what has to change.
func (r *run) plain(v any, name string) (any, error) {
	p := plainer{name: name}
	out, _, err := p.value(v, 0)
	if err != nil {
		return nil, err
	}
	return out, r.spend(p.entries * itemBytes)
}

// plainer walks one value and counts what it meets. Anything but plain data is refused: a value with
// methods could do anything, and one that others write to could change under the evaluation.
type plainer struct {
	name    string
	entries int
}

// value checks one value. It tells whether out differs from v, so that the callers copy no more than
// needed: nearly all values are in their final form.
func (p *plainer) value(v any, depth int) (out any, changed bool, err error) {
	if p.entries++; p.entries > MaxEntries {
		return nil, false, faultf("%s holds more than %d values", p.name, MaxEntries)
	}
	if depth > MaxDepth {
		return nil, false, faultf("%s is nested deeper than %d", p.name, MaxDepth)
	}
	switch x := v.(type) {
	case nil, bool, time.Time, time.Duration, int:
		return v, false, nil
	case string:
		if len(x) > MaxText {
			return nil, false, tooLong(p.name)
		}
		return v, false, nil
	case []any:
		return p.list(x, depth)
	case []string:
		list := make([]any, 0, min(len(x), MaxList))
		for _, s := range x[:min(len(x), MaxList+1)] {
			list = append(list, s)
		}
		out, _, err = p.list(list, depth)
		return out, true, err
	case map[string]any:
		return p.mapping(x, depth)
	}
	if n, ok := number(v); ok {
		return n, true, nil
	}
	return nil, false, faultf("%s is not plain data", p.name)
}

// list checks the items.
func (p *plainer) list(list []any, depth int) (any, bool, error) {
	if len(list) > MaxList {
		return nil, false, faultf("%s has more than %d items", p.name, MaxList)
	}
	var clone []any
	for i, item := range list {
		v, changed, err := p.value(item, depth+1)
		if err != nil {
			return nil, false, err
		}
		if changed && clone == nil {
			clone = slices.Clone(list)
		}
		if changed {
			clone[i] = v
		}
	}
	if clone == nil {
		return list, false, nil
	}
	return clone, true, nil
}

// mapping checks the entries.
func (p *plainer) mapping(m map[string]any, depth int) (any, bool, error) {
	if len(m) > MaxList {
		return nil, false, faultf("%s has more than %d entries", p.name, MaxList)
	}
	var clone map[string]any
	for key, item := range m {
		v, changed, err := p.value(item, depth+1)
		if err != nil {
			return nil, false, err
		}
		if changed && clone == nil {
			clone = maps.Clone(m)
		}
		if changed {
			clone[key] = v
		}
	}
	if clone == nil {
		return m, false, nil
	}
	return clone, true, nil
}

// result checks what an evaluation gives. It may be a list or a map built by the expression itself.
func (r *run) result(v any) (any, error) {
	switch v.(type) {
	case nil, bool, int, float64, time.Time, time.Duration:
		return v, nil
	}
	return r.plain(v, "the result")
}

// truth is the value of a condition; null is false.
func truth(v any) (bool, error) {
	switch x := v.(type) {
	case nil:
		return false, nil
	case bool:
		return x, nil
	}
	return false, faultf("expected true or false, this gives %s", kindOf(v))
}

// format writes a value as text: numbers in full without exponent, times by RFC 3339, null as "".
func format(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case int:
		return strconv.Itoa(x), nil
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case time.Time:
		return x.Format(time.RFC3339), nil
	case time.Duration:
		return x.String(), nil
	case json.Number, int64:
		return fmt.Sprint(x), nil
	}
	return "", faultf("%s cannot be written as text; use join or name one item", kindOf(v))
}
