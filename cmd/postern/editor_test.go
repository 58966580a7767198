package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/tasks"
	"postern/workflows"
)

// An editor with the YAML language server of VS Code and Neovim, on a book that `postern schema --write` has set up,
// without a network.
func TestEditor(t *testing.T) {
	book := t.TempDir()
	if err := os.CopyFS(book, workflows.Shipped); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run([]string{"schema", "--write", book}, nil, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	e := startEditor(t, book)
	t.Run("marks nothing in the shipped book", func(t *testing.T) { e.t = t; nothingMarked(t, e, book) })
	t.Run("marks a misspelt key", func(t *testing.T) { e.t = t; misspelt(t, e, book) })
	t.Run("proposes and explains", func(t *testing.T) { e.t = t; proposes(t, e, book) })
}

func nothingMarked(t *testing.T, e *editor, book string) {
	count := 0
	err := fs.WalkDir(os.DirFS(book), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || workflows.KindOf(name) == "" {
			return err
		}
		text, err := os.ReadFile(filepath.Join(book, name))
		if err != nil {
			return err
		}
		if !strings.HasPrefix(string(text), schemaSign) {
			t.Errorf("%s has no line for editors", name)
		}
		count++
		for _, mark := range e.open("file://"+filepath.Join(book, name), string(text)) {
			t.Errorf("%s:%d: %s", name, mark.Range.Start.Line+1, mark.Message)
		}
		return nil
	})
	if err != nil || count < 7 {
		t.Errorf("%d files: %v", count, err)
	}
}

func misspelt(t *testing.T, e *editor, book string) {
	text := schemaLine("wrong.yaml", "workflow") + `name: wrong
on: { event: record.created, module: HelpDesk }
tasks:
  - notify:
      to: record.parent_id
      via: email
      tempalte: ticket-created
`
	var said []string
	for _, mark := range e.open("file://"+filepath.Join(book, "wrong.yaml"), text) {
		said = append(said, fmt.Sprintf("%d: %s", mark.Range.Start.Line+1, mark.Message))
	}
	slices.Sort(said)
	want := []string{`5: Missing property "template".`, "8: Property tempalte is not allowed."}
	if !slices.Equal(said, want) {
		t.Errorf("marks %q, want %q", said, want)
	}
}

func proposes(t *testing.T, e *editor, book string) {
	text := schemaLine("new.yaml", "workflow") + `name: new
on:
  event: record.created
  module: HelpDesk
  ch
tasks:
  - f
  - notify:
      template: t
  - wait:
      for: 1d
`
	uri := "file://" + filepath.Join(book, "new.yaml")
	e.open(uri, text)
	steps := e.complete(uri, spot{7, 5})
	for _, kind := range tasks.Kinds() {
		if !slices.ContainsFunc(steps, func(p proposal) bool { return p.Label == kind.Name }) {
			t.Errorf("%s is not proposed among %v", kind.Name, steps)
		}
	}
	keys := e.complete(uri, spot{5, 4})
	i := slices.IndexFunc(keys, func(p proposal) bool { return p.Label == "changed" })
	if i < 0 || !strings.Contains(fmt.Sprint(keys[i].Documentation), "only if one of them has changed") {
		t.Errorf("of the key changed is said %v", keys)
	}
	for _, place := range []struct {
		at   spot
		name string
	}{{spot{4, 10}, "Contacts"}, {spot{9, 17}, "ticket-resolved"}} {
		names := e.complete(uri, place.at)
		if !slices.ContainsFunc(names, func(p proposal) bool { return p.Label == place.name }) {
			t.Errorf("the book's %s is not proposed among %v", place.name, names)
		}
	}
	if said := e.hover(uri, spot{10, 5}); !strings.Contains(said, "Wait lets the run rest") {
		t.Errorf("of wait is said %q", said)
	}
}
