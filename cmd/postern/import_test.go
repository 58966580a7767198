package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/engine/enginetest"
	"postern/internal/exprsafe"
	"postern/tasks"
	"postern/workflows"
)

// importedBook is the golden book of the importer: what it makes of the sample of a whole coreBOS.
const importedBook = "../../internal/corebosimport/testdata/book"

// importedFiles are its files. Those that are whole but were switched off count as workflows too.
func importedFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"*.yaml", "*.off", "*/*", "*/*/*"} {
		paths, err := filepath.Glob(filepath.Join(importedBook, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				continue // a folder
			}
			name, _ := filepath.Rel(importedBook, path)
			if finished, off := strings.CutSuffix(name, ".off"); off {
				if !strings.Contains(string(text), "it was switched off in coreBOS") {
					continue
				}
				name = finished
			}
			files[filepath.ToSlash(name)] = string(text)
		}
	}
	return files
}

// What the importer writes is in order: it loads, without a complaint, as any book of an admin.
func TestTheImportedBookLoads(t *testing.T) {
	files := importedFiles(t)
	book, diags, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email", "sms", "whatsapp"),
		Secrets: []string{"onesignal", "mattermost", "erp_organization"}, KeepAll: true,
	})
	for _, d := range diags {
		t.Errorf("%s:%d:%d: %s", d.File, d.Line, d.Column, d.Message)
	}
	if book == nil || len(book.Workflows) < 30 {
		t.Errorf("too few workflows came out: %+v", book)
	}
}

var called = regexp.MustCompile(`\b([a-z][A-Za-z_0-9]*)\(`)

// Whatever function the importer writes, there is one of that name.
func TestTheImporterCallsWhatThereIs(t *testing.T) {
	known := []string{"lookup", "related", "records", "exists"}
	for _, f := range exprsafe.Functions() {
		known = append(known, f.Name)
	}
	for name, text := range importedFiles(t) {
		if !strings.HasSuffix(name, ".yaml") || strings.HasPrefix(name, "modules/") {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, call := range called.FindAllStringSubmatch(line, -1) {
				if !slices.Contains(known, call[1]) && call[1] != "description" {
					t.Errorf("%s calls %s, which there is not: %s", name, call[1], strings.TrimSpace(line))
				}
			}
		}
	}
}
