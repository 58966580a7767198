package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postern/engine"
)

var ticket = engine.Ref{Module: "Tickets", ID: "1"}

func TestSame(t *testing.T) {
	n := func(text string) any { return json.Number(text) }
	same := [][2]any{
		{nil, ""},
		{"a", "a"},
		{n("7"), "7"},
		{n("1.5"), "1.50"},
		{n("1.0"), n("1")},
		{true, "1"},
		{false, "off"},
		{true, true},
		{[]any{"a", n("1")}, []any{"a", n("1")}},
		{map[string]any{"a": nil}, map[string]any{"a": nil}},
	}
	other := [][2]any{
		{"a", "A"},
		{"1", "1.0"},
		{"1", "true"},
		{n("7"), "8"},
		{n("0"), ""},
		{false, ""},
		{false, nil},
		{true, "maybe"},
		{[]any{}, nil},
		{[]any{"a"}, "a"},
		{[]any{"a", "b"}, []any{"b", "a"}},
	}
	for want, pairs := range map[bool][][2]any{true: same, false: other} {
		for _, p := range pairs {
			if engine.Same(p[0], p[1]) != want || engine.Same(p[1], p[0]) != want {
				t.Errorf("%#v and %#v: same is not %v", p[0], p[1], want)
			}
		}
	}
}

func TestParseRef(t *testing.T) {
	for _, text := range []string{"", "HelpDesk", "/1", "HelpDesk/"} {
		if ref, err := engine.ParseRef(text); err == nil || !ref.IsZero() {
			t.Errorf("%q is %v", text, ref)
		}
	}
	if ref, err := engine.ParseRef("A/b/c"); err != nil || ref.ID != "b/c" || ref.String() != "A/b/c" {
		t.Errorf("%+v, %v", ref, err)
	}
}

func TestWriteApply(t *testing.T) {
	before := engine.Record{Ref: ticket, Seq: 4, Fields: engine.Fields{"a": "1", "b": nil, "c": "x"}}
	tests := []struct {
		name        string
		set, expect engine.Fields
		after, old  engine.Fields
		err         error
	}{
		{
			"changes",
			engine.Fields{"a": "2", "b": "", "c": "y"},
			engine.Fields{"a": "1"},
			engine.Fields{"a": "2", "b": nil, "c": "y"},
			engine.Fields{"a": "1", "c": "x"},
			nil,
		},
		{
			"new field",
			engine.Fields{"d": "z"},
			engine.Fields{"d": ""},
			engine.Fields{"a": "1", "b": nil, "c": "x", "d": "z"},
			engine.Fields{"d": nil},
			nil,
		},
		{"nothing new", engine.Fields{"a": json.Number("1"), "b": ""}, nil, before.Fields, nil, nil},
		{"overtaken", engine.Fields{"a": "2"}, engine.Fields{"a": ""}, nil, nil, engine.ErrConflict},
		{"overtaken with the same value", engine.Fields{"a": "1"}, engine.Fields{"a": ""}, nil, nil, engine.ErrConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := engine.Write{
				Ref: ticket, Patch: engine.Patch{Set: tt.set, Expect: tt.expect},
				Origin: engine.Origin{Cause: "e1", Depth: 2, Actor: "anna"},
			}
			after, event, err := w.Apply(before)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.after, after.Fields); diff != "" {
				t.Error(diff)
			}
			if tt.old == nil {
				if event != nil {
					t.Errorf("it tells %+v", event)
				}
				return
			}
			want := &engine.Change{Record: tt.after, Old: tt.old, Changed: slices.Sorted(maps.Keys(tt.old)), Actor: "anna"}
			if diff := cmp.Diff(want, event.Change); diff != "" || event.CauseID != "e1" || event.Depth != 2 {
				t.Errorf("it tells %+v\n%s", event, diff)
			}
		})
	}
	if before.Fields["a"] != "1" {
		t.Error("the record before was written to")
	}
	if _, _, err := (engine.Write{Ref: ticket}).Apply(engine.Record{Deleted: true}); !errors.Is(err, engine.ErrNoRecord) {
		t.Errorf("a deleted record: %v", err)
	}
}

