package corebosimport

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limits of a serialized value. A task of the original has some kilobytes and a depth of three.
const (
	MaxBlob      = 1 << 20 // bytes
	MaxBlobDepth = 32      // arrays and objects within one another
	MaxBlobItems = 10_000  // values in all
)

// Object is a serialized PHP object: the name of its class and its properties. The class is a word; there
// is nothing behind it.
type Object struct {
	Class  string
	Fields map[string]any
}

// BlobError says where a serialized value cannot be read.
type BlobError struct {
	Offset  int // in bytes, from 0
	Message string
}

// Error names the place.
func (e *BlobError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Message) }

// Unserialize reads what PHP's serialize has written: null, booleans, numbers and texts, arrays (a list
// becomes []any, any other a map[string]any) and objects (*Object, properties without their visibility).
// The error is a *BlobError. Nothing is executed; a class that brings a format of its own is refused.
func Unserialize(blob string) (any, error) {
	if len(blob) > MaxBlob {
		return nil, &BlobError{MaxBlob, fmt.Sprintf("the value is longer than %d kB", MaxBlob>>10)}
	}
	r := blobReader{text: blob}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.at != len(blob) {
		return nil, r.fail("the value ends here, but there is more")
	}
	return v, nil
}

// blobReader reads one blob from left to right.
type blobReader struct {
	text  string
	at    int
	slots []any // values by the number that a reference names them with; unfinished where one is being read
}

// unfinished stands for an array or object within which the reader is.
type unfinished struct{}

func (r *blobReader) fail(format string, args ...any) error {
	return &BlobError{r.at, fmt.Sprintf(format, args...)}
}

// value reads one value. Its first letter says what it is.
func (r *blobReader) value(depth int) (any, error) {
	if depth > MaxBlobDepth {
		return nil, r.fail("arrays and objects are nested more than %d deep", MaxBlobDepth)
	}
	if len(r.slots) >= MaxBlobItems {
		return nil, r.fail("there are more than %d values", MaxBlobItems)
	}
	if r.at >= len(r.text) {
		return nil, r.fail("the value is cut off")
	}
	letter := r.text[r.at]
	if letter == 'R' || letter == 'r' {
		return r.reference(letter)
	}
	slot := len(r.slots)
	r.slots = append(r.slots, unfinished{})
	v, err := r.fresh(letter, depth)
	if err != nil {
		return nil, err
	}
	r.slots[slot] = v
	return v, nil
}

// fresh reads a value that is no reference.
func (r *blobReader) fresh(letter byte, depth int) (any, error) {
	switch letter {
	case 'N':
		return nil, r.expect("N;")
	case 'b':
		return r.boolean()
	case 'i':
		return r.integer()
	case 'd':
		return r.float()
	case 's':
		text, err := r.quoted('s')
		if err != nil {
			return nil, err
		}
		return text, r.expect(";")
	case 'E':
		return r.enum()
	case 'a':
		return r.array(depth)
	case 'O':
		return r.object(depth)
	case 'C':
		return nil, r.fail("objects with a format of their own are not read")
	}
	return nil, r.fail("%q begins no value", string(letter))
}

func (r *blobReader) expect(text string) error {
	if !strings.HasPrefix(r.text[r.at:], text) {
		return r.fail("expected %q", text)
	}
	r.at += len(text)
	return nil
}

// until reads the text up to a mark and goes past it. What is read here is a number or shorter.
func (r *blobReader) until(mark byte) (string, error) {
	const longest = 40
	rest := r.text[r.at:]
	if len(rest) > longest {
		rest = rest[:longest]
	}
	end := strings.IndexByte(rest, mark)
	if end < 0 {
		return "", r.fail("expected %q", string(mark))
	}
	r.at += end + 1
	return rest[:end], nil
}

// number reads letter:digits and the mark after them.
func (r *blobReader) number(letter string, mark byte) (int64, error) {
	if err := r.expect(letter + ":"); err != nil {
		return 0, err
	}
	begin := r.at
	text, err := r.until(mark)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		r.at = begin
		return 0, r.fail("expected a whole number")
	}
	return n, nil
}

func (r *blobReader) boolean() (any, error) {
	n, err := r.number("b", ';')
	if err != nil {
		return nil, err
	}
	return n != 0, nil
}

