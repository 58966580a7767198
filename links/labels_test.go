package links

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLabelsAreComplete(t *testing.T) {
	english := labelFile(t, "en")
	holes := regexp.MustCompile(`{{\.\w+}}`)
	for _, lang := range []string{"es", "nl"} {
		texts := labelFile(t, lang)
		for code, text := range english {
			want, got := set(holes.FindAllString(text, -1)), set(holes.FindAllString(texts[code], -1))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s has other placeholders than in English:\n%s", lang, code, diff)
			}
			if texts[code] == "" {
				t.Errorf("%s: %s is missing", lang, code)
			}
		}
		for code := range texts {
			if english[code] == "" {
				t.Errorf("%s: %s is not in English", lang, code)
			}
		}
		if months := strings.Fields(texts["date.months"]); len(months) != 12 {
			t.Errorf("%s: %d months", lang, len(months))
		}
	}
	used := codesInUse(t)
	for code := range used {
		if english[code] == "" {
			t.Errorf("%s is used and not there", code)
		}
	}
	for code := range english {
		if area, _, _ := strings.Cut(code, "."); !used[code] && area != "reason" && area != "date" {
			t.Errorf("%s is there and not used", code)
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

func set(items []string) map[string]bool {
	s := map[string]bool{}
	for _, item := range items {
		s[item] = true
	}
	return s
}

func labelFile(t *testing.T, lang string) map[string]string {
	t.Helper()
	data, err := shipped.ReadFile("labels/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(data, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

// codesInUse are the codes that pages and program say by name.
func codesInUse(t *testing.T) map[string]bool {
	t.Helper()
	codes := map[string]bool{}
	said := regexp.MustCompile(`"((?:door|record|form|error|action|receipt|value|reason)\.[a-z.]*[a-z])"`)
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
			for _, found := range said.FindAllStringSubmatch(string(text), -1) {
				codes[found[1]] = true
			}
		}
	}
	return codes
}
