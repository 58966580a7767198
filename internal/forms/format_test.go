package forms

import (
	"encoding/json"
	"testing"

	"postern/engine"
)

func TestDisplayText(t *testing.T) {
	tests := []struct {
		kind  engine.FieldType
		value any
		lang  string
		want  string
	}{
		{engine.TypeText, "a <b>", "en", "a <b>"},
		{engine.TypeText, nil, "en", ""},
		{engine.TypeBoolean, "1", "es", "Sí"},
		{engine.TypeBoolean, false, "nl", "Nee"},
		{engine.TypeDate, "2026-11-02", "es", "2 de noviembre de 2026"},
		{engine.TypeDateTime, "2026-11-02 23:30:00", "en", "2 November 2026 at 23:30 UTC"},
		{engine.TypeDate, "one day", "en", "one day"},
		{engine.TypeCurrency, json.Number("1234.50"), "nl", "1.234,50"},
		{engine.TypeInteger, json.Number("2026"), "en", "2026"},
		{engine.TypeMultiPicklist, "Red |##| Blue", "en", "Red, Blue"},
		{engine.TypeDateTime, "2026-11-02T23:30:00-03:00", "en", "3 November 2026 at 02:30 UTC"},
		{engine.TypeOwner, "19x5", "en", "19x5"},
		{engine.TypeFile, "offer.pdf", "en", "offer.pdf"},
	}
	for _, test := range tests {
		field := &engine.Field{Name: "f", Type: test.kind}
		if got := DisplayText(field, test.value, shippedTexts(t, test.lang)); got != test.want {
			t.Errorf("%s %v in %s: %q, want %q", test.kind, test.value, test.lang, got, test.want)
		}
	}
}

// Options are shown by what people call them, in the visitor's language; one without a label as it is.
func TestChoicesAreShownByTheirLabels(t *testing.T) {
	labels := map[string]engine.Labels{"Open": {"en": "Not done yet", "es": "Pendiente"}, "Gone": {"nl": "Weg"}}
	for _, test := range []struct {
		kind  engine.FieldType
		value any
		lang  string
		want  string
	}{
		{engine.TypePicklist, "Open", "en", "Not done yet"},
		{engine.TypePicklist, " Open ", "es", "Pendiente"},
		{engine.TypePicklist, "Open", "nl", "Not done yet"}, // English stands in
		{engine.TypePicklist, "Other", "es", "Other"},
		{engine.TypeMultiPicklist, "Open |##| Gone |##| Other", "nl", "Not done yet, Weg, Other"},
		{engine.TypeText, "Open", "es", "Open"},
	} {
		field := &engine.Field{Name: "f", Type: test.kind, Options: []string{"Open", "Gone"}, Choices: labels}
		if got := DisplayText(field, test.value, shippedTexts(t, test.lang)); got != test.want {
			t.Errorf("%s %v in %s: %q, want %q", test.kind, test.value, test.lang, got, test.want)
		}
	}
}
