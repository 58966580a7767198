package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// MaxVars is how many bytes the vars of a run may have together, as JSON.
const MaxVars = 64 << 10

// Values are plain values by name that a run keeps: vars, and the item of a list. They are the same
// before and after they have been stored: times and durations come back as such.
type Values map[string]any

// MarshalJSON writes the values for UnmarshalJSON.
func (v Values) MarshalJSON() ([]byte, error) {
	packed, err := packMap(v, 0)
	if err != nil {
		return nil, err
	}
	return json.Marshal(packed)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Values) UnmarshalJSON(data []byte) error {
	var packed map[string]any
	if err := strictJSON(data, &packed); err != nil {
		return err
	}
	all := make(Values, len(packed))
	for name, value := range packed {
		unpacked, err := unpack(value)
		if err != nil {
			return err
		}
		all[name] = unpacked
	}
	*v = all
	return nil
}

// The keys of what stands in JSON for a value that JSON lacks, and for a map that looks like one.
const (
	packedTime     = "$time"
	packedDuration = "$duration"
	packedMap      = "$map"
	packedRecord   = "$record"
)

// maxPacked is how deep lists and maps of a value may lie in one another, as in expressions.
const maxPacked = 32

// pack gives a value the form that it has in JSON. It refuses what is not plain data.
func pack(v any, depth int) (any, error) {
	if depth > maxPacked {
		return nil, fmt.Errorf("it is nested deeper than %d", maxPacked)
	}
	switch v := v.(type) {
	case nil, bool, string, int, int64, json.Number:
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("it is no number")
		}
		return v, nil
	case time.Time:
		return map[string]any{packedTime: v.Format(time.RFC3339Nano)}, nil
	case time.Duration:
		return map[string]any{packedDuration: int64(v)}, nil
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			packed, err := pack(item, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = packed
		}
		return list, nil
	case map[string]any:
		packed, err := packMap(v, depth)
		if err == nil && looksPacked(packed) {
			return map[string]any{packedMap: packed}, nil
		}
		return packed, err
	case Fields:
		return pack(map[string]any(v), depth)
	case Ref:
		return map[string]any{packedRecord: v.Module, "id": v.ID}, nil
	}
	return nil, fmt.Errorf("%T is not plain data", v)
}

func packMap(m map[string]any, depth int) (map[string]any, error) {
	all := make(map[string]any, len(m))
	for name, value := range m {
		packed, err := pack(value, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = packed
	}
	return all, nil
}

func looksPacked(m map[string]any) bool {
	for _, key := range []string{packedTime, packedDuration, packedMap, packedRecord} {
		if _, ok := m[key]; ok {
			return true
		}
	}
	return false
}

// unpack is the other way round. Numbers become int or float64.
func unpack(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return plainNumber(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			unpacked, err := unpack(item)
			if err != nil {
				return nil, err
			}
			list[i] = unpacked
		}
		return list, nil
	case map[string]any:
		if looksPacked(v) {
			return unpackMarked(v)
		}
		return unpackMap(v)
	}
	return v, nil
}

func plainNumber(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return int(i), nil
	}
	f, err := n.Float64()
	if err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int(f), nil // 5.0 and 5 are one number
	}
	return f, err
}

func unpackMarked(v map[string]any) (any, error) {
	if text, ok := v[packedTime].(string); ok {
		return time.Parse(time.RFC3339Nano, text)
	}
	if n, ok := v[packedDuration].(json.Number); ok {
		d, err := n.Int64()
		return time.Duration(d), err
	}
	if module, ok := v[packedRecord].(string); ok {
		id, _ := v["id"].(string)
		return Ref{Module: module, ID: id}, nil
	}
	if m, ok := v[packedMap].(map[string]any); ok {
		return unpackMap(m)
	}
	return nil, errors.New("a stored value cannot be read")
}

func unpackMap(v map[string]any) (any, error) {
	m := make(map[string]any, len(v))
	for name, value := range v {
		unpacked, err := unpack(value)
		if err != nil {
			return nil, err
		}
		m[name] = unpacked
	}
	return m, nil
}

// Items are the items of a list that a run keeps, in the same way. A record is a Ref.
type Items []any

// MarshalJSON writes the items for UnmarshalJSON.
func (v Items) MarshalJSON() ([]byte, error) {
	packed, err := pack([]any(v), 0)
	if err != nil {
		return nil, err
	}
	return json.Marshal(packed)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Items) UnmarshalJSON(data []byte) error {
	var packed []any
	if err := strictJSON(data, &packed); err != nil {
		return err
	}
	unpacked, err := unpack(packed)
	if err != nil {
		return err
	}
	list, _ := unpacked.([]any)
	*v = list
	return nil
}

// innermost is the cause of an error of a marshaler: what stands around it speaks of Go.
func innermost(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// kept gives values the form that they will have once they were stored, and tells their size there.
func kept(v Values) (Values, int, error) {
	written, err := json.Marshal(v)
	if err != nil {
		return nil, 0, innermost(err)
	}
	var back Values
	if err := back.UnmarshalJSON(written); err != nil {
		return nil, 0, err
	}
	return back, len(written), nil
}
