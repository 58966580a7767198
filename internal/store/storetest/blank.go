// Package storetest gives tests empty databases at once: making the tables anew takes most of the time of many a test,
// and copying a file that has them takes none.
package storetest

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"postern/engine"
)

// test is what a test is needed for; rapid's are such, too.
type test interface {
	Helper()
	Fatal(args ...any)
}

// blank is the file of an empty database, made once by each program of tests.
var blank struct {
	once sync.Once
	file []byte
	err  error
}

// Blank puts an empty database at path, its tables up to date, unless there is a file already. open is store.Open: the
// store's own tests are within its package, so that it cannot be imported here.
func Blank[S io.Closer](t test, path string,
	open func(context.Context, string, engine.Clock, *slog.Logger) (S, error),
) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	blank.once.Do(func() {
		blank.file, blank.err = mould(func(path string) (io.Closer, error) {
			return open(context.Background(), path, engine.SystemClock{}, slog.New(slog.DiscardHandler))
		})
	})
	if blank.err != nil {
		t.Fatal(blank.err)
	}
	if err := os.WriteFile(path, blank.file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// mould makes an empty database and reads its file: while nobody has it open, it is one.
func mould(open func(path string) (io.Closer, error)) ([]byte, error) {
	folder, err := os.MkdirTemp("", "postern-blank-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "postern.db")
	made, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
