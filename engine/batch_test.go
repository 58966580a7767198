package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/engine"
)

func listOf(events ...string) string { return "[" + strings.Join(events, ",") + "]" }

func TestDecodeBatch(t *testing.T) {
	const seen = `{"specversion":"1.0","id":"2","source":"crm","type":"ticket.seen","data":{"by":"anna"}}`
	events, err := engine.DecodeBatch([]byte(" " + listOf(ticketEvent, seen) + "\n"))
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	alone, err := engine.DecodeUnaddressed(engine.NoHeader, []byte(ticketEvent))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alone, events[0]); diff != "" {
		t.Errorf("in a batch it is another event:\n%s", diff)
	}
	if string(events[1].Data) != `{"by":"anna"}` {
		t.Errorf("the second event is %+v", events[1])
	}
	for _, empty := range []string{"[]", " [ ] "} {
		if events, err := engine.DecodeBatch([]byte(empty)); err != nil || len(events) > 0 {
			t.Errorf("%q is %d events, %v", empty, len(events), err)
		}
	}
}

func TestDecodeBatchRefuses(t *testing.T) {
	small := `{"specversion":"1.0","id":"%d","source":"crm","type":"ticket.seen"}`
	var many []string
	for i := range engine.MaxBatchEvents + 1 {
		many = append(many, fmt.Sprintf(small, i))
	}
	const whole = -1 // no single event is the reason
	for name, test := range map[string]struct {
		body   string
		index  int
		reason string
	}{
		"empty":           {"", whole, "no list"},
		"an event":        {ticketEvent, whole, "no list"},
		"text":            {`"[]"`, whole, "no list"},
		"cut at the end":  {"[" + ticketEvent, whole, "end with ]"},
		"cut in an event": {"[" + ticketEvent + "," + ticketEvent[:20], 1, "broken JSON at byte"},
		"ends otherwise":  {"[" + ticketEvent + "}", whole, ""},
		"no comma":        {"[" + ticketEvent + ticketEvent + "]", 1, "broken JSON"},
		"more follows":    {"[][]", whole, "text follows"},
		"no event":        {listOf(ticketEvent, ticketEvent, "7"), 2, "should be an object"},
		"nested":          {listOf(ticketEvent, strings.Repeat("[", 100)+strings.Repeat("]", 100)), 1, "deeper"},
		"null":            {listOf("null"), 0, "specversion"},
		"one is bad":      {listOf(ticketEvent, strings.Replace(ticketEvent, `"id"`, `"i"`, 1)), 1, `"id" is missing`},
		"one is large": {
			listOf(fmt.Sprintf(small, 1), `{"id":"`+strings.Repeat("x", engine.MaxEventBytes)+`"}`), 1, "262144",
		},
		"too many":  {listOf(many...), whole, "more than 1000 events"},
		"too large": {"[" + strings.Repeat(" ", engine.MaxBatchBytes) + "]", whole, "2097152"},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := engine.DecodeBatch([]byte(test.body))
			if err == nil || events != nil || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("%d events, %v; want %q", len(events), err, test.reason)
			}
			index := whole
			if bad, ok := errors.AsType[*engine.EventError](err); ok {
				index = bad.Index
			}
			if index != test.index {
				t.Errorf("event %d is the reason, want %d: %v", index, test.index, err)
			}
		})
	}
	if events, err := engine.DecodeBatch([]byte(listOf(many[1:]...))); err != nil || len(events) != engine.MaxBatchEvents {
		t.Errorf("as many as may be are %d events, %v", len(events), err)
	}
}

// A batch is taken as the list of the events that JSON finds in it, each as if it came alone, or not at all.
func FuzzDecodeBatch(f *testing.F) {
	f.Add(listOf(ticketEvent))
	f.Add(listOf(ticketEvent, ticketEvent, `{"specversion":"1.0","id":"2","source":"crm","type":"a.b","data":[1]}`))
	f.Add(` [ ] `)
	f.Add(`[{"id":"\ud800"},null,[[]]]`)
	f.Add(`[` + ticketEvent + `,]`)
	f.Fuzz(func(t *testing.T, body string) {
		events, err := engine.DecodeBatch([]byte(body))
		var raws []json.RawMessage
		broken := json.Unmarshal([]byte(body), &raws)
		if err != nil {
			if bad, ok := errors.AsType[*engine.EventError](err); ok && broken == nil && bad.Index >= len(raws) {
				t.Errorf("event %d of %d: %v", bad.Index, len(raws), err)
			}
			return
		}
		if broken != nil || len(raws) != len(events) {
			t.Fatalf("%d events of %d values, %v", len(events), len(raws), broken)
		}
		for i, raw := range raws {
			alone, err := engine.DecodeUnaddressed(engine.NoHeader, raw)
			if diff := cmp.Diff(alone, events[i], cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("event %d alone: %v\n%s", i, err, diff)
			}
		}
	})
}

func BenchmarkDecodeBatch(b *testing.B) {
	events := make([]string, 100)
	for i := range events {
		events[i] = ticketEvent
	}
	body := []byte(listOf(events...))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.DecodeBatch(body); err != nil {
			b.Fatal(err)
		}
	}
}
