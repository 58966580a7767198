package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	const root = "../.."
	pages, err := everything(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v: run `make generate`", err)
			continue
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is stale, run `make generate` (-source +file):\n%s", name, diff)
		}
	}
}

func TestGenerateWritesThePages(t *testing.T) {
	var errOut bytes.Buffer
	if code := run(nil, &errOut); code != 2 || !strings.Contains(errOut.String(), "usage") {
		t.Errorf("without a folder: exit %d, %q", code, &errOut)
	}
	errOut.Reset()
	code := run([]string{t.TempDir()}, &errOut)
	if code != 1 || !strings.Contains(errOut.String(), "read package postern/tasks") {
		t.Errorf("in an empty folder: exit %d, %q", code, &errOut)
	}
}

// small is a module with each form of key and of default once.
const small = `package small

import (
	"time"

	"postern/engine"
	"postern/internal/yamldoc"
	other "postern/far"
)

// Small is small.
type Small struct {
	// Name is the name.
	Name string ` + "`yaml:\"name,required\"`" + `
	Count int ` + "`yaml:\"count\"`" + ` // how many | there are
	// Ways names <where> to.
	Ways []string ` + "`yaml:\"ways,one\"`" + `
	// Wait is a time
	// over two lines.
	Wait time.Duration ` + "`yaml:\"wait\"`" + `
	// Pass is it.
	Pass engine.Secret ` + "`yaml:\"pass\"`" + `
	// One is one.
	One *Inner ` + "`yaml:\"one\"`" + `
	// Many are many.
	Many map[string]Inner ` + "`yaml:\"many\"`" + `
	// Far is elsewhere.
	Far other.Far ` + "`yaml:\"far\"`" + `
	// Rest is free.
	Rest []yamldoc.Entry ` + "`yaml:\"rest\"`" + `
	// OddName tells.
	OddName bool ` + "`yaml:\"odd_name\"`" + `

	hidden int
}

type Inner struct {
	// On is whether.
	On bool ` + "`yaml:\"on\"`" + `
}

func defaults() Small {
	return Small{Name: "never shown", Count: 3, Wait: "24h", One: Inner{On: true}, Far: other.Standard()}
}
`

const far = `package far

type Far struct {
	// Who is who.
	Who string ` + "`yaml:\"who\"`" + `
}

const standard = "Ann"

func Standard() Far { return Far{Who: standard} }
`

func smallSource(t *testing.T, files map[string]string) *source {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return newSource(root)
}

func TestRowsOfEveryForm(t *testing.T) {
	src := smallSource(t, map[string]string{"small/small.go": small, "far/far.go": far, "far/far_test.go": "not Go"})
	s, err := src.find("postern/small", "Small")
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := src.returned("postern/small", "defaults")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := src.rows(s, "", defaults)
	if err != nil {
		t.Fatal(err)
	}
	p := newPage("Small", "")
	p.table(rows)
	const want = "| key | type | default | what |\n" +
		"| --- | --- | --- | --- |\n" +
		"| `name` | text | required | The name. |\n" +
		"| `count` | whole number | `3` | How many \\| there are. |\n" +
		"| `ways` | list of text, or one |  | Ways names \\<where> to. |\n" +
		"| `wait` | duration | `24h` | A time over two lines. |\n" +
		"| `pass` | secret |  | It. |\n" +
		"| `one` | mapping |  | One. |\n" +
		"| `one.on` | true or false | `true` | Whether. |\n" +
		"| `many` | mapping by name |  | Many. |\n" +
		"| `many.<name>.on` | true or false |  | Whether. |\n" +
		"| `far` | mapping |  | Elsewhere. |\n" +
		"| `far.who` | text | `Ann` | Who. |\n" +
		"| `rest` | mapping by name |  | Free. |\n" +
		"| `odd_name` | true or false |  | odd_name tells. |\n"
	_, got, _ := strings.Cut(p.String(), "# Small\n\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeDescribed(t *testing.T) {
	const channel = "c: a type of the form *ast.ChanType has no word for the reader"
	for _, tc := range []struct{ name, field, want string }{
		{"no comment", "Bare int `yaml:\"bare\"`", "S.Bare has no comment, and an admin will look for one"},
		{"odd", "// C is c.\nC chan int `yaml:\"c\"`", channel},
		{"foreign", "// U is u.\nU url.URL `yaml:\"u\"`", "u: package net/url is not ours to read"},
		{"unknown", "// U is u.\nU Unknown `yaml:\"u\"`", "u: package postern/s has no struct Unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := smallSource(t, map[string]string{
				"s/s.go": "package s\n\nimport \"net/url\"\n\ntype S struct {\n" + tc.field + "\n}\n",
			})
			s, err := src.find("postern/s", "S")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := src.rows(s, "", nil); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}
