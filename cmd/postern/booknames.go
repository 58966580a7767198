package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"postern/internal/yamldoc"
)

// namesIn are the names that the files of a book give and use, by what they are. A book may be in the making: a file
// that cannot be read has no name yet, and lint says why.
func namesIn(book string) map[string][]string {
	names := map[string][]string{
		"module":   slices.Sorted(maps.Keys(namedIn(book, "modules/*.yaml", "module"))),
		"landing":  slices.Sorted(maps.Keys(namedIn(book, "landings/*.yaml", "landing"))),
		"factor":   slices.Sorted(maps.Keys(namedIn(book, "factors/*.yaml", "factor"))),
		"portal":   slices.Sorted(maps.Keys(namedIn(book, "portal/*.yaml", "portal"))),
		"workflow": slices.Sorted(maps.Keys(namedIn(book, "*.yaml", "name"))),
	}
	templates, err := filepath.Glob(filepath.Join(book, "templates", "*"))
	for _, path := range templates {
		if info, gone := os.Stat(path); err == nil && gone == nil && info.IsDir() {
			names["template"] = append(names["template"], filepath.Base(path))
		}
	}
	return names
}

// namedIn are files of a book by the name that each has under a key.
func namedIn(book, pattern, key string) map[string]string {
	files := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(book, filepath.FromSlash(pattern)))
	if err != nil {
		return files
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, ".test.yaml") {
			continue
		}
		doc, _ := yamldoc.Parse(path, text)
		if doc == nil {
			continue
		}
		if name := doc.Root().Get(key); name != nil && name.Text() != "" {
			files[name.Text()] = path
		}
	}
	return files
}
