package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/engine"
)

// The types by which values of the engine stand in columns, both ways.

// instant is a time as Unix milliseconds in UTC; the zero time is NULL.
type instant time.Time

// Value implements driver.Valuer.
func (i instant) Value() (driver.Value, error) {
	if time.Time(i).IsZero() {
		return nil, nil
	}
	return time.Time(i).UnixMilli(), nil
}

// Scan implements sql.Scanner.
func (i *instant) Scan(from any) error {
	switch from := from.(type) {
	case nil:
		*i = instant{}
	case int64:
		*i = instant(time.UnixMilli(from).UTC())
	default:
		return fmt.Errorf("a time should be a number, found %T", from)
	}
	return nil
}

// ident is an id as its 16 bytes; the zero id is NULL.
type ident engine.ID

// Value implements driver.Valuer.
func (id ident) Value() (driver.Value, error) {
	if engine.ID(id).IsZero() {
		return nil, nil
	}
	return id[:], nil
}

// Scan implements sql.Scanner.
func (id *ident) Scan(from any) error {
	switch from := from.(type) {
	case nil:
		*id = ident{}
	case []byte:
		if len(from) != len(id) {
			return fmt.Errorf("an id should have %d bytes, found %d", len(id), len(from))
		}
		copy(id[:], from)
	default:
		return fmt.Errorf("an id should be bytes, found %T", from)
	}
	return nil
}

// document reads a value that text wrote; numbers come back as they were written.
type document struct{ of any }

// Scan implements sql.Scanner; of must be a pointer.
func (d document) Scan(from any) error {
	written, ok := from.(string)
	if !ok {
		return fmt.Errorf("a JSON value should be text, found %T", from)
	}
	switch d.of.(type) {
	case *[]engine.NamedLink, *[]engine.Decision, *engine.Receipt, *engine.Retry, *map[string]string:
		return json.Unmarshal([]byte(written), d.of) // cheaper, and no number in it could be read as another kind
	}
	decoder := json.NewDecoder(strings.NewReader(written))
	decoder.UseNumber()
	return decoder.Decode(d.of)
}

// text is a value as JSON text.
func text(v any) (string, error) {
	written, err := json.Marshal(v)
	return string(written), err
}

// blob is bytes for a column that must not be NULL, as nil would be.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// orNull is bytes as a column that may have none.
func orNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// orNothing is a text as a column that may have none.
func orNothing(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// partitionsOf is the partitions of fences as a JSON list.
func partitionsOf(fences []engine.Fence) (string, error) {
	partitions := make([]int, len(fences))
	for i, f := range fences {
		partitions[i] = f.Partition
	}
	return text(partitions)
}