func (r *blobReader) integer() (any, error) {
	n, err := r.number("i", ';')
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (r *blobReader) float() (any, error) {
	if err := r.expect("d:"); err != nil {
		return nil, err
	}
	begin := r.at
	text, err := r.until(';')
	if err != nil {
		return nil, err
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		r.at = begin
		return nil, r.fail("expected a finite number")
	}
	return f, nil
}

// quoted reads letter:length:"text". The length counts bytes.
func (r *blobReader) quoted(letter byte) (string, error) {
	begin := r.at
	n, err := r.number(string(letter), ':')
	if err != nil {
		return "", err
	}
	if err := r.expect(`"`); err != nil {
		return "", err
	}
	if n < 0 || n > int64(len(r.text)-r.at) {
		r.at = begin
		return "", r.fail("a text of %d bytes is announced, which is more than there is", n)
	}
	text := r.text[r.at : r.at+int(n)]
	r.at += int(n)
	if r.at >= len(r.text) || r.text[r.at] != '"' {
		r.at = begin
		return "", r.fail("the text that begins here has not the %d bytes it announces; "+
			"was the file converted to another character set?", n)
	}
	r.at++
	return text, nil
}

// enum reads a case of an enumeration as its name.
func (r *blobReader) enum() (any, error) {
	text, err := r.quoted('E')
	if err != nil {
		return nil, err
	}
	return text, r.expect(";")
}

// reference reads the number of an earlier value, which must be complete: a value within itself is refused.
func (r *blobReader) reference(letter byte) (any, error) {
	begin := r.at
	n, err := r.number(string(letter), ';')
	if err != nil {
		return nil, err
	}
	if n < 1 || n > int64(len(r.slots)) {
		r.at = begin
		return nil, r.fail("this refers to value %d, which there is not", n)
	}
	v := r.slots[n-1]
	switch v.(type) {
	case unfinished:
		r.at = begin
		return nil, r.fail("a value that holds itself is not read")
	case nil, string, bool, int64, float64:
	default: // sharing would let a small text become a large tree
		r.at = begin
		return nil, r.fail("a reference to an array or object is not read")
	}
	return v, nil
}

func (r *blobReader) array(depth int) (any, error) {
	n, err := r.number("a", ':')
	if err != nil {
		return nil, err
	}
	keys, values, err := r.entries(n, depth)
	if err != nil {
		return nil, err
	}
	isList := true
	for i, key := range keys {
		isList = isList && key == strconv.Itoa(i)
	}
	if isList {
		return values, nil
	}
	fields := make(map[string]any, len(keys))
	for i, key := range keys {
		fields[key] = values[i]
	}
	return fields, nil
}

func (r *blobReader) object(depth int) (any, error) {
	class, err := r.quoted('O')
	if err != nil {
		return nil, err
	}
	n, err := r.number("", ':')
	if err != nil {
		return nil, err
	}
	keys, values, err := r.entries(n, depth)
	if err != nil {
		return nil, err
	}
	object := &Object{Class: class, Fields: make(map[string]any, len(keys))}
	for i, key := range keys {
		if at := strings.LastIndexByte(key, 0); at >= 0 { // of a private or protected property
			key = key[at+1:]
		}
		object.Fields[key] = values[i]
	}
	return object, nil
}

// entries reads {key value …}. Keys are whole numbers or texts, and are no values that can be referred to.
func (r *blobReader) entries(n int64, depth int) (keys []string, values []any, err error) {
	if n < 0 || n > MaxBlobItems {
		return nil, nil, r.fail("%d entries are announced, which is more than %d", n, MaxBlobItems)
	}
	if err := r.expect("{"); err != nil {
		return nil, nil, err
	}
	values = []any{}
	for range n {
		key, err := r.key()
		if err != nil {
			return nil, nil, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, key), append(values, v)
	}
	return keys, values, r.expect("}")
}

func (r *blobReader) key() (string, error) {
	if strings.HasPrefix(r.text[r.at:], "i:") {
		n, err := r.number("i", ';')
		return strconv.FormatInt(n, 10), err
	}
	text, err := r.quoted('s')
	if err != nil {
		return "", err
	}
	return text, r.expect(";")
}
