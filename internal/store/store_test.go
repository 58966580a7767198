package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"postern/engine"
	"postern/engine/enginetest"
	"postern/internal/store/storetest"
	"postern/links/linkstest"
)

func TestStore(t *testing.T) {
	enginetest.TestStore(t, func(t *testing.T) engine.Store { return fresh(t) })
}

func TestDesk(t *testing.T) {
	enginetest.TestDesk(t, func(t *testing.T) enginetest.DeskStore { return fresh(t) })
}

func TestLinks(t *testing.T) {
	linkstest.TestStore(t, func(t *testing.T) linkstest.Store { return fresh(t) })
}

// While nobody has it open, the database is one file.
func TestClosedDatabaseIsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.db")
	s := at(t, path)
	claimAll(t, s)
	if _, err := s.Unfinished(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + beside); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", beside, err)
		}
	}
}

// fresh opens an empty database.
func fresh(t testing.TB) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.db")
	storetest.Blank(t, path, Open)
	return at(t, path)
}

// at opens a database and closes it with the test, if the test has not.
func at(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
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
