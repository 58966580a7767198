package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/engine"
)

// module is a kind of record as the CRM describes it.
type module struct {
	name   string
	prefix string // what its ids begin with, before the x
	fields map[string]field
	owner  string // the field that names the owner, if it has one that is needed
}

// field is a field of a module.
type field struct {
	kind    string // as coreBOS names it: string, text, boolean, integer, double, date, datetime and so on
	needed  bool
	fixed   bool // only the CRM itself writes it
	longest int  // in characters; 0 where the CRM does not say
}

// datetime is how coreBOS writes a time: in UTC where its user's time zone is, and without saying so.
const datetime = "2006-01-02 15:04:05"

// separator stands between the options of a field that takes several.
const separator = " |##| "

var (
	idForm     = regexp.MustCompile(`^([0-9]+)x[0-9]+$`)
	moduleName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	lengthForm = regexp.MustCompile(`~LE~([0-9]+)`)
)

// module describes a module, asking the CRM the first time, and again when a field is not known: somebody may have
// added it since.
func (c *Corebos) module(ctx context.Context, name string, fields ...string) (*module, error) {
	c.mu.Lock()
	m := c.modules[name]
	c.mu.Unlock()
	if m != nil && m.knows(fields) {
		return m, nil
	}
	if !moduleName.MatchString(name) {
		return nil, engine.Misconfigured(fmt.Errorf("%q cannot be the name of a module in coreBOS", name))
	}
	var about description
	err := c.call(ctx, request{operation: "describe", values: map[string]string{"elementType": name}}, &about)
	if err != nil {
		return nil, fmt.Errorf("describe module %s: %w", name, err)
	}
	m = about.module()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.modules[name] = m
	return m, nil
}

// description is the answer of describe, as far as it matters here.
type description struct {
	Name     string `json:"name"`
	IDPrefix string `json:"idPrefix"`
	Fields   []struct {
		Name      string `json:"name"`
		Mandatory bool   `json:"mandatory"`
		Editable  bool   `json:"editable"`
		Data      string `json:"typeofdata"`
		Type      struct {
			Name string `json:"name"`
		} `json:"type"`
	} `json:"fields"`
}

func (d description) module() *module {
	m := &module{name: d.Name, prefix: d.IDPrefix, fields: map[string]field{}}
	for _, f := range d.Fields {
		described := field{kind: f.Type.Name, needed: f.Mandatory, fixed: !f.Editable}
		if length := lengthForm.FindStringSubmatch(f.Data); length != nil {
			described.longest, _ = strconv.Atoi(length[1]) // digits that are beyond an int say nothing
		}
		m.fields[f.Name] = described
		if f.Type.Name == "owner" && f.Mandatory {
			m.owner = f.Name
		}
	}
	return m
}

func (m *module) knows(fields []string) bool {
	return !slices.ContainsFunc(fields, func(name string) bool {
		_, there := m.fields[name]
		return !there
	})
}

// has tells whether an id can be one of the module's.
func (m *module) has(id string) bool {
	parts := idForm.FindStringSubmatch(id)
	return parts != nil && parts[1] == m.prefix
}

// element is fields as coreBOS takes them. What it would pass over without a word is refused.
func (m *module) element(fields engine.Fields) (map[string]string, error) {
	element := make(map[string]string, len(fields))
	for name, value := range fields {
		f, there := m.fields[name]
		if !there {
			return nil, engine.Permanent(fmt.Errorf("the CRM's module %s has no field %q", m.name, name))
		}
		if f.fixed {
			return nil, engine.Permanent(fmt.Errorf("field %s: only the CRM itself writes it", name))
		}
		text, err := f.text(value)
		if err != nil {
			return nil, engine.Permanent(fmt.Errorf("field %s: %w", name, err))
		}
		element[name] = text
	}
	return element, nil
}

// fill empties the dates that a new record is not given: coreBOS would set them to today.
func (m *module) fill(element map[string]string) {
	for name, f := range m.fields {
		if _, given := element[name]; !given && f.kind == "date" && !f.needed && !f.fixed {
			element[name] = ""
		}
	}
}

// text is a value as coreBOS takes it.
func (f field) text(value any) (string, error) {
	text, err := f.written(value)
	if err == nil && f.longest > 0 && utf8.RuneCountInString(text) > f.longest {
		return "", fmt.Errorf("is longer than the %d characters that the CRM keeps", f.longest)
	}
	return text, err
}

// written is a value as coreBOS writes it, however long.
func (f field) written(value any) (string, error) {
	var text string
	switch v := value.(type) {
	case bool:
		text = map[bool]string{true: "1", false: "0"}[v]
	case []any:
		var options []string
		for _, item := range v {
			option, plain := engine.PlainText(item)
			if !plain {
				return "", errors.New("holds a list within a list, which the CRM does not know")
			}
			options = append(options, option)
		}
		text = strings.Join(options, separator)
	default:
		plain, ok := engine.PlainText(value)
		if !ok {
			return "", fmt.Errorf("holds a value of type %T, which the CRM does not know", value)
		}
		text = plain
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && f.kind == "datetime" {
		text = at.UTC().Format(datetime)
	}
	return text, nil
}

// differs names the first field, by name, whose value is not the wanted one.
func (m *module) differs(fields, wanted engine.Fields) (string, bool) {
	var names []string
	for name, want := range wanted {
		if !m.fields[name].same(fields[name], want) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return slices.Min(names), true
}

// same tells whether the CRM's value is the wanted one: as text, but numbers by what they are worth, and a number or a
// boolean that was never given is 0.
func (f field) same(have, want any) bool {
	text, err := f.written(want)
	if err != nil {
		return false
	}
	switch f.kind {
	case "integer", "double", "currency", "boolean":
		return engine.Same(json.Number(orZero(have)), json.Number(orZero(text)))
	}
	return engine.Same(have, text)
}

func orZero(value any) string {
	text, _ := engine.PlainText(value)
	if text == "" {
		return "0"
	}
	return text
}

// literal is a value as it stands in a query. What cannot be asked for is refused: a backslash breaks the query, and
// whatever else is not to be seen might.
func (m *module) literal(name string, value any) (string, error) {
	f, there := m.fields[name]
	if !there {
		return "", engine.Permanent(fmt.Errorf("the CRM's module %s has no field %q", m.name, name))
	}
	text, err := f.text(value)
	if err != nil {
		return "", engine.Permanent(fmt.Errorf("field %s: %w", name, err))
	}
	if strings.ContainsRune(text, '\\') || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
		return "", engine.Permanent(fmt.Errorf("field %s: a value with a backslash or a control character "+
			"cannot be asked for", name))
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'", nil
}

// answered is a record as the CRM answers it.
type answered map[string]any

// record is it as a record of a module, without the names behind its references.
func (a answered) record(module string) engine.Record {
	fields := make(engine.Fields, len(a))
	for name, value := range a {
		if _, single := engine.PlainText(value); single {
			fields[name] = value
		}
	}
	return engine.Record{Ref: engine.Ref{Module: module, ID: fields.Text("id")}, Fields: fields}
}
