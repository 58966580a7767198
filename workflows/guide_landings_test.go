package workflows_test

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"postern/channels"
	"postern/workflows"
)

// What the page speaks of and the shipped book does not have.
var beside = map[string]string{
	"modules/HelpDeskNotes.yaml": `
module: HelpDeskNotes
external_id: code
fields:
  weight: { type: picklist, options: [Low, High] }
  kind: text
  ticket: { type: reference, to: HelpDesk }
  code: { type: text, unique: true }
`,
	"modules/Visits.yaml": `
module: Visits
fields: { subject: text, score: integer, remarks: text }
`,
	"factors/own-code.yaml":                "factor: own-code\nkind: security_code\nfield: record.cf_pin\n",
	"templates/one-quote/email.en.txt":     "{{ link }}\n",
	"templates/one-quote/email.en.subject": "A quote\n",
}

// guideExample is a file of a book on a page of the guide: its first key and what that names.
var guideExample = regexp.MustCompile("(?s)```yaml\n((\\w+): ([\\w-]+).*?)```")

// Every example of the pages loads together with the shipped book, without a warning.
func TestExamplesOfLandings(t *testing.T) {
	for page, least := range map[string]map[string]int{
		"landings": {"landing": 9, "factor": 3, "name": 3}, "handover": {"landing": 1},
		"files": {"landing": 1, "name": 1}, "portal": {"portal": 2},
	} {
		t.Run(page, func(t *testing.T) { examplesLoad(t, page, least) })
	}
}

func examplesLoad(t *testing.T, name string, least map[string]int) {
	t.Helper()
	page, err := os.ReadFile("../docs/guide/" + name + ".md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = fs.WalkDir(workflows.Shipped, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".test.yaml") {
			return err
		}
		text, err := fs.ReadFile(workflows.Shipped, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(files, beside)
	folders := map[string]string{"landing": "landings/", "factor": "factors/", "portal": "portal/", "name": ""}
	seen := map[string]int{}
	for _, example := range guideExample.FindAllStringSubmatch(string(page), -1) {
		folder, known := folders[example[2]]
		if !known {
			continue
		}
		seen[example[2]]++
		files[folder+"guide-"+example[3]+".yaml"] = example[1]
	}
	for kind, n := range least {
		if seen[kind] < n {
			t.Errorf("found %v", seen)
		}
	}
	all := options()
	all.Carriers = channels.Carriers() // as the shipped book names them
	all.Secrets, all.KeepAll = append(all.Secrets, "shop", "credit", "archive"), false
	if _, complaints, _ := workflows.LoadFiles(files, all); len(complaints) > 0 {
		for _, c := range complaints {
			if c.Code != "unheard" { // the page says that `postern new portal` writes what mails people
				t.Error(c)
			}
		}
	}
}
