package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// forming is a package with each form of a value once.
const forming = `package forming

import "postern/internal/yamldoc"

type File struct {
	// Mode is one of a type's words.
	Mode *yamldoc.Node ` + "`yaml:\"mode,required\" schema:\"Mode\"`" + `
	// Either is this or that.
	Either *yamldoc.Node ` + "`yaml:\"either\" schema:\"'all'|'none'|[]text|inner\"`" + `
	// Names are names.
	Names []*yamldoc.Node ` + "`yaml:\"names,one\" schema:\"text\"`" + `
	// ByName is by name.
	ByName []yamldoc.Entry ` + "`yaml:\"by_name\" schema:\"nothing|whole\"`" + `
	// Again says so.
	Again again ` + "`yaml:\"again\"`" + `
	// Free is free.
	Free *yamldoc.Node ` + "`yaml:\"free\"`" + `
	// Rest is all else.
	Rest []yamldoc.Entry ` + "`yaml:\",rest\"`" + `
}

type Mode string

const (
	Slow Mode = "slow" // takes its time
	Fast Mode = "fast"
	None      = "none"
)

type again inner

type inner struct {
	// Deep is deep.
	Deep int ` + "`yaml:\"deep\"`" + `
}
`

func TestSchemaOfEveryForm(t *testing.T) {
	src := smallSource(t, map[string]string{"forming/forming.go": forming})
	b := &schemaBuilder{source: src, definitions: object{}}
	top, err := src.find("postern/forming", "File")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := b.structure(top, values{"Again": values{"Deep": "7"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	var told, wanted any
	const want = `{
		"type": "object", "additionalProperties": true, "minProperties": 1, "required": ["mode"],
		"properties": {
			"mode": {"enum": ["slow", "fast"], "enumDescriptions": ["takes its time", ""], "description": "One of a type's words."},
			"either": {"description": "This or that.", "anyOf": [
				{"enum": ["all", "none"]},
				{"type": "array", "items": {"type": "string"}},
				{"type": "object", "additionalProperties": false, "properties": {
					"deep": {"type": "integer", "description": "Deep."}}}]},
			"names": {"description": "Names.", "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
			"by_name": {"description": "By name.", "type": "object",
				"additionalProperties": {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 1}]}},
			"again": {"description": "Again says so.", "type": "object", "additionalProperties": false, "properties": {
				"deep": {"type": "integer", "description": "Deep."}}},
			"free": {"description": "Free."}
		}
	}`
	if err := json.Unmarshal(got, &told); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, told); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

func TestFormsThatAreNone(t *testing.T) {
	for form, want := range map[string]string{
		"txet":       "File.Mode: package postern/forming has no type txet",
		"'a'|[]odd":  "File.Mode: package postern/forming has no type odd",
		"url.Values": "File.Mode: package  is not ours to read",
	} {
		src := smallSource(t, map[string]string{
			"forming/forming.go": "package forming\ntype File struct {\n\t// Mode is it.\n\tMode *yamldoc.Node " +
				"`yaml:\"mode\" schema:\"" + form + "\"`\n}\n",
		})
		top, err := src.find("postern/forming", "File")
		if err != nil {
			t.Fatal(err)
		}
		if _, err = (&schemaBuilder{source: src}).structure(top, nil); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", form, err, want)
		}
	}
}
