// Package peer finds the real programs that some tests talk to: a mail server, a browser, a checker of
// pages, a database, an editor's language server, a client of coreBOS.
//
// It is for tests only. A test asks for its peer first and gets the path of the program; starting and stopping it
// is the test's own business. Where the program is missing the test is skipped aloud:
//
//   - with POSTERN_REQUIRE=1 in the environment, as in CI, it fails instead;
//   - with POSTERN_SKIPS set, the skip also becomes a line of the file it names, which is how `make test` can list
//     at the end what was not tested.
//
// Both variables are read on the way to a skip and nowhere else. The go command keys a cached result on the variables
// a test has read, so a pass stays cached whatever they say, while a skip is never mistaken for one.
package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// Exim returns the path of Exim 4, the mail server.
func Exim(t testing.TB) string {
	t.Helper()
	// Debian keeps it in sbin, which only root has on the search path.
	return find(t, "exim4", "/usr/sbin/exim4")
}

// PythonDKIM returns the path of a Python that has dkimpy, which verifies the signatures of mails.
func PythonDKIM(t testing.TB) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} { // Debian's packages are for Debian's own
		if exec.CommandContext(t.Context(), python, "-c", "import dkim, nacl").Run() == nil {
			return python
		}
	}
	giveUp(t, "python3-dkim")
	return ""
}

// Chromium returns the path of Chromium or of Chrome, the browser.
func Chromium(t testing.TB) string {
	t.Helper()
	return find(t, "chromium", "chromium-browser", "google-chrome")
}

// Postgres returns the path of the PostgreSQL server program, links followed: initdb and pg_ctl lie beside it.
// PostgreSQL refuses to run as root, so a test that may be root has to start it as another user.
func Postgres(t testing.TB) string {
	t.Helper()
	candidates := []string{"postgres"}
	// Debian keeps each major version in a folder of its own and none on the search path; the newest comes last.
	if installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); err == nil && len(installed) > 0 {
		candidates = append(candidates, installed[len(installed)-1])
	}
	server := find(t, candidates...)
	resolved, err := filepath.EvalSymlinks(server)
	if err != nil {
		t.Fatalf("resolve %s: %v", server, err)
	}
	return resolved
}

// YAMLServer returns the command line of the language server by which editors read YAML and its schemas: Node.js and
// the script that `make deps` has fetched.
func YAMLServer(t testing.TB) []string {
	t.Helper()
	node := find(t, "node", "nodejs")
	script := fetched(t, "yaml-language-server", "editor", "yaml-language-server/bin/yaml-language-server")
	return []string{node, script, "--stdio"}
}

// Axe returns the path of axe-core, the script that finds what keeps people with disabilities from using a page. A
// browser runs it within the page.
func Axe(t testing.TB) string {
	t.Helper()
	return fetched(t, "axe-core", "axe", "axe-core/axe.min.js")
}

// WSLib returns the path of Node.js and that of ws-lib, the client library of coreBOS, which is a script.
func WSLib(t testing.TB) (node, library string) {
	t.Helper()
	node = find(t, "node", "nodejs")
	return node, fetched(t, "@corebos/ws-lib", "wslib", "@corebos/ws-lib/WSClientm.js")
}

// fetched returns the path of a file of a package that `make deps` has fetched from npm into a folder under tools.
func fetched(t testing.TB, name, tool, file string) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatalf("find the module's folder: %v", err)
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		path := filepath.Join(folder, "tools", tool, "node_modules", filepath.FromSlash(file))
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	giveUp(t, name)
	return ""
}

// find returns the first of the candidates, each a name to look up or a path, that can be run.
// The first also names the peer in what is said about a missing one.
func find(t testing.TB, candidates ...string) string {
	t.Helper()
	for _, candidate := range candidates {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	giveUp(t, candidates[0])
	return ""
}

// giveUp ends the test for want of a peer: as a skip, or as a failure where nothing may be left out.
func giveUp(t testing.TB, name string) {
	t.Helper()
	if os.Getenv("POSTERN_REQUIRE") == "1" {
		t.Fatalf("%s is not installed (make deps), and POSTERN_REQUIRE=1 allows no skip", name)
	}
	reason := name + " is not installed (make deps)"
	if path := os.Getenv("POSTERN_SKIPS"); path != "" {
		if err := note(path, home()+" "+t.Name()+": "+reason); err != nil {
			t.Fatalf("note the skip: %v", err)
		}
	}
	t.Skipf("skipped: %s", reason)
}

// note appends a line to the file at path. Test programs run side by side, so a line goes out in one append.
func note(path, line string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(line + "\n"); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// home names the package under test, as far as the test program was told.
func home() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return strings.TrimSuffix(info.Path, ".test")
	}
	return filepath.Base(os.Args[0])
}
