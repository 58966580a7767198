package workflows_test

import (
	"bytes"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/labels"
	"postern/internal/yamldoc"
	"postern/tasks"
	"postern/workflows"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

func options() workflows.Options {
	return workflows.Options{
		Tasks: tasks.Kinds(), Carriers: enginetest.Carriers("email", "sms"), Secrets: []string{"rates"}, KeepAll: true,
		Hosts: []string{"shop.acme.example"}, Languages: []string{"en", "es"}, Texts: map[string]labels.Holes{
			"door.intro": {May: []string{"Brand"}}, "form.longest": {May: []string{"Max"}}, "form.save": {},
			"message.code": {May: []string{"Brand", "Code"}, Must: []string{"Code"}},
		},
	}
}

// archive reads the files of a txtar archive; want is what it expects to be printed.
func archive(t testing.TB, path string) (parsed *txtar.Archive, files map[string]string, want string) {
	t.Helper()
	parsed, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, file := range parsed.Files {
		files[file.Name] = string(file.Data)
	}
	want = files["want"]
	delete(files, "want")
	return parsed, files, want
}

func smallBook(t testing.TB) map[string]string {
	t.Helper()
	_, files, _ := archive(t, "testdata/book.txtar")
	return files
}

// load loads a book that must be without mistakes.
func load(t *testing.T, files map[string]string) *engine.Book {
	t.Helper()
	book, complaints, _ := workflows.LoadFiles(files, options())
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	return book
}

func TestSmallBookIsClean(t *testing.T) { load(t, smallBook(t)) }

// Each archive is a book with mistakes and all that is printed about them. Run the test with -update
// after a change of wording, then read the difference.
func TestMistakesAreExplained(t *testing.T) {
	paths, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	said := map[string]bool{}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			parsed, files, want := archive(t, path)
			book := smallBook(t)
			maps.Copy(book, files)
			loaded, complaints, sources := workflows.LoadFiles(book, options())
			if loaded != nil {
				t.Error("a book with mistakes was loaded")
			}
			for _, c := range complaints {
				said[c.Message] = true
				if _, ours := files[c.File]; !ours {
					t.Errorf("a complaint about a file without mistakes: %s", c)
				}
			}
			var out bytes.Buffer
			if err := yamldoc.Print(&out, complaints, sources); err != nil {
				t.Fatal(err)
			}
			if *update {
				write(t, path, parsed, out.Bytes())
				return
			}
			if diff := cmp.Diff(want, out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if len(said) < 100 {
		t.Errorf("only %d different complaints", len(said))
	}
}

func write(t *testing.T, path string, parsed *txtar.Archive, want []byte) {
	t.Helper()
	if last := len(parsed.Files) - 1; parsed.Files[last].Name == "want" {
		parsed.Files = parsed.Files[:last]
	}
	parsed.Files = append(parsed.Files, txtar.File{Name: "want", Data: want})
	if err := os.WriteFile(path, txtar.Format(parsed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTwelveMistakesComeAtOnce(t *testing.T) {
	_, files, _ := archive(t, "testdata/mistakes/twelve.txtar")
	book := smallBook(t)
	maps.Copy(book, files)
	_, complaints, _ := workflows.LoadFiles(book, options())
	if len(complaints) != 12 {
		t.Errorf("%d complaints", len(complaints))
	}
	sorted := append(yamldoc.Diagnostics{}, complaints...)
	sorted.Sort()
	if diff := cmp.Diff(sorted, complaints); diff != "" {
		t.Errorf("not in order:\n%s", diff)
	}
}

// Whatever one file of a book holds, loading ends with a book or with complaints.
func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "testdata/book.txtar") {
		_, files, _ := archive(f, path)
		for name, text := range files {
			f.Add(name, text)
		}
	}
	f.Add(".yaml", "name: \non: [{{}}]")
	base := smallBook(f)
	f.Fuzz(func(t *testing.T, name, text string) {
		book := maps.Clone(base)
		book[name] = text
		start := time.Now()
		loaded, complaints, sources := workflows.LoadFiles(book, options())
		if (loaded == nil) != (complaints.Err() != nil) {
			t.Errorf("book %v with %v", loaded != nil, complaints)
		}
		if err := yamldoc.Print(io.Discard, complaints, sources); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > longest {
			t.Errorf("took %v", took)
		}
	})
}
