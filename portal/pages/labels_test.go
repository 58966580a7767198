package pages

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/labels"
	"postern/internal/pages"
)

// T88: every code in every language, with the same places for values, and each said somewhere.
func TestT88LabelsAreComplete(t *testing.T) {
	languages, err := pages.Languages()
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := Texts()
	if err != nil {
		t.Fatal(err)
	}
	folders, err := folders()
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range languages {
		texts := map[string]string{}
		for _, folder := range folders {
			data, err := fs.ReadFile(folder, language+".json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &texts); err != nil {
				t.Fatalf("%s: %v", language, err)
			}
		}
		for code, text := range texts {
			if diff := cmp.Diff(wanted[code].May, labels.HolesOf(text)); diff != "" {
				t.Errorf("%s: %s has other placeholders than in English:\n%s", language, code, diff)
			}
		}
		for code, holes := range wanted {
			if shared := !strings.HasPrefix(code, "portal."); !shared && texts[code] == "" {
				t.Errorf("%s: %s is missing", language, code)
			}
			if text := texts[code]; text != "" && labels.Check(text, holes) != nil {
				t.Errorf("%s: %s: %v", language, code, labels.Check(text, holes))
			}
		}
	}
}

// Every code that is said is there, and every code that is there is said. Reasons are put together.
func TestCodesAreSaid(t *testing.T) {
	wanted, err := Texts()
	if err != nil {
		t.Fatal(err)
	}
	said := quoted(t)
	for code := range wanted {
		if strings.HasPrefix(code, "portal.") && !said[code] && !strings.HasPrefix(code, "portal.reason.") {
			t.Errorf("%s is there and not said", code)
		}
	}
	for code := range said {
		if _, there := wanted[code]; !there && !strings.HasSuffix(code, ".") {
			t.Errorf("%s is said and not there", code)
		}
	}
	for _, r := range refusals {
		for _, part := range []string{".title", ".text"} {
			if _, there := wanted["portal.reason."+r.reason+part]; !there {
				t.Errorf("portal.reason.%s%s is not there", r.reason, part)
			}
		}
	}
}

// quoted are what pages and program quote that looks like a code of the portal.
func quoted(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("files/*.html")
	if err != nil {
		t.Fatal(err)
	}
	programs, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`"(portal\.[a-z_.]+)"`)
	found := map[string]bool{}
	for _, file := range slices.Concat(files, programs) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range code.FindAllStringSubmatch(string(data), -1) {
			found[match[1]] = true
		}
	}
	delete(found, "portal.css")
	return found
}
