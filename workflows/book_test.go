package workflows_test

import (
	"os"
	"strings"
	"testing"

	"postern/channels"
	"postern/tasks"
	"postern/workflows"
)

func TestShippedBookIsClean(t *testing.T) {
	book, complaints, _ := workflows.Load(workflows.Shipped, workflows.Options{
		Tasks: tasks.Kinds(), Carriers: channels.Carriers(), KeepAll: true,
	})
	for _, c := range complaints {
		t.Error(c)
	}
	if book == nil || len(book.Workflows) < 2 {
		t.Fatal("no book")
	}
	guide, err := os.ReadFile("../docs/guide/shipped.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range book.Workflows {
		if !strings.Contains(string(guide), "["+w.Name+"](../../workflows/"+w.Name+".yaml)") {
			t.Errorf("the guide does not list %s", w.Name)
		}
	}
}

// A landing is kept as files, and must come back from them as the version it was.
func TestLandingsCanBeLoadedAgain(t *testing.T) {
	book, complaints, _ := workflows.LoadFiles(smallBook(t), options())
	if book == nil {
		t.Fatal(complaints)
	}
	for name, landing := range book.Landings {
		again, complaints, _ := workflows.LoadFiles(landing.Files, workflows.Options{Kept: true, KeepAll: true})
		if again == nil {
			t.Fatal(complaints)
		}
		if found := again.Landings[name]; found == nil || found.Version != landing.Version || len(again.Landings) != 1 {
			t.Errorf("landing %s of version %s came back as %+v", name, landing.Version, found)
		}
	}
}
