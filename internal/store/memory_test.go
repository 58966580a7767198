package store

import (
	"log/slog"
	"testing"
	"time"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/links/linkstest"
)

func TestMemory(t *testing.T) {
	mould := newMould(t)
	enginetest.TestStore(t, func(t *testing.T) engine.Store { return inMemoryStore(t, mould) })
}

func TestMemoryOfLinks(t *testing.T) {
	mould := newMould(t)
	linkstest.TestStore(t, func(t *testing.T) linkstest.Store { return inMemoryStore(t, mould) })
}

func newMould(t *testing.T) *Mould {
	t.Helper()
	mould, err := NewMould(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mould.Close(); err != nil {
			t.Error(err)
		}
	})
	return mould
}

func inMemoryStore(t *testing.T, mould *Mould) *Store {
	t.Helper()
	s, err := mould.Open(t.Context(), engine.SystemClock{}, slog.New(slog.DiscardHandler))
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

// What is written to one database is not in the next.
func TestMouldStaysEmpty(t *testing.T) {
	mould := newMould(t)
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
