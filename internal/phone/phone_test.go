package phone

import (
	"strings"
	"testing"
)

func TestProper(t *testing.T) {
	spain := Rules{Region: "ES", Countries: []string{"ES", "NL"}}
	for name, test := range map[string]struct {
		rules  Rules
		number string
		want   string // E.164, or what the error begins with
	}{
		"as people type it":     {spain, " 600 12-34 56 ", "+34600123456"},
		"international":         {spain, "+34 (600) 123 456", "+34600123456"},
		"with 00":               {spain, "0034600123456", "+34600123456"},
		"full-width digits":     {spain, "６００１２３４５６", "+34600123456"},
		"as a link":             {spain, "tel:+34-600-123-456", "the number is not valid"},
		"another country":       {spain, "+31 6 12345678", "+31612345678"},
		"a trunk zero":          {Rules{Region: "NL"}, "06-12345678", "+31612345678"},
		"mobile or fixed":       {Rules{}, "+1 650 253 0000", "+16502530000"},
		"a country not allowed": {spain, "+212 650 123456", "the number is of MA, which is not among the countries"},
		"the same code, another country": {
			Rules{Countries: []string{"US"}}, "+1 204 234 5678", "the number is of CA, which is not among the countries",
		},
		"premium rate":        {spain, "803 123 456", "the number is a premium-rate number"},
		"premium, Dutch":      {Rules{}, "+31 900 1234", "the number is a premium-rate number"},
		"premium, British":    {Rules{}, "+44 909 879 0123", "the number is a premium-rate number"},
		"premium, the world":  {Rules{}, "+979 123 456 789", "the number is a premium-rate number"},
		"shared cost":         {spain, "901 123 456", "the number is a number of shared cost"},
		"toll-free":           {spain, "900 123 456", "the number is a toll-free number"},
		"personal":            {Rules{}, "+44 70 1234 5678", "the number is a personal number"},
		"satellite":           {Rules{}, "+881 612 345 678", "the number belongs to no country"},
		"fixed line":          {spain, "93 412 34 56", "the number is of a fixed line"},
		"fixed line, allowed": {Rules{Region: "ES", Landlines: true}, "93 412 34 56", "+34934123456"},
		"no region":           {Rules{}, "600123456", "the number is not valid: it begins with no +"},
		"letters":             {Rules{}, "+1 800 FLOWERS", "the number is not valid"},
		"an extension":        {spain, "600123456 ;ext=12", "the number is not valid"},
		"too short":           {spain, "60012", "the number is not valid"},
		"an emergency number": {spain, "112", "the number is not valid"},
		"no number":           {spain, "(unknown)", "the number is not valid"},
		"nothing":             {spain, "", "the number is not valid"},
		"too long":            {spain, "+34" + strings.Repeat("6", 300), "the number is not valid"},
		"controls":            {spain, "600123456\r\nBcc", "the number is not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.rules.Proper(test.number)
			if err != nil {
				got = err.Error()
				if digits := strings.TrimSpace(test.number); digits != "" && strings.Contains(got, digits) {
					t.Errorf("the error shows the number: %s", got)
				}
			}
			if got != test.want && !(err != nil && strings.HasPrefix(got, test.want)) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if err == nil && !E164(got) {
				t.Errorf("%q is not in the form +34600123456", got)
			}
		})
	}
}

func TestRulesKnowTheirCountries(t *testing.T) {
	for country, good := range map[string]bool{"ES": true, "": true, "es": false, "XX": false, "ESP": false} {
		if err := (Rules{Region: country}).Check(); (err == nil) != good {
			t.Errorf("region %q: %v", country, err)
		}
		if err := (Rules{Countries: []string{"NL", country}}).Check(); (err == nil) != good {
			t.Errorf("country %q: %v", country, err)
		}
	}
}

func TestE164(t *testing.T) {
	for text, want := range map[string]bool{
		"+34600123456": true, "+1234567": true, "34600123456": false, "+034600123456": false, "+34 600123456": false,
		"+123456": false, "+1234567890123456": false, "": false, "+": false, "+３４６００１２３": false,
	} {
		if got := E164(text); got != want {
			t.Errorf("E164(%q) is %v", text, got)
		}
	}
}

func BenchmarkProper(b *testing.B) {
	rules := Rules{Region: "ES", Countries: []string{"ES", "NL"}}
	for b.Loop() {
		if _, err := rules.Proper("600 123 456"); err != nil {
			b.Fatal(err)
		}
	}
}
