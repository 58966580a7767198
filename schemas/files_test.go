package schemas_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"postern/engine/enginetest"
	"postern/internal/yamldoc"
	"postern/schemas"
	"postern/tasks"
	"postern/workflows"
)

// compiled are the schemas of the files of a book and of the configuration, by name.
func compiled(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	all := map[string]*jsonschema.Schema{}
	for _, name := range schemas.Names() {
		text, _ := schemas.Of(name)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("read schema %s: %v", name, err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(schemas.File(name), document); err != nil {
			t.Fatalf("add schema %s: %v", name, err)
		}
		if all[name], err = compiler.Compile(schemas.File(name)); err != nil {
			t.Fatalf("compile schema %s: %v", name, err)
		}
	}
	return all
}

// judge holds a file against its schema. A file that is no YAML is refused before that.
func judge(t *testing.T, all map[string]*jsonschema.Schema, name, text string) error {
	t.Helper()
	doc, diags := yamldoc.Parse(name, []byte(text))
	if diags.Err() != nil {
		return diags.Err()
	}
	return all[workflows.KindOf(name)].Validate(doc.Root().Plain())
}

func TestShippedFilesFitTheirSchemas(t *testing.T) {
	all, shipped := compiled(t), os.DirFS("../workflows")
	seen := map[string]int{}
	err := fs.WalkDir(shipped, ".", func(name string, _ fs.DirEntry, err error) error {
		kind := workflows.KindOf(name)
		if err != nil || all[kind] == nil {
			return err
		}
		seen[kind]++
		text, err := fs.ReadFile(shipped, name)
		if err != nil {
			return err
		}
		if err := judge(t, all, name, string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil || seen["workflow"] == 0 || seen["module"] == 0 || seen["landing"] == 0 || seen["test"] == 0 {
		t.Errorf("looked at %v: %v", seen, err)
	}
}

// The books of the loader's tests: whatever is right to the loader is right to the schema.
func TestGoodFilesFitTheirSchemas(t *testing.T) {
	all := compiled(t)
	for _, file := range archive(t, "../workflows/testdata/book.txtar") {
		if workflows.KindOf(file.Name) == "" {
			continue
		}
		if err := judge(t, all, file.Name, string(file.Data)); err != nil {
			t.Errorf("%s: %v", file.Name, err)
		}
	}
	for _, path := range mistakes(t) {
		files, complaints := lint(t, path)
		for name, text := range files {
			if workflows.KindOf(name) != "" && len(complaints[name]) == 0 {
				if err := judge(t, all, name, text); err != nil {
					t.Errorf("%s: %s: %v", path, name, err)
				}
			}
		}
	}
}

// structural are the complaints about the form of a file, which a schema can have too. Lists that may be one text, and
// expressions, take what an editor cannot know to be wrong.
var structural = regexp.MustCompile(`^(unknown (key|task|field type|mode|choice|kind of factor|risk|way in) |missing key |expected (a .*|true or false|text), found|a step (needs one of|does one thing))`)

// Each mistake in the form of a file is found by the editor as well as by lint.
func TestMistakesOfFormAreRefused(t *testing.T) {
	all := compiled(t)
	count := 0
	for _, path := range mistakes(t) {
		files, complaints := lint(t, path)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			i := slices.IndexFunc(complaints[name], func(message string) bool { return structural.MatchString(message) })
			if workflows.KindOf(name) == "" || i < 0 {
				continue
			}
			count++
			if err := judge(t, all, name, files[name]); err == nil {
				t.Errorf("%s: %s: lint says %q, the schema nothing", filepath.Base(path), name, complaints[name][i])
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d files have mistakes of form", count)
	}
}

// A book's names are proposed, and others are let through all the same.
func TestNamesOfABook(t *testing.T) {
	names := map[string][]string{"module": {"Zebras", "Contacts"}, "landing": nil}
	for _, name := range schemas.Names() {
		plain, _ := schemas.Of(name)
		text, ok := schemas.For(name, names)
		if !ok || bytes.Contains(text, []byte("Zebras")) != bytes.Contains(plain, []byte("#/definitions/module")) {
			t.Errorf("%s: %t\n%s", name, ok, text)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(name, document); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "landing" {
			landing := map[string]any{"landing": "x", "module": "Invoice", "show": "number"}
			if err := schema.Validate(landing); err != nil {
				t.Error(err)
			}
		}
	}
	if _, ok := schemas.For("none", names); ok {
		t.Error("there is a schema of no name")
	}
}

// Every kind of task is known, and its documented example fits.
func TestExamplesOfTasksFit(t *testing.T) {
	all := compiled(t)
	for _, kind := range tasks.Kinds() {
		text := "name: w\non: { event: record.created, module: HelpDesk }\ntasks:\n  - " +
			strings.ReplaceAll(kind.Example, "\n", "\n    ") + "\n"
		if err := judge(t, all, "w.yaml", text); err != nil {
			t.Errorf("%s: %v", kind.Name, err)
		}
		if err := judge(t, all, "w.yaml", text+"    update: { set: { a: b } }\n    fill: { field: a }\n"); err == nil {
			t.Errorf("%s: two tasks in one step are let through", kind.Name)
		}
	}
}

func mistakes(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../workflows/testdata/mistakes/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	return paths
}

func archive(t *testing.T, path string) []txtar.File {
	t.Helper()
	parsed, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Files
}

// lint gives the files of an archive and what the loader says of each.
func lint(t *testing.T, path string) (files map[string]string, complaints map[string][]string) {
	t.Helper()
	files, book := map[string]string{}, map[string]string{}
	for _, file := range archive(t, "../workflows/testdata/book.txtar") {
		book[file.Name] = string(file.Data)
	}
	for _, file := range archive(t, path) {
		if file.Name != "want" {
			files[file.Name] = string(file.Data)
		}
	}
	maps.Copy(book, files)
	_, diags, _ := workflows.LoadFiles(book, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email", "sms"), KeepAll: true,
	})
	complaints = map[string][]string{}
	for _, d := range diags {
		complaints[d.File] = append(complaints[d.File], d.Message)
	}
	return files, complaints
}

// The example of the reference fits, and a channel by another name has the keys of its kind.
func TestConfigurationsFitTheirSchema(t *testing.T) {
	schema := compiled(t)["config"]
	page, err := os.ReadFile("../docs/reference/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	for _, tc := range []struct {
		name, text string
		good       bool
	}{
		{"the example", example, true},
		{"a channel by another name", "channels: { bulk: { kind: email, host: h, from: a@b.example, rate: 10/s } }", true},
		{"a channel that plays another", "channels: { email: { kind: capture } }", true},
		{"a misspelt key", "webb: {}", false},
		{"a misspelt key inside", "web: { listn: \"\" }", false},
		{"an unknown kind", "channels: { bulk: { kind: pigeon } }", false},
		{"no kind", "channels: { bulk: { host: h } }", false},
		{"another kind's key", "channels: { capture: { host: h } }", false},
		{"a secret written down", "api: { keys: { crm: s3cr3t } }", false},
		{"a secret in two places", "api: { keys: { crm: { env: A, file: b } } }", false},
		{"text for a number", "crm: { sessions: four }", false},
		{"no duration", "retention: { history: 90 }", false},
	} {
		doc, diags := yamldoc.Parse(tc.name, []byte(tc.text))
		if diags.Err() != nil {
			t.Fatal(diags)
		}
		if err := schema.Validate(doc.Root().Plain()); (err == nil) != tc.good {
			t.Errorf("%s: good=%t: %v", tc.name, err == nil, err)
		}
	}
}
