package main

import "postern/engine"

// forms are the ways in which single values are written: of Go's types, of types that read themselves, and of what the
// tag schema:"…" names where Go's type is a node of the file.
func forms() map[string]object {
	text := object{"type": "string"}
	label := object{"anyOf": []any{
		text, object{"type": "object", "additionalProperties": text, "minProperties": 1},
	}}
	duration := object{
		"type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$", "minLength": 2,
	}
	return map[string]object{
		"string": text, "bool": {"type": "boolean"}, "any": {}, "float64": {"type": "number"},
		"int": {"type": "integer"}, "int64": {"type": "integer"},
		"time.Duration": duration, "duration": duration, "whole": {"type": "integer", "minimum": 1},
		"yamldoc.Node": {}, "yamldoc.Entry": {}, "nothing": {"type": "null"},

		"labels": label, "text": text,
		"choices": {"anyOf": []any{
			object{"type": "array", "items": object{"type": []any{"string", "number", "boolean"}}},
			object{"type": "object", "additionalProperties": object{"anyOf": []any{label, object{"type": "null"}}}},
		}},
		"relatives": {"anyOf": []any{
			text,
			object{"type": "array", "items": object{"type": []any{"string", "object"}}},
			object{"type": "object", "additionalProperties": object{"type": []any{"string", "null"}}},
		}},
		"fields":     {"type": "object"},                             // values by the names of fields
		"word":       {"type": []any{"string", "number", "boolean"}}, // a text that may look like something else
		"name":       {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
		"id":         {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
		"if":         {"type": []any{"string", "boolean"}}, // a bare expression
		"expression": {"type": []any{"string", "boolean", "number"}},
		"parallel":   {"type": "integer", "minimum": 1, "maximum": 32},
		"event": {"anyOf": []any{
			object{"enum": append([]string{
				engine.RecordCreated, engine.RecordUpdated, "record.saved", engine.RecordDeleted, engine.RecordRestored,
				engine.RecordRelated, engine.RecordUnrelated,
			}, engine.OwnEvents()...)},
			object{"type": "string", "pattern": "^[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+$"},
		}},
		"size":      {"type": "string", "pattern": "^[1-9][0-9]*(kB|MB)$", "examples": []any{"5MB", "500kB"}},
		"mediaType": {"type": "string", "examples": []any{"application/pdf", "image/jpeg", "image/png"}},
		"number":    {"type": "integer"},
		"yes":       {"const": true},
		"zone":      {"type": "string", "examples": []any{"Europe/Madrid", "America/New_York", "UTC"}},
		"moment": {
			"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?$",
			"examples": []any{"2026-12-24T09:00"},
		},
		"clock": {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$", "examples": []any{"09:00"}},
		"cron":  {"type": "string", "examples": []any{"0 8 * * 1-5", "0 9,13,18 * * *", "0 8 L * *"}},
		"day":   {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
		"first": {"anyOf": []any{object{"type": "boolean"}, object{
			"type": "object", "properties": object{"key": object{"type": "string"}}, "required": []string{"key"},
			"additionalProperties": false,
		}}},
	}
}
