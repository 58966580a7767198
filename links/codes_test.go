package links_test

import (
	"slices"
	"testing"

	"postern/links"
)

func TestLabelCodes(t *testing.T) {
	codes, err := links.LabelCodes()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(codes["date.day"], []string{"Day", "Month", "Year"}) || len(codes["form.save"]) != 0 {
		t.Errorf("date.day says %q, form.save %q", codes["date.day"], codes["form.save"])
	}
	if _, known := codes["form.save"]; !known || len(codes) < 60 {
		t.Errorf("%d codes", len(codes))
	}
	languages, err := links.LabelLanguages()
	if err != nil || !slices.IsSorted(languages) || !slices.Contains(languages, "nl") {
		t.Errorf("languages %q, %v", languages, err)
	}
}
