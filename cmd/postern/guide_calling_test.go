package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"postern/engine/enginetest"
	"postern/tasks"
	"postern/workflows"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Each example of the guide to calls works: workflows and steps on the shipped modules, and configurations.
func TestGuideToCalls(t *testing.T) {
	page, err := os.ReadFile("../../docs/guide/calling.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, block := range yamlBlock.FindAllStringSubmatch(string(page), -1) {
		text := block[1]
		kind, _, _ := strings.Cut(text, ":")
		seen[kind]++
		switch kind {
		case "name":
			guideWorkflow(t, text)
		case "- call":
			guideWorkflow(t, "name: x\non: { event: record.saved, module: HelpDesk }\ntasks:\n"+text)
		default:
			path := filepath.Join(t.TempDir(), "postern.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := loadConfig(path); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		}
	}
	if seen["name"] != 1 || seen["- call"] < 3 || seen["secrets"] != 1 || seen["calls"] != 1 {
		t.Errorf("found %v", seen)
	}
}

// guideWorkflow loads a workflow beside the shipped modules.
func guideWorkflow(t *testing.T, text string) {
	t.Helper()
	files := map[string]string{"x.yaml": text}
	modules, err := fs.Glob(workflows.Shipped, "modules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range modules {
		module, err := fs.ReadFile(workflows.Shipped, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(module)
	}
	_, complaints, _ := workflows.LoadFiles(files, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email"), Secrets: []string{"rates"},
	})
	if len(complaints) > 0 {
		t.Errorf("%s\n%v", text, complaints)
	}
}
