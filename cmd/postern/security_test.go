package main

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// attacks are the numbers of the list of attacks on links that must have a test. The others are of what there is not:
// unsubscribing.
const attacks = `01 02 03 04 05 06 07 08 10 11 12 13 14 15 16 18 19 20 21 22 23 24 25 30 31 32 33 34 35 36 37 38
	39 40 41 42 43 44 45 46 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 72 73 75 76
	80 81 82 83 84 85 86 87 88 89 90 91 92 93`

var (
	attackRow  = regexp.MustCompile(`(?m)^\| T(\d\d) \| [^|]+ \| ([^|]+) \|$`)
	attackTest = regexp.MustCompile(`func TestT(\d\d)[A-Z]|t\.Run\("T(\d\d) |(?m)^# T(\d\d) `)
	quotedFile = regexp.MustCompile("`([^`]+)`")
)

// The table in docs/security.md says of every attack which files test it: no more and no fewer than do.
func TestSecurityTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][]string{}
	for _, row := range attackRow.FindAllStringSubmatch(string(page), -1) {
		if told[row[1]] != nil {
			t.Errorf("T%s has two rows", row[1])
		}
		for _, file := range quotedFile.FindAllStringSubmatch(row[2], -1) {
			told[row[1]] = append(told[row[1]], file[1])
		}
	}
	found := attackTests(t)
	for number, files := range found {
		slices.Sort(told[number])
		if want := strings.Join(files, ", "); strings.Join(told[number], ", ") != want {
			t.Errorf("docs/security.md says that T%s is tested in %q; it is in %q",
				number, strings.Join(told[number], ", "), want)
		}
	}
	for number := range strings.FieldsSeq(attacks) {
		if found[number] == nil {
			t.Errorf("there is no test of T%s", number)
		}
	}
	for number := range told {
		if found[number] == nil {
			t.Errorf("docs/security.md has a row for T%s, of which there is no test", number)
		}
	}
}

// attackTests are the files of the tree that test each attack, in order.
func attackTests(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	tree := os.DirFS("../..")
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".txtar"):
			return nil
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		for _, test := range attackTest.FindAllStringSubmatch(string(text), -1) {
			number := test[1] + test[2] + test[3]
			if !slices.Contains(found[number], path) {
				found[number] = append(found[number], path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
