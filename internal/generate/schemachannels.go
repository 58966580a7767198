package main

import (
	"fmt"
	"maps"
	"reflect"

	"postern/channels"
)

// channels are the entries under channels: each is of the kind that kind: names, or else of the kind that its own name
// says.
func (b *schemaBuilder) channels() (object, error) {
	byName, byKind := object{}, []any{}
	var names []any
	for _, kind := range channels.Kinds() {
		plugin := reflect.ValueOf(kind.New()).Elem()
		of, err := b.find(plugin.Type().PkgPath(), plugin.Type().Name())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.Name, err)
		}
		schema, err := b.structure(of, filled(plugin))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.Name, err)
		}
		keys := schema["properties"].(object)
		keys["kind"] = object{}
		keys["rate"] = rateSchema("The most that the provider takes: 10/s, 600/m, 3000/h or 50000/d.")
		keys["budget"] = rateSchema("How many messages may leave by the channel, whoever asks for them: 500/d. The " +
			"others wait.")
		schema["description"] = "Channel of kind " + kind.Name + ": " + stopped(lower(kind.Summary))
		b.definitions["channel_"+kind.Name] = schema
		at := object{
			"if":   object{"required": []string{"providers"}},
			"then": object{"$ref": "#/definitions/providers"},
			"else": object{"$ref": "#/definitions/channel_" + kind.Name},
		}
		byName[kind.Name] = object{
			"if": object{"required": []string{"kind"}}, "then": object{"$ref": "#/definitions/channel"},
			"else": maps.Clone(at),
		}
		byKind = append(byKind, object{
			"if": object{"properties": object{"kind": object{"const": kind.Name}}}, "then": at,
		})
		names = append(names, kind.Name)
	}
	b.definitions["providers"] = object{
		"type": "object", "additionalProperties": false, "required": []string{"providers"}, "properties": object{
			"kind": object{"enum": names}, "rate": rateSchema("The most that all providers together take."),
			"budget": rateSchema("How many messages may leave by the channel: 500/d. The others wait."),
			"providers": object{
				"type": "object", "minProperties": 1, "additionalProperties": object{"type": "object"},
				"description": "Accounts of one kind, in order: the next one takes a message that the one before " +
					"could not take.",
			},
		},
	}
	b.definitions["channel"] = object{
		"type": "object", "required": []string{"kind"}, "allOf": byKind,
		"properties": object{"kind": object{
			"enum": names, "description": "What carries the messages, where the channel's name does not say it.",
		}},
	}
	return object{
		"type": "object", "properties": byName, "additionalProperties": object{"$ref": "#/definitions/channel"},
	}, nil
}

func rateSchema(description string) object {
	return object{"type": "string", "pattern": "^[0-9.]+/[smhd]$", "description": description}
}
