package engine

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Labels are a text in several languages, by BCP 47 tag.
type Labels map[string]string

// In is the text for a language, chosen as InLanguage does; "" if there is none at all.
func (l Labels) In(language string) string {
	text, _ := InLanguage(l, language)
	return text
}

// InLanguage chooses among what there is by BCP 47 tag: what is in the language, else in the plain
// language of a regional tag, else in English, else the first by its tag; false if there is nothing.
func InLanguage[T any](byLanguage map[string]T, language string) (T, bool) {
	plain, _, _ := strings.Cut(language, "-")
	for _, tag := range []string{language, plain, "en"} {
		if found, ok := byLanguage[tag]; ok {
			return found, true
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(byLanguage)) {
		return byLanguage[tag], true
	}
	var none T
	return none, false
}

// Module describes a kind of record: what its file under modules/ says.
type Module struct {
	Name     string
	Label    Labels   // of one of its records
	Plural   Labels   // of several; nil where the file says nothing
	Title    []string // fields whose values name a record to people
	Keep     bool     // whether Postern keeps a copy of its records
	Language string   // field that holds a record's language; "" for none
	Names    []string // of the fields, as the file lists them
	Fields   map[string]*Field

	ExternalID string // unique field with the random id by which landings find a record; its change ends the links
}

// FieldType is the type of a field as an admin writes it.
type FieldType string

// The types of fields. Text, picklist, reference, owner, email, phone, url and file are text to an
// expression.
const (
	TypeText          FieldType = "text"
	TypeNumber        FieldType = "number"
	TypeInteger       FieldType = "integer"
	TypeDecimal       FieldType = "decimal"
	TypeCurrency      FieldType = "currency"
	TypeBoolean       FieldType = "boolean"
	TypeDate          FieldType = "date"
	TypeDateTime      FieldType = "datetime"
	TypePicklist      FieldType = "picklist"
	TypeMultiPicklist FieldType = "multipicklist"
	TypeReference     FieldType = "reference"
	TypeOwner         FieldType = "owner"
	TypeEmail         FieldType = "email"
	TypePhone         FieldType = "phone"
	TypeURL           FieldType = "url"
	TypeFile          FieldType = "file"
)

// FieldTypes lists the types in the order the reference shows them.
func FieldTypes() []FieldType {
	return []FieldType{
		TypeText, TypeNumber, TypeInteger, TypeDecimal, TypeCurrency, TypeBoolean, TypeDate, TypeDateTime,
		TypePicklist, TypeMultiPicklist, TypeReference, TypeOwner, TypeEmail, TypePhone, TypeURL, TypeFile,
	}
}

// Field describes one field of a module.
type Field struct {
	Name     string
	Type     FieldType
	Label    Labels
	Options  []string          // of a picklist or multipicklist
	Choices  map[string]Labels // what people call the options, where that is another than the value
	To       []string          // modules a reference may point at
	Required bool
	Unique   bool
	Max      int // longest text in characters; 0 for 64 kB
}

// ChoiceLabel is what people call an option; the option itself where the module says nothing.
func (f *Field) ChoiceLabel(option, language string) string {
	if label := f.Choices[option].In(language); label != "" {
		return label
	}
	return option
}

// MaxText is the longest text a field may hold, in bytes.
const MaxText = 64 << 10

// IsText tells whether an expression sees the field as text.
func (f *Field) IsText() bool {
	switch f.Type {
	case TypeNumber, TypeInteger, TypeDecimal, TypeCurrency, TypeBoolean, TypeDate, TypeDateTime, TypeMultiPicklist:
		return false
	}
	return true
}

// Called is what people call one record of the module; its name where the file says nothing.
func (m *Module) Called(language string) string { return cmp.Or(m.Label.In(language), m.Name) }

// CalledMany is what people call several; as one is called where the file says nothing.
func (m *Module) CalledMany(language string) string {
	return cmp.Or(m.Plural.In(language), m.Called(language))
}

// View turns the plain values of a record into what expressions see: every described field is there,
// numbers are int or float64, dates time.Time, missing text is "". An error names the field.
func (m *Module) View(plain Fields) (map[string]any, error) {
	view := make(map[string]any, len(m.Fields)+1)
	for name, field := range m.Fields {
		value, err := field.view(plain[name])
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		view[name] = value
	}
	return view, nil
}

// ViewOf is the part of View for the values that are there.
func (m *Module) ViewOf(plain Fields) (map[string]any, error) {
	view := make(map[string]any, len(plain))
	for name, v := range plain {
		field := m.Fields[name]
		if field == nil {
			continue
		}
		value, err := field.view(v)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		view[name] = value
	}
	return view, nil
}

// UniqueAmong are the fields among set whose value no other record of the module may have, sorted.
func (m *Module) UniqueAmong(set Fields) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if f := m.Fields[name]; f != nil && f.Unique {
			names = append(names, name)
		}
	}
	return names
}

