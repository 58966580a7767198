package schemas_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"postern/engine"
	"postern/schemas"
)

func eventSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas.Event()))
	if err != nil {
		t.Fatalf("read schema: %v", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("event.schema.json", document); err != nil {
		t.Fatalf("add schema: %v", err)
	}
	schema, err := compiler.Compile("event.schema.json")
	if err != nil {
		t.Fatalf("compile schema: %v", err)
	}
	return schema
}

// bySchema and byDecoder are what each of the two says of an event; nil is yes.
func bySchema(schema *jsonschema.Schema, event string) error {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(event))
	if err != nil {
		return err
	}
	return schema.Validate(document)
}

func byDecoder(event string) error {
	var head struct{ Type, Subject string }
	_ = json.Unmarshal([]byte(event), &head) // where it cannot be read, the decoder says so itself
	_, err := engine.DecodeEvent(ownAddress(head.Type, head.Subject), engine.NoHeader, []byte(event))
	return err
}

// ownAddress is where an event belongs by what it says itself, so that only its content is judged.
func ownAddress(eventType, subject string) engine.Address {
	return (&engine.Event{Type: eventType, Subject: subject}).Address()
}

// with is a good event with more attributes, or some replaced.
func with(attributes string) string {
	event := map[string]json.RawMessage{}
	for _, part := range []string{
		`{"specversion":"1.0","id":"1","source":"crm","type":"record.updated","subject":"HelpDesk/17x1"}`,
		`{"data":{"record":{"id":"17x1"}}}`,
		`{` + attributes + `}`,
	} {
		_ = json.Unmarshal([]byte(part), &event)
	}
	text, _ := json.Marshal(event)
	return string(text)
}

func TestSchemaAndDecoderAgree(t *testing.T) {
	schema := eventSchema(t)
	for _, tc := range []struct {
		name, event string
		good        bool
	}{
		{"the least", `{"specversion":"1.0","id":"1","source":"crm","type":"ticket.escalated"}`, true},
		{"a record", with(`"time":"2026-03-01T09:30:00.25+01:00"`), true},
		{"an extension", with(`"tenant":"acme"`), true},
		{"null is left out", with(`"time":null,"causeid":null,"depth":null,"traceparent":null`), true},
		{"so is nothing", with(`"time":"","causeid":"","traceparent":""`), true},
		{"chained", with(`"causeid":"c","depth":3,"traceparent":"00-0af7-b7ad-01"`), true},
		{"deleted with nothing", with(`"type":"record.deleted","data":{}`), true},
		{"deleted with null", with(`"type":"record.deleted","data":null`), true},
		{"a slash in the id", with(`"subject":"HelpDesk/a/b","data":{"record":{}}`), true},
		{"all data", with(`"data":{"record":{},"old":{"a":1},"changed":["a"],"version":9,"partial":true}`), true},
		{"another type with any data", with(`"type":"call.ended","subject":"whatever","data":[1,2]`), true},

		{"no object", `["1.0"]`, false},
		{"another version", with(`"specversion":"0.3"`), false},
		{"no id", with(`"id":""`), false},
		{"a number as id", with(`"id":7`), false},
		{"null as source", with(`"source":null`), false},
		{"no type", `{"specversion":"1.0","id":"1","source":"crm"}`, false},
		{"another verb", with(`"type":"record.exploded"`), false},
		{"a line break", with(`"source":"crm\nTo: eve"`), false},
		{"a long attribute", with(`"causeid":"` + strings.Repeat("x", 513) + `"`), false},
		{"no subject", with(`"subject":null`), false},
		{"a subject without id", with(`"subject":"HelpDesk/"`), false},
		{"a module with a dot", with(`"subject":"Help.Desk/17x1"`), false},
		{"a time without zone", with(`"time":"2026-03-01T09:30:00"`), false},
		{"a day that is not there", with(`"time":"2026-02-30T09:30:00Z"`), false},
		{"a leap second", with(`"time":"2016-12-31T23:59:60Z"`), false},
		{"a time in small letters", with(`"time":"2026-03-01t09:30:00z"`), false},
		{"a depth below zero", with(`"depth":-1`), false},
		{"half a depth", with(`"depth":1.5`), false},
		{"null as data", with(`"data":null`), false},
		{"text as data", with(`"data":"{}"`), false},
		{"no record", with(`"data":{}`), false},
		{"a list as record", with(`"data":{"record":[]}`), false},
		{"text as changed", with(`"data":{"record":{},"changed":"a"}`), false},
		{"a huge version", with(`"data":{"record":{},"version":9223372036854775808}`), false},
		{"text as partial", with(`"data":{"record":{},"partial":"true"}`), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := bySchema(schema, tc.event); (err == nil) != tc.good {
				t.Errorf("the schema says good=%t: %v", err == nil, err)
			}
			if err := byDecoder(tc.event); (err == nil) != tc.good {
				t.Errorf("the decoder says good=%t: %v", err == nil, err)
			}
		})
	}
}

