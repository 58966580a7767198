package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"postern/internal/labels"
)

//go:embed labels
var common embed.FS

// needed are the values that a text of all parts is of no use without.
var needed = map[string][]string{
	"form.longest": {"Max"}, "form.meanwhile": {"Value"}, "form.zone": {"Zone"},
	"date.day": {"Day", "Month", "Year"}, "date.moment": {"Day", "Time", "Zone"}, "date.clock": {"Time", "Zone"},
}

// Labels are the texts that all parts have, those of forms, values and dates, with a part's own ones beside them: the
// files of folders as labels.New reads them.
func Labels(own ...fs.FS) (*labels.Catalogue, error) {
	shared, err := fs.Sub(common, "labels")
	if err != nil {
		return nil, err
	}
	return labels.New(append([]fs.FS{shared}, own...)...)
}

// Codes are the codes of the same texts, with the values that each has a place for. A text in place of one of them may
// hold no others, and must hold those that it is of no use without.
func Codes(own fs.FS, must map[string][]string) (map[string]labels.Holes, error) {
	shared, err := fs.Sub(common, "labels")
	if err != nil {
		return nil, err
	}
	codes, err := codesOf(shared, needed)
	if err != nil {
		return nil, err
	}
	owned, err := codesOf(own, must)
	maps.Copy(codes, owned)
	return codes, err
}

func codesOf(folder fs.FS, must map[string][]string) (map[string]labels.Holes, error) {
	data, err := fs.ReadFile(folder, "en.json")
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	var english map[string]string
	if err := json.Unmarshal(data, &english); err != nil {
		return nil, fmt.Errorf("read labels: en.json: %w", err)
	}
	codes := make(map[string]labels.Holes, len(english))
	for code, text := range english {
		codes[code] = labels.Holes{May: labels.HolesOf(text), Must: must[code]}
	}
	return codes, nil
}

// Languages are the tags of the languages that all parts come with, sorted.
func Languages() ([]string, error) {
	found, err := fs.Glob(common, "labels/*.json")
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	tags := make([]string, len(found))
	for i, file := range found {
		tags[i] = strings.TrimSuffix(path.Base(file), ".json")
	}
	slices.Sort(tags)
	return tags, nil
}
