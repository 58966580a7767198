package store

import (
	"errors"
	"log/slog"
	"testing"
	"time"

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
	mould, err := NewMould(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := mould.Open(t.Context(), engine.SystemClock{}, slog.New(slog.DiscardHandler))
	if err = errors.Join(err, mould.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// What is written to one database is not in the next.
func TestMouldStaysEmpty(t *testing.T) {
	mould, err := NewMould(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer mould.Close()
	for range 3 {
		s, err := mould.Open(t.Context(), engine.SystemClock{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Version(t.Context(), "v"); err == nil {
			t.Error("the version of another database is there")
		}
		if err := s.KeepVersion(t.Context(), "v", map[string]string{"a": "b"}, time.Now()); err != nil {
			t.Error(err)
		}
		if files, err := s.Version(t.Context(), "v"); err != nil || files["a"] != "b" {
			t.Errorf("kept %v, %v", files, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
