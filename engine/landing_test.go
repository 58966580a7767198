package engine_test

import (
	"strings"
	"testing"

	"postern/engine"
)

func TestAllowedOnlyNarrows(t *testing.T) {
	list := &engine.Field{Name: "colours", Type: engine.TypeMultiPicklist, Options: []string{"Black", "Cyan", "Yellow"}}
	text := &engine.Field{Name: "title", Type: engine.TypeText, Max: 5}
	free := &engine.Field{Name: "note", Type: engine.TypeText}
	for name, test := range map[string]struct {
		edit  engine.Edit
		value any
		fits  bool
	}{
		"options of a list":       {engine.Edit{Field: list, Options: []string{"Black", "Cyan"}}, []any{"Black", "Cyan"}, true},
		"another of its options":  {engine.Edit{Field: list, Options: []string{"Black", "Cyan"}}, []any{"Yellow"}, false},
		"all options":             {engine.Edit{Field: list}, []any{"Yellow"}, true},
		"a shorter text":          {engine.Edit{Field: text, Max: 3}, "abc", true},
		"too long for the edit":   {engine.Edit{Field: text, Max: 3}, "abcd", false},
		"too long for the field":  {engine.Edit{Field: text, Max: 9}, "abcdef", false},
		"too long for any":        {engine.Edit{Field: free, Max: 2 * engine.MaxText}, strings.Repeat("x", engine.MaxText+1), false},
		"as long as the field is": {engine.Edit{Field: text}, "abcde", true},
	} {
		t.Run(name, func(t *testing.T) {
			allowed := test.edit.Allowed()
			if allowed.Type != test.edit.Field.Type {
				t.Errorf("it became a %s", allowed.Type)
			}
			if _, err := allowed.Plain(test.value); (err == nil) != test.fits {
				t.Errorf("a visitor enters %.20v: %v", test.value, err)
			}
		})
	}
	if list.Options[2] != "Yellow" || text.Max != 5 {
		t.Error("the field itself was changed")
	}
}