func TestFollow(t *testing.T) {
	kept := engine.Record{Ref: ticket, Seq: 5, Version: 3, Fields: engine.Fields{"a": "1", "b": "2"}}
	tests := []struct {
		name   string
		before engine.Record
		seq    uint64
		event  string
		change engine.Change
		after  engine.Fields
		moved  bool
	}{
		{"created", engine.Record{}, 1, engine.RecordCreated, engine.Change{Record: engine.Fields{"a": "1"}}, engine.Fields{"a": "1"}, true},
		{
			"what an event leaves out stays", kept, 6, engine.RecordUpdated,
			engine.Change{Record: engine.Fields{"a": "9"}},
			engine.Fields{"a": "9", "b": "2"},
			true,
		},
		{
			"changed only", kept, 6, engine.RecordUpdated,
			engine.Change{Record: engine.Fields{"a": "9", "b": "stale"}, Changed: []string{"a"}},
			engine.Fields{"a": "9", "b": "2"},
			true,
		},
		{
			"changed, unknown before",
			engine.Record{},
			6, engine.RecordUpdated,
			engine.Change{Record: engine.Fields{"a": "9", "b": "x"}, Changed: []string{"a"}},
			engine.Fields{"a": "9", "b": "x"},
			true,
		},
		{"partial", kept, 6, engine.RecordUpdated, engine.Change{Record: engine.Fields{"b": "7"}, Partial: true}, engine.Fields{"a": "1", "b": "7"}, true},
		{
			"partial, unknown before",
			engine.Record{},
			6, engine.RecordUpdated,
			engine.Change{Record: engine.Fields{"b": "7"}, Partial: true},
			engine.Fields{"b": "7"},
			true,
		},
		{"deleted", kept, 6, engine.RecordDeleted, engine.Change{Record: engine.Fields{}}, kept.Fields, true},
		{"replayed", kept, 5, engine.RecordUpdated, engine.Change{Record: engine.Fields{"a": "9"}}, kept.Fields, false},
		{"older version", kept, 6, engine.RecordUpdated, engine.Change{Record: engine.Fields{"a": "9"}, Version: 3}, kept.Fields, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := &engine.Event{Type: tt.event, Subject: ticket.String(), Change: &tt.change}
			after, moved := engine.Follow(tt.before, event, tt.seq)
			if diff := cmp.Diff(tt.after, after.Fields); diff != "" || moved != tt.moved {
				t.Errorf("moved: %v\n%s", moved, diff)
			}
			if after.Deleted != (tt.event == engine.RecordDeleted) {
				t.Errorf("deleted: %v", after.Deleted)
			}
		})
	}
}

// However events tell a change, and however often some are replayed, the copy ends as the record.
func TestFollowingTheStreamGivesTheLastState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.SampledFrom([]string{"a", "b", "c"})
		record := engine.Fields{"a": "0", "b": "0", "c": "0"}
		events := []*engine.Event{event(engine.RecordCreated, engine.Change{Record: maps.Clone(record)})}
		for i := range rapid.IntRange(0, 8).Draw(t, "changes") {
			name := field.Draw(t, "field")
			record[name] = fmt.Sprint(i)
			change := engine.Change{Record: maps.Clone(record)}
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 1:
				change.Changed = []string{name}
			case 2:
				change.Record, change.Partial = engine.Fields{name: record[name]}, true
			}
			events = append(events, event(engine.RecordUpdated, change))
		}
		kept := engine.Record{}
		for i, e := range events {
			var moved bool
			if kept, moved = engine.Follow(kept, e, uint64(i+1)); !moved {
				t.Fatalf("event %d was passed over", i+1)
			}
			again := rapid.IntRange(0, i).Draw(t, "replayed")
			if _, moved := engine.Follow(kept, events[again], uint64(again+1)); moved {
				t.Fatalf("the replay of %d after %d changed the copy", again+1, i+1)
			}
		}
		if diff := cmp.Diff(record, kept.Fields); diff != "" {
			t.Fatal(diff)
		}
	})
}

func event(eventType string, change engine.Change) *engine.Event {
	return &engine.Event{Type: eventType, Subject: ticket.String(), Change: &change}
}

// Our own writes change the copy at once, and come back by the stream later. What is older in the
// stream must not undo them.
func TestFollowKeepsOurOwnWrites(t *testing.T) {
	write := func(before engine.Record, id byte, value string) (engine.Record, *engine.Event) {
		after, event, err := engine.Write{
			Ref: ticket, Patch: engine.Patch{Set: engine.Fields{"a": value}},
			Origin: engine.Origin{EventID: engine.ID{id}, Source: engine.Source},
		}.Apply(before)
		if err != nil {
			t.Fatal(err)
		}
		return after, event
	}
	follow := func(before engine.Record, event *engine.Event, seq uint64, want string) engine.Record {
		t.Helper()
		after, _ := engine.Follow(before, event, seq)
		if got := after.Fields.Text("a"); got != want {
			t.Errorf("after entry %d the field is %q, want %q", seq, got, want)
		}
		return after
	}
	record := engine.Record{Ref: ticket, Seq: 1, Fields: engine.Fields{"a": "1"}}
	record, first := write(record, 1, "2")
	record, second := write(record, 2, "3")
	older := &engine.Event{
		Source: "crm", Type: engine.RecordUpdated, Subject: ticket.String(),
		Change: &engine.Change{Record: engine.Fields{"a": "crm"}},
	}
	record = follow(record, older, 2, "3")
	record = follow(record, first, 3, "3")
	record = follow(record, second, 4, "3")
	follow(record, older, 5, "crm")
}
