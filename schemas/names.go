package schemas

import "encoding/json"

// For returns a schema with the names that a book has, by what they are (module, landing, factor, template, workflow),
// for editors to propose. Any other text is let through, since it may be in a file that is not written yet. False if
// there is no schema of that name.
func For(name string, names map[string][]string) ([]byte, bool) {
	text, ok := Of(name)
	if !ok {
		return nil, false
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		return text, true // it is our own, and the tests read it
	}
	definitions, _ := schema["definitions"].(map[string]any)
	changed := false
	for what, known := range names {
		if definitions[what] == nil || len(known) == 0 {
			continue
		}
		definitions[what] = map[string]any{"anyOf": []any{
			map[string]any{"enum": known}, map[string]any{"type": "string"},
		}}
		changed = true
	}
	if !changed {
		return text, true
	}
	made, err := json.MarshalIndent(schema, "", " ")
	if err != nil {
		return text, true // what was read as JSON can be written as such
	}
	return append(made, '\n'), true
}
