package labels

import (
	"strings"
	"testing"
	"time"
)

func TestCalendarsAreWhole(t *testing.T) {
	at := time.Date(2026, 3, 1, 14, 5, 9, 0, time.UTC)
	for language, c := range calendars {
		for what, list := range map[string]struct {
			words string
			want  int
		}{
			"months": {c.months, 12}, "short months": {c.short, 12}, "days": {c.days, 7}, "short days": {c.letters, 7},
		} {
			words := strings.Fields(list.words)
			seen := map[string]bool{}
			for _, word := range words {
				seen[word] = true
			}
			if len(words) != list.want || len(seen) != list.want {
				t.Errorf("%s has %d %s, %d of them different", language, len(words), what, len(seen))
			}
		}
		f, ok := NewFormat(language)
		if _, err := f.Date(at, c.long); !ok || err != nil {
			t.Errorf("%s: %v", language, err)
		}
	}
}

func TestFormat(t *testing.T) {
	at := time.Date(2026, 3, 1, 14, 5, 9, 0, time.UTC)
	for _, tt := range []struct{ language, number, money, long, short string }{
		{"en", "-1,234.50", "-€1,234.50", "1 March 2026", "1 Mar 2026"},
		{"en-GB", "-1,234.50", "-€1,234.50", "1 March 2026", "01/03/2026"},
		{"en-US", "-1,234.50", "-€1,234.50", "March 1, 2026", "03/01/2026"},
		{"es", "-1.234,50", "-1.234,50 €", "1 de marzo de 2026", "01/03/2026"},
		{"nl_NL", "-1.234,50", "€ -1.234,50", "1 maart 2026", "01-03-2026"},
		{"de", "-1.234,50", "-1.234,50 €", "1. März 2026", "01.03.2026"},
		{"fr", "-1 234,50", "-1 234,50 €", "1 mars 2026", "01/03/2026"},
		{"it", "-1.234,50", "-1.234,50 €", "1 marzo 2026", "01/03/2026"},
		{"pt-BR", "-1.234,50", "€ -1.234,50", "1 de março de 2026", "01/03/2026"},
		{"ca", "-1.234,50", "-1.234,50 €", "1 març del 2026", "01/03/2026"},
		{"pl", "-1 234,50", "-1 234,50 EUR", "2026-03-01", "2026-03-01"},
	} {
		f, ok := NewFormat(tt.language)
		money, err := f.Money(-1234.5, "EUR")
		if !ok || err != nil {
			t.Errorf("%s: %v", tt.language, err)
		}
		long, _ := f.Date(at, "long")
		short, _ := f.Date(at, "short")
		got := []string{f.Number(-1234.5, 2), money, long, short}
		want := []string{tt.number, tt.money, tt.long, tt.short}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s: %q, want %q", tt.language, got, want)
		}
	}
	if _, ok := NewFormat("not a language"); ok {
		t.Error("took what is no language")
	}
	f, _ := NewFormat("en")
	for pattern, want := range map[string]string{
		"yyyy-MM-dd'T'HH:mm:ss": "2026-03-01T14:05:09", "h:mm a": "2:05 PM", "EEEE, d. MMM": "Sunday, 1. Mar",
		"''yy''": "'26'", "'it''s' H": "it's 14", "": "",
	} {
		if got, err := f.Date(at, pattern); got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", pattern, got, err, want)
		}
	}
	for _, pattern := range []string{"Y", "ddd", "'open", "MMMMM"} {
		if got, err := f.Date(at, pattern); err == nil {
			t.Errorf("%q gives %q", pattern, got)
		}
	}
	for code, want := range map[string]int{"EUR": 2, "JPY": 0, "KWD": 3} {
		if got, ok := CurrencyDecimals(code); got != want || !ok {
			t.Errorf("%s has %d decimals, %v", code, got, ok)
		}
	}
	for _, code := range []string{"eur", "EURO", "", "???"} {
		if _, err := f.Money(1, code); err == nil {
			t.Errorf("took %q for a currency", code)
		}
	}
}
