package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of a file with passwords.
const (
	maxLegacyFile = 64 << 20
	maxLegacyRows = 1_000_000
)

// legacyRow is somebody's password as another product kept it: in clear. It is never printed, logged or sent on.
type legacyRow struct {
	at       int // line, or place in the list
	name     string
	password string
	kind     string // C for a contact, E for an employee, as coreBOS writes it; "" where it is not said
	active   string // 0 for one that may not sign in; "" where it is not said
}

// legacyColumns are the columns that are read, of which the first two must be there.
var legacyColumns = []string{"user_name", "user_password", "type", "isactive"}

// readLegacy reads rows as CSV with a head, or as JSON objects, in a list or one after another. Its errors never quote
// what stands in the file.
func readLegacy(in io.Reader) ([]legacyRow, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxLegacyFile+1))
	if err != nil {
		return nil, fmt.Errorf("read passwords: %w", err)
	}
	if len(text) > maxLegacyFile {
		return nil, fmt.Errorf("read passwords: the file is larger than %d MB", maxLegacyFile>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	read := legacyCSV
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && (trimmed[0] == '[' || trimmed[0] == '{') {
		read = legacyJSON
	}
	rows, err := read(text)
	if err == nil && len(rows) > maxLegacyRows {
		err = fmt.Errorf("more than %d rows", maxLegacyRows)
	}
	if err != nil {
		return nil, fmt.Errorf("read passwords: %w", err)
	}
	return rows, nil
}

func legacyCSV(text []byte) (rows []legacyRow, err error) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.TrimLeadingSpace = false
	head, err := reader.Read()
	if err != nil {
		return nil, errors.New("the first line is no head such as user_name,user_password,type,isactive")
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, needed := range legacyColumns[:2] {
		if _, ok := at[needed]; !ok {
			return nil, fmt.Errorf("the first line names no column %s", needed)
		}
	}
	cell := func(record []string, name string) string {
		if i, ok := at[name]; ok {
			return record[i]
		}
		return ""
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, legacyMistake(err)
		}
		line, _ := reader.FieldPos(0)
		rows = append(rows, legacyRow{
			at: line, name: cell(record, "user_name"), password: cell(record, "user_password"),
			kind: cell(record, "type"), active: cell(record, "isactive"),
		})
	}
}

// legacyMistake is what is wrong with a row of a CSV file, without what stands there.
func legacyMistake(err error) error {
	at, _ := errors.AsType[*csv.ParseError](err)
	switch {
	case at == nil:
		return errors.New("the file cannot be read as CSV")
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Errorf("line %d has more or fewer columns than the first line names; a comma within a value "+
			`needs the value in "quotes"`, at.Line)
	}
	return fmt.Errorf(`line %d has a quote where none belongs: put the value in "quotes", and double those within`,
		at.StartLine)
}

// legacyObjects are the objects of a list, or those that stand one after another.
func legacyObjects(text []byte) (objects []map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		if decoder.Decode(&objects) != nil || decoder.Decode(new(any)) != io.EOF {
			return nil, errors.New("this is no list of JSON objects")
		}
		return objects, nil
	}
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("what comes after the first %d is no JSON object", len(objects))
		}
		objects = append(objects, object)
	}
}

func legacyJSON(text []byte) ([]legacyRow, error) {
	objects, err := legacyObjects(text)
	if err != nil {
		return nil, err
	}
	rows := make([]legacyRow, len(objects))
	for i, object := range objects {
		cell := func(name string) string {
			switch value := object[name].(type) {
			case string:
				return value
			case json.Number:
				return value.String()
			case bool:
				if value {
					return "1"
				}
				return "0"
			}
			return ""
		}
		rows[i] = legacyRow{
			at: i + 1, name: cell("user_name"), password: cell("user_password"), kind: cell("type"),
			active: cell("isactive"),
		}
	}
	return rows, nil
}

// isKind tells whether a row is of a kind; one that does not say is of any.
func (r legacyRow) isKind(kind string) bool { return kind == "" || r.kind == "" || r.kind == kind }

// off tells whether a row says that its password is not to be used.
func (r legacyRow) off() bool {
	return slices.Contains([]string{"0", "false", "no", "off"}, strings.ToLower(r.active))
}
