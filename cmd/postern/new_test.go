package main

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"postern/internal/peer"
	"postern/workflows"
)

// Whatever a module has, what new begins with about it is in order, without a warning.
func TestNewAboutEveryShippedModule(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, workflows.Shipped); err != nil {
		t.Fatal(err)
	}
	book, _, _ := loadBook(workflows.Shipped, defaultConfig().carriers(), true)
	var out bytes.Buffer
	names := slices.Sorted(maps.Keys(book.Modules))
	if peer.Race {
		names = names[:2]
	}
	for _, name := range names {
		small := strings.ToLower(name)
		for _, args := range [][]string{
			{"new", "landing", "new-" + small, "--module", name, "--book", folder},
			{"new", "workflow", "new-" + small, "--module", name, "--book", folder},
		} {
			if code := run(args, nil, &out, &out); code != 0 {
				t.Fatalf("%v: %s", args, &out)
			}
		}
	}
	out.Reset()
	if code := run([]string{"lint", folder}, nil, &out, &out); code != 0 || strings.Contains(out.String(), "warning") {
		t.Errorf("lint: exit %d\n%s", code, &out)
	}
	out.Reset()
	if code := run([]string{"test", folder}, nil, &out, &out); code != 0 {
		t.Errorf("test: exit %d\n%s", code, &out)
	}
}
