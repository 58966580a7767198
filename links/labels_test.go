package links

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/internal/labels"
	"postern/internal/pages"
)

// T88: every code in every language, with the same places for values.
func TestT88LabelsAreComplete(t *testing.T) {
	wanted, err := Texts()
	if err != nil {
		t.Fatal(err)
	}
	languages, err := pages.Languages()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ar", "en", "es", "nl"}; !slices.Equal(languages, want) {
		t.Errorf("languages %q, want %q", languages, want)
	}
	for _, language := range languages {
		texts := labelFile(t, language)
		for code, holes := range wanted {
			if texts[code] == "" {
				t.Errorf("%s: %s is missing", language, code)
			}
			if diff := cmp.Diff(holes.May, labels.HolesOf(texts[code])); diff != "" {
				t.Errorf("%s: %s has other placeholders than in English:\n%s", language, code, diff)
			}
			if err := labels.Check(texts[code], holes); err != nil {
				t.Errorf("%s: %s: %v", language, code, err)
			}
		}
		for code := range texts {
			if _, ok := wanted[code]; !ok {
				t.Errorf("%s: %s is not in English", language, code)
			}
		}
		if months := strings.Fields(texts["date.months"]); len(months) != 12 {
			t.Errorf("%s: %d months", language, len(months))
		}
	}
	for code := range needed {
		if _, ok := wanted[code]; !ok {
			t.Errorf("%s needs values and is not there", code)
		}
	}
}

// T88: a message with a code or a link is of no use without it, whoever rewrites the text.
func TestT88TextsNeedTheirValues(t *testing.T) {
	texts, err := Texts()
	if err != nil {
		t.Fatal(err)
	}
	for code, text := range map[string]string{
		"message.mail.text": "Open {{.Link}} within {{.Minutes}} minutes.", "message.code.sms": "{{.Code}}",
		"door.intro": "Continue to see your invoice.", "challenge.wait": "Until {{.Until}}.",
		"date.clock": "{{.Zone}} {{.Time}}",
	} {
		if err := labels.Check(text, texts[code]); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	for code, text := range map[string]string{
		"message.mail.text": "Please confirm.", "message.code.sms": "Your code is in the mail, {{.Brand}}.",
		"challenge.wait": "Later.", "door.intro": "For {{.Name}}.",
		"date.clock": "{{.Time}} UTC", "date.moment": "{{.Day}}, {{.Time}}", "form.zone": "Local time.",
	} {
		if err := labels.Check(text, texts[code]); err == nil {
			t.Errorf("%s may be %q", code, text)
		}
	}
}

// Every code that is said is there, and every code that is there is said. Reasons, ways and dates are put together.
func TestCodesAreSaid(t *testing.T) {
	english := labelFile(t, "en")
	quoted := quotedCodes(t)
	for code := range ownFile(t, "en") {
		area, _, _ := strings.Cut(code, ".")
		if !quoted[code] && !slices.Contains([]string{"reason", "way", "date"}, area) {
			t.Errorf("%s is there and not said", code)
		}
	}
	areas := map[string]bool{}
	for code := range english {
		area, _, _ := strings.Cut(code, ".")
		areas[area] = true
	}
	for code := range quoted {
		area, _, _ := strings.Cut(code, ".")
		if _, err := os.Stat("pages/" + code + ".html"); areas[area] && english[code] == "" && err != nil {
			t.Errorf("%s is said and not there", code)
		}
	}
	for _, r := range refusals {
		for _, part := range []string{".title", ".text"} {
			if english["reason."+r.reason+part] == "" {
				t.Errorf("reason.%s%s is not there", r.reason, part)
			}
		}
	}
}

// labelFile are all texts of the door in a language, those that other parts have too among them.
func labelFile(t *testing.T, lang string) map[string]string {
	t.Helper()
	texts := readFile(t, os.DirFS("../internal/pages/labels"), lang)
	maps.Copy(texts, ownFile(t, lang))
	return texts
}

// ownFile are those that only the door has.
func ownFile(t *testing.T, lang string) map[string]string {
	t.Helper()
	folder, err := fs.Sub(shipped, "labels")
	if err != nil {
		t.Fatal(err)
	}
	return readFile(t, folder, lang)
}

func readFile(t *testing.T, folder fs.FS, lang string) map[string]string {
	t.Helper()
	data, err := fs.ReadFile(folder, lang+".json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(data, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

// quotedCodes are what pages and program quote that looks like a code.
func quotedCodes(t *testing.T) map[string]bool {
	t.Helper()
	codes := map[string]bool{}
	quoted := regexp.MustCompile(`"([a-z]+\.[a-z.]*[a-z])"`)
	for _, pattern := range []string{"pages/*.html", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, found := range quoted.FindAllStringSubmatch(string(text), -1) {
				codes[found[1]] = true
			}
		}
	}
	return codes
}

// The chain: the landing's text, the book's, the door's own, then the same in the plain language, then English.
func TestTextsFallBack(t *testing.T) {
	catalogue, err := ShippedLabels()
	if err != nil {
		t.Fatal(err)
	}
	book := &engine.Book{
		Labels: map[string]map[string]string{
			"es":    {"door.heading": "book es", "door.continue": "book es", "form.save": "book es"},
			"es-MX": {"door.heading": "book es-MX", "form.send": "book es-MX"},
			"fr":    {"door.heading": "book fr"},
			"en":    {"form.save": "book en", "door.title": "book en {{.Brand}}"},
		},
		Landings: map[string]*engine.Landing{
			"plain": {Name: "plain"},
			"own": {Name: "own", Texts: map[string]engine.Labels{
				"door.heading":      {"es": "landing es", "en": "landing en", "it": "landing it"},
				"door.continue":     {"es-MX": "landing es-MX"},
				"after.thanks.text": {"en": "landing en"},
			}},
		},
	}
	now := book
	s := speech{shipped: catalogue, book: func() *engine.Book { return now }}
	for _, test := range []struct{ landing, wish, language, code, want string }{
		{"own", "es", "es", "door.heading", "landing es"},
		{"own", "es-MX", "es-MX", "door.heading", "book es-MX"},
		{"own", "es-MX", "es-MX", "door.continue", "landing es-MX"},
		{"own", "es-AR", "es", "door.heading", "landing es"},
		{"plain", "es", "es", "door.heading", "book es"},
		{"plain", "es-MX", "es-MX", "form.save", "book es"},
		{"", "es", "es", "form.send", "Enviar"},
		{"", "fr", "fr", "door.heading", "book fr"},
		{"", "fr", "fr", "form.save", "book en"},
		{"own", "it", "en", "door.heading", "landing en"},
		{"own", "es", "es", "after.thanks.text", "landing en"},
		{"", "en", "en", "door.title", "book en Acme"},
	} {
		texts := s.texts(test.landing, test.wish)
		if got := texts.Say(test.code, "Brand", "Acme"); got != test.want || texts.Language != test.language {
			t.Errorf("%s in %s: %s is %q in %s, want %q in %s",
				test.landing, test.wish, test.code, got, texts.Language, test.want, test.language)
		}
	}
	if first, again := s.now(), s.now(); first.catalogue != again.catalogue {
		t.Error("the texts of a book are made ready more than once")
	}
	now = &engine.Book{}
	if got := s.texts("own", "es").Say("door.heading"); got != "¿Es para usted?" {
		t.Errorf("with another book the heading is %q", got)
	}
}
