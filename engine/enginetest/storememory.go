package enginetest

import (
	"testing"

	"postern/engine"
)

func storeMemory(t *testing.T, s *storeTrial) {
	recall := func(kind engine.MemoryKind, key string) string {
		value, known, err := s.Recall(t.Context(), "w", kind, key)
		if err != nil || known != (value != "") {
			t.Fatalf("recall %s %s: %q, %v, %v", kind, key, value, known, err)
		}
		return value
	}
	run := s.takeIn(t, 1)
	s.advance(t, run, engine.Advance{Memories: []engine.Memory{
		{Workflow: "w", Kind: engine.MemorySeen, Key: "=a", Value: "1"},
		{Workflow: "w", Kind: engine.MemoryFirst, Key: "=a", Value: "done"},
	}})
	stale := *run
	stale.Revision--
	step := engine.Advance{Fence: s.fences[run.Partition], Run: &stale, Memories: []engine.Memory{
		{Workflow: "w", Kind: engine.MemorySeen, Key: "=a", Value: "2"},
	}}
	if err := s.Advance(t.Context(), step); err == nil {
		t.Fatal("a stale step was taken")
	}
	if got := recall(engine.MemorySeen, "=a"); got != "1" {
		t.Errorf("a step that was refused is remembered: %q", got)
	}
	s.advance(t, run, engine.Advance{Memories: []engine.Memory{
		{Workflow: "w", Kind: engine.MemorySeen, Key: "=a", Value: "3"},
	}})
	seen, first := recall(engine.MemorySeen, "=a"), recall(engine.MemoryFirst, "=a")
	if seen != "3" || first != "done" {
		t.Errorf("remembers %q and %q", seen, first)
	}
	if got := recall(engine.MemorySeen, "=b"); got != "" {
		t.Errorf("remembers %q of what never was", got)
	}
}
