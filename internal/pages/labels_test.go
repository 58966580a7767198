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
)

// T88: what all parts say is there in every language, with the same places for values.
func TestT88CommonLabelsAreComplete(t *testing.T) {
	folder, err := fs.Sub(common, "labels")
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := codesOf(folder, needed)
	if err != nil {
		t.Fatal(err)
	}
	languages, err := Languages()
	if err != nil || !slices.Equal(languages, []string{"ar", "en", "es", "nl"}) {
		t.Errorf("languages %q, %v", languages, err)
	}
	for _, language := range languages {
		texts := map[string]string{}
		data, err := fs.ReadFile(folder, language+".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &texts); err != nil {
			t.Fatal(err)
		}
		if len(texts) != len(wanted) {
			t.Errorf("%s has %d texts, English %d", language, len(texts), len(wanted))
		}
		for code, holes := range wanted {
			if diff := cmp.Diff(holes.May, labels.HolesOf(texts[code])); texts[code] == "" || diff != "" {
				t.Errorf("%s: %s is %q:\n%s", language, code, texts[code], diff)
			}
			if err := labels.Check(texts[code], holes); err != nil {
				t.Errorf("%s: %s: %v", language, code, err)
			}
		}
	}
	for code := range needed {
		if _, ok := wanted[code]; !ok {
			t.Errorf("%s needs values and is not there", code)
		}
	}
}

// Each of them is said by some part. What is wrong with a wish is put together from its code.
func TestCommonCodesAreSaid(t *testing.T) {
	quoted := map[string]bool{}
	code := regexp.MustCompile(`"([a-z]+\.[a-z_.]+)"`)
	for _, folder := range []string{"../forms", "../upload", "../labels", "../../links", "../../portal"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			ends := filepath.Ext(path)
			if err != nil || (ends != ".go" && ends != ".html") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			for _, match := range code.FindAllStringSubmatch(string(data), -1) {
				quoted[match[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := Codes(os.DirFS("labels"), nil)
	if err != nil {
		t.Fatal(err)
	}
	// portal.malformed says error.<code>.
	put := []string{
		"error.value", "error.rows", "error.settled", "error.question", "error.wide", "error.empty", "error.field",
		"error.filter", "error.sort", "error.fields", "error.key",
	}
	for code := range wanted {
		if !quoted[code] && !slices.Contains(put, code) {
			t.Errorf("%s is there and not said", code)
		}
	}
}
