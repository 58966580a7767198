package corebosimport

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// sampleOptions are those of the golden book.
var sampleOptions = Options{
	Zone: "Europe/Madrid", Language: "en", Settings: map[string]string{
		"siteurl": "https://crm.example/", "onesignal_app_id": "5d0c1f2e-app",
		"mattermost_url": "https://chat.example", "mattermost_channel": "desk",
	},
}

// The sample is written to be read: testdata/sample/workflows.json. What a coreBOS would export of it is made
// here, and kept as export.json for those who want to see a real one.
func TestConvertSample(t *testing.T) {
	export := sampleExport(t)
	golden(t, map[string]string{"export.json": string(export)}, "testdata/sample", "export.json")
	read, err := Read([]File{{Name: "export.json", Text: export}})
	if err != nil {
		t.Fatal(err)
	}
	modules, err := ReadModules([]File{{Name: "describe.json", Text: contents(t, "testdata/sample/describe.json")}})
	if err != nil {
		t.Fatal(err)
	}
	book := Convert(read, modules, sampleOptions)
	maps.Copy(book.Files, modules.Files())
	var report strings.Builder
	if err := book.Report.Print(&report); err != nil {
		t.Fatal(err)
	}
	book.Files["REPORT.txt"] = report.String()
	golden(t, book.Files, "testdata/book", "*", "*/*", "*/*/*")
}

// golden compares files with those of a folder, or writes them there.
func golden(t *testing.T, files map[string]string, folder string, patterns ...string) {
	t.Helper()
	there := map[string]string{}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				name, _ := filepath.Rel(folder, path)
				there[filepath.ToSlash(name)] = string(contents(t, path))
			}
		}
	}
	if *update {
		for name := range there {
			if _, still := files[name]; !still {
				_ = os.Remove(filepath.Join(folder, name))
			}
		}
		for name, text := range files {
			path := filepath.Join(folder, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if diff := cmp.Diff(there[name], files[name]); diff != "" {
			t.Errorf("%s (go test -update writes it):\n%s", name, diff)
		}
	}
	for name := range there {
		if _, still := files[name]; !still {
			t.Errorf("%s is no longer written", name)
		}
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sampleExport makes the rows of the two tables and of the maps.
func sampleExport(t *testing.T) []byte {
	t.Helper()
	var sample struct {
		Workflows []map[string]any
		Maps      []map[string]any
	}
	if err := json.Unmarshal(contents(t, "testdata/sample/workflows.json"), &sample); err != nil {
		t.Fatal(err)
	}
	var tasks []map[string]any
	for _, w := range sample.Workflows {
		list, _ := w["tasks"].([]any)
		delete(w, "tasks")
		if w["test"] != nil {
			w["test"] = jsonText(w["test"])
		}
		for i, v := range list {
			fields, _ := v.(map[string]any)
			tasks = append(tasks, map[string]any{
				"task_id": fmt.Sprint(100 + len(tasks)), "workflow_id": w["workflow_id"], "summary": fields["summary"],
				"task": serialized(fields), "executionorder": fmt.Sprint(i + 1),
			})
		}
	}
	text, err := json.MarshalIndent(map[string]any{
		"com_vtiger_workflows": sample.Workflows, "com_vtiger_workflowtasks": tasks, "vtiger_cbmap": sample.Maps,
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func jsonText(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// serialized is a task as PHP writes it: lists within are JSON texts, as the original keeps them.
func serialized(fields map[string]any) string {
	class, _ := fields["class"].(string)
	var out strings.Builder
	n := 0
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == "class" {
			continue
		}
		n++
		text(&out, name)
		switch v := fields[name].(type) {
		case []any:
			text(&out, jsonText(v))
		case map[string]any:
			fmt.Fprintf(&out, "a:%d:{", len(v))
			for _, key := range slices.Sorted(maps.Keys(v)) {
				text(&out, key)
				if number, is := v[key].(float64); is {
					fmt.Fprintf(&out, "i:%d;", int(number))
				} else {
					text(&out, fmt.Sprint(v[key]))
				}
			}
			out.WriteString("}")
		case bool:
			fmt.Fprintf(&out, "b:%d;", map[bool]int{true: 1}[v])
		default:
			text(&out, fmt.Sprint(v))
		}
	}
	return fmt.Sprintf("O:%d:%q:%d:{%s}", len(class), class, n, out.String())
}

func text(out *strings.Builder, s string) { fmt.Fprintf(out, "s:%d:\"%s\";", len(s), s) }
