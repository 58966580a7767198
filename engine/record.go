package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Ref points at a record: its module and its id as the CRM writes it.
type Ref struct {
	Module string `json:"module"`
	ID     string `json:"id"`
}

// ParseRef reads "Module/id", the form of a CloudEvents subject.
func ParseRef(text string) (Ref, error) {
	module, id, ok := strings.Cut(text, "/")
	if !ok || module == "" || id == "" {
		return Ref{}, fmt.Errorf("%q does not name a record as Module/id", text)
	}
	return Ref{Module: module, ID: id}, nil
}

// String is "Module/id".
func (r Ref) String() string { return r.Module + "/" + r.ID }

// partition is the share of the records that the record belongs to.
func (r Ref) partition() int { return Address{Noun: r.Module, Key: r.ID}.Partition() }

// IsZero tells whether no record is meant.
func (r Ref) IsZero() bool { return r == Ref{} }

// Fields are the values of a record as plain JSON: text, json.Number, bool, nil, lists and objects.
type Fields map[string]any

// Text is the field as text; "" when it is missing, null or not text.
func (f Fields) Text(name string) string {
	switch v := f[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// Same tells whether two plain values mean the same: null and the empty text do, and so do a number
// or a boolean and the text that CRMs write for it.
func Same(a, b any) bool {
	x, single := PlainText(a)
	y, both := PlainText(b)
	if single && both {
		return x == y || (isNumber(a, b) && sameNumber(x, y)) || (isBool(a, b) && sameBool(x, y))
	}
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}

// PlainText is a single plain value as text, "" for null; false for lists and objects.
func PlainText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// isNumber tells whether at least one of two values is a number, not only its text.
func isNumber(a, b any) bool {
	_, left := a.(json.Number)
	_, right := b.(json.Number)
	return left || right
}

func isBool(a, b any) bool {
	_, left := a.(bool)
	_, right := b.(bool)
	return left || right
}

func sameNumber(x, y string) bool {
	left, errLeft := parseNumber(x)
	right, errRight := parseNumber(y)
	return errLeft == nil && errRight == nil && left == right
}

func sameBool(x, y string) bool {
	left, errLeft := boolean(x)
	right, errRight := boolean(y)
	return errLeft == nil && errRight == nil && left == right
}

// Record is a record of the CRM as last read.
type Record struct {
	Ref
	Fields  Fields
	Version int64  // the CRM's own version; 0 where it gives none
	Seq     uint64 // the stream position that last changed a kept record; 0 where it is not kept
	Deleted bool
	// Written are the fields Postern wrote last whose event has not come back by the stream yet, each
	// with that event's id. Under "" it has the event of a deletion.
	Written map[string]string
}

// Patch is a conditional change of a record: Set is written only while every field of Expect still
// has the value given there.
type Patch struct {
	Set    Fields `json:"set"`
	Expect Fields `json:"expect,omitempty"`
}

// ErrConflict says that a record no longer had the values a Patch expected.
var ErrConflict = errors.New("the record was changed by someone else meanwhile")

// ErrTaken says that another record already has the value of a unique field.
var ErrTaken = errors.New("another record already has this value")

// ErrNoRecord says that the record is not there (any more).
var ErrNoRecord = errors.New("no such record")

// Write is a Patch of one record together with what its event will say.
type Write struct {
	Ref    Ref
	Patch  Patch
	Unique []string // fields among Set whose value no other record of the module may have
	// Besides are events, in structured mode, that are told with that of the change, in the same transaction.
	Besides []json.RawMessage `json:",omitempty"`
	Origin
}

// Apply returns the record after the write and the event that tells it. A write that changes nothing
// returns a nil event. It fails with ErrNoRecord on a deleted record and ErrConflict when an expected
// value no longer stands.
func (w Write) Apply(before Record) (Record, *Event, error) {
	if before.Deleted {
		return Record{}, nil, ErrNoRecord
	}
	for name, want := range w.Patch.Expect {
		if !Same(before.Fields[name], want) {
			return Record{}, nil, fmt.Errorf("field %s: %w", name, ErrConflict)
		}
	}
	old := Fields{}
	after := before
	after.Fields, after.Written = maps.Clone(before.Fields), clone(before.Written)
	for name, value := range w.Patch.Set {
		if Same(before.Fields[name], value) {
			continue
		}
		old[name] = before.Fields[name]
		after.Fields[name], after.Written[name] = value, w.EventID.String()
	}
	if len(old) == 0 {
		return before, nil, nil
	}
	change := &Change{Record: after.Fields, Old: old, Changed: slices.Sorted(maps.Keys(old))}
	return after, w.event(RecordUpdated, w.Ref, change), nil
}

// Follow returns the kept copy of a record after an event told a change of it, and whether the copy
// changed. The stream's order decides, so an event that is not newer than the copy changes nothing.
// An event that names the changed fields touches only those; one that does not touches every field it
// has, and what it leaves out stays.
func Follow(before Record, event *Event, seq uint64) (Record, bool) {
	change := event.Change
	stale := before.Seq >= seq || (change.Version != 0 && change.Version <= before.Version)
	if stale && before.Seq != 0 {
		return before, false
	}
	after := Record{
		Ref: event.Ref(), Seq: seq, Version: max(change.Version, before.Version), Fields: before.Fields,
		Written: clone(before.Written), Deleted: before.Deleted && event.Source == Source,
	}
	if ours := after.Written[deletion]; ours != "" {
		after.Deleted = true // whatever comes before the event of our deletion is older in the stream
		if event.Source == Source && event.ID == ours {
			delete(after.Written, deletion)
		}
	}
	switch {
	case event.Type == RecordDeleted:
		after.Deleted = true
		return after, true
	case change.Related != "" && before.Fields != nil:
		return after, true // no field of its own changed
	}
	names := change.Changed
	if len(names) == 0 || before.Fields == nil {
		names = slices.Collect(maps.Keys(change.Record))
	}
	after.Fields = make(Fields, len(before.Fields)+len(names))
	maps.Copy(after.Fields, before.Fields)
	for _, name := range names {
		after.follow(name, event)
	}
	return after, true
}

// follow takes one field over from an event. A field that Postern wrote waits for the event of that
// write: whatever comes before it is older in the stream.
func (r *Record) follow(name string, event *Event) {
	if last := r.Written[name]; last != "" {
		if event.Source != Source || event.ID != last {
			return
		}
		delete(r.Written, name)
	}
	r.Fields[name] = event.Change.Record[name]
}

func clone(written map[string]string) map[string]string {
	if written == nil {
		return map[string]string{}
	}
	return maps.Clone(written)
}
