package corebostest

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

//go:embed testdata/exchanges.jsonl
var recorded []byte

// exchange is one recorded request with its answer.
type exchange struct {
	Name    string
	Request struct {
		Method  string
		Query   map[string]string
		Form    map[string]string
		Headers map[string]string
		Body    string
		Type    string `json:"content_type"`
	}
	Response struct {
		Status int
		Body   string
	}
}

// exchanges reads the recordings.
func exchanges() ([]exchange, error) {
	var all []exchange
	lines := bufio.NewScanner(bytes.NewReader(recorded))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read recorded exchange %d: %w", len(all)+1, err)
		}
		all = append(all, e)
	}
	return all, lines.Err()
}

// module is a kind of record, as its recorded description says.
type module struct {
	name        string
	prefix      string // of its ids
	label       []string
	fields      []field
	description map[string]any
}

type field struct {
	Name      string
	Label     string
	Mandatory bool
	Editable  bool
	Uitype    any // a text, but of id a number
	Type      struct {
		Name     string
		RefersTo []string
	}
}

// The kinds of field that the player treats in a way of their own, as uitype and type name them.
const (
	numbering = "4"
	reference = "reference"
	owner     = "owner"
)

// describedModules are the modules whose description was recorded.
func describedModules() (map[string]*module, error) {
	all, err := exchanges()
	if err != nil {
		return nil, err
	}
	modules := map[string]*module{}
	for _, e := range all {
		var answer struct {
			Success bool
			Result  json.RawMessage
		}
		if e.Request.Query["operation"] != "describe" {
			continue
		}
		if err := json.Unmarshal([]byte(e.Response.Body), &answer); err != nil {
			return nil, fmt.Errorf("read exchange %s: %w", e.Name, err)
		}
		if !answer.Success {
			continue
		}
		var about struct {
			Name, IDPrefix, LabelFields string
			Fields                      []field
		}
		m := &module{}
		err := errors.Join(json.Unmarshal(answer.Result, &about), json.Unmarshal(answer.Result, &m.description))
		if err != nil {
			return nil, fmt.Errorf("read exchange %s: %w", e.Name, err)
		}
		m.name, m.prefix, m.fields = about.Name, about.IDPrefix, about.Fields
		m.label = strings.Split(about.LabelFields, ",")
		modules[m.name] = m
	}
	return modules, nil
}

func (m *module) field(name string) *field {
	i := slices.IndexFunc(m.fields, func(f field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &m.fields[i]
}

// isNumber tells whether the database keeps the field as a number.
func (f *field) isNumber() bool {
	return f.Type.Name == "integer" || f.Type.Name == "double" || f.Type.Name == "currency"
}

// missing is the refusal for the first mandatory field that is empty.
func (m *module) missing(given map[string]string, also func(name string) bool) *reply {
	for _, f := range m.fields {
		if f.Mandatory && also(f.Name) && given[f.Name] == "" {
			r := refuse("MANDATORY_FIELDS_MISSING", fmt.Sprintf("%s (%s) does not have a value", f.Label, f.Name))
			return &r
		}
	}
	return nil
}

// describe answers with the recorded description; a date that is left out of a create becomes today.
func (p *Player) describe(name string) reply {
	m := p.modules[name]
	if m == nil {
		return deniedFor(name)
	}
	about := maps.Clone(m.description)
	fields, _ := about["fields"].([]any)
	today := make([]any, len(fields))
	for i, f := range fields {
		f, _ := f.(map[string]any)
		f = maps.Clone(f)
		if m.fields[i].Type.Name == "date" {
			f["default"] = p.now().UTC().Format(time.DateOnly)
		}
		today[i] = f
	}
	about["fields"] = today
	return result(about)
}

// listTypes names the modules that the player has, fewer than a real coreBOS.
func (p *Player) listTypes() reply {
	information := map[string]any{}
	for name, m := range p.modules {
		information[name] = map[string]any{"isEntity": true, "label": m.description["label"]}
	}
	return result(map[string]any{"types": slices.Sorted(maps.Keys(p.modules)), "information": information})
}
