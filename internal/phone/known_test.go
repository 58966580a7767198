package phone

import (
	"fmt"
	"testing"
)

// What is remembered is what the rules said, and never how a number was typed.
func TestKnownSaysWhatTheRulesSay(t *testing.T) {
	var known Known
	rules := Rules{Region: "ES", Countries: []string{"ES"}}
	for range 2 {
		for number, want := range map[string]string{
			"600 12 34 56": "+34600123456", "+34600123456": "+34600123456", "+31612345678": "", "+34803123456": "", "12": "",
		} {
			got, err := known.Proper(rules, number)
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%s is %q, %v; want %q", number, got, err, want)
			}
		}
	}
	if len(known.numbers) != 1 || !known.numbers["+34600123456"] {
		t.Errorf("remembers %v", known.numbers)
	}
}

func TestKnownIsBounded(t *testing.T) {
	var known Known
	for n := range mostKnown + 10 {
		if _, err := known.Proper(Rules{}, fmt.Sprint("+34", 600_000_000+n)); err != nil {
			t.Fatal(err)
		}
	}
	if len(known.numbers) > mostKnown {
		t.Errorf("remembers %d numbers", len(known.numbers))
	}
}
