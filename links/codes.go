package links

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

var placeholder = regexp.MustCompile(`\{\{\s*\.([A-Za-z]+)\s*\}\}`)

// LabelCodes are the codes of the door's texts, each with the names of the values that its text holds, sorted: what the
// texts of a book are held against.
func LabelCodes() (map[string][]string, error) {
	text, err := fs.ReadFile(shipped, "labels/en.json")
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	var texts map[string]any // a text, or texts by the forms of a plural
	if err := json.Unmarshal(text, &texts); err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	codes := make(map[string][]string, len(texts))
	for code, text := range texts {
		codes[code] = nil
		for _, found := range placeholder.FindAllStringSubmatch(fmt.Sprint(text), -1) {
			if !slices.Contains(codes[code], found[1]) {
				codes[code] = append(codes[code], found[1])
			}
		}
		slices.Sort(codes[code])
	}
	return codes, nil
}

// LabelLanguages are the languages that the door's texts are in, sorted.
func LabelLanguages() ([]string, error) {
	files, err := fs.Glob(shipped, "labels/*.json")
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	languages := make([]string, 0, len(files))
	for _, name := range files {
		languages = append(languages, strings.TrimSuffix(path.Base(name), ".json"))
	}
	return languages, nil
}
