package peer

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// trial stands in for a test that asks for a peer and notes how it was ended.
type trial struct {
	testing.TB

	skipped, failed bool
}

func (tr *trial) Helper()               {}
func (tr *trial) Name() string          { return "TestTrial/asks" }
func (tr *trial) Skipf(string, ...any)  { tr.skipped = true; runtime.Goexit() }
func (tr *trial) Fatalf(string, ...any) { tr.failed = true; runtime.Goexit() }

// ask runs find as a test of its own would, in a goroutine that Skipf and Fatalf may end.
func ask(t *testing.T, candidates ...string) (path string, tr *trial) {
	t.Helper()
	tr = &trial{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		path = find(tr, candidates...)
	}()
	<-done
	return path, tr
}

// program writes something that can be run and returns its path.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindLooksOnThePathThenElsewhere(t *testing.T) {
	first, second := program(t, "mailer"), program(t, "mailer-in-sbin")
	t.Setenv("PATH", filepath.Dir(first))

	if path, _ := ask(t, "mailer", second); path != first {
		t.Errorf("find took %q, not the one on the search path", path)
	}
	if path, _ := ask(t, "no-such-mailer", second); path != second {
		t.Errorf("find took %q, not the second candidate", path)
	}
}

func TestMissingPeerSkipsAndIsListed(t *testing.T) {
	list := filepath.Join(t.TempDir(), "skips")
	t.Setenv("POSTERN_REQUIRE", "")
	t.Setenv("POSTERN_SKIPS", list)

	for range 2 {
		if path, tr := ask(t, "no-such-mailer"); !tr.skipped || tr.failed || path != "" {
			t.Fatalf("path %q, skipped %v, failed %v; want a skip", path, tr.skipped, tr.failed)
		}
	}
	got, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	line := "postern/internal/peer TestTrial/asks: no-such-mailer is not installed (make deps)\n"
	if want := strings.Repeat(line, 2); string(got) != want {
		t.Errorf("skips listed as\n%swant\n%s", got, want)
	}
}

func TestMissingPeerFailsWhereRequired(t *testing.T) {
	list := filepath.Join(t.TempDir(), "skips")
	t.Setenv("POSTERN_REQUIRE", "1")
	t.Setenv("POSTERN_SKIPS", list)

	if _, tr := ask(t, "no-such-mailer"); !tr.failed || tr.skipped {
		t.Errorf("skipped %v, failed %v; want a failure", tr.skipped, tr.failed)
	}
	if _, err := os.Stat(list); err == nil {
		t.Error("a failure was listed as a skip")
	}
}

func TestUnwritableListFails(t *testing.T) {
	t.Setenv("POSTERN_REQUIRE", "")
	t.Setenv("POSTERN_SKIPS", filepath.Join(t.TempDir(), "no-such-folder", "skips"))

	if _, tr := ask(t, "no-such-mailer"); !tr.failed {
		t.Error("a skip that could not be listed was not reported")
	}
}

// The peers themselves, where they are installed: CI requires all of them.
func TestPeersCanBeFound(t *testing.T) {
	for name, peer := range map[string]func(testing.TB) string{
		"exim": Exim, "chromium": Chromium, "postgres": Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			if path := peer(t); !filepath.IsAbs(path) {
				t.Errorf("found at %q, which is no absolute path", path)
			}
		})
	}
}

func TestPostgresLiesBesideInitdb(t *testing.T) {
	initdb := filepath.Join(filepath.Dir(Postgres(t)), "initdb")
	if _, err := os.Stat(initdb); err != nil {
		t.Errorf("no initdb beside the server: %v", err)
	}
}
