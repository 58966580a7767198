package engine_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/engine"
)

const ticketSubject = "crm.HelpDesk.updated.17x42"

const ticketEvent = `{"specversion":"1.0","id":"e1","source":"crm","type":"record.updated",` +
	`"subject":"HelpDesk/17x42","time":"2026-11-22T10:00:00+01:00","data":{"record":{"id":"17x42","hours":1.50},` +
	`"old":{"title":"x","hours":"1"},"version":7,"actor":"anna"}}`

func decode(subject string, header engine.Header, body string) (*engine.Event, error) {
	at, err := engine.ParseAddress(subject)
	if err != nil {
		return nil, err
	}
	return engine.DecodeEvent(at, header, []byte(body))
}

// headers are those of a message in binary mode, changed by pairs of name and value.
func headers(pairs ...string) engine.Header {
	all := map[string]string{
		"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "crm", "ce-type": "record.updated",
		"ce-subject": "HelpDesk/17x42", "ce-time": "2026-11-22T09:00:00Z",
	}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return all[name] }
}

func TestDecodeEvent(t *testing.T) {
	want := &engine.Event{
		ID: "e1", Source: "crm", Type: engine.RecordUpdated, Subject: "HelpDesk/17x42",
		Time: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
		Change: &engine.Change{
			Record: engine.Fields{"id": "17x42", "hours": json.Number("1.50")},
			Old:    engine.Fields{"title": "x", "hours": "1"}, Changed: []string{"hours", "title"}, Version: 7, Actor: "anna",
		},
	}
	data := ticketEvent[strings.Index(ticketEvent, `{"record"`) : len(ticketEvent)-1]
	for name, read := range map[string]func() (*engine.Event, error){
		"structured":    func() (*engine.Event, error) { return decode(ticketSubject, engine.NoHeader, ticketEvent) },
		"binary":        func() (*engine.Event, error) { return decode(ticketSubject, headers(), data) },
		"partitioned":   func() (*engine.Event, error) { return decode("p.9."+ticketSubject, engine.NoHeader, ticketEvent) },
		"without a key": func() (*engine.Event, error) { return decode("crm.HelpDesk.updated", engine.NoHeader, ticketEvent) },
	} {
		got, err := read()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	deleted := strings.ReplaceAll(ticketEvent, "updated", "deleted")
	deleted = strings.Replace(deleted, data, "{}", 1)
	if got, err := decode("crm.HelpDesk.deleted.17x42", engine.NoHeader, deleted); err != nil || got.Change.Record == nil {
		t.Errorf("a deletion needs no record: %v", err)
	}
}

// Each row changes a good event by one replacement; what is said about it must be this.
func TestDecodeEventMessages(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"cut off", `"actor":"anna"}}`, ``, `the body is no CloudEvent: broken JSON: it ends too early`},
		{"no JSON", ticketEvent, `hello`, `the body is no CloudEvent: broken JSON at byte 1: invalid character 'h' looking for beginning of value`},
		{"empty", ticketEvent, ``, `the body is no CloudEvent: it is empty`},
		{"a list", ticketEvent, `[]`, `the body is no CloudEvent: it should be an object, found a list`},
		{"text after it", `"anna"}}`, `"anna"}} {}`, `the body is no CloudEvent: text follows the JSON value`},
		{"a bracket after it", `"anna"}}`, `"anna"}}}`, `the body is no CloudEvent: text follows the JSON value`},
		{"oversized", `"anna"`, `"` + strings.Repeat("a", engine.MaxEventBytes) + `"`, `the event has 262377 bytes; at most 262144 are taken`},
		{"deep", `"anna"`, strings.Repeat("[", 31) + strings.Repeat("]", 31), `the event nests deeper than 32 levels`},
		{"version", `"1.0"`, `"0.3"`, `specversion is "0.3"; this contract is CloudEvents "1.0"`},
		{"no version", `"specversion":"1.0",`, ``, `specversion is ""; this contract is CloudEvents "1.0"`},
		{"no id", `"id":"e1",`, ``, `attribute "id" is missing`},
		{"no source", `"source":"crm",`, ``, `attribute "source" is missing`},
		{"no type", `"type":"record.updated",`, ``, `attribute "type" is missing`},
		{"no subject", `"subject":"HelpDesk/17x42",`, ``, `attribute "subject" is missing`},
		{"long", `"crm"`, `"` + strings.Repeat("c", 513) + `"`, `attribute "source" has 513 bytes; at most 512 are taken`},
		{"control", `"e1"`, `"e1\r\nBcc: x"`, `attribute "id" holds a control character or broken UTF-8`},
		{"id a number", `"e1"`, `17`, `the body is no CloudEvent: "id" should be text, found a number`},
		{"time", `2026-11-22T10`, `yesterday`, `attribute "time" is "yesterday:00:00+01:00", which is no RFC 3339 time`},
		{"time beyond", `2026-11-22T10:00:00+01:00`, `9999-12-31T23:59:59-01:00`, `attribute "time" is outside the years 0 to 9999`},
		{"depth a text", `"source"`, `"depth":"1","source"`, `the body is no CloudEvent: "depth" should be a whole number, found text`},
		{"depth below", `"source"`, `"depth":-1,"source"`, `attribute "depth" is -1; it counts from 0`},
		{"subject", `HelpDesk/17x42`, `17x42`, `attribute "subject": "17x42" does not name a record as Module/id`},
		{"module", `HelpDesk/17x42`, `Help.Desk/17x42`, `module "Help.Desk" may hold only letters, digits, - and _`},
		{"other module", `HelpDesk/17x42`, `Contacts/17x42`, `the subject says module "HelpDesk", the event says "Contacts"`},
		{"other id", `HelpDesk/17x42`, `HelpDesk/17x43`, `the subject's key is "17x42", the record's id is "17x43"`},
		{"record's id", `"id":"17x42"`, `"id":"17x41"`, `data.record.id is "17x41", the subject says "17x42"`},
		{"other verb", `record.updated`, `record.created`, `the subject says "updated", the type says "created"`},
		{"unknown verb", `record.updated`, `record.renamed`, `type "record.renamed" is not one of record.created, updated, deleted, restored, related, unrelated`},
		{"other noun", `record.updated`, `ticket.updated`, `type "ticket.updated" is not one of record.created, updated, deleted, restored, related, unrelated`},
		{"no data", `,"data":`, `,"date":`, `a record event needs "data"`},
		{"data null", `"data":{`, `"data":null,"x":{`, `data.record is missing`},
		{"data a text", `"data":{`, `"data":"x","x":{`, `data: it should be an object, found text`},
		{"record a list", `"record":{`, `"record":[],"x":{`, `data: "record" should be an object, found a list`},
		{"no record", `"record":{`, `"recrd":{`, `data.record is missing`},
		{"changed a text", `"version"`, `"changed":"title","version"`, `data: "changed" should be a list, found text`},
		{"version a text", `"version":7`, `"version":"7"`, `data: "version" should be a whole number, found text`},
		{"partial a text", `"version"`, `"partial":"yes","version"`, `data: "partial" should be true or false, found text`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := strings.Replace(ticketEvent, tt.from, tt.to, 1)
			if body == ticketEvent {
				t.Fatal("the row changes nothing")
			}
			event, err := decode(ticketSubject, engine.NoHeader, body)
			if err == nil {
				t.Fatalf("decoded as %+v", event)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if event != nil {
				t.Error("an event came with the error")
			}
		})
	}
}

