package workflows_test

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"postern/internal/yamldoc"
	"postern/workflows"
)

// longest is what loading a book of a few files and printing what is wrong may take in these tests, under the race
// detector on a machine that does much else. On two idle cores of 2023 the worst takes 0.3 s.
const longest = 20 * time.Second

// The files that are dearest to read or to complain about.
func TestNoBookIsWithoutEnd(t *testing.T) {
	rep := strings.Repeat
	const head = "name: w\non: { event: record.created, module: Tickets }\n"
	many := func(item string, n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, item, i)
		}
		return out.String()
	}
	steps := func(text string) string {
		return head + "tasks:\n" + rep("  - update: { set: { note: '"+text+"' } }\n", 64)
	}
	for name, file := range map[string]struct{ path, text string }{
		"unknown keys on a line":      {"w.yaml", "{" + many("kezz%d: 1, ", 15_000) + "}"},
		"unknown keys":                {"w.yaml", many("kezz%d: 1\n", 20_000)},
		"the same key":                {"w.yaml", rep("name: x\n", 30_000)},
		"fields of an unknown type":   {"modules/M.yaml", "module: M\nfields: {" + many("f%d: tezt, ", 15_000) + "}"},
		"references to nothing":       {"modules/M.yaml", "module: M\nfields:\n" + many("  f%d: { type: reference, to: Nope }\n", 6000)},
		"deep lists":                  {"w.yaml", rep("[", 200_000)},
		"deep maps":                   {"w.yaml", rep("{a: ", 60_000)},
		"block after block":           {"w.yaml", many("%d:\n - ", 20_000)},
		"anchors":                     {"w.yaml", "a: &a [x]\nb: [" + rep("*a, ", 60_000) + "]"},
		"a long wrong name":           {"w.yaml", head + "tasks: [ { update: { set: { " + rep("x", 200_000) + ": 1 } } } ]"},
		"wrong expressions":           {"w.yaml", steps(rep("{{ record.statuz }}", 200))},
		"long expressions":            {"w.yaml", steps("{{ " + rep("record.status + ", 200) + "record.statuz }}")},
		"patterns":                    {"w.yaml", steps("{{ record.note matches \"(?i)[" + rep(`\pL\pN`, 600) + "]\" }}")},
		"right expressions":           {"w.yaml", steps(rep("{{ record.status }}", 200))},
		"wrong names in a template":   {"templates/hello/email.en.txt", rep("{{ record.nosuch }}", 13_000)},
		"names in a template":         {"templates/hello/email.en.html", rep("{{ record.no }}", 17_000)},
		"a template used many times":  {"w.yaml", head + "tasks:\n" + rep("  - notify: { to: record.contact, via: email, template: hello }\n", 64)},
		"wrong triggers":              {"w.yaml", "name: w\non: [" + rep("{event: record.creatd, module: Ticketz},", 6000) + "]\ntasks: []"},
		"a folded text of many lines": {"w.yaml", head + "description: >\n" + rep("  x\n\n", 50_000) + "tasks: [ { update: { set: { note: '{{ record.statuz }}' } } } ]"},
	} {
		t.Run(name, func(t *testing.T) {
			book := smallBook(t)
			book[file.path] = file.text
			start := time.Now()
			_, complaints, sources := workflows.LoadFiles(book, options())
			loaded := time.Since(start)
			if err := yamldoc.Print(io.Discard, complaints, sources); err != nil {
				t.Error(err)
			}
			took := time.Since(start)
			t.Logf("%d complaints, load %v, all %v", len(complaints), loaded, took)
			if took > longest {
				t.Errorf("took %v", took)
			}
		})
	}
}

// What is too large is not even read.
func TestFilesOfABookAreBounded(t *testing.T) {
	large := &fstest.MapFile{Data: make([]byte, workflows.MaxFile+1)}
	heap := fstest.MapFS{}
	for i := range workflows.MaxBytes/workflows.MaxFile + 1 {
		heap[fmt.Sprintf("templates/t%d/email.en.txt", i)] = &fstest.MapFile{Data: large.Data[:workflows.MaxFile]}
	}
	for want, folder := range map[string]fstest.MapFS{
		"read book: w.yaml is larger than 256 kB":                    {"w.yaml": large},
		"read book: templates/t/email.en.html is larger than 256 kB": {"templates/t/email.en.html": large},
		"read book: modules/M.yaml is no file":                       {"modules/M.yaml": {Mode: fs.ModeNamedPipe}},
		"read book: more than 64 MB in all files together":           heap,
	} {
		book, complaints, _ := workflows.Load(folder, options())
		if book != nil || len(complaints) != 1 || complaints[0].Message != want {
			t.Errorf("%v, want %q", complaints, want)
		}
	}
	if _, complaints, _ := workflows.Load(fstest.MapFS{"notes.txt": large}, options()); len(complaints) != 0 {
		t.Errorf("a file that is none of a book: %v", complaints)
	}
}