// TitleOf is what names a record to people, on one line: the values of the title fields, or its id.
func (m *Module) TitleOf(record Record) string {
	var words []string
	for _, name := range m.Title {
		words = append(words, strings.Fields(record.Fields.Text(name))...)
	}
	if len(words) == 0 {
		return record.ID
	}
	return strings.Join(words, " ")
}

func (f *Field) view(v any) (any, error) {
	text, isText := v.(string)
	if v == nil || (isText && text == "") {
		return f.null(), nil
	}
	switch f.Type {
	case TypeInteger:
		return wholeNumber(v)
	case TypeNumber, TypeDecimal, TypeCurrency:
		return number(v)
	case TypeBoolean:
		return boolean(v)
	case TypeDate, TypeDateTime:
		return instant(v)
	case TypeMultiPicklist:
		return list(v)
	}
	return textOf(v)
}

// textOf writes what a text field may be given: text, or a single value as one writes it.
func textOf(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case time.Time:
		return v.Format(time.RFC3339), nil
	}
	return nil, fmt.Errorf("expected text, found %s", kindOf(v))
}

func (f *Field) null() any {
	if f.IsText() {
		return ""
	}
	return nil
}

// wholeNumber keeps every digit of what is written without a point.
func wholeNumber(v any) (any, error) {
	text := fmt.Sprint(v)
	if whole, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return whole, nil
	}
	n, err := number(v)
	if err != nil {
		return nil, err
	}
	f, _ := n.(float64)
	switch {
	case f != math.Trunc(f):
		return nil, fmt.Errorf("expected a whole number, found %s", clip(text))
	case math.Abs(f) >= 1<<63:
		return nil, fmt.Errorf("%s is too large a number", clip(text))
	}
	return int(f), nil
}

func number(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return parseNumber(v.String())
	case string:
		return parseNumber(v)
	case float64:
		return parseNumber(strconv.FormatFloat(v, 'g', -1, 64))
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	}
	return nil, fmt.Errorf("expected a number, found %s", kindOf(v))
}

func parseNumber(text string) (any, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return nil, fmt.Errorf("%s is too large a number", clip(text))
	case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		return nil, errors.New("expected a number, found other text")
	}
	return n, nil
}

// boolean reads true, false and the "1" and "0" that CRMs write for them.
func boolean(v any) (any, error) {
	switch fmt.Sprint(v) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return nil, errors.New("expected true or false, found something else")
}

// instant reads RFC 3339 and the two forms CRMs write: a date, and a date and time in UTC.
func instant(v any) (any, error) {
	if t, ok := v.(time.Time); ok {
		return t, nil
	}
	text, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("expected a date, found %s", kindOf(v))
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return nil, errors.New("expected a date such as 2026-11-22, found other text")
}

func list(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case string:
		items := []any{}
		for item := range strings.SplitSeq(v, "|##|") { // as coreBOS writes several options in one text
			items = append(items, strings.TrimSpace(item))
		}
		return items, nil
	}
	return nil, fmt.Errorf("expected a list, found %s", kindOf(v))
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "true or false"
	case json.Number, float64, int, int64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any, Fields:
		return "an object"
	case time.Time:
		return "a date"
	case time.Duration:
		return "a duration"
	}
	return "something else"
}

// clip shortens what an error quotes.
func clip(text string) string {
	if len(text) <= 60 {
		return text
	}
	end := 60
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