// A relation names its other end; of any other change that is not looked at.
func TestDecodeRelation(t *testing.T) {
	for verb, tests := range map[string]map[string]string{
		"unrelated": {
			`"Contacts/12x1"`:   "",
			`""`:                "data.related is missing: it names the record at the other end, as Module/id",
			`null`:              "data.related is missing: it names the record at the other end, as Module/id",
			`7`:                 `data: "related" should be text, found a number`,
			`"12x1"`:            `data.related: "12x1" does not name a record as Module/id`,
			`"Con.tacts/1"`:     `data.related: module "Con.tacts" may hold only letters, digits, - and _`,
			`"Contacts/\u0007"`: "data.related holds a control character",
			`"A/` + strings.Repeat("x", engine.MaxAttribute) + `"`: "data.related has 514 bytes; at most 512 are taken",
		},
		"updated": {`"Contacts/12x1"`: "", `"x"`: "", `null`: ""},
	} {
		for related, want := range tests {
			body := strings.NewReplacer("record.updated", "record."+verb, `"version"`, `"related":`+related+`,"version"`).
				Replace(ticketEvent)
			event, err := decode("crm.HelpDesk."+verb+".17x42", engine.NoHeader, body)
			switch {
			case want != "" && (err == nil || err.Error() != want):
				t.Errorf("%s, related %s: got %v, want %s", verb, related, err, want)
			case want == "" && err != nil:
				t.Errorf("%s, related %s: %v", verb, related, err)
			case want == "" && (event.Change.Related == "Contacts/12x1") != (verb == "unrelated"):
				t.Errorf("%s, related %s: it names %q", verb, related, event.Change.Related)
			}
		}
	}
}

