package workflows_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"postern/workflows"
)

// Every example of the page is a workflow that loads.
func TestExamplesOfSchedules(t *testing.T) {
	page, err := os.ReadFile("../docs/guide/schedules.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 4 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		files := map[string]string{"example.yaml": example[1]}
		modules, err := fs.Glob(os.DirFS("."), "modules/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range modules {
			text, err := os.ReadFile(module)
			if err != nil {
				t.Fatal(err)
			}
			files[module] = string(text)
		}
		for _, template := range []string{"ticket-reminder", "invoice-due"} {
			files[fmt.Sprintf("templates/%s/email.en.subject", template)] = "A reminder"
			files[fmt.Sprintf("templates/%s/email.en.txt", template)] = "Hello {{ recipient.name }}"
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(example[1], "name: "), "\n")
		if _, complaints, _ := workflows.LoadFiles(files, options()); len(complaints) > 0 {
			t.Errorf("%s: %v", name, complaints)
		}
	}
}
