package forms

import (
	"testing"
	"time"

	"postern/engine"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// What a visitor writes is meant by the clocks of the zone; what names a zone itself is not.
func TestMomentsAreReadInTheZone(t *testing.T) {
	for _, test := range []struct{ zone, typed, want string }{
		{"UTC", "2026-12-24T18:00", "2026-12-24T18:00:00Z"},
		{"Europe/Madrid", "2026-12-24T18:00", "2026-12-24T17:00:00Z"},
		{"Europe/Madrid", "2026-07-01T18:00", "2026-07-01T16:00:00Z"},
		{"Europe/Madrid", "2026-07-01 18:00", "2026-07-01T16:00:00Z"},
		{"Europe/Madrid", "2026-07-01T18:00:30", "2026-07-01T16:00:30Z"},
		{"Europe/Madrid", "2026-07-01", "2026-06-30T22:00:00Z"},
		{"Europe/Madrid", "2026-07-01T18:00:00Z", "2026-07-01T18:00:00Z"},
		{"Europe/Madrid", "2026-07-01T18:00:00-03:00", "2026-07-01T18:00:00-03:00"},
		{"America/New_York", "2026-12-24T20:00", "2026-12-25T01:00:00Z"},

		// Clocks go forward from 02:00 to 03:00: the half past two that never is becomes half past three.
		{"Europe/Madrid", "2026-03-29T01:59", "2026-03-29T00:59:00Z"},
		{"Europe/Madrid", "2026-03-29T02:00", "2026-03-29T01:00:00Z"},
		{"Europe/Madrid", "2026-03-29T02:30", "2026-03-29T01:30:00Z"},
		{"Europe/Madrid", "2026-03-29T03:00", "2026-03-29T01:00:00Z"},
		{"America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00Z"},
		// They go back from 03:00 to 02:00: half past two comes twice, and the first is meant.
		{"Europe/Madrid", "2026-10-25T01:59", "2026-10-24T23:59:00Z"},
		{"Europe/Madrid", "2026-10-25T02:30", "2026-10-25T00:30:00Z"},
		{"Europe/Madrid", "2026-10-25T03:00", "2026-10-25T02:00:00Z"},
		{"America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"},
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00Z"}, // by half an hour
		{"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30T10:00", "2011-12-30T20:00:00Z"}, // a day that never was there
	} {
		field := &engine.Field{Name: "call", Type: engine.TypeDateTime}
		if got, err := plain(field, test.typed, zoneOf(t, test.zone)); err != nil || got != test.want {
			t.Errorf("%s in %s is %v (%v), want %s", test.typed, test.zone, got, err, test.want)
		}
	}
}

// A moment is shown with the name that its zone has then, in every language.
func TestMomentsAreShownInTheZone(t *testing.T) {
	for _, test := range []struct{ zone, lang, value, want string }{
		{"Europe/Madrid", "en", "2026-10-25T00:30:00Z", "25 October 2026 at 02:30 CEST"},
		{"Europe/Madrid", "en", "2026-10-25T01:30:00Z", "25 October 2026 at 02:30 CET"},
		{"Europe/Madrid", "es", "2026-03-29T00:59:00Z", "29 de marzo de 2026 a las 01:59 CET"},
		{"Europe/Madrid", "es", "2026-03-29T01:00:00Z", "29 de marzo de 2026 a las 03:00 CEST"},
		{"Europe/Madrid", "nl", "2026-12-31T23:30:00Z", "1 januari 2027 om 00:30 CET"},
		{"Asia/Riyadh", "nl", "2026-11-22 10:00:00", "22 november 2026 om 13:00 +03"},
		{"America/Bogota", "en", "2026-11-22T02:00:00Z", "21 November 2026 at 21:00 -05"},
	} {
		field := &engine.Field{Name: "call", Type: engine.TypeDateTime}
		texts := shippedTexts(t, test.lang).In(zoneOf(t, test.zone))
		if got := DisplayText(field, test.value, texts); got != test.want {
			t.Errorf("%s in %s: %q, want %q", test.value, test.zone, got, test.want)
		}
	}
	// A date is that of no zone: it never becomes the day before.
	texts := shippedTexts(t, "en").In(zoneOf(t, "America/Bogota"))
	if got := DisplayText(&engine.Field{Type: engine.TypeDate}, "2026-11-22", texts); got != "22 November 2026" {
		t.Errorf("the date is shown as %q", got)
	}
}
