package store

import (
	"log/slog"
	"testing"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/links/linkstest"
)

func TestMemory(t *testing.T) {
	enginetest.TestStore(t, func(t *testing.T) engine.Store { return inMemoryStore(t) })
}

func TestMemoryOfLinks(t *testing.T) {
	linkstest.TestStore(t, func(t *testing.T) linkstest.Store { return inMemoryStore(t) })
}

func inMemoryStore(t *testing.T) *Store {
	t.Helper()
	s, err := OpenMemory(t.Context(), engine.SystemClock{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
