package crm

import (
	"encoding/json"
	"testing"

	"postern/engine"
)

// Values go out as coreBOS writes them, and are known again when they come back.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		field   field
		value   any
		text    string
		stored  any // as it comes back
		unequal any // what is not the same
	}{
		{field{kind: "string"}, nil, "", "", "0"},
		{field{kind: "string"}, "Ünï <x>", "Ünï <x>", "Ünï <x>", "ünï <x>"},
		{field{kind: "string"}, "1.50", "1.50", "1.50", "1.5"},
		{field{kind: "string"}, "2026-03-04T05:06:07Z", "2026-03-04T05:06:07Z", "2026-03-04T05:06:07Z", ""},
		{field{kind: "boolean"}, true, "1", "1", "0"},
		{field{kind: "boolean"}, false, "0", "", "1"},
		{field{kind: "boolean"}, nil, "", "0", "1"},
		{field{kind: "double"}, json.Number("1.50"), "1.50", "1.500000", "1.510000"},
		{field{kind: "double"}, "1.50", "1.50", "1.500000", ""},
		{field{kind: "integer"}, "", "", "0", "1"},
		{field{kind: "datetime"}, "2026-03-04T07:06:07+02:00", "2026-03-04 05:06:07", "2026-03-04 05:06:07", ""},
		{field{kind: "datetime"}, "2026-03-04 05:06:07", "2026-03-04 05:06:07", "2026-03-04 05:06:07", "2026-03-04"},
		{field{kind: "multipicklist"}, []any{"a", "b"}, "a |##| b", "a |##| b", "b |##| a"},
		{field{kind: "string", longest: 2}, "éé", "éé", "éé", "é"},
	} {
		text, err := c.field.text(c.value)
		if err != nil || text != c.text {
			t.Errorf("%s %#v is sent as %q, %v, want %q", c.field.kind, c.value, text, err, c.text)
		}
		if !c.field.same(c.stored, c.value) || c.field.same(c.unequal, c.value) {
			t.Errorf("%s %#v: same as %#v: %v, same as %#v: %v", c.field.kind, c.value,
				c.stored, c.field.same(c.stored, c.value), c.unequal, c.field.same(c.unequal, c.value))
		}
	}
	for _, value := range []any{map[string]any{}, []any{[]any{}}, engine.Fields{}} {
		if text, err := (field{}).text(value); err == nil {
			t.Errorf("%#v is sent as %q", value, text)
		}
	}
}
