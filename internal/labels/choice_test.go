package labels

import (
	"fmt"
	"testing"
	"testing/fstest"
)

// What browsers wish for comes from outside, so there is an end to what is remembered of it.
func TestChoicesAreRememberedWithinBounds(t *testing.T) {
	c, err := New(fstest.MapFS{
		"en.json": {Data: []byte(`{"yes": "Yes"}`)}, "nl.json": {Data: []byte(`{"yes": "Ja"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2*maxChoices + 1 {
		if got := c.For("", fmt.Sprintf("x-p%d, nl;q=0.5", i)).Say("yes"); got != "Ja" {
			t.Fatalf("wish %d: %q", i, got)
		}
	}
	if len(c.chosen) == 0 || len(c.chosen) > maxChoices {
		t.Errorf("%d choices are remembered, at most %d should be", len(c.chosen), maxChoices)
	}
	for range 2 { // the second answer is the remembered one
		if got := c.For("nl-BE", "en").Say("yes") + c.For("en", "nl-BE").Say("yes"); got != "JaYes" {
			t.Errorf("nl-BE before en and the other way round: %q", got)
		}
	}
	before := len(c.chosen)
	c.For(fmt.Sprintf("nl;q=0.%0*d", maxWish, 5))
	if len(c.chosen) != before {
		t.Error("a wish that is too long was remembered")
	}
}