func TestDecodeEventBinaryMessages(t *testing.T) {
	tests := []struct{ header, value, body, want string }{
		{"ce-specversion", "2", `{}`, `specversion is "2"; this contract is CloudEvents "1.0"`},
		{"ce-time", "noon", `{}`, `attribute "time" is "noon", which is no RFC 3339 time`},
		{"ce-depth", "two", `{}`, `header ce-depth is "two", which is no whole number`},
		{"ce-source", "a\tb", `{}`, `attribute "source" holds a control character or broken UTF-8`},
		{"ce-source", "a\xff", `{}`, `attribute "source" holds a control character or broken UTF-8`},
		{"ce-id", "", `{}`, `attribute "id" is missing`},
		{"ce-id", "e1", ``, `a record event needs "data"`},
		{"ce-id", "e1", `{"record":{}} x`, `data: text follows the JSON value`},
	}
	for _, tt := range tests {
		_, err := decode(ticketSubject, headers(tt.header, tt.value), tt.body)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s %q, %s: got %v", tt.header, tt.value, tt.body, err)
		}
	}
	own := headers("ce-type", "ticket.escalated")
	if _, err := decode("postern.ticket.escalated.17x42", own, `not JSON`); err == nil || !strings.HasPrefix(err.Error(), "data: broken JSON") {
		t.Errorf("data that is no JSON: %v", err)
	}
}

func TestEventRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 5000, time.UTC)
	events := []*engine.Event{
		{ID: "1", Source: "crm", Type: engine.RecordCreated, Subject: "HelpDesk/a.b c/Ü", Time: at, Change: &engine.Change{
			Record: engine.Fields{"title": "<b> & \u2028", "n": json.Number("12345678901234567890"), "tags": []any{"x"}, "none": nil},
		}},
		{
			ID: "2", Source: engine.Source, Type: "ticket.escalated", Subject: "HelpDesk/17x42", CauseID: "1", Depth: 3,
			TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Data: json.RawMessage(`{"a":[1]}`),
		},
		{ID: "3", Source: "crm", Type: engine.RecordDeleted, Subject: "HelpDesk/1", Change: &engine.Change{Record: engine.Fields{}}},
		{ID: "4", Source: engine.Source, Type: "run.ended"},
	}
	for _, event := range events {
		body, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(event.Address().Subject(), engine.NoHeader, string(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if diff := cmp.Diff(event, got); diff != "" {
			t.Error(diff)
		}
		stored, err := engine.RestoreEvent(body)
		if diff := cmp.Diff(event, stored); err != nil || diff != "" {
			t.Errorf("restored: %v\n%s", err, diff)
		}
	}
}

// Whatever is taken can be written, and comes back as the same event.
func FuzzDecodeEvent(f *testing.F) {
	f.Add(ticketEvent, false, "")
	f.Add(strings.ReplaceAll(ticketEvent, "record.updated", "ticket.escalated"), true, "")
	f.Add(`{"record":{"a":[{"b":-0.0e1}]},"changed":["a"],"partial":true}`, false, "1.0")
	f.Add(` { "x" : "\ud800" } `, true, "1.0")
	f.Fuzz(func(t *testing.T, body string, own bool, version string) {
		subject, header := ticketSubject, headers("ce-specversion", version)
		if own {
			subject, header = "postern.ticket.escalated.17x42", headers("ce-specversion", version, "ce-type", "ticket.escalated")
		}
		event, err := decode(subject, header, body)
		if err != nil {
			return
		}
		first, err := json.Marshal(event)
		if err != nil {
			t.Fatalf("write %+v: %v", event, err)
		}
		again, err := engine.RestoreEvent(first)
		if err != nil {
			t.Fatalf("read %s: %v", first, err)
		}
		loose := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(engine.Event{}, "Data")}
		if diff := cmp.Diff(event, again, loose); diff != "" {
			t.Errorf("came back as another:\n%s", diff)
		}
		if second, err := json.Marshal(again); err != nil || string(first) != string(second) {
			t.Errorf("%v\n%s\n%s", err, first, second)
		}
	})
}

// Without a subject that it came by, a message is held against its own words alone.
func TestDecodeUnaddressed(t *testing.T) {
	event, err := engine.DecodeUnaddressed(engine.NoHeader, []byte(ticketEvent))
	if err != nil || event.Change == nil || event.Address().Subject() != ticketSubject {
		t.Errorf("structured: %+v, %v", event, err)
	}
	event, err = engine.DecodeUnaddressed(headers("ce-type", "ticket.seen"), []byte(`{"by":"anna"}`))
	if err != nil || event.Change != nil || event.Address().Subject() != "postern.ticket.seen.17x42" {
		t.Errorf("binary: %+v, %v", event, err)
	}
	for _, body := range []string{"", "[]", `{"type":1}`, strings.Repeat("[", 100)} {
		if event, err := engine.DecodeUnaddressed(engine.NoHeader, []byte(body)); err == nil {
			t.Errorf("%q is %+v", body, event)
		}
	}
}
