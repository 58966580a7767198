package pages

import (
	"encoding/json"
	"html"
	"io/fs"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leadsOn are the routes that never answer with a page of their own: with a file or an answer for a script, or with the
// way to another page.
var leadsOn = map[string]bool{
	"GET /portal/{portal}/{$}":                        true,
	"GET /portal/{portal}/file/{module}/{id}/{field}": true,
	"POST /portal/{portal}/sign-in/challenge":         true,
	"POST /portal/{portal}/sign-out":                  true,
	"POST /portal/{portal}/sessions":                  true,
}

// unseen are the texts that no page of the gallery shows, and why.
var unseen = map[string]string{
	"portal.menu.home": "stands in for a brand's name, and the gallery has one",
}

// Whatever is checked of every page is checked of every page: each route that answers with one is in the gallery, and
// so is each state, since each has something to say that the others have not.
func TestT87GalleryIsWhole(t *testing.T) {
	s, exhibits := gallery(t, "en")
	visited := map[string]bool{}
	var all strings.Builder
	for _, e := range exhibits {
		_, pattern := s.pages.mux.Handler(httptest.NewRequestWithContext(t.Context(), e.method, e.path, nil))
		visited[pattern] = true
		all.WriteString(html.UnescapeString(e.text) + "\n")
	}
	for _, topic := range topics() {
		for _, r := range topic.routes {
			pattern := strings.TrimSuffix("/portal/{portal}/"+r.path, "/")
			for method, handler := range map[string]handler{"GET ": r.get, "POST ": r.post} {
				if at := method + pattern; handler != nil && visited[at] == leadsOn[at] {
					t.Errorf("%s: in the gallery %t", at, visited[at])
				}
			}
		}
	}
	shown := strings.Split(all.String(), "\n")
	for code, text := range englishTexts(t) {
		_, excused := unseen[code]
		if seen := says(shown, text); seen == excused {
			t.Errorf("%s: %q is in the gallery: %t", code, text, seen)
		}
	}
}

// englishTexts are the portal's own, by code.
func englishTexts(t *testing.T) map[string]string {
	t.Helper()
	folders, err := folders()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, folder := range folders {
		data, err := fs.ReadFile(folder, "en.json")
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(data, &texts); err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, texts)
	}
	return all
}

var hole = regexp.MustCompile(`\\\{\\\{[^}]*\\\}\\\}`)

// says finds a text on a line, whatever fills its holes. It ends where the text of an element or an attribute does, so
// that a part of another text does not pass for it.
func says(lines []string, text string) bool {
	pattern := regexp.MustCompile(`[>" ]` + hole.ReplaceAllString(regexp.QuoteMeta(text), `.*`) + `[<" ]`)
	longest := ""
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '{' || r == '}' }) {
		if !strings.HasPrefix(part, ".") && len(part) > len(longest) {
			longest = part
		}
	}
	return slices.ContainsFunc(lines, func(line string) bool {
		return strings.Contains(line, longest) && pattern.MatchString(line)
	})
}
