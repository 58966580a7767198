package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"reflect"
	"slices"
	"strings"

	"postern/tasks"
)

// object is a JSON object in the making; its keys are written in alphabetical order.
type object = map[string]any

// draft is the version of JSON Schema: the newest that the editors' YAML servers all know.
const draft = "http://json-schema.org/draft-07/schema#"

// document is a kind of file that an admin writes.
type document struct {
	name     string // of the schema
	path     string // import path of the struct that the loader decodes the file into
	of       string // that struct
	defaults string // the function of its package that returns the struct with its defaults; "" for none
	about    string
}

func documents() []document {
	return []document{
		{"workflow", "postern/workflows", "workflowFile", "", "A workflow: what happens when a record changes."},
		{"module", "postern/workflows", "moduleFile", "", "A module: what a kind of record looks like."},
		{"landing", "postern/workflows", "landingFile", "", "A landing: what a link opens and what may be done there."},
		{"factor", "postern/workflows", "factorFile", "", "A factor: what a visitor has to prove beside the link."},
		{"portal", "postern/workflows", "portalFile", "", "A portal: who may sign in, and what they may see and do."},
		{"test", "postern/internal/rehearsal", "testFile", "", "Tests of a workflow: stories and what comes of them."},
		{"config", "postern/cmd/postern", "config", "defaultConfig", "The configuration of postern serve."},
	}
}

// jsonSchemas returns the text of every schema by its path in the module.
func jsonSchemas(root string) (map[string]string, error) {
	src := newSource(root)
	texts := map[string]string{}
	for _, d := range documents() {
		text, err := src.schema(d)
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", d.name, err)
		}
		texts["schemas/"+d.name+".schema.json"] = text
	}
	return texts, nil
}

func (s *source) schema(d document) (string, error) {
	top, err := s.find(d.path, d.of)
	if err != nil {
		return "", err
	}
	var defaults values
	if d.defaults != "" {
		if defaults, err = s.returned(d.path, d.defaults); err != nil {
			return "", err
		}
	}
	b := &schemaBuilder{source: s, definitions: object{}}
	schema, err := b.structure(top, defaults)
	if err != nil {
		return "", err
	}
	schema["$schema"], schema["title"], schema["description"] = draft, "Postern "+d.name, d.about
	if len(b.definitions) > 0 {
		schema["definitions"] = b.definitions
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(schema); err != nil {
		return "", fmt.Errorf("write: %w", err)
	}
	return text.String(), nil
}

// schemaBuilder makes the schema of one kind of file.
type schemaBuilder struct {
	*source
	definitions object // what is spoken of more than once, or within itself
}

// structure is a mapping with the keys of a struct and no others.
func (b *schemaBuilder) structure(of structure, defaults values) (object, error) {
	keys := object{}
	schema := object{"type": "object", "additionalProperties": false, "properties": keys}
	var required []string
	for _, f := range of.fields {
		k, err := of.key(f)
		switch {
		case err != nil:
			return nil, err
		case k.rest && k.form == "tasks":
			if err := b.tasks(schema); err != nil {
				return nil, err
			}
			continue
		case k.rest && k.form != "":
			other, err := b.form(scope{of.path, of.file}, k.form)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", of.name, k.field, err)
			}
			schema["additionalProperties"] = other
			continue
		case k.rest:
			schema["additionalProperties"], schema["minProperties"] = true, 1
			continue
		case k.name == "":
			continue
		}
		value, err := b.value(of, f, k, defaults[k.field])
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", of.name, k.field, err)
		}
		keys[k.name] = described(value, k.what)
		if k.required {
			required = append(required, k.name)
		}
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema, nil
}

// value is the schema of one key's value.
func (b *schemaBuilder) value(of structure, f *ast.Field, k key, standard any) (object, error) {
	if k.form == "channels" {
		return b.channels()
	}
	value, err := b.typed(scope{of.path, of.file}, f.Type, k.form, standard)
	if list, ok := value["items"].(object); ok && k.one && err == nil {
		return anyOf(list, value), nil
	}
	return value, err
}

// tasks adds to a step what it can do: exactly one of the kinds.
func (b *schemaBuilder) tasks(step object) error {
	var one []any
	for _, kind := range tasks.Kinds() {
		plugin := reflect.ValueOf(kind.New()).Elem()
		of, err := b.find(plugin.Type().PkgPath(), plugin.Type().Name())
		if err != nil {
			return fmt.Errorf("%s: %w", kind.Name, err)
		}
		schema, err := b.structure(of, filled(plugin))
		if err != nil {
			return fmt.Errorf("%s: %w", kind.Name, err)
		}
		if kind.Short != "" { // a text alone is the value of that key
			short := maps.Clone(schema["properties"].(object)[kind.Short].(object))
			delete(short, "description")
			schema = object{"anyOf": []any{short, schema}}
		}
		schema["markdownDescription"] = strings.Join(strings.Fields(of.doc), " ") +
			"\n\n```yaml\n- " + strings.ReplaceAll(kind.Example, "\n", "\n  ") + "\n```"
		step["properties"].(object)[kind.Name] = described(schema, strings.Join(strings.Fields(of.doc), " "))
		one = append(one, object{"required": []string{kind.Name}})
	}
	step["oneOf"] = one
	return nil
}

// described adds what a key is for. A reference to a definition has no room for that, and no need.
func described(value object, what string) object {
	if value["$ref"] == nil && what != "" {
		value["description"] = what
	}
	return value
}

// anyOf is one of several forms; words that stand alone are put together into one list.
func anyOf(forms ...object) object {
	var words []any
	var others []any
	for _, form := range forms {
		if list, ok := form["enum"].([]any); ok && form["enumDescriptions"] == nil && len(form) == 1 {
			words = append(words, list...)
			continue
		}
		others = append(others, form)
	}
	if len(words) > 0 {
		others = slices.Insert(others, 0, any(object{"enum": words}))
	}
	if len(others) == 1 {
		return others[0].(object)
	}
	return object{"anyOf": others}
}
