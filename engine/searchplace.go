package engine

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxSortKey is how many bytes of a text it is sorted by.
const MaxSortKey = 256

// SortKey is what a value is sorted by: an int64, a float64, or text whose bytes are compared, MaxSortKey of them at
// most; nil for no value, which includes one that is not of the field's type. Of a date it is text that sorts as the
// instants do.
func (f *Field) SortKey(plain any) any {
	view, err := f.view(plain)
	if err != nil {
		return nil
	}
	if view == nil && f.Type == TypeBoolean {
		view = false
	}
	switch v := view.(type) {
	case int:
		return int64(v)
	case float64:
		return v
	case bool:
		return map[bool]int64{false: 0, true: 1}[v]
	case time.Time:
		return stamp(v)
	case []any:
		return listKey(v)
	case string:
		return textKey(v)
	}
	return nil
}

func textKey(text string) any {
	if len(text) > MaxSortKey {
		end := MaxSortKey
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if text == "" {
		return nil
	}
	return text
}

// stamp writes an instant of any year that a date may have so that later ones sort behind.
func stamp(t time.Time) string {
	const before = 1 << 37 // seconds from year -2385 to 1970
	return fmt.Sprintf("%013d.%09d", t.Unix()+before, t.Nanosecond())
}

func listKey(items []any) any {
	words := make([]string, len(items))
	for i, item := range items {
		words[i], _ = PlainText(item)
	}
	return textKey(strings.Join(words, ", "))
}

// Place is where a record stands in a sorted list.
type Place struct {
	Keys []any // by SortKey, one for each Sorting
	ID   string
}

// PlaceOf is where a record stands in the list of a search.
func (s Search) PlaceOf(record Record) Place {
	place := Place{ID: record.ID}
	for _, by := range s.Order {
		place.Keys = append(place.Keys, s.keyOf(record, by.Field))
	}
	return place
}

func (s Search) keyOf(record Record, field string) any {
	if field == "id" {
		return record.ID
	}
	return s.Module.Fields[field].SortKey(record.Fields[field])
}

// CompareKeys orders the keys of two places of the list of a search. Those of equal keys stand in the order of their
// ids, as the CRM orders these.
func (s Search) CompareKeys(a, b []any) int {
	for i, by := range s.Order {
		order := compareKeys(a[i], b[i])
		if by.Desc {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// compareKeys orders two keys of one field.
func compareKeys(a, b any) int {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	}
	return cmp.Compare(kindOfKey(a), kindOfKey(b))
}

func kindOfKey(key any) int {
	switch key.(type) {
	case nil:
		return 0
	case string:
		return 2
	}
	return 1
}

// Next is where the list goes on after a record: an opaque text for this list alone.
func (s Search) Next(record Record) string {
	place := s.PlaceOf(record)
	keys := make([]any, len(place.Keys))
	for i, key := range place.Keys {
		if n, ok := key.(float64); ok {
			key = json.RawMessage(strconv.FormatFloat(n, 'e', -1, 64)) // an int64 is written without e
		}
		keys[i] = key
	}
	written, _ := json.Marshal([]any{s.sortings(), keys, place.ID}) // texts and numbers, of which none is not finite
	return base64.RawURLEncoding.EncodeToString(written)
}

// sortings are what a place belongs to.
func (s Search) sortings() []string {
	words := []string{s.Module.Name}
	for _, by := range s.Order {
		words = append(words, map[bool]string{false: "+", true: "-"}[by.Desc]+by.Field)
	}
	return words
}

// maxPlace is the longest text of a place: keys of the longest texts, each byte of which may take six in JSON.
const maxPlace = (MaxSortings + 1) * 8 * MaxSortKey

// Start is the place after which the page begins; false for the first page. It fails with ErrNoPlace, Permanent.
func (s Search) Start() (Place, bool, error) {
	if s.After == "" {
		return Place{}, false, nil
	}
	place, ok := s.read()
	if !ok {
		return Place{}, false, Permanent(ErrNoPlace)
	}
	return place, true, nil
}

func (s Search) read() (place Place, ok bool) {
	if len(s.After) > maxPlace || strings.ContainsAny(s.After, "\r\n") { // which the decoder passes over
		return Place{}, false
	}
	written, err := base64.RawURLEncoding.Strict().DecodeString(s.After)
	if err != nil {
		return Place{}, false
	}
	var sortings []string
	parts := []any{&sortings, &place.Keys, &place.ID}
	decoder := json.NewDecoder(bytes.NewReader(written))
	decoder.UseNumber()
	if decoder.Decode(&parts) != nil || decoder.More() || len(parts) != 3 || place.ID == "" ||
		!slices.Equal(sortings, s.sortings()) || len(place.Keys) != len(s.Order) {
		return Place{}, false
	}
	for i, key := range place.Keys {
		if place.Keys[i], ok = readKey(key); !ok {
			return Place{}, false
		}
	}
	return place, true
}

func readKey(key any) (any, bool) {
	switch v := key.(type) {
	case nil, string:
		return v, true
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n, true
		}
		n, err := strconv.ParseFloat(v.String(), 64)
		return n, err == nil
	}
	return nil, false
}
