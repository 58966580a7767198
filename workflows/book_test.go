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