// Where schema and decoder differ, they do so knowingly, and only as listed here.
func TestSchemaAndDecoderDifferKnowingly(t *testing.T) {
	schema := eventSchema(t)
	deep := strings.Repeat("[", engine.MaxEventDepth) + strings.Repeat("]", engine.MaxEventDepth)
	for _, tc := range []struct {
		name, event string
		decoder     bool // takes it, and the schema does not
		why         string
	}{
		{"key and id", with(`"data":{"record":{"id":"17x2"}}`), false, "a schema compares no two values"},
		{"size", with(`"a":"` + strings.Repeat("x", engine.MaxEventBytes) + `"`), false, "it counts no bytes"},
		{"nesting", with(`"a":` + deep), false, "it counts no levels"},
		{"long in bytes", with(`"causeid":"` + strings.Repeat("é", 300) + `"`), false, "its lengths are characters"},
		{"year", with(`"time":"0000-01-01T00:30:00+01:00"`), false, "it knows no other zone's year"},
		{"whole fraction", with(`"depth":1.0`), false, "its whole numbers may be written as 1.0"},
		{"capitals", strings.Replace(with(`"a":1`), `"id":"1"`, `"ID":"1"`, 1), true, "encoding/json sees no case"},
		{"loose hour", with(`"time":"2026-03-01T9:30:00Z"`), true, "time.Parse takes an hour of one digit"},
		{"loose fraction", with(`"time":"2026-03-01T09:30:00,5Z"`), true, "time.Parse takes a comma"},
		{"null among names", with(`"data":{"record":{},"changed":[null]}`), true, "encoding/json takes null for \"\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bySchema, byDecoder := bySchema(schema, tc.event) == nil, byDecoder(tc.event) == nil
			if byDecoder != tc.decoder || bySchema == tc.decoder {
				t.Errorf("schema says %t, decoder says %t; known was: %s", bySchema, byDecoder, tc.why)
			}
		})
	}
}

// Good events with up to three places spoiled at random.
func TestSchemaAndDecoderAgreeOnAnything(t *testing.T) {
	schema := eventSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		event := goodEvent(t)
		for range rapid.IntRange(0, 3).Draw(t, "spoiled places") {
			spoil(t, event)
		}
		text, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		schemaSays, decoderSays := bySchema(schema, string(text)), byDecoder(string(text))
		if (schemaSays == nil) != (decoderSays == nil) {
			t.Fatalf("%s\nschema:  %v\ndecoder: %v", text, schemaSays, decoderSays)
		}
	})
}

func goodEvent(t *rapid.T) map[string]any {
	data := map[string]any{"record": map[string]any{"ticket_title": rapid.String().Draw(t, "title")}}
	optional := map[string]any{
		"old": map[string]any{"ticket_title": nil}, "changed": []string{"ticket_title"},
		"version": rapid.Int64().Draw(t, "version"), "actor": "19x1", "partial": true,
		"related": "Contacts/12x1",
	}
	for name, value := range optional {
		if rapid.Bool().Draw(t, "has "+name) {
			data[name] = value
		}
	}
	return map[string]any{
		"specversion": "1.0", "id": rapid.StringN(1, 40, engine.MaxAttribute).Draw(t, "id"), "source": "crm",
		"type": rapid.SampledFrom(types).Draw(t, "type"), "subject": "HelpDesk/17x1",
		"time": "2026-03-01T09:30:00Z", "datacontenttype": "application/json",
		"causeid": "c", "depth": rapid.IntRange(0, 99).Draw(t, "depth"), "traceparent": "00-0af7-b7ad-01", "data": data,
	}
}

var types = []string{
	"record.created", "record.updated", "record.deleted", "record.restored", "record.related", "record.unrelated",
	"record.", "record.created.twice", "records.created", "Record.created", "ticket.escalated", "ticket", "",
}

// spoil puts a value where it may not belong, or takes one away.
func spoil(t *rapid.T, event map[string]any) {
	place := event
	names := []string{
		"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "causeid", "depth", "traceparent",
		"data", "tenant",
	}
	if data, ok := event["data"].(map[string]any); ok && rapid.Bool().Draw(t, "in data") {
		place, names = data, []string{"record", "old", "changed", "version", "actor", "partial", "related", "more"}
	}
	name := rapid.SampledFrom(names).Draw(t, "name")
	if rapid.Bool().Draw(t, "away") {
		delete(place, name)
		return
	}
	place[name] = rapid.OneOf(
		rapid.SampledFrom([]any{
			nil, true, -1, 0, 7, 1.5, "", "x", "1.0", "HelpDesk/17x1", "HelpDesk", "/1", "Help Desk/1", "A/1/2",
			"2026-03-01T09:30:00+25:00", "2026-13-01T09:30:00Z",
			[]any{},
			[]any{"a", 1},
			[]any{"a"},
			map[string]any{},
			map[string]any{"record": map[string]any{}},
			map[string]any{"record": nil},
			strings.Repeat("x", engine.MaxAttribute), strings.Repeat("x", engine.MaxAttribute+1),
			"a\u0000b", "a\u007fb",
		}),
		rapid.Map(rapid.SampledFrom(types), func(s string) any { return s }),
	).Draw(t, "value")
}

func TestTheSchemasOwnExamples(t *testing.T) {
	schema := eventSchema(t)
	var document struct{ Examples []json.RawMessage }
	if err := json.Unmarshal(schemas.Event(), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Examples) == 0 {
		t.Fatal("the schema shows no example")
	}
	for _, example := range document.Examples {
		if err := bySchema(schema, string(example)); err != nil {
			t.Errorf("%s\n%v", example, err)
		}
		if err := byDecoder(string(example)); err != nil {
			t.Errorf("%s\n%v", example, err)
		}
	}
}
