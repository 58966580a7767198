package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A data folder too deep for a Unix socket is served, and found under each of its names.
func TestControlOfADeepFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder := t.TempDir()
	deep := filepath.Join(folder, strings.Repeat("deep/", 30), "data")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(deep, link); err != nil {
		t.Fatal(err)
	}
	h := &house{config: config{Data: deep}}
	listener, err := h.listenControl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error, 2)
	go func() {
		for range 2 {
			conn, err := listener.Accept()
			if err == nil {
				err = conn.Close()
			}
			accepted <- err
		}
	}()
	t.Chdir(filepath.Dir(deep))
	for _, name := range []string{"data", link} {
		_ = callControl(t.Context(), name, "/links", nil, nil) // closed without an answer
		if err := <-accepted; err != nil {
			t.Fatal(err)
		}
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := callControl(t.Context(), deep, "/links", nil, nil); !errors.Is(err, errNotRunning) {
		t.Errorf("with nobody there: %v", err)
	}
}

func TestControlFolderOfOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own")
	for range 2 { // made, then found
		if err := ownFolder(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := ownFolder(path); err == nil {
		t.Error("a folder that others can enter was taken")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ownFolder(path); err == nil {
		t.Error("a file was taken for a folder")
	}
}
