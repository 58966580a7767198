package workflows_test

import (
	"testing"

	"postern/tasks"
	"postern/workflows"
)

func TestShippedBookIsClean(t *testing.T) {
	book, complaints, _ := workflows.Load(workflows.Shipped, workflows.Options{
		Tasks: tasks.Kinds(), Channels: []string{"email"}, KeepAll: true,
	})
	for _, c := range complaints {
		t.Error(c)
	}
	if book == nil || len(book.Workflows) < 2 {
		t.Fatal("no book")
	}
}

// A landing is kept as files, and must come back from them as the version it was.
func TestLandingsCanBeLoadedAgain(t *testing.T) {
	book, complaints, _ := workflows.LoadFiles(smallBook(t), options())
	if book == nil {
		t.Fatal(complaints)
	}
	for name, landing := range book.Landings {
		again, complaints, _ := workflows.LoadFiles(landing.Files, workflows.Options{})
		if again == nil {
			t.Fatal(complaints)
		}
		if found := again.Landings[name]; found == nil || found.Version != landing.Version || len(again.Landings) != 1 {
			t.Errorf("landing %s of version %s came back as %+v", name, landing.Version, found)
		}
	}
}
